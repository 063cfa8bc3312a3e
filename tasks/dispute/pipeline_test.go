package dispute_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Disputes about pipelines: a lie within any step's network is found, whether its result lies on chain or in a blob; what stands between the
// networks is left undecided.

// withLie gives a run in which a step's network is false in one value, and so in what it puts out.
func withLie(r *receipttest.Run, step, op int, seed uint64) *receipttest.Run {
	out := *r
	out.Traces = slices.Clone(r.Traces)
	t := r.Traces[step]
	out.Traces[step] = receipttest.Lie(t, t.Model.Net.FirstOf(op), rand.New(rand.NewPCG(seed, 1)))
	return &out
}

// contend plays a dispute between two runs to its end.
func contend(t *testing.T, defence, attack *receipttest.Run, honest dispute.Side) (dispute.Dispute, *world) {
	t.Helper()
	w := newWorld(t)
	sides := [2]*receipt.Advocate{receipt.NewPipelineAdvocate(defence.Course()), receipt.NewPipelineAdvocate(attack.Course())}
	return w.playOf(sides, defence.ID(), honest).Run(t), w
}

func TestPipeline(t *testing.T) {
	for _, answer := range []string{"42", strings.Repeat("a long answer, which lies in a blob. ", 20), strings.Repeat("a longer one, of several chunks. ", 200)} {
		run := receipttest.Pipeline(t)
		run.Answer = answer
		for step, trace := range run.Traces {
			for op := range trace.Model.Net.OpList {
				if op%3 != step || len(answer) > 10 && op != step {
					continue
				}
				liar := withLie(run, step, op, uint64(op))
				for honest, want := range map[dispute.Side]dispute.Verdict{dispute.Defender: dispute.Stands, dispute.Challenger: dispute.Wrong} {
					sides := [2]*receipttest.Run{liar, liar}
					sides[honest] = run
					d, _ := contend(t, sides[0], sides[1], honest)
					if d.Verdict != want || d.Path[0] != uint32(step) || d.Depth == 0 {
						t.Errorf("a lie in step %d, operator %d, side %d being honest: got %v, step %d, depth %d; want %v", step, op, honest, d.Verdict, d.Path[0], d.Depth, want)
					}
				}
			}
		}
	}
}

// What does not come from a network is not decided: the answer, a step's inputs or role, whether there is another step.
func TestBetweenNetworks(t *testing.T) {
	run := receipttest.Pipeline(t)
	other := receipttest.Pipeline(t)
	for name, change := range map[string]func(r *receipttest.Run){
		"answer": func(r *receipttest.Run) { r.Answer = "43" },
		"inputs": func(r *receipttest.Run) { r.Traces[2] = other.Traces[0] },
		"role": func(r *receipttest.Run) {
			r.Roles, r.Traces[1] = []string{"network", "network", "network"}, other.Traces[0]
		},
		"fewer": func(r *receipttest.Run) { r.Roles, r.Traces = r.Roles[:2], r.Traces[:2] },
		"more": func(r *receipttest.Run) {
			r.Roles, r.Traces = append(r.Roles, "network"), append(r.Traces, other.Traces[0])
		},
		"none": func(r *receipttest.Run) { r.Roles, r.Traces = nil, nil },
	} {
		liar := *run
		liar.Roles, liar.Traces = slices.Clone(run.Roles), slices.Clone(run.Traces)
		change(&liar)
		d, w := contend(t, &liar, run, dispute.Challenger)
		if paid := w.view.Balance(challenger); d.Verdict != dispute.Undecided || !paid.Eq(tokens(1000)) {
			t.Errorf("another %s: got %v, the challenger has %s", name, d.Verdict, paid.Dec())
		}
	}
}

