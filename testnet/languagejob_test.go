package testnet_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline/pipelinetest"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/testnet"
)

// storiesFile converts the model of stories to a GGUF file.
func storiesFile(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(testutil.Shared(t, "data", "models", "stories260K.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var w gguf.Writer
	if err := llama2c.Convert(&w, "stories260K", raw); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stories260K.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return path
}

// prompts are a short answer, which lies on chain, a long one, which lies in a blob, one that a stop text ends, and an item that no
// model could answer.
func storiesPrompts() []language.Prompt {
	once := []int32{1, 403, 407, 261, 378}
	return []language.Prompt{
		{Tokens: once, TokensMax: 8},
		{Tokens: once, TokensMax: 120, Seed: 7, TemperaturePpm: 800_000, TopPPpm: 900_000, PenaltyPpm: 1_100_000},
		{Tokens: once, TokensMax: 100, StopTokens: []int32{483}},
		{Tokens: []int32{1, 1 << 20}, TokensMax: 8},
	}
}

// Models that nobody shipped, put into the folders of validators and worker: a network, a pipeline and a language model. They are ordered as jobs,
// by hand and through `serve`, and give what they give on this machine, to the byte.
func TestServedJobs(t *testing.T) {
	m := newMarket(t)
	path := storiesFile(t)
	var id chain.Hash
	for _, h := range m.homes() {
		folder := filepath.Join(h, "models")
		var err error
		if id, _, err = (language.Store{Dir: folder}).Put(path); err != nil {
			t.Fatal(err)
		}
		if _, err := (model.Store{Dir: folder}).Put(doubler(t)); err != nil {
			t.Fatal(err)
		}
		pipelinetest.Loud(t, folder)
	}
	m.run()
	t.Run("language", func(t *testing.T) { m.answersPrompts(t, path) })
	t.Run("from peers", func(t *testing.T) {
		served(t, m.cluster, 0, id)
		home := filepath.Join(t.TempDir(), "elsewhere")
		r, o := pull(t, home, "--rpc", m.cluster.URL(0), id.String())
		if o.code != 0 || r.ID == nil || *r.ID != id || r.Name != "stories260K" || !(language.Store{Dir: filepath.Join(home, "models")}).Has(id) {
			t.Errorf("got code %d, %+v, %s", o.code, r, o.stderr)
		}
	})
	folder := filepath.Join(m.homes()[0], "models")
	here := startServe(t, "--models", folder)
	paid := startServe(t, "--models", folder, "--rpc", m.cluster.URL(0), "--dev", "2", "--spend-per-hour", "100", "--price", "1", "--audit", "1")
	poor := startServe(t, "--models", folder, "--rpc", m.cluster.URL(0), "--dev", "3", "--spend-per-hour", "1", "--price", "1")
	for _, c := range servedCases() {
		t.Run(c.name, func(t *testing.T) { c.asked(t, here, paid, poor) })
	}
}

// answersPrompts orders prompts and reads the answers.
func (m *market) answersPrompts(t *testing.T, path string) {
	ready := readyLanguage(t, path)
	var inputs []requester.Input
	for _, p := range storiesPrompts() {
		in, err := requester.NewPrompt("prompt", &p)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	m.model = "stories260K"
	id := m.order(inputs)
	pay := new(uint256.Int).Div(awo(31), uint256.NewInt(10)) // three answers, and a tenth for what is at fault
	m.doneOnceFor(id, pay)
	_, r := m.result(id)
	for i := range r.Items[:3] {
		l := &r.Items[i]
		if l.Output == nil || l.Said == nil || l.Verdict != "verified" {
			t.Fatalf("item %d: %+v", i, l)
		}
		got, err := l.Output.Answer(t.Context(), m.node)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ready.Run(t.Context(), inputs[i].Data)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("item %d: got %x, want %x, %v", i, got, want, err)
		}
		if ok, err := ready.Follows(t.Context(), inputs[i].Data, got); err != nil || !ok {
			t.Errorf("item %d: does not follow in one pass: %v", i, err)
		}
	}
	if l := &r.Items[3]; l.Fault == "" || l.Output != nil {
		t.Errorf("a token that the model does not have: %+v", l)
	}
	if r.Items[0].Output.Blob != nil || r.Items[1].Output.Blob == nil || r.Items[1].Said.End != "length" || r.Items[2].Said.End != "token" {
		t.Errorf("%+v %+v %+v", r.Items[0].Output, r.Items[1].Output, r.Items[2].Said)
	}
	m.ordersByCommand(t, &r.Items[0])
	m.verifiesByCommand(t, id, len(inputs))
}

// verifiesByCommand checks the answers in one pass, and that the item at fault is.
func (m *market) verifiesByCommand(t *testing.T, id uint64, items int) {
	t.Helper()
	o := command(t, nil, "--home", m.homes()[0], "--json", "job", "verify", "--rpc", m.cluster.URL(0), strconv.FormatUint(id, 10))
	o.succeeded(t)
	var v struct {
		Items []struct{ Equal bool }
	}
	if err := json.Unmarshal([]byte(o.stdout), &v); err != nil || len(v.Items) != items || slices.ContainsFunc(v.Items, func(i struct{ Equal bool }) bool { return !i.Equal }) {
		t.Errorf("%v: %s", err, o.stdout)
	}
}

func readyLanguage(t *testing.T, path string) *language.Ready {
	t.Helper()
	model, err := language.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ready, err := model.Load(language.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ready.Close)
	return ready
}

// ordersByCommand orders the first prompt once more from the command line.
func (m *market) ordersByCommand(t *testing.T, want *requester.Line) {
	t.Helper()
	o := command(t, nil, "--home", m.homes()[0], "--json", "job", "create", "--rpc", m.cluster.URL(0), "--dev", "1", "--model", m.model,
		"--tokens", "1,403,407,261,378", "--max-tokens", "8")
	o.succeeded(t)
	var r requester.Result
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || len(r.Items) != 1 || r.Items[0].Said == nil {
		t.Fatalf("%v: %s", err, o.stdout)
	}
	if got := r.Items[0].Said; got.Text != want.Said.Text || !slices.Equal(got.Tokens, want.Said.Tokens) {
		t.Errorf("got %+v, want %+v", got, want.Said)
	}
	// What is wanted beside an answer, or instead of one. The text is ordered as tokens: the model is on this machine. Its file knows no pieces, so
	// the text is its bytes, behind a beginning and a space.
	const text = "Once upon a time"
	for _, more := range [][]string{{"--logprobs", "2", "--max-tokens", "8"}, {"--embed", "mean"}} {
		o := command(t, nil, append([]string{
			"--home", m.homes()[0], "--json", "job", "create", "--rpc", m.cluster.URL(0), "--dev", "1", "--model", m.model, "--prompt", text,
		}, more...)...)
		o.succeeded(t)
		var r requester.Result
		if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || len(r.Items) != 1 || r.Items[0].Said == nil {
			t.Fatalf("%v: %s", err, o.stdout)
		}
		said := r.Items[0].Said
		answered := len(said.Tokens) == 8 && len(said.Likelihoods) == 8 && len(said.Likelihoods[7].Top) == 2 && said.Likelihoods[0].Top[0].Logprob < 0
		if vector := said.End == "vector" && len(said.Vector) == 64; said.PromptTokens != 2+len(text) || vector == answered || vector != (more[0] == "--embed") {
			t.Errorf("%v: got %+v", more, said)
		}
	}
}

// startServe runs `serve` until the test ends and gives its URL.
func startServe(t *testing.T, flags ...string) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	folder := t.TempDir()
	args := append([]string{"--home", folder, "serve", "--listen", address, "--threads", "1", "--template", "plain"}, flags...)
	p := testnet.NewProcess("serve", program(t), args, nil, filepath.Join(folder, "serve.log"))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "serving", func(ctx context.Context) (bool, string) {
		status, words := get(ctx, "http://"+address+"/v2/health/ready")
		return status == http.StatusOK, words
	})
	return "http://" + address
}

