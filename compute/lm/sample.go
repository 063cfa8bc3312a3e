package lm

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// Sampling says how tokens are drawn from logits (LM-7). Its zero value is greedy.
type Sampling struct {
	Temperature  float32 // 0 takes the largest logit
	TopK         int     // draw among so many of the largest; 0 for all
	TopPPpm      uint32  // and among the fewest of those that hold this share of their weight; 0 for all
	Penalty      float32 // makes recent tokens less likely if above 1; 0 and 1 do nothing
	PenaltyReach int     // how many tokens back; 0 for all
	Seed         uint64
}

// Limits of Sampling.
const (
	temperatureMax = 100
	penaltyMax     = 100
	topPMax        = 1_000_000
)

// Check says what is wrong with s.
func (s Sampling) Check() error {
	switch {
	case !(s.Temperature >= 0 && s.Temperature <= temperatureMax):
		return fmt.Errorf("temperature %g, want 0 to %d", s.Temperature, temperatureMax)
	case s.Temperature > 0 && s.Temperature < 1e-3:
		return fmt.Errorf("temperature %g, want 0 or at least 0.001", s.Temperature)
	case s.TopK < 0 || s.TopPPpm > topPMax || s.PenaltyReach < 0:
		return fmt.Errorf("top-k %d, top-p %d ppm, reach of the penalty %d", s.TopK, s.TopPPpm, s.PenaltyReach)
	case !(s.Penalty == 0 || s.Penalty >= 1.0/penaltyMax && s.Penalty <= penaltyMax):
		return fmt.Errorf("penalty %g, want 0 or from 1/%d to %d", s.Penalty, penaltyMax, penaltyMax)
	}
	return nil
}

// Greedy gives the token with the largest logit, the first of equals; NaN is below all.
func Greedy(logits []float32) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] || logits[best] != logits[best] && v == v {
			best = i
		}
	}
	return int32(best)
}

// A Sampler draws tokens. It is memory that draws share, not state: a draw depends on its arguments alone.
type Sampler struct {
	path    kernel.Path
	logits  []float32
	weights []float32
	order   candidates
	seen    map[int32]struct{}
}

// NewSampler makes a sampler; all paths give the same tokens.
func NewSampler(path kernel.Path) *Sampler {
	return &Sampler{path: path, seen: map[int32]struct{}{}}
}

// Next draws the token that follows history, which is all tokens before it, prompt and answer. Logits stay as they are.
func (s *Sampler) Next(logits []float32, history []int32, how Sampling) int32 {
	logits = s.penalise(logits, history, how)
	best := Greedy(logits)
	top := logits[best]
	if how.Temperature == 0 || top-top != 0 {
		return best
	}
	total := s.weigh(logits, top, how.Temperature)
	kept := s.order
	if how.TopK > 0 || how.TopPPpm > 0 && how.TopPPpm < topPMax {
		kept, total = s.cut(how, total)
	}
	// The draw: r in [0, total).
	r, _ := bits.Mul64(draw(how.Seed, uint64(len(history))), total)
	for _, c := range kept {
		if r < c.weight {
			return c.token
		}
		r -= c.weight
	}
	return best // not reached: r is below the sum of the weights
}

// penalise divides positive logits of recent tokens, and multiplies negative ones, by the penalty.
func (s *Sampler) penalise(logits []float32, history []int32, how Sampling) []float32 {
	if how.Penalty == 0 || how.Penalty == 1 {
		return logits
	}
	if how.PenaltyReach > 0 {
		history = history[max(0, len(history)-how.PenaltyReach):]
	}
	s.logits = append(s.logits[:0], logits...)
	clear(s.seen)
	for _, t := range history {
		if _, twice := s.seen[t]; twice || int(t) >= len(logits) {
			continue
		}
		s.seen[t] = struct{}{}
		if v := s.logits[t]; v > 0 {
			s.logits[t] = v / how.Penalty
		} else {
			s.logits[t] = float32(v * how.Penalty)
		}
	}
	return s.logits
}

// A candidate is a token that can be drawn.
type candidate struct {
	logit  float32
	token  int32
	weight uint64
}

const weightOne = 1 << 32 // weight of the largest logit

// weigh sets the order to the tokens of weight floor(2^32 · exp((logit - top) / temperature)) that is not 0, by
// ascending number, and gives the sum of weights.
func (s *Sampler) weigh(logits []float32, top, temperature float32) (total uint64) {
	s.weights = grow(s.weights, len(logits))
	for i, v := range logits {
		s.weights[i] = (v - top) / temperature
	}
	s.path.Exps(s.weights)
	s.order = s.order[:0]
	for i, w := range s.weights {
		if weight := weightOf(w); weight > 0 {
			s.order = append(s.order, candidate{logits[i], int32(i), weight})
			total += weight
		}
	}
	return total
}

// weightOf cuts 2^32 · w, which is exact before the cut; NaN weighs nothing.
func weightOf(w float32) uint64 {
	if !(w > 0) {
		return 0
	}
	return uint64(float64(min(w, 1)) * weightOne)
}

// cut keeps the largest by top-k, then by top-p, and gives them by ascending number with their sum.
func (s *Sampler) cut(how Sampling, total uint64) (candidates, uint64) {
	heap.Init(&s.order)
	all := len(s.order)
	most := all
	if how.TopK > 0 {
		most = min(most, how.TopK)
	}
	share := uint64(topPMax)
	if how.TopPPpm > 0 {
		share = uint64(how.TopPPpm)
	}
	if most < all { // the sum is that of the k largest
		total = 0
		for range most {
			total += heap.Pop(&s.order).(candidate).weight
		}
		s.order = s.order[:all]
		s.order = append(s.order[:0], s.order[all-most:]...)
		heap.Init(&s.order)
		all = most
	}
	// At least total · share / 10^6, rounded up.
	high, low := bits.Mul64(total, share)
	enough, rest := bits.Div64(high, low, topPMax)
	if rest > 0 {
		enough++
	}
	sum, n := uint64(0), 0
	for n < most && sum < enough {
		sum += heap.Pop(&s.order).(candidate).weight
		n++
	}
	kept := s.order[:all][all-n:] // what was popped lies behind the heap
	slices.SortFunc(kept, func(a, b candidate) int { return int(a.token) - int(b.token) })
	return kept, sum
}

// candidates are a heap with the largest logit on top, and of equals the lower number.
type candidates []candidate

func (c candidates) Len() int { return len(c) }

func (c candidates) Less(i, j int) bool {
	if c[i].logit != c[j].logit {
		return c[i].logit > c[j].logit
	}
	return c[i].token < c[j].token
}

func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

func (c *candidates) Push(x any) { *c = append(*c, x.(candidate)) }

// Pop leaves the element where it is, behind the heap.
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

const drawDomain = "aiwork/lm/draw/1"

// draw gives the number for the token at a position: the first 8 bytes, big-endian, of
// SHA-256("aiwork/lm/draw/1" || u64be(seed) || u64be(position)).
func draw(seed, position uint64) uint64 {
	b := make([]byte, 0, len(drawDomain)+16)
	b = append(b, drawDomain...)
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, seed), position)
	h := sha256.Sum256(b)
	return binary.BigEndian.Uint64(h[:])
}
