// Package lm runs language models of the Llama family to the bit: the same logits and tokens on every computer, however
// the work is cut. Its full text is docs/language-models.md and the rules LM-1 to LM-10 in docs/protocol/aiw-1.md:
//
//	LM-1  A model is a GGUF file of architecture llama or qwen2 within the limits of config.go.
//	LM-2  What a sequence's next logits are depends on its tokens alone: not on the steps they came in, on the other
//	      parts of those steps, on threads or on the path. So decoding token by token equals one pass over the answer.
//	LM-3  Normalisation: x / sqrt(sum of x·x / n + epsilon), times weight, the sum by AIW-3.
//	LM-4  Rotation by sines and cosines of AIW-9, of angles from AIW-8.
//	LM-5  Attention: scores are chains of AIW-2 times 1/sqrt(n), softmax by AIW-3 to AIW-5 over the positions so far, and
//	      outputs chains of AIW-2 over positions, whose segments are therefore cut at absolute positions.
//	LM-6  The gate: g · sigmoid(g) · up. Matrices multiply by AIW-2 or AIW-14; sums with the residual are one add.
//	LM-7  Sampling: from exact logits, parameters and a seed follows the token, by whole numbers (Sampler).
//	LM-8  An answer follows from prompt, seed and parameters; Verify says where one does not.
//	LM-9  The logarithm of a token's likelihood is (l - top) - log(sum of exp(l - top)), of logits as the model gives them.
//	LM-10 A text's vector is the mean of the final normed states of its tokens, or that of the last, of length 1.
//
// A Model is loaded once. A Cache holds the keys and values of many sequences in shared pages. A Runner computes steps
// of Parts; a Batch serves requests that come and go with them.
//
//	m, err := lm.Load(file, kernel.Best())
//	b := lm.NewBatch(m, lm.BatchOptions{Threads: 2, Pages: 64, Requests: 16})
//	b.Add(lm.Request{Prompt: tokens, TokensMax: 100})
//	for b.Busy() {
//		events, err := b.Step()
//		...
//	}
//
// Texts become tokens in compute/token. cmd/aiwork-node calls this package.
package lm
