package receipt_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Receipts follow from a run alone and change with any bit of it; cuts hold exactly what is needed to go on; what a
// checkpoint costs beside a run is measured.

func forms(t *receipt.Trace) func(v net.Value) receipt.Form {
	return func(v net.Value) receipt.Form { return receipt.FormOf(t.Values[v]) }
}

func TestReceipt(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	if again := receipttest.Trace(t, m, in); again.Root() != run.Root() {
		t.Error("two runs have two receipts")
	}
	seen := map[string]bool{}
	root := run.Root()
	seen[string(root[:])] = true
	for v := range run.Values {
		if v >= len(m.Net.Inputs) && v < int(m.Net.FirstOf(0)) {
			continue // weights stand in the model's id
		}
		liar := run.Clone()
		liar.Set(net.Value(v), receipttest.Flipped(run.Values[v], rand.New(rand.NewPCG(uint64(v), 1))))
		root := liar.Root()
		if seen[string(root[:])] {
			t.Errorf("value %d: the receipt of another run", v)
		}
		seen[string(root[:])] = true
	}
}

// What lives at a cut is what is read behind it, and no more; and it is enough: a run that begins there ends the same.
func TestCuts(t *testing.T) {
	m, in := receipttest.MobileNet()
	n := m.Net
	if testing.Short() {
		m, in = receipttest.Network(1)
		n = m.Net
	}
	run := receipttest.Trace(t, m, in)
	cuts := receipt.Cuts(n, 8, forms(run))
	if len(cuts) != 8 {
		t.Fatalf("%d cuts, want 8", len(cuts))
	}
	weights := func(v net.Value) bool { return int(v) >= len(n.Inputs) && v < n.FirstOf(0) }
	for _, cut := range cuts {
		known := map[net.Value]bool{}
		for _, v := range cut.Live {
			known[v] = true
		}
		used := map[net.Value]bool{}
		next := n.FirstOf(cut.After + 1)
		for i := cut.After + 1; i < len(n.OpList); i++ {
			for _, v := range n.OpList[i].In {
				if v != net.None && !weights(v) && !known[v] {
					t.Fatalf("cut behind operator %d: value %d is not known", cut.After, v)
				}
				used[v] = true
			}
			for range n.OpList[i].Made() {
				known[next] = true
				next++
			}
		}
		for _, v := range cut.Live {
			if !used[v] && !slices.Contains(n.Outputs, v) {
				t.Errorf("cut behind operator %d: value %d is not needed", cut.After, v)
			}
		}
	}
	if all, some := total(run), receipt.Bytes(cuts, forms(run)); some*10 > all && !testing.Short() {
		t.Errorf("the cuts hold %d of %d bytes, want a tenth at most", some, all)
	}
}

func total(t *receipt.Trace) (n int) {
	for _, x := range t.Values[t.Model.Net.FirstOf(0):] {
		n += x.Bytes()
	}
	return n
}

func checkpoint(n *net.Net, values []*tensor.Tensor, cuts []receipt.Cut) *receipt.Checkpoint {
	c := receipt.NewCheckpoint(cuts)
	for v, x := range values {
		c.Observe(net.Value(v), x)
	}
	return c
}

func TestCheckpoint(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	cuts := receipt.Cuts(m.Net, 4, forms(run))
	root := checkpoint(m.Net, run.Values, cuts).Root()
	for v := m.Net.FirstOf(0); int(v) < len(run.Values); v++ {
		liar := receipttest.Lie(run, v, rand.New(rand.NewPCG(1, uint64(v))))
		at := slices.ContainsFunc(cuts, func(c receipt.Cut) bool { return slices.Contains(c.Live, v) })
		if changed := checkpoint(m.Net, liar.Values, cuts).Root() != root; changed != at {
			t.Errorf("value %d, at a cut %v: the checkpoint changed %v", v, at, changed)
		}
	}
}

// What a run of MobileNet costs by itself, and what receipts cost beside it.
func BenchmarkMobileNet(b *testing.B) {
	m, in := receipttest.MobileNet()
	run := receipttest.Trace(b, m, in)
	file, err := m.ONNX()
	if err != nil {
		b.Fatal(err)
	}
	p, err := program.Compile(file)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Run(in, program.DefaultLimits()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("receipt=full", func(b *testing.B) {
		for b.Loop() {
			(&receipt.Trace{Model: m, Values: run.Values}).Root()
		}
		b.ReportMetric(float64(total(run))/1e6, "MB")
	})
	for _, k := range []int{4, 8, 16} {
		cuts := receipt.Cuts(m.Net, k, forms(run))
		b.Run(fmt.Sprintf("checkpoint=%d", k), func(b *testing.B) {
			for b.Loop() {
				checkpoint(m.Net, run.Values, cuts).Root()
			}
			b.ReportMetric(float64(receipt.Bytes(cuts, forms(run)))/1e6, "MB")
		})
	}
}
