package dispute_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The rules one by one: who is silent loses; what is no part of a tree, model or case is refused without a trace;
// false shapes lose without a tile; what the contract does not cover it leaves undecided.

// twoRuns gives a true run and one that is false at the third operator.
func twoRuns(t testing.TB) (run, liar *receipt.Trace) {
	m, in := receipttest.Network(1)
	run = receipttest.Trace(t, m, in)
	return run, receipttest.Lie(run, m.Net.FirstOf(2), rand.New(rand.NewPCG(1, 2)))
}

func TestTimeOuts(t *testing.T) {
	both := []dispute.Phase{dispute.Entries, dispute.Showing, dispute.Tiles}
	cases := []struct {
		phase   dispute.Phase
		answers []int // sides that answer before the time is over
		want    dispute.Verdict
	}{{dispute.Answering, nil, dispute.Wrong}, {dispute.Judging, nil, dispute.Stands}, {dispute.Feeding, nil, dispute.Stands}}
	for _, p := range both {
		for _, c := range []struct {
			answers []int
			want    dispute.Verdict
		}{{nil, dispute.Stands}, {[]int{0}, dispute.Stands}, {[]int{1}, dispute.Wrong}} {
			cases = append(cases, struct {
				phase   dispute.Phase
				answers []int
				want    dispute.Verdict
			}{p, c.answers, c.want})
		}
	}
	run, liar := twoRuns(t)
	for _, c := range cases {
		w := newWorld(t)
		p := w.play(liar, run, dispute.Challenger)
		d := p.Until(t, c.phase)
		for _, s := range c.answers {
			p.Send(p.Answer(t, &d, s))
		}
		d = w.load(p.ID)
		w.block.ParentTimeMs = d.DeadlineMs - 1
		if res := w.send("poke", stranger, chain.AddrDisputes, none, dispute.PackPoke(p.ID)); res.Err == nil {
			t.Errorf("%v: ended before its time", c.phase)
		}
		w.wait(1)
		if len(c.answers) == 0 && c.phase != dispute.Answering && c.phase < dispute.Judging {
			method, from, input := p.Answer(t, &d, 1)
			if res := w.send(method, from, chain.AddrDisputes, none, input); res.Err == nil {
				t.Errorf("%v: an answer after its time", c.phase)
			}
		}
		w.must(w.send("poke", stranger, chain.AddrDisputes, none, dispute.PackPoke(p.ID)))
		if got := w.load(p.ID).Verdict; got != c.want {
			t.Errorf("%v with answers of %v: got %v, want %v", c.phase, c.answers, got, c.want)
		}
		if res := w.send("poke", stranger, chain.AddrDisputes, none, dispute.PackPoke(p.ID)); res.Err == nil {
			t.Errorf("%v: ended twice", c.phase)
		}
	}
}

// print gives all that the state holds.
func (w *world) print() string {
	d := w.view.Diff()
	return fmt.Sprintf("%+v %+v", d.Accounts, d.Slots)
}

// refuse makes a call that must fail without a trace.
func (w *world) refuse(what string, from chain.Address, input []byte) {
	w.t.Helper()
	before := w.print()
	if res := w.send("", from, chain.AddrDisputes, none, input); res.Err == nil {
		w.t.Errorf("%s: not refused", what)
	}
	if w.print() != before {
		w.t.Errorf("%s: left something", what)
	}
}