func TestPipelineRefused(t *testing.T) {
	run := receipttest.Pipeline(t)
	run.Answer = strings.Repeat("long ", 1000)
	liar := withLie(run, 1, 2, 5)
	w := newWorld(t)
	p := w.playOf([2]*receipt.Advocate{receipt.NewPipelineAdvocate(liar.Course()), receipt.NewPipelineAdvocate(run.Course())}, run.ID(), dispute.Challenger)
	for name, change := range map[string]func(k *dispute.Claim){
		"another kind":      func(k *dispute.Claim) { k.Kind = dispute.Network },
		"another trace":     func(k *dispute.Claim) { k.Receipt[0] ^= 1 },
		"another beginning": func(k *dispute.Claim) { k.Result[40] ^= 1 },
		"no path":           func(k *dispute.Claim) { k.Proof = nil },
		"another head":      func(k *dispute.Claim) { k.Head = run.Leaves[1] },
		"another length":    func(k *dispute.Claim) { k.Places[0]++ },
	} {
		k := *p.Sides[0].Claim()
		k.Result, k.Places = slices.Clone(k.Result), slices.Clone(k.Places)
		change(&k)
		w.refuse("an answer with "+name, worker, dispute.PackAnswer(p.ID, &k))
	}
	d := p.Until(t, dispute.Judging)
	w.refuse("a judgement of a step", stranger, dispute.PackJudge(p.ID, &dispute.Judgement{Shown: [2][]byte{{}, {}}}))
	for name, change := range map[string]func(g *dispute.Stage){
		"steps exchanged": func(g *dispute.Stage) { g.Shown[0], g.Shown[1] = g.Shown[1], g.Shown[0] },
		"another role":    func(g *dispute.Stage) { g.Role, g.Place = run.Leaves[2], 2 },
		"another place":   func(g *dispute.Stage) { g.Place++ },
		"another length":  func(g *dispute.Stage) { g.Leaves++ },
		"another network": func(g *dispute.Stage) { g.Role = slices.Clone(g.Role); g.Role[len(g.Role)-1] ^= 1 },
	} {
		g, err := p.Feeder.Stage(&d)
		if err != nil {
			t.Fatal(err)
		}
		change(g)
		w.refuse("a stage with "+name, stranger, dispute.PackStage(p.ID, g))
	}
	d = p.Until(t, dispute.Expanding)
	for name, change := range map[string]func(x *dispute.Rerun){
		"another step":    func(x *dispute.Rerun) { x.Step[5] ^= 1 },
		"another receipt": func(x *dispute.Rerun) { x.Receipt = run.Traces[1].Root() },
		"no inputs":       func(x *dispute.Rerun) { x.Entries, x.Places = x.Entries[1:], x.Places[1:] },
		"another head":    func(x *dispute.Rerun) { x.Head = run.Traces[0].Model.Net.Head.Encode() },
		"no proof":        func(x *dispute.Rerun) { x.Proof = nil },
	} {
		x, err := p.Sides[0].Rerun(&d)
		if err != nil {
			t.Fatal(err)
		}
		change(x)
		w.refuse("a receipt with "+name, worker, dispute.PackRerun(p.ID, x))
	}
	w.refuse("an expansion of a step", worker, dispute.PackExpand(p.ID, &dispute.Descent{}))
}

// A dispute is carried on from the chain alone.
func TestPipelineFromTheChainAlone(t *testing.T) {
	run := receipttest.Pipeline(t)
	for range 30 { // so that the step's place is no place in its network
		run.Roles, run.Traces = append([]string{"network"}, run.Roles...), append([]*receipt.Trace{run.Traces[0]}, run.Traces...)
	}
	liar := withLie(run, 31, 0, 7)
	w := newWorld(t)
	of := func(r *receipttest.Run) *receipt.Advocate { return receipt.NewPipelineAdvocate(r.Course()) }
	id := w.open(of(liar), of(run), run.ID())
	for range 500 {
		d := w.load(id)
		if d.Phase == dispute.Ended {
			if d.Verdict != dispute.Wrong {
				t.Errorf("got %v", d.Verdict)
			}
			return
		}
		for s, r := range []*receipttest.Run{liar, run} {
			input, err := of(r).Plead(&d, dispute.Side(s), d.EntriesIn(w.raw))
			if err != nil {
				t.Fatalf("%v: side %d: %v", d.Phase, s, err)
			}
			if input != nil {
				w.must(w.send(d.Phase.String(), d.Parties[s], chain.AddrDisputes, none, input))
				d = w.load(id)
			}
		}
	}
	t.Error("the dispute does not end")
}

// givenOf gives what the chain has of a result.
func givenOf(a *receipt.Advocate) *dispute.Subject {
	result := a.Result()
	if len(result) < 256 {
		return &dispute.Subject{Result: result}
	}
	return &dispute.Subject{Blob: blake3.Sum256(result), Size: uint32(len(result))}
}