// A servedCase is a request that is asked of a server that runs models, and of those that pay for them.
type servedCase struct {
	name, path, body string
	want             string // in the answer
}

func servedCases() []servedCase {
	sound := base64.StdEncoding.EncodeToString(pipelinetest.Recording())
	return []servedCase{
		{"network", "/v2/models/doubler/infer", `{"inputs":[{"name":"input_0","shape":[3],"datatype":"FP32","data":[1,-2.5,0.1]}]}`, `"data":[2,-5,0.2]`},
		{"pipeline", "/v2/models/" + pipelinetest.Name + "/infer", `{"inputs":[{"name":"recording","shape":[1],"datatype":"BYTES","data":["` + sound + `"]}]}`, `speech`},
		{
			"completion", "/v1/completions",
			`{"model":"stories260K","prompt":[1,403,407,261,378],"max_tokens":60,"seed":5,"temperature":0.7,"top_p":0.9,"return_token_ids":true}`, `"finish_reason":"length"`,
		},
		{
			"choices", "/v1/completions",
			`{"model":"stories260K","prompt":["once","a cat"],"n":2,"max_tokens":20,"seed":5,"return_token_ids":true,"logprobs":2}`, `"top_logprobs"`,
		},
		{"embeddings", "/v1/embeddings", `{"model":"stories260K","input":["a cat","a dog"],"encoding_format":"base64"}`, `"embedding"`},
		{"last state", "/v1/embeddings", `{"model":"stories260K","input":[1,403,407],"pooling":"last"}`, `"embedding"`},
		{
			"chat", "/v1/chat/completions",
			`{"model":"stories260K","messages":[{"role":"user","content":"a cat"}],"max_tokens":20,"seed":5,"temperature":0,"return_token_ids":true}`, `"role":"assistant"`,
		},
	}
}

// asked compares the answers: equal but for names and for what is told of the job. Who may not spend that much is refused.
func (c *servedCase) asked(t *testing.T, here, paid, poor string) {
	status, head, local := post(t, here+c.path, c.body)
	if status != http.StatusOK || head.Get("X-Aiwork-Class") != "exact" || !strings.Contains(local, c.want) {
		t.Fatalf("here: %d %s", status, local)
	}
	status, head, ordered := post(t, paid+c.path, c.body)
	if status != http.StatusOK || head.Get("X-Aiwork-Class") != "exact" || head.Get("X-Aiwork-Job") == "" || head.Get("X-Aiwork-Verdict") != "verified" {
		t.Fatalf("paid: %d %v %s", status, head, ordered)
	}
	if got, want := essence(t, ordered), essence(t, local); got != want {
		t.Errorf("paid for it is %s, here %s", got, want)
	}
	if status, head, body := post(t, poor+c.path, c.body); status != http.StatusTooManyRequests || head.Get("Retry-After") == "" || !strings.Contains(body, "limit") {
		t.Errorf("over the limit: %d %s", status, body)
	}
}

// essence is what was computed: choices or outputs.
func essence(t *testing.T, body string) string {
	t.Helper()
	var reply struct{ Choices, Outputs, Usage, Data json.RawMessage }
	if err := json.Unmarshal([]byte(body), &reply); err != nil {
		t.Fatal(err)
	}
	return string(reply.Choices) + string(reply.Outputs) + string(reply.Usage) + string(reply.Data)
}

func post(t *testing.T, url, body string) (int, http.Header, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(b)
}