func TestGarbage(t *testing.T) {
	run, liar := twoRuns(t)
	w := newWorld(t)
	p := w.play(liar, run, dispute.Challenger)
	id, h := p.ID, chain.Hash{1}

	w.refuse("an answer of a stranger", stranger, dispute.PackAnswer(id, p.Sides[0].Claim()))
	w.refuse("an answer of the challenger", challenger, dispute.PackAnswer(id, p.Sides[0].Claim()))
	w.refuse("the challenger's claim", worker, dispute.PackAnswer(id, p.Sides[1].Claim()))
	k := p.Sides[0].Claim()
	k.Receipt = run.Root() // of another run: the result does not follow
	w.refuse("another receipt", worker, dispute.PackAnswer(id, k))
	w.refuse("a node too early", worker, dispute.PackSplit(id, h, h))
	w.refuse("no such dispute", worker, dispute.PackSplit(id+1, h, h))

	d := p.Until(t, dispute.Entries)
	w.refuse("no children", worker, dispute.PackSplit(id, h, h))
	left, right, err := p.Sides[0].Split(&d)
	if err != nil {
		t.Fatal(err)
	}
	w.refuse("children turned around", worker, dispute.PackSplit(id, right, left))
	w.refuse("children of the other", challenger, dispute.PackSplit(id, left, right))
	w.refuse("children by a stranger", stranger, dispute.PackSplit(id, left, right))
	p.Send("split", worker, dispute.PackSplit(id, left, right))
	w.refuse("a second answer", worker, dispute.PackSplit(id, left, right))
	left, right, _ = p.Sides[1].Split(&d)
	p.Send("split", challenger, dispute.PackSplit(id, left, right))

	d = p.Until(t, dispute.Showing)
	other, err := p.Sides[1].Show(&d)
	if err != nil {
		t.Fatal(err)
	}
	w.refuse("another entry", worker, dispute.PackShow(id, other))
	w.refuse("no entry", worker, dispute.PackShow(id, []byte{1, 2}))

	d = p.Until(t, dispute.Judging)
	for name, change := range judgements(run, d.Entry) {
		j, err := p.Feeder.Judgement(&d)
		if err != nil {
			t.Fatal(err)
		}
		change(j)
		w.refuse("a judgement with "+name, stranger, dispute.PackJudge(id, j))
	}

	d = p.Until(t, dispute.Feeding)
	f, err := p.Feeder.Feed(&d)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range feeds() {
		g := *f
		g.Tiles, g.Proof, g.Sizes = cloneAll(f.Tiles), append([]chain.Hash(nil), f.Proof...), append([]uint64(nil), f.Sizes...)
		g.Case = bytes.Clone(f.Case)
		change(&g)
		w.refuse("a step with "+name, stranger, dispute.PackStep(id, &g))
	}
	w.must(w.send("step", stranger, chain.AddrDisputes, none, dispute.PackStep(id, f)))
}

func cloneAll(list [][]byte) (out [][]byte) {
	for _, b := range list {
		out = append(out, bytes.Clone(b))
	}
	return out
}

func judgements(run *receipt.Trace, entry uint64) map[string]func(j *dispute.Judgement) {
	return map[string]func(j *dispute.Judgement){
		"the parties exchanged":       func(j *dispute.Judgement) { j.Shown[0], j.Shown[1] = j.Shown[1], j.Shown[0] },
		"another operator":            func(j *dispute.Judgement) { j.Parts[len(j.Parts)-1] = run.Model.Net.OpList[0].Encode() },
		"an operator less":            func(j *dispute.Judgement) { j.Parts, j.InModel = j.Parts[:1], j.InModel[:1] },
		"a weight changed":            func(j *dispute.Judgement) { j.Parts[0] = append([]byte(nil), j.Parts[0]...); j.Parts[0][9] ^= 1 },
		"a place of the model":        func(j *dispute.Judgement) { j.InModel[0]++ },
		"no entries":                  func(j *dispute.Judgement) { j.Entries, j.Places, j.Proof = nil, nil, nil },
		"the other's receipt":         func(j *dispute.Judgement) { j.Of = 1 - j.Of },
		"an entry that is not agreed": func(j *dispute.Judgement) { j.Places[len(j.Places)-1] = entry },
		"a hash changed":              func(j *dispute.Judgement) { j.Proof[0][0] ^= 1 },
		"a parameter too many":        func(j *dispute.Judgement) { j.Params = append(j.Params, []byte{1}) },
	}
}

