package lm

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/internal/must"
)

// end takes the logits, and makes the values of the draw by the text of LM-7, once more: the sampler must give the same token.
func (t *Trace) end(normed, logits []float32, history []int32, how Sampling) {
	v, s := &t.last, NewSampler(t.path)
	t.keepRow(v.Normed, normed)
	t.floats(v.Logits, logits)
	logits = s.penalise(logits, history, how)
	if v.Penalised != net.None {
		t.floats(v.Penalised, logits)
	}
	t.Token = Greedy(logits)
	best := t.Token
	t.numbers(v.Best, 4, uint64(best))
	t.floats(v.Top, logits[best:][:1])
	if v.Token != v.Best {
		t.Token = t.sample(s, logits, best, len(history), how)
		t.numbers(v.Token, 4, uint64(t.Token))
	}
	must.Hold(t.Token == s.Next(logits, history, Sampling{
		Temperature: how.Temperature, TopK: how.TopK, TopPPpm: how.TopPPpm, Seed: how.Seed,
	}), "a trace draws another token than the sampler")
	for i := v.Normed.Float; int(i-t.First) < len(t.Values); i++ {
		t.settle(i, i != v.Normed.Whole && i != v.Weights && i != v.Places && i != v.Before && i != v.Some && i != v.Kept && i != v.Total)
	}
}

func (t *Trace) keepRow(r pass.Rows, x []float32) {
	t.floats(r.Float, x)
	if r.Whole != net.None {
		*t.at(r.Whole), *t.at(r.Scale) = make([]byte, len(x)), make([]byte, len(x)/8)
		t.quantise(r, x, len(x))
	}
}

func (t *Trace) floats(v net.Value, x []float32) {
	*t.at(v) = make([]byte, 4*len(x))
	putFloats(*t.at(v), x)
}

// numbers sets a value to whole numbers of a size.
func (t *Trace) numbers(v net.Value, size int, list ...uint64) {
	b := make([]byte, 0, size*len(list))
	for _, n := range list {
		if size == 4 {
			b = binary.LittleEndian.AppendUint32(b, uint32(n))
		} else {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
	}
	*t.at(v) = b
}

// sample draws above temperature 0.
func (t *Trace) sample(s *Sampler, logits []float32, best int32, before int, how Sampling) int32 {
	v := &t.last
	s.weigh(logits, logits[best], how.Temperature)
	weights := make([]uint64, len(logits))
	for _, c := range s.order {
		weights[c.token] = c.weight
	}
	t.numbers(v.Weights, 8, weights...)
	kept := weights
	if v.Kept != net.None {
		kept = t.keep(logits, weights, how)
	}
	total := uint64(0)
	for _, w := range kept {
		total += w
	}
	t.numbers(v.Total, 8, total)
	if top := logits[best]; top-top != 0 {
		return best
	}
	r, _ := bits.Mul64(draw(how.Seed, uint64(before)), total)
	for i, w := range kept {
		if r < w {
			return int32(i)
		}
		r -= w
	}
	return best
}

// keep gives the weights that top-k and top-p leave.
func (t *Trace) keep(logits []float32, weights []uint64, how Sampling) []uint64 {
	v := &t.last
	places, before := ordered(logits, weights)
	t.numbers(v.Places, 8, places...)
	t.numbers(v.Before, 8, before...)
	most, share := uint64(len(logits)), uint64(topPMax)
	if how.TopK > 0 {
		most = uint64(how.TopK)
	}
	if how.TopPPpm > 0 {
		share = uint64(how.TopPPpm)
	}
	some := uint64(0)
	for i, w := range weights {
		if places[i] < most {
			some += w
		}
	}
	t.numbers(v.Some, 8, some)
	high, low := bits.Mul64(some, share)
	enough, rest := bits.Div64(high, low, topPMax)
	if rest > 0 {
		enough++
	}
	kept := make([]uint64, len(weights))
	for i, w := range weights {
		if places[i] < most && before[i] < enough {
			kept[i] = w
		}
	}
	t.numbers(v.Kept, 8, kept...)
	return kept
}

// ordered tells of each token how many that weigh something come before it, and what they weigh together. Before come larger logits, and of
// equals lower numbers; NaN is neither, and has none before it.
func ordered(logits []float32, weights []uint64) (places, before []uint64) {
	list := make([]int, 0, len(logits))
	for i, l := range logits {
		if l == l {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	places, before = make([]uint64, len(logits)), make([]uint64, len(logits))
	n, sum := uint64(0), uint64(0)
	for _, i := range list {
		places[i], before[i] = n, sum
		if weights[i] > 0 {
			n, sum = n+1, sum+weights[i]
		}
	}
	return places, before
}
