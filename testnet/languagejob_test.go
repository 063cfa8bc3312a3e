package testnet_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
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
		{Tokens: once, TokensMax: 100, StopTokens: []int32{432}},
		{Tokens: []int32{1, 1 << 20}, TokensMax: 8},
	}
}

// A language model that validators and worker have is ordered by prompts; what comes out is paid, and equal to the bit to what the
// model says on this machine.
func TestLanguageJob(t *testing.T) {
	m := newMarket(t)
	path := storiesFile(t)
	var store language.Store
	for _, h := range m.homes() {
		store = language.Store{Dir: filepath.Join(h, "models")}
		if _, _, err := store.Put(path); err != nil {
			t.Fatal(err)
		}
	}
	m.run()
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
	m.doneOnce(id, uint64(len(inputs)))
	_, r := m.result(id)
	for i := range r.Items[:3] {
		l := &r.Items[i]
		if l.Output == nil || l.Said == nil || l.Verdict != "passed" {
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
}