func feeds() map[string]func(f *dispute.Feed) {
	return map[string]func(f *dispute.Feed){
		"another case":      func(f *dispute.Feed) { f.Case[1] ^= 1 },
		"a state":           func(f *dispute.Feed) { f.State = []byte{1} },
		"a tile changed":    func(f *dispute.Feed) { f.Tiles[0][0] ^= 1 },
		"a tile less":       func(f *dispute.Feed) { f.Tiles = f.Tiles[1:] },
		"a tile more":       func(f *dispute.Feed) { f.Tiles = append(f.Tiles, []byte{0}) },
		"a hash changed":    func(f *dispute.Feed) { f.Proof[0][3] ^= 1 },
		"a hash less":       func(f *dispute.Feed) { f.Proof = f.Proof[1:] },
		"a size too large":  func(f *dispute.Feed) { f.Sizes[0] += 1 << 40 },
		"sizes left out":    func(f *dispute.Feed) { f.Sizes = nil },
		"tiles exchanged":   func(f *dispute.Feed) { f.Tiles[0], f.Tiles[1] = f.Tiles[1], f.Tiles[0] },
		"a size that moves": func(f *dispute.Feed) { f.Sizes[0]-- },
	}
}

// Lies about shape, type and number.
func TestFalseShapes(t *testing.T) {
	run, _ := twoRuns(t)
	n := run.Model.Net
	v := n.FirstOf(6) // MaxPool
	r := rand.New(rand.NewPCG(5, 6))
	good := run.Values[v]
	for name, bad := range map[string]*tensor.Tensor{
		"shape": good.View([]int{good.Len()}),
		"type":  tensor.New(tensor.Int32, good.Shape()),
		"rank":  good.View(append([]int{1}, good.Shape()...)),
		"empty": tensor.New(tensor.Float32, []int{0}),
	} {
		for _, honest := range []dispute.Side{dispute.Defender, dispute.Challenger} {
			liar := receipttest.Lie(run, n.Outputs[0], r)
			liar.Set(v, bad)
			defence, attack, want := run, liar, dispute.Stands
			if honest == dispute.Challenger {
				defence, attack, want = liar, run, dispute.Wrong
			}
			d, _ := settle(t, defence, attack, honest)
			if d.Verdict != want || d.Steps != 0 {
				t.Errorf("another %s, honest %d: got %v after %d steps, want %v after none", name, honest, d.Verdict, d.Steps, want)
			}
		}
	}
}

// Two liars who differ from each other and from the truth.
func TestBothWrong(t *testing.T) {
	run, liar := twoRuns(t)
	other := receipttest.Lie(run, run.Model.Net.Outputs[0], rand.New(rand.NewPCG(7, 8)))
	v := run.Model.Net.FirstOf(2)
	for i, x := range []*receipt.Trace{liar, other} { // in one tile, and not the same there
		values := append([]float32(nil), tensor.Values[float32](run.Values[v])...)
		values[0] += float32(1 + i)
		x.Set(v, tensor.Of(run.Values[v].Shape(), values))
	}
	d, w := settle(t, liar, other, dispute.Challenger)
	if d.Verdict != dispute.Both {
		t.Errorf("got %v, want both", d.Verdict)
	}
	if paid := w.view.Balance(worker); !paid.Eq(tokens(1000)) {
		t.Errorf("a false defender has %s", paid.Dec())
	}
}

func TestInputsDiffer(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	other := receipttest.Trace(t, m, []*tensor.Tensor{receipttest.Flipped(in[0], rand.New(rand.NewPCG(9, 9)))})
	if run.Root() == other.Root() || bytes.Equal(receipt.NewAdvocate(run).Claim().Result, receipt.NewAdvocate(other).Claim().Result) {
		other.Set(m.Net.Outputs[0], receipttest.Flipped(other.Values[m.Net.Outputs[0]], rand.New(rand.NewPCG(9, 9))))
	}
	d, w := settle(t, run, other, dispute.Defender)
	if d.Verdict != dispute.Undecided {
		t.Errorf("got %v, want undecided", d.Verdict)
	}
	if paid := w.view.Balance(challenger); !paid.Eq(tokens(1000)) {
		t.Errorf("the challenger has %s, want its bond back", paid.Dec())
	}
}

