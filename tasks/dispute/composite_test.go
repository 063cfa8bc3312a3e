package dispute_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/expand"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Networks with branches, loops and recurrent operators: whoever lies about one bit of any value, however deep within them, loses within the
// bound; what is passed through is decided without a tile; who is silent, or names a receipt that its outputs do not follow from, gets nowhere.

// A lie is a value somewhere within a run.
type lie struct {
	path []uint32 // entries that lie within each other
	v    net.Value
}

// lies lists every value of a run and of what lies within it.
func lies(t *testing.T, a *receipt.Advocate, path ...uint32) (list []lie) {
	t.Helper()
	run, err := a.Within(path...)
	if err != nil {
		t.Fatal(err)
	}
	n := run.Model.Net
	v := n.FirstOf(0)
	for i := range n.OpList {
		for range n.OpList[i].Made() {
			list = append(list, lie{append([]uint32(nil), path...), v})
			v++
		}
		if expand.Covers(n.OpList[i].Name) {
			list = append(list, lies(t, a, append(append([]uint32(nil), path...), uint32(i+1))...)...)
		}
	}
	return list
}

// liarOf gives an advocate of a run in which a value is false, and so is what every operator around it puts out.
func liarOf(t *testing.T, run *receipt.Trace, l lie, r *rand.Rand) *receipt.Advocate {
	t.Helper()
	return liarWith(t, run, l, r, receipt.NewAdvocate)
}

// liarWith is liarOf for a run that stands behind some entries of what advocates are made for.
func liarWith(t *testing.T, run *receipt.Trace, l lie, r *rand.Rand, of func(*receipt.Trace) *receipt.Advocate, before ...uint32) *receipt.Advocate {
	t.Helper()
	honest, own := receipt.NewAdvocate(run), run.Clone()
	targets := make([]net.Value, len(l.path)+1)
	targets[len(l.path)] = l.v
	for depth := len(l.path) - 1; depth >= 0; depth-- {
		targets[depth] = outside(t, honest, l.path[:depth], l.path[depth], targets[depth+1])
	}
	falsify := func(x *receipt.Trace, path []uint32, v net.Value) {
		truth, err := honest.Within(path...)
		if err != nil {
			t.Fatal(err)
		}
		if was, is := truth.DigestOf(v), x.DigestOf(v); string(was.Encode()) == string(is.Encode()) { // it may be false already, as what is put out
			x.Set(v, receipttest.Flipped(x.Values[v], r))
		}
	}
	falsify(own, nil, run.Model.Net.Outputs[0])
	falsify(own, nil, targets[0])
	a := of(own)
	for depth, v := range targets[1:] {
		path := l.path[:depth+1]
		x, err := a.Within(append(slices.Clone(before), path...)...)
		if err != nil {
			t.Fatal(err)
		}
		falsify(x, path, v)
	}
	return a
}

