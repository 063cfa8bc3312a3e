package lm

// Greedy gives the token with the largest logit, the first of equals; NaN is below all (LM-7).
func Greedy(logits []float32) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] || logits[best] != logits[best] && v == v {
			best = i
		}
	}
	return int32(best)
}
