package receipt_test

// Work against numbers worked out by hand, one operator of each kind; and the cuts that a checkpoint leaves out against all ways to leave some out.

import (
	"math"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
)

// workOf counts the steps of one operator whose inputs have these shapes, the second being a weight.
func workOf(name string, shapes [][]int, outs ...[]int) int {
	n := &net.Net{Head: net.Head{Inputs: make([]net.Port, 1)}}
	op := net.Op{Name: name}
	all := [][]int{shapes[0]}
	for _, s := range shapes[1:] {
		w := net.Weight{Type: net.Float32}
		for _, d := range s {
			w.Shape = append(w.Shape, uint32(d))
		}
		n.WeightList = append(n.WeightList, w)
		all = append(all, nil) // a weight's shape stands in the network
	}
	for i := range shapes {
		op.In = append(op.In, net.Value(i))
	}
	for range outs {
		op.Outs = append(op.Outs, true)
	}
	if name == "Gemm transA" {
		op.Name, op.Attrs = "Gemm", []net.Attr{{Name: "transA", Kind: net.KindInt, Int: 1}}
	}
	n.OpList = []net.Op{op}
	all = append(all, outs...)
	return receipt.Work(n, func(v net.Value) receipt.Form { return receipt.Form{Type: net.Float32, Shape: all[v]} })
}

func TestWork(t *testing.T) {
	for _, c := range []struct {
		name   string
		shapes [][]int
		outs   [][]int
		want   int
	}{
		{"Relu", [][]int{{2, 3}}, [][]int{{2, 3}}, 6},
		{"Split", [][]int{{2, 6}}, [][]int{{2, 3}, {2, 3}}, 12},
		{"Conv", [][]int{{1, 4, 8, 8}, {6, 2, 3, 3}}, [][]int{{1, 6, 8, 8}}, 6 * 64 * 18},
		{"ConvInteger", [][]int{{1, 4, 8, 8}, {6, 4, 1, 1}}, [][]int{{1, 6, 8, 8}}, 6 * 64 * 4},
		{"QLinearConv", [][]int{{1, 4, 8, 8}, {}, {}, {6, 4, 3, 3}}, [][]int{{1, 6, 8, 8}}, 6 * 64 * 36},
		{"ConvTranspose", [][]int{{1, 4, 8, 8}, {4, 3, 2, 2}}, [][]int{{1, 3, 16, 16}}, 4 * 64 * 12},
		{"MatMul", [][]int{{2, 5, 7}, {7, 3}}, [][]int{{2, 5, 3}}, 2 * 5 * 3 * 7},
		{"Gemm", [][]int{{5, 7}, {7, 3}}, [][]int{{5, 3}}, 5 * 3 * 7},
		{"Gemm transA", [][]int{{7, 5}, {7, 3}}, [][]int{{5, 3}}, 5 * 3 * 7},
		{"LSTM", [][]int{{9, 2, 10}, {1, 32, 10}, {1, 32, 8}}, [][]int{{9, 1, 2, 8}}, 9 * 2 * 8 * 4 * (10 + 8)},
		{"GRU", [][]int{{9, 2, 10}, {1, 24, 10}, {1, 24, 8}}, [][]int{{9, 1, 2, 8}}, 9 * 2 * 8 * 3 * (10 + 8)},
		{"Relu", [][]int{{math.MaxInt / 2, 3}}, [][]int{{math.MaxInt / 2, 3}}, math.MaxInt},
	} {
		if got := workOf(c.name, c.shapes, c.outs...); got != c.want {
			t.Errorf("%s of %v: got %d steps, want %d", c.name, c.shapes, got, c.want)
		}
	}
}

func TestChosen(t *testing.T) {
	for seed := range uint64(20) {
		m, in := receipttest.Network(seed)
		run := receipttest.Trace(t, m, in)
		form, most := forms(run), receipt.Work(m.Net, forms(run))/1024
		for _, k := range []int{1, 2, 4, 8} {
			all, got := receipt.Cuts(m.Net, k, form), receipt.Chosen(m.Net, k, form)
			if receipt.Bytes(got, form) > most {
				t.Errorf("seed %d, %d stretches: %d bytes, but the work pays for %d", seed, k, receipt.Bytes(got, form), most)
			}
			// Those that are left out are the costliest, and with the cheapest of them there would be too many bytes.
			size := func(c receipt.Cut) int { return receipt.Bytes([]receipt.Cut{c}, form) }
			slices.SortStableFunc(all, func(a, b receipt.Cut) int { return size(a) - size(b) })
			for i, c := range all {
				in := slices.ContainsFunc(got, func(g receipt.Cut) bool { return g.After == c.After })
				if in != (i < len(got)) {
					t.Errorf("seed %d, %d stretches: cut %d of %d by size is taken %v, with %d in all", seed, k, i, len(all), in, len(got))
				}
			}
			if len(got) < len(all) && receipt.Bytes(all[:len(got)+1], form) <= most {
				t.Errorf("seed %d, %d stretches: a cut is left out that the work pays for", seed, k)
			}
		}
	}
}
