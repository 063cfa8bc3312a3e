package lm

// The real model against llama2.c's arithmetic in float64, written here from the paper and without any of the
// package's code: greedy tokens agree, and logits within a small distance.

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// reference is stories260K in float64.
type reference struct {
	dim, hidden, layers, heads, keyHeads, vocab int
	w                                           map[string][]float64
	keys, values                                [][][]float64 // layer, position
}

func newReference(t *testing.T) *reference {
	raw, err := os.ReadFile(testutil.Shared(t, "data", "models", "stories260K.bin"))
	if err != nil {
		t.Fatal(err)
	}
	n := make([]int, 7)
	for i := range n {
		n[i] = int(int32(binary.LittleEndian.Uint32(raw[4*i:])))
	}
	r := &reference{dim: n[0], hidden: n[1], layers: n[2], heads: n[3], keyHeads: n[4], vocab: n[5], w: map[string][]float64{}}
	at := 28
	for _, part := range []struct {
		name string
		n    int
	}{
		{"embed", r.vocab * r.dim},
		{"norm1", r.layers * r.dim},
		{"q", r.layers * r.dim * r.dim},
		{"k", r.layers * r.dim * r.keyDim()},
		{"v", r.layers * r.dim * r.keyDim()},
		{"o", r.layers * r.dim * r.dim},
		{"norm2", r.layers * r.dim},
		{"w1", r.layers * r.dim * r.hidden},
		{"w2", r.layers * r.dim * r.hidden},
		{"w3", r.layers * r.dim * r.hidden},
		{"norm", r.dim},
	} {
		v := make([]float64, part.n)
		for i := range v {
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[at:])))
			at += 4
		}
		r.w[part.name] = v
	}
	r.keys, r.values = make([][][]float64, r.layers), make([][][]float64, r.layers)
	return r
}

func (r *reference) keyDim() int { return r.dim / r.heads * r.keyHeads }

func (r *reference) mul(name string, layer, outs int, x []float64) []float64 {
	w := r.w[name][layer*outs*len(x):]
	y := make([]float64, outs)
	for i := range y {
		for j, v := range x {
			y[i] += w[i*len(x)+j] * v
		}
	}
	return y
}

func (r *reference) normed(name string, layer int, x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(sum/float64(len(x))+1e-5) * r.w[name][layer*r.dim+i]
	}
	return y
}

func (r *reference) turn(x []float64, position int) {
	size := r.dim / r.heads
	for i := 0; i < len(x); i += 2 {
		s, c := math.Sincos(float64(position) * math.Pow(10000, -float64(i%size)/float64(size)))
		x[i], x[i+1] = x[i]*c-x[i+1]*s, x[i]*s+x[i+1]*c
	}
}

// next gives the logits behind one more token.
func (r *reference) next(token int32) []float64 {
	size := r.dim / r.heads
	x := append([]float64(nil), r.w["embed"][int(token)*r.dim:][:r.dim]...)
	for l := range r.layers {
		h := r.normed("norm1", l, x)
		q, k, v := r.mul("q", l, r.dim, h), r.mul("k", l, r.keyDim(), h), r.mul("v", l, r.keyDim(), h)
		r.turn(q, len(r.keys[l]))
		r.turn(k, len(r.keys[l]))
		r.keys[l], r.values[l] = append(r.keys[l], k), append(r.values[l], v)
		mixed := make([]float64, r.dim)
		for head := range r.heads {
			at := head / (r.heads / r.keyHeads) * size
			weights, sum := make([]float64, len(r.keys[l])), 0.0
			for p, key := range r.keys[l] {
				dot := 0.0
				for d := range size {
					dot += q[head*size+d] * key[at+d]
				}
				weights[p] = math.Exp(dot / math.Sqrt(float64(size)))
				sum += weights[p]
			}
			for p, value := range r.values[l] {
				for d := range size {
					mixed[head*size+d] += weights[p] / sum * value[at+d]
				}
			}
		}
		for i, v := range r.mul("o", l, r.dim, mixed) {
			x[i] += v
		}
		h = r.normed("norm2", l, x)
		gate, up := r.mul("w1", l, r.hidden, h), r.mul("w3", l, r.hidden, h)
		for i, g := range gate {
			gate[i] = g / (1 + math.Exp(-g)) * up[i]
		}
		for i, v := range r.mul("w2", l, r.dim, gate) {
			x[i] += v
		}
	}
	return r.mul("embed", 0, r.vocab, r.normed("norm", 0, x))
}

func TestStoriesAgreeWithFloat64(t *testing.T) {
	ref, m := newReference(t), load(t, storiesFile(t), kernel.Best())
	run := NewRunner(m, 1)
	part := &Part{Seq: NewCache(m.Config, 2).NewSequence(), Tokens: []int32{1}, Want: 1}
	worst, agreed := 0.0, 0
	for position := range 256 {
		if err := run.Step([]*Part{part}); err != nil {
			t.Fatal(err)
		}
		want, best, ours := ref.next(part.Tokens[0]), 0, 0
		for i, v := range want {
			if v > want[best] {
				best = i
			}
			if part.Logits[0][i] > part.Logits[0][ours] {
				ours = i
			}
			worst = max(worst, math.Abs(v-float64(part.Logits[0][i])))
		}
		if best == ours {
			agreed++
		} else {
			t.Errorf("position %d: greedy token %d, want %d", position, ours, best)
		}
		part.Tokens[0] = int32(best)
	}
	t.Logf("%d of 256 greedy tokens agree; logits differ by %.2g at most", agreed, worst)
	if worst > 1e-4 {
		t.Errorf("logits differ by %g", worst)
	}
}