// A defender answers OpenMax disputes at once, and more when some have ended.
func TestManyDisputes(t *testing.T) {
	run, liar := twoRuns(t)
	w := newWorld(t)
	a, b := receipt.NewAdvocate(run), receipt.NewAdvocate(liar)
	for range dispute.OpenMax {
		w.open(a, b, run.Model.Net.ID())
	}
	call := packOpen(run.Model.Net.ID(), worker, givenOf(a), b.Claim())
	if res := w.send("open", challenger, court, tokens(10), call); res.Err == nil {
		t.Error("one more was opened")
	}
	for id := uint64(1); id <= dispute.OpenMax; id++ {
		w.must(w.send("answer", worker, chain.AddrDisputes, none, dispute.PackAnswer(id, a.Claim())))
	}
	w.wait(w.params.Jobs.DisputeAnswerMs)
	for id := uint64(1); id <= dispute.OpenMax; id++ { // whoever opened it asks for the verdict
		e := native.NewInput("outcome(uint64)")
		e.Uint64(id)
		res := w.must(w.send("outcome", stranger, court, none, e.Out()))
		out := native.NewDecoder("(uint8,bool)", res.Output)
		if v := dispute.Verdict(out.Uint64()); v != dispute.Stands || !out.Bool() {
			t.Errorf("dispute %d: got %v", id, v)
		}
	}
	w.must(w.send("open", challenger, court, tokens(10), call))
	if paid := w.view.Balance(worker); !paid.Eq(tokens(1000 + 5*dispute.OpenMax)) {
		t.Errorf("the defender has %s, want half of every bond", paid.Dec())
	}
}

func TestSmallBond(t *testing.T) {
	run, liar := twoRuns(t)
	w := newWorld(t)
	a, b := receipt.NewAdvocate(run), receipt.NewAdvocate(liar)
	for _, bond := range []*uint256.Int{none, tokens(9)} {
		if res := w.send("open", challenger, court, bond, packOpen(run.Model.Net.ID(), worker, givenOf(a), b.Claim())); res.Err == nil {
			t.Errorf("a bond of %s was enough", bond.Dec())
		}
	}
}

// A defender needs nothing but the record: whatever is disputed, what it says by itself is what it says in a play.
func TestDefend(t *testing.T) {
	m, in := receipttest.Network(2)
	run := receipttest.Trace(t, m, in)
	for v := m.Net.FirstOf(0); int(v) < len(run.Values); v++ {
		w := newWorld(t)
		p := w.play(run, receipttest.Lie(run, v, rand.New(rand.NewPCG(uint64(v), 1))), dispute.Defender)
		defender := receipt.NewAdvocate(run) // another than the one that plays: it hears nothing
		send := p.Send
		p.Send = func(method string, from chain.Address, input []byte) {
			if from == worker {
				d := w.load(p.ID)
				own, err := defender.Defend(&d)
				if err != nil || !bytes.Equal(own, input) {
					t.Fatalf("value %d, %v: the defender by itself says another %s (%v)", v, d.Phase, method, err)
				}
			}
			send(method, from, input)
			if d := w.load(p.ID); from == worker && d.Shown&1 == 1 {
				if again, err := defender.Defend(&d); again != nil || err != nil {
					t.Fatalf("value %d, %v: a second answer", v, d.Phase)
				}
			}
		}
		if d := p.Run(t); d.Verdict != dispute.Stands {
			t.Errorf("value %d: got %v", v, d.Verdict)
		}
	}
}