// outside gives a value that an operator puts out: the one that a value within is, or else the first.
func outside(t *testing.T, honest *receipt.Advocate, path []uint32, entry uint32, within net.Value) net.Value {
	t.Helper()
	around, err := honest.Within(path...)
	if err != nil {
		t.Fatal(err)
	}
	n := around.Model.Net
	op, first := &n.OpList[entry-1], n.FirstOf(int(entry)-1)
	in := make([]*tensor.Tensor, len(op.In))
	for i, v := range op.In {
		if v != net.None {
			in[i] = around.Values[v]
		}
	}
	_, x, err := receipt.Expand(n.Opset, op, in, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return first + net.Value(max(slices.Index(x.Outs, within), 0))
}

func TestEveryValueWithin(t *testing.T) {
	m, in := receipttest.Composite(1)
	run := receipttest.Trace(t, m, in)
	all := lies(t, receipt.NewAdvocate(run))
	if len(all) < 200 {
		t.Fatalf("%d values, want 200 at least", len(all))
	}
	depths := map[int]int{}
	for i, l := range all {
		if i%4 != 0 || testing.Short() && i%12 != 0 {
			continue
		}
		honest := dispute.Side(i / 4 % 2)
		w := newWorld(t)
		sides := [2]*receipt.Advocate{receipt.NewAdvocate(run), receipt.NewAdvocate(run)}
		sides[1-honest] = liarOf(t, run, l, rand.New(rand.NewPCG(uint64(i), 4)))
		d := w.playOf(sides, m.Net.ID(), honest).Run(t)
		if want := [2]dispute.Verdict{dispute.Stands, dispute.Wrong}[honest]; d.Verdict != want {
			t.Errorf("%v, value %d, honest %d: got %v at depth %d, entry %d; want %v", l.path, l.v, honest, d.Verdict, d.Depth, d.Entry, want)
		}
		if got, want := int(d.Rounds), w.rounds(len(m.Net.OpList)); got > want {
			t.Errorf("%v, value %d: %d rounds, want %d at most", l.path, l.v, got, want)
		}
		if fmt.Sprint(d.Path[:len(l.path)]) != fmt.Sprint(l.path) {
			t.Errorf("%v, value %d: decided within %v", l.path, l.v, d.Path[:d.Depth])
		}
		depths[len(l.path)]++
	}
	t.Log("values by depth: ", depths)
}

// twoComposites gives a true run and one that is false in what the composite operator behind an entry puts out.
func twoComposites(t testing.TB, entry uint32) (run, liar *receipt.Trace) {
	m, in := receipttest.Composite(1)
	run = receipttest.Trace(t, m, in)
	return run, receipttest.Lie(run, m.Net.FirstOf(int(entry)-1), rand.New(rand.NewPCG(3, 2)))
}

func TestExpandRefused(t *testing.T) {
	run, liar := twoComposites(t, 1)
	w := newWorld(t)
	p := w.play(liar, run, dispute.Challenger)
	d := p.Until(t, dispute.Expanding)
	if d.Phase != dispute.Expanding {
		t.Fatal("no operator was expanded")
	}
	for name, change := range map[string]func(x *dispute.Descent){
		"another case":    func(x *dispute.Descent) { x.Case[3] ^= 1 },
		"another entry":   func(x *dispute.Descent) { x.Shown[4] ^= 1 },
		"another receipt": func(x *dispute.Descent) { x.Receipt[0] ^= 1 },
		"no outputs":      func(x *dispute.Descent) { x.Entries, x.Places, x.Proof = nil, nil, nil },
		"another place":   func(x *dispute.Descent) { x.Places[0]-- },
		"a hash changed":  func(x *dispute.Descent) { x.Proof[0][0] ^= 1 },
	} {
		x, err := p.Sides[0].Descent(&d)
		if err != nil {
			t.Fatal(err)
		}
		x.Case, x.Shown = append([]byte(nil), x.Case...), append([]byte(nil), x.Shown...)
		change(x)
		w.refuse("a receipt with "+name, worker, dispute.PackExpand(p.ID, x))
	}
	x, err := p.Sides[1].Descent(&d)
	if err != nil {
		t.Fatal(err)
	}
	w.refuse("the other's receipt", worker, dispute.PackExpand(p.ID, x))
	w.refuse("a stranger's receipt", stranger, dispute.PackExpand(p.ID, x))
	p.Send("expand", challenger, dispute.PackExpand(p.ID, x))
	w.refuse("a second receipt", challenger, dispute.PackExpand(p.ID, x))
	p.Send(p.Answer(t, &d, 0))

	d = p.Until(t, dispute.Judging)
	for name, change := range map[string]func(j *dispute.Judgement){
		"another operator around": func(j *dispute.Judgement) { j.Scope[3] ^= 1 },
		"no operator around":      func(j *dispute.Judgement) { j.Scope = nil },
		"parts of the model": func(j *dispute.Judgement) {
			j.Parts, j.InModel = [][]byte{run.Model.Net.OpList[0].Encode()}, []uint64{uint64(run.Model.Net.Weights) + 1}
		},
		"the other's receipt": func(j *dispute.Judgement) { j.Of = 1 - j.Of },
	} {
		j, err := p.Feeder.Judgement(&d)
		if err != nil {
			t.Fatal(err)
		}
		change(j)
		w.refuse("a judgement with "+name, stranger, dispute.PackJudge(p.ID, j))
	}
}

// Who does not name its receipt in time loses, as in every round of both.
func TestExpandTimeOuts(t *testing.T) {
	run, liar := twoComposites(t, 1)
	for _, c := range []struct {
		answers []int
		want    dispute.Verdict
	}{{nil, dispute.Stands}, {[]int{0}, dispute.Stands}, {[]int{1}, dispute.Wrong}} {
		w := newWorld(t)
		p := w.play(liar, run, dispute.Challenger)
		d := p.Until(t, dispute.Expanding)
		for _, s := range c.answers {
			p.Send(p.Answer(t, &d, s))
		}
		w.block.ParentTimeMs = w.load(p.ID).DeadlineMs
		w.must(w.send("poke", stranger, dispute.Module().Address, none, dispute.PackPoke(p.ID)))
		if got := w.load(p.ID).Verdict; got != c.want {
			t.Errorf("answers of %v: got %v, want %v", c.answers, got, c.want)
		}
	}
}
