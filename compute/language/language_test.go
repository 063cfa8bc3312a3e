package language

// A model has one id, whatever its file says beside it; what it answers follows from the item alone, and one pass tells a true
// result from every other; what is wrong with an item is a fault of it.

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const testContext, testVocab = languagetest.Context, languagetest.Vocab

func writeModel(t testing.TB, change int, more func(*gguf.Writer)) string {
	t.Helper()
	return languagetest.Write(t, languagetest.Change{Weight: change, More: more})
}

func open(t testing.TB, path string) *Model {
	t.Helper()
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func ready(t testing.TB, o Options) *Ready {
	t.Helper()
	r, err := open(t, writeModel(t, -1, nil)).Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func idOf(t testing.TB, path string) chain.Hash {
	t.Helper()
	id, err := open(t, path).ID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestID(t *testing.T) {
	id := idOf(t, writeModel(t, -1, nil))
	same := idOf(t, writeModel(t, -1, func(w *gguf.Writer) { w.Text("general.description", "of somebody") }))
	if same != id {
		t.Error("what a model does not compute with changes its id")
	}
	for name, other := range map[string]chain.Hash{
		"first weight": idOf(t, writeModel(t, 0, nil)),
		"a later one":  idOf(t, writeModel(t, 300*32+777, nil)),
		"end of texts": idOf(t, writeModel(t, -1, func(w *gguf.Writer) { w.Uint32("tokenizer.ggml.eot_token_id", 7) })),
		"no start":     idOf(t, writeModel(t, -1, func(w *gguf.Writer) { w.Bool("tokenizer.ggml.add_bos_token", false) })),
		"stretched": idOf(t, writeModel(t, -1, func(w *gguf.Writer) {
			w.Text("llama.rope.scaling.type", "linear")
			w.Float32("llama.rope.scaling.factor", 2)
		})),
		"head's length": idOf(t, writeModel(t, -1, func(w *gguf.Writer) { w.Uint32("llama.attention.key_length", 8) })),
	} {
		if same := other == id; same != (name == "head's length") { // 32 / 4 is 8 anyway
			t.Errorf("%s: the same id is %t", name, same)
		}
	}
	m := open(t, writeModel(t, -1, nil))
	names := lm.TensorNames(m.File, m.Shape)
	if len(names) != len(m.File.Tensors) {
		t.Errorf("%d tensors are named, the model has %d", len(names), len(m.File.Tensors))
	}
}

// The letters, numbers and spaces that some tokenizers cut at are those of one version of Unicode (TOKEN-5).
func TestUnicode(t *testing.T) {
	if unicode.Version != "15.0.0" {
		t.Errorf("Unicode %s: texts may become other tokens than on nodes with 15.0.0; docs/protocol/tasks.md says what to do", unicode.Version)
	}
}

func prompts() []Prompt {
	return []Prompt{
		{Tokens: []int32{1, 5, 9}, TokensMax: 40},
		{Parts: []token.Part{{Text: "tale"}, {Text: "<s>", Mode: token.Special}, {Text: " of rain"}}, TokensMax: 30, Seed: 9, TemperaturePpm: 900_000, TopPPpm: 950_000},
		{Tokens: []int32{1, 80}, TokensMax: 60, Seed: 4, TemperaturePpm: 1_500_000, TopK: 40, PenaltyPpm: 1_200_000, PenaltyReach: 16},
		{Tokens: []int32{1, 5, 9}, TokensMax: 1},
		{Tokens: []int32{1, 80}, TokensMax: 8, Seed: 4, TemperaturePpm: 900_000, Wants: WantsLikelihoods, Top: 3},
		{Parts: []token.Part{{Text: "tale"}}, TokensMax: 5, Wants: WantsLikelihoods},
		{Tokens: []int32{1, 5, 9, 80}, Wants: WantsMean},
		{Tokens: []int32{1, 5, 9, 80}, Wants: WantsLast},
	}
}

func TestAnswersFollow(t *testing.T) {
	r := ready(t, Options{Threads: 2})
	other := ready(t, Options{Threads: 1})
	list := prompts()
	whole := answer(t, r, &list[2])
	stop := list[2] // ends with the third token, and with a text in the middle
	stop.StopTokens = []int32{whole.Tokens[2]}
	text := list[2]
	text.StopTexts = []string{"no such", string([]rune(whole.Text)[4:7])}
	list = append(list, stop, text)
	for i := range list {
		p := &list[i]
		result, err := r.Run(t.Context(), p.Encode())
		if err != nil {
			t.Fatal(err)
		}
		a, err := DecodeAnswer(result)
		if err != nil || !bytes.Equal(a.Encode(), result) {
			t.Fatalf("prompt %d: %v", i, err)
		}
		if again, err := other.Run(t.Context(), p.Encode()); err != nil || !bytes.Equal(again, result) {
			t.Errorf("prompt %d: another machine says otherwise: %v", i, err)
		}
		follows(t, other, p, result, true)
		for _, forged := range forgeries(a) {
			follows(t, other, p, forged, false)
		}
		changed := *p
		changed.TokensMax++
		if a.End == EndLength {
			follows(t, other, &changed, result, false)
		}
	}
	stopped, cut := len(list)-2, len(list)-1
	if a := answer(t, r, &list[stopped]); a.End != EndToken || len(a.Tokens) > 3 {
		t.Errorf("a stop token: %+v", a)
	}
	if a := answer(t, r, &list[cut]); a.End != EndText || len(a.Tokens) >= len(whole.Tokens) || !bytes.HasPrefix([]byte(whole.Text), []byte(a.Text)) {
		t.Errorf("a stop text: %+v of %q", a, whole.Text)
	}
}

func answer(t *testing.T, r *Ready, p *Prompt) *Answer {
	t.Helper()
	result, err := r.Run(t.Context(), p.Encode())
	if err != nil {
		t.Fatal(err)
	}
	a, err := DecodeAnswer(result)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func follows(t *testing.T, r *Ready, p *Prompt, result []byte, want bool) {
	t.Helper()
	if got, err := r.Follows(t.Context(), p.Encode(), result); err != nil || got != want {
		t.Errorf("%+v: follows is %t, want %t, %v", p, got, want, err)
	}
}

// forgeries lists results that differ from an answer in one thing.
func forgeries(a *Answer) (list [][]byte) {
	add := func(change func(*Answer)) {
		b := *a
		b.Tokens, b.Vector, b.Likelihoods = slices.Clone(a.Tokens), slices.Clone(a.Vector), slices.Clone(a.Likelihoods)
		for i := range b.Likelihoods {
			b.Likelihoods[i].Top = slices.Clone(b.Likelihoods[i].Top)
		}
		change(&b)
		list = append(list, b.Encode())
	}
	list = [][]byte{nil, a.Encode()[:10], append(a.Encode(), 0)}
	add(func(b *Answer) { b.PromptTokens++ })
	add(func(b *Answer) { b.Text += "!" })
	add(func(b *Answer) { b.End = b.End%EndVector + 1 })
	add(func(b *Answer) { b.Vector = append(b.Vector, 1) })
	flip := func(v *float32) { *v = math.Float32frombits(math.Float32bits(*v) ^ 1) }
	if a.End == EndVector {
		for _, at := range []int{0, len(a.Vector) - 1} {
			add(func(b *Answer) { flip(&b.Vector[at]) })
		}
		add(func(b *Answer) { b.Vector = b.Vector[1:] })
		add(func(b *Answer) { *b = Answer{End: EndLength, PromptTokens: b.PromptTokens, Tokens: []int32{5}} })
		return list
	}
	if last := len(a.Likelihoods) - 1; last >= 0 {
		add(func(b *Answer) { flip(&b.Likelihoods[last].Logprob) })
		add(func(b *Answer) { b.Likelihoods = b.Likelihoods[:last] })
		add(func(b *Answer) { b.Likelihoods = nil })
		add(func(b *Answer) { b.Likelihoods[0].Top = append(b.Likelihoods[0].Top, lm.Likely{}) })
		if len(a.Likelihoods[0].Top) > 1 {
			add(func(b *Answer) { flip(&b.Likelihoods[0].Top[1].Logprob) })
			add(func(b *Answer) { b.Likelihoods[0].Top[1].Token ^= 1 })
			add(func(b *Answer) { b.Likelihoods[last].Top = b.Likelihoods[last].Top[:1] })
		}
	} else {
		add(func(b *Answer) { b.Likelihoods = make([]Likelihood, len(b.Tokens)) })
	}
	for _, at := range []int{0, len(a.Tokens) / 2, len(a.Tokens) - 1} {
		add(func(b *Answer) { b.Tokens[at] = (b.Tokens[at] + 1) % testVocab })
	}
	add(func(b *Answer) { b.Tokens[0] = testVocab })
	add(func(b *Answer) { b.Tokens[0] = -1 })
	if len(a.Tokens) > 1 {
		add(func(b *Answer) { b.Tokens = b.Tokens[:len(b.Tokens)-1] })
	}
	add(func(b *Answer) { b.Tokens = append(b.Tokens, 5) })
	return list
}

func TestFaults(t *testing.T) {
	r := ready(t, Options{})
	good := Prompt{Tokens: []int32{1, 2}, TokensMax: 4}
	for _, c := range []struct {
		what string
		item func(p *Prompt) []byte
		want image.Fault
	}{
		{"too large", func(*Prompt) []byte { return make([]byte, ItemBytesMax+1) }, image.FaultBytes},
		{"empty", func(*Prompt) []byte { return nil }, image.FaultPrompt},
		{"more behind", func(p *Prompt) []byte { return append(p.Encode(), 0) }, image.FaultPrompt},
		{"other version", func(p *Prompt) []byte { b := p.Encode(); b[0]++; return b }, image.FaultPrompt},
		{"version 1", func(p *Prompt) []byte { b := p.Encode(); return append([]byte{1}, b[3:]...) }, image.FaultPrompt},
		{"other want", func(p *Prompt) []byte { p.Wants = wantsEnd; return p.Encode() }, image.FaultPrompt},
		{"other form", func(p *Prompt) []byte { b := p.Encode(); b[3] = 7; return b }, image.FaultPrompt},
		{"likeliest unasked", func(p *Prompt) []byte { p.Top = 1; return p.Encode() }, image.FaultPrompt},
		{"too many likeliest", func(p *Prompt) []byte { p.Wants, p.Top = WantsLikelihoods, TopMax+1; return p.Encode() }, image.FaultPrompt},
		{"a vector and an answer", func(p *Prompt) []byte { p.Wants = WantsMean; return p.Encode() }, image.FaultPrompt},
		{"a vector that is drawn", func(p *Prompt) []byte { p.Wants, p.TokensMax, p.Seed = WantsLast, 0, 1; return p.Encode() }, image.FaultPrompt},
		{"a vector with stops", func(p *Prompt) []byte {
			p.Wants, p.TokensMax, p.StopTexts = WantsLast, 0, []string{"a"}
			return p.Encode()
		}, image.FaultPrompt},
		{"a vector of too much", func(p *Prompt) []byte {
			p.Wants, p.TokensMax, p.Tokens = WantsMean, 0, make([]int32, testContext+1)
			return p.Encode()
		}, image.FaultShape},
		{"nothing to continue", func(p *Prompt) []byte { p.Tokens = nil; return p.Encode() }, image.FaultPrompt},
		{"no answer", func(p *Prompt) []byte { p.TokensMax = 0; return p.Encode() }, image.FaultPrompt},
		{"longest answer", func(p *Prompt) []byte { p.TokensMax = AnswerTokensMax + 1; return p.Encode() }, image.FaultPrompt},
		{"hot", func(p *Prompt) []byte { p.TemperaturePpm = TemperatureMax + 1; return p.Encode() }, image.FaultPrompt},
		{"cold", func(p *Prompt) []byte { p.TemperaturePpm = 1; return p.Encode() }, image.FaultPrompt},
		{"penalty", func(p *Prompt) []byte { p.PenaltyPpm = 1; return p.Encode() }, image.FaultPrompt},
		{"share", func(p *Prompt) []byte { p.TopPPpm = 1_000_001; return p.Encode() }, image.FaultPrompt},
		{"empty stop", func(p *Prompt) []byte { p.StopTexts = []string{""}; return p.Encode() }, image.FaultPrompt},
		{"mode", func(p *Prompt) []byte { p.Tokens, p.Parts = nil, []token.Part{{Text: "x", Mode: 2}}; return p.Encode() }, image.FaultPrompt},
		{"no room", func(p *Prompt) []byte { p.TokensMax = testContext - 1; return p.Encode() }, image.FaultShape},
		{"unknown token", func(p *Prompt) []byte { p.Tokens[1] = testVocab; return p.Encode() }, image.FaultShape},
		{"negative token", func(p *Prompt) []byte { p.Tokens[1] = -1; return p.Encode() }, image.FaultShape},
		{"unknown stop", func(p *Prompt) []byte { p.StopTokens = []int32{testVocab}; return p.Encode() }, image.FaultShape},
	} {
		p := good
		p.Tokens = slices.Clone(good.Tokens)
		item := c.item(&p)
		if _, err := r.Run(t.Context(), item); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if ok, err := r.Follows(t.Context(), item, nil); ok || !errors.Is(err, c.want) {
			t.Errorf("%s: follows %t, %v, want %v", c.what, ok, err, c.want)
		}
	}
	good.TokensMax = testContext - 2
	if _, err := r.Run(t.Context(), good.Encode()); err != nil {
		t.Errorf("what just fits: %v", err)
	}
}

// What this machine lacks is no fault of an item, and a run that is cut short leaves a model that goes on.
func TestMachine(t *testing.T) {
	path := writeModel(t, -1, nil)
	if _, err := open(t, path).Load(Options{MemoryBytes: 1000}); err == nil {
		t.Error("weights fit into a thousand bytes")
	}
	small := open(t, path)
	page := int64(lm.NewCache(small.Shape, 1).PageBytes())
	r, err := small.Load(Options{MemoryBytes: 4 * page / 2})
	if err != nil {
		t.Fatal(err)
	}
	p := prompts()[0]
	var fault image.Fault
	if _, err := r.Run(t.Context(), p.Encode()); err == nil || errors.As(err, &fault) {
		t.Errorf("without room for one page: %v", err)
	}
	r = ready(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, p.Encode()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := r.Run(t.Context(), p.Encode()); err != nil {
		t.Errorf("after a run that was cut short: %v", err)
	}
}

func TestStore(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "models")}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("a store that is not there: %v, %v", list, err)
	}
	path := writeModel(t, -1, nil)
	id, name, err := s.Put(path)
	if err != nil || name != "random" || id != idOf(t, path) {
		t.Fatalf("put: %v %q %v", id, name, err)
	}
	if again, _, err := s.Put(path); err != nil || again != id {
		t.Errorf("put twice: %v %v", again, err)
	}
	for _, text := range []string{"random", id.String(), id.String()[:10]} {
		if got, err := s.Find(text); err != nil || got != id {
			t.Errorf("find %s: %v %v", text, got, err)
		}
	}
	if list, err := s.List(); err != nil || len(list) != 1 || list[0].ID != id || list[0].Name != "random" || list[0].Err != nil {
		t.Errorf("list: %+v %v", list, err)
	}
	m, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	wrong := chain.Hash{1}
	if err := os.Rename(s.Path(id), s.Path(wrong)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(wrong); err == nil {
		t.Error("a file under another's name is taken")
	}
	if _, err := s.Open(id); !errors.Is(err, model.ErrNoModel) {
		t.Errorf("a model that is gone: %v", err)
	}
	if err := s.Remove(wrong); err != nil || s.Has(wrong) {
		t.Errorf("remove: %v", err)
	}
	if err := os.WriteFile(path, []byte("GGUF, more or less"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Put(path); err == nil {
		t.Error("a file that is none is stored")
	}
}

func FuzzPrompt(f *testing.F) {
	for _, p := range prompts() {
		f.Add(p.Encode())
	}
	f.Add((&Prompt{Tokens: []int32{1}, TokensMax: 1, StopTokens: []int32{3}, StopTexts: []string{"a", "b"}}).Encode())
	f.Fuzz(func(t *testing.T, item []byte) {
		p, err := DecodePrompt(item)
		if err != nil {
			if _, ok := errors.AsType[image.Fault](err); !ok {
				t.Fatalf("%v is no fault", err)
			}
			return
		}
		if !bytes.Equal(p.Encode(), item) || p.Check() != nil || p.Sampling().Check() != nil {
			t.Fatalf("%x is read as %+v", item, p)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add((&Answer{End: EndLength, PromptTokens: 3, Tokens: []int32{1, 2}, Text: "ab"}).Encode())
	f.Add((&Answer{End: EndVector, PromptTokens: 3, Vector: []float32{0.6, 0.8}}).Encode())
	f.Add((&Answer{End: EndText, PromptTokens: 3, Tokens: []int32{1}, Likelihoods: []Likelihood{{-1, []lm.Likely{{Token: 1, Logprob: -1}}}}}).Encode())
	f.Fuzz(func(t *testing.T, result []byte) {
		a, err := DecodeAnswer(result)
		if err == nil && !bytes.Equal(a.Encode(), result) {
			t.Fatalf("%x is read as %+v", result, a)
		}
	})
}

func TestMillionths(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want uint32
		ok   bool
	}{{0.7, 700_000, true}, {0, 0, true}, {16, 16_000_000, true}, {16.1, 0, false}, {-0.1, 0, false}, {math.NaN(), 0, false}, {1e-7, 0, true}} {
		if got, err := ToPpm(c.v); got != c.want || (err == nil) != c.ok {
			t.Errorf("%g: %d, %v, want %d", c.v, got, err, c.want)
		}
	}
	for n := uint32(0); n <= 3000; n++ { // three decimals are the float32 that people mean
		if got, want := OfPpm(1000*n), float32(float64(n)/1000); got != want {
			t.Fatalf("%d thousandths are %g, want %g", n, got, want)
		}
	}
}