// A chain may do without.
func TestNoDisputes(t *testing.T) {
	run, liar := twoRuns(t)
	w := newWorld(t)
	w.params.Jobs.DisputeBond = 0
	a, b := receipt.NewAdvocate(run), receipt.NewAdvocate(liar)
	if res := w.send("open", challenger, court, tokens(10), packOpen(run.Model.Net.ID(), worker, givenOf(a), b.Claim())); res.Err == nil {
		t.Error("a dispute was opened")
	}
}

// The encoded forms are locked: a change here is a change of the protocol. AIWORK_REWRITE=1 writes the file anew.
func TestConformance(t *testing.T) {
	const path = "testdata/conformance.txt"
	run, liar := twoRuns(t)
	var b strings.Builder
	id, root := run.Model.Net.ID(), run.Root()
	fmt.Fprintf(&b, "model %v\nreceipt %v\n", id, root)
	entries := run.Entries()
	fmt.Fprintf(&b, "entry %x\n", entries[3].Encode())
	k := dispute.Case{Opset: 17, Op: run.Model.Net.OpList[0].Encode(), Operands: []net.Digest{run.DigestOf(0), {}}, Params: []dispute.Param{{Port: 1, Bytes: []byte{1, 2}}}}
	fmt.Fprintf(&b, "case %x\n", k.Encode())
	for _, m := range dispute.Module().Methods {
		fmt.Fprintf(&b, "selector/%s %x\n", m.Signature, native.Selector(m.Signature))
	}
	step := dispute.Step{Role: "detection", In: id, Out: root}
	fmt.Fprintf(&b, "step %x\ntrace of none %v, of it %v\nlist %v\n", step.Encode(), dispute.NewTraceTree(nil).Root(), dispute.NewTraceTree([]dispute.Step{step}).Root(),
		dispute.ListRoot(entries[1].Digests))
	w := newWorld(t)
	d := w.play(liar, run, dispute.Challenger).Run(t)
	fmt.Fprintf(&b, "verdict %v, rounds %d, steps %d, entry %d, tile %d\ncase of it %v\n", d.Verdict, d.Rounds, d.Steps, d.Entry, d.Index, d.Case)
	for _, l := range w.logs {
		fmt.Fprintf(&b, "log %v %v %d %d %v\n", l.Kind, l.Phase, l.Level, l.Index, l.Verdict)
	}
	if os.Getenv("AIWORK_REWRITE") == "1" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func FuzzDecode(f *testing.F) {
	run, _ := twoRuns(f)
	for _, e := range run.Entries() {
		f.Add(e.Encode())
	}
	k := dispute.Case{Opset: 17, Op: run.Model.Net.OpList[0].Encode(), Operands: []net.Digest{run.DigestOf(0), {}}, Params: []dispute.Param{{Port: 1, Bytes: []byte{1, 2}}}}
	f.Add(k.Encode())
	m, in := receipttest.Composite(1)
	within := receipttest.Trace(f, m, in)
	for i := range m.Net.OpList { // composite ones among them
		k := dispute.Case{Opset: 14, Op: m.Net.OpList[i].Encode()}
		for _, v := range m.Net.OpList[i].In {
			k.Operands = append(k.Operands, within.DigestOf(v))
		}
		f.Add(k.Encode())
	}
	step := dispute.Step{Role: "detection"}
	f.Add(step.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := dispute.DecodeEntry(b); err == nil && !bytes.Equal(e.Encode(), b) {
			t.Error("entry: other bytes than were read")
		}
		if s, err := dispute.DecodeStep(b); err == nil && !bytes.Equal(s.Encode(), b) {
			t.Error("step: other bytes than were read")
		}
		if k, err := dispute.DecodeCase(b); err == nil {
			if !bytes.Equal(k.Encode(), b) {
				t.Error("case: other bytes than were read")
			}
			_, _ = k.Plan()
			_, _ = k.Expansion()
		}
	})
}
