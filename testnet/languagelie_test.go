package testnet

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// languageModel gives the file of stories260K where the shared data is here, else of a random model.
func languageModel(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(testutil.Root(t)), "shared", "data", "models", "stories260K.bin"))
	if err != nil {
		return languagetest.Write(t, languagetest.Change{Weight: -1})
	}
	var w gguf.Writer
	if err := llama2c.Convert(&w, "stories260K", raw); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stories260K.gguf")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A worker lies in one token of each answer, and keeps the lie up by another about a value inside the model. An auditor challenges it: the dispute
// ends at the tile of that value. The liar loses bond, and the answers are given by another worker and paid once. One of them lies in a blob.
func TestLieInAnAnswerIsDisputed(t *testing.T) {
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	path := languageModel(t)
	var name string
	var honest *Process
	c := network(t, exe, DefaultLayout(), func(c *Cluster) {
		c.Workers[0].exe, c.Workers[0].env = faulty, lieInside
		honest = c.apart(1)
		homes := []string{workerHome(c.Dir, 0).Dir, workerHome(c.Dir, 1).Dir}
		for i := range c.Validators {
			homes = append(homes, validatorHome(c.Dir, i).Dir)
		}
		for _, h := range homes {
			var err error
			if _, name, err = (language.Store{Dir: filepath.Join(h, "models")}).Put(path); err != nil {
				t.Fatal(err)
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), crashMax)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil {
		t.Fatal(err)
	}
	id := orderAnswers(ctx, t, cl, name)
	waitDispute(ctx, t, cl, "a challenge", func(*endedDispute) bool { return true })
	c.join(t, honest)
	j, err := requester.Watch(ctx, cl, id, func(*requester.Job) {})
	if err != nil {
		t.Fatal(err)
	}
	checkHonest(t, j)
	d := disputeOf(ctx, t, cl, 1)
	if d.Phase != dispute.Ended.String() || d.Verdict != dispute.Wrong.String() || d.Parties[0] != WorkerAddress(0) {
		t.Errorf("the dispute against %s is %s with the verdict %s, want it ended, the liar being wrong", d.Parties[0], d.Phase, d.Verdict)
	}
	if d.Steps == 0 || d.Entry == 0 || d.Entry == d.Entries-1 {
		t.Errorf("it came down to entry %d of %d in %d steps, want an operator inside and a tile of it", d.Entry, d.Entries, d.Steps)
	}
	t.Logf("%s: decided at operator %d of %d after %d rounds and %d steps", name, d.Entry, d.Entries-1, d.Rounds, d.Steps)
	if liar, honest := slashesOf(ctx, t, cl, 0), slashesOf(ctx, t, cl, 1); liar != 1 || honest != 0 {
		t.Errorf("the liar was slashed %d times, the honest worker %d times, want once and never", liar, honest)
	}
	if got := balanceOf(ctx, t, cl, d.Parties[1]); !got.Gt(tokens(10_050)) {
		t.Errorf("the challenger has %s, want its bond back and half of what the liar lost", got.Dec())
	}
}

// orderAnswers orders answers to two prompts, audited in full: a short one, and one that lies in a blob.
func orderAnswers(ctx context.Context, t *testing.T, cl *client.Client, name string) uint64 {
	t.Helper()
	var inputs []requester.Input
	for _, p := range []language.Prompt{
		{Tokens: []int32{1, 103, 107, 261, 78}, TokensMax: 8},
		{Tokens: []int32{1, 103, 107, 261, 78}, TokensMax: 120, Seed: 7, TemperaturePpm: 800_000, TopPPpm: 900_000, PenaltyPpm: 1_100_000},
	} {
		in, err := requester.NewPrompt("prompt", &p)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, in)
	}
	model, err := requester.FindModel(ctx, cl, name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := requester.NewPlan(ctx, cl, model, inputs, requester.Terms{Price: *uint256.NewInt(1e18), AuditPpm: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := plan.Fund(ctx, client.NewSender(cl, Account(0)))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Upload(ctx, cl, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return id
}
