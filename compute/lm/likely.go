package lm

import (
	"cmp"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A Likely is a token with the logarithm of its likelihood.
type Likely struct {
	Token   int32
	Logprob float32
}

// Likelihoods gives the logarithm of a token's likelihood, before temperature and penalty, and those of so many of the likeliest
// tokens, of equals the lower first (LM-9). Logits stay as they are.
func (s *Sampler) Likelihoods(logits []float32, token int32, top int) (of float32, likeliest []Likely) {
	best := logits[Greedy(logits)]
	s.weights = grow(s.weights, len(logits))
	for i, v := range logits {
		s.weights[i] = v - best
	}
	s.path.Exps(s.weights)
	log := kernel.Log(s.path.Reduce(kernel.ReductionSum, s.weights, 0))
	at := func(i int32) float32 { return (logits[i] - best) - log }
	for _, i := range largest(logits, top) {
		likeliest = append(likeliest, Likely{i, at(i)})
	}
	return at(token), likeliest
}

// largest lists the places of the n largest values, the largest first and of equals the first; NaN is below all.
func largest(v []float32, n int) []int32 {
	n = min(n, len(v))
	if n == 0 {
		return nil
	}
	before := func(a, b int32) int { return cmp.Or(cmp.Compare(v[b], v[a]), cmp.Compare(a, b)) }
	var best []int32
	for i := range v {
		if len(best) == n && before(int32(i), best[n-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, int32(i), before)
		best = slices.Insert(best, at, int32(i))
		best = best[:min(len(best), n)]
	}
	return best
}
