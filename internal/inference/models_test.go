package inference

// The models and servers of the tests: a small language model of random weights, which is made here, behind real HTTP.

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/quant"
	"github.com/aiwork/aiwork-node/compute/token"
)

// Kinds of tokens in a GGUF file.
const (
	kindNormal  = 1
	kindUnknown = 2
	kindControl = 3
	kindByte    = 6
)

// vocabulary has all bytes, control tokens of ChatML, and pieces of two letters.
func vocabulary(w *gguf.Writer) int {
	texts := []string{"<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"}
	kinds := []int32{kindUnknown, kindControl, kindControl, kindControl, kindControl}
	for b := range 256 {
		texts, kinds = append(texts, fmt.Sprintf("<0x%02X>", b)), append(kinds, kindByte)
	}
	for _, a := range "▁abcdeilmnorstuü" {
		for _, b := range "abcdeilmnorstuü " {
			texts, kinds = append(texts, strings.ReplaceAll(string([]rune{a, b}), " ", "▁")), append(kinds, kindNormal)
		}
	}
	scores := make([]float32, len(texts))
	for i := range scores {
		scores[i] = -float32(i)
	}
	w.Text("tokenizer.ggml.model", "llama")
	w.Strings("tokenizer.ggml.tokens", texts)
	w.Floats("tokenizer.ggml.scores", scores)
	w.Int32s("tokenizer.ggml.token_type", kinds)
	w.Uint32("tokenizer.ggml.unknown_token_id", 0)
	w.Uint32("tokenizer.ggml.bos_token_id", 1)
	w.Uint32("tokenizer.ggml.eos_token_id", 2)
	w.Text("tokenizer.chat_template", "{{'<|im_start|>'}}")
	return len(texts)
}

const testContext = 1024

// writeModel makes a language model's file.
func writeModel(t testing.TB, path string) {
	t.Helper()
	const layers, dim, hidden, heads = 2, 64, 96, 2
	rnd := rand.New(rand.NewPCG(7, 7))
	var w gguf.Writer
	vocab := vocabulary(&w)
	w.Text("general.architecture", "llama")
	for key, v := range map[string]uint32{
		"block_count": layers, "embedding_length": dim, "feed_forward_length": hidden, "attention.head_count": heads,
		"attention.head_count_kv": heads, "context_length": testContext,
	} {
		w.Uint32("llama."+key, v)
	}
	w.Float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	tensor := func(name string, mean, deviation float64, dims ...int) {
		n := 1
		for _, d := range dims {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(mean + float64(deviation*rnd.NormFloat64()))
		}
		raw, err := quant.Encode(quant.F32, v)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Tensor(name, quant.F32.Type(), dims, raw); err != nil {
			t.Fatal(err)
		}
	}
	tensor("token_embd.weight", 0, 1, dim, vocab)
	tensor("output_norm.weight", 0.15, 0.02, dim) // so that likelihoods differ, but not too much
	for i := range layers {
		blk := func(name string) string { return fmt.Sprintf("blk.%d.%s.weight", i, name) }
		tensor(blk("attn_norm"), 1, 0.1, dim)
		tensor(blk("ffn_norm"), 1, 0.1, dim)
		for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
			tensor(blk(name), 0, 0.1, dim, dim)
		}
		tensor(blk("ffn_gate"), 0, 0.1, dim, hidden)
		tensor(blk("ffn_up"), 0, 0.1, dim, hidden)
		tensor(blk("ffn_down"), 0, 0.1, hidden, dim)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

// testLanguage is the model "tiny".
func testLanguage(t testing.TB, o LanguageOptions) *Language {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	writeModel(t, path)
	f, err := language.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	o.Name, o.Path, o.Threads = "tiny", kernel.Best(), max(1, o.Threads)
	if o.CacheMiB == 0 {
		o.CacheMiB = 64
	}
	if o.AnswerMax == 0 {
		o.AnswerMax = DefaultLimits().QueueMax
	}
	l, err := LoadLanguage(path, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func partOf(text string) token.Part { return token.Part{Text: text} }

// A served is a server that runs until the test ends.
type served struct {
	t    testing.TB
	url  string
	stop func() // ends it and waits for its end
}

func testOptions() Options {
	return Options{
		Listen: "127.0.0.1:0", Version: "test", Limits: DefaultLimits(), Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}
}

func serve(t testing.TB, o Options) *served { return serveOver(t, o, nil) }

// serveOver is serve whose listener is put into another.
func serveOver(t testing.TB, o Options, in func(net.Listener) net.Listener) *served {
	t.Helper()
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	if in != nil {
		s.listener = in(s.listener)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	return &served{t: t, url: "http://" + s.Addr().String(), stop: stop}
}

// post sends a body and gives the answer's status, head and bytes.
func (s *served) post(path, body string) (int, http.Header, []byte) {
	s.t.Helper()
	r, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	return s.read(r, err)
}

func (s *served) get(path string) (int, http.Header, []byte) {
	s.t.Helper()
	r, err := http.Get(s.url + path)
	return s.read(r, err)
}

func (s *served) read(r *http.Response, err error) (int, http.Header, []byte) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, r.Header, b
}

// reply posts and decodes one answer, which must be in order.
func (s *served) reply(path, body string) (v reply) {
	s.t.Helper()
	status, _, b := s.post(path, body)
	if status != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", path, body, status, b)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// stream posts and decodes an answer in pieces, which must end as it should.
func (s *served) stream(path, body string) (list []reply) {
	s.t.Helper()
	status, head, b := s.post(path, body)
	if status != http.StatusOK || head.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%s: %d %v %s", body, status, head, b)
	}
	frames := bytes.Split(bytes.TrimSuffix(b, []byte("\n\n")), []byte("\n\n"))
	if last := string(frames[len(frames)-1]); last != "data: [DONE]" {
		s.t.Fatalf("a stream ends with %q", last)
	}
	for _, f := range frames[:len(frames)-1] {
		var v reply
		data, ok := bytes.CutPrefix(f, []byte("data: "))
		if err := json.Unmarshal(data, &v); err != nil || !ok {
			s.t.Fatalf("%q: %v", f, err)
		}
		list = append(list, v)
	}
	return list
}
