// Package quant multiplies by matrices whose weights are small whole numbers in blocks, as language models keep
// them, to the bit on every computer. Its full text is docs/protocol/aiw-1.md; the rules enforced here are:
//
//	AIW-13  A row of activations is quantised in blocks of 32: amax is the largest magnitude; d = amax / 127, q = x·(1/d)
//	        rounded to nearest even. Where d would be below 2^-126, d = +0 and q = 0; where a value is NaN or infinite,
//	        d = NaN and q = 0, so that every output of that row is NaN.
//	AIW-14  An output is a chain over blocks: with s the exact sum of products of whole numbers, acc = fma(s, w·d, acc), w·d
//	        rounded, blocks ascending; a format with minimums adds acc = fma(-S, m·d, acc), S the sum of the block's q.
//	        Segments of SegmentBlocks blocks begin at +0, and are added to a total that begins at +0, ascending.
//	AIW-15  What a block's w, m and whole numbers are for each format. Weights of F32, F16 and BF16 are binary32, and
//	        the product is a chain of rule AIW-2.
//
// A Matrix is a tensor of a GGUF file laid out for a kernel.Path: rows of weights are interleaved so that the lanes of
// a register are outputs. Chains go over blocks in one lane, so the width of a register, the height of a tile, the
// number of threads and the other rows of a batch cannot change a bit. Activations are the other operand: rows of
// floats and, once Quantise was called for them, their blocks.
//
// Micro-kernels are written by gen.go for AVX2 and NEON and by gen_vnni.go for AVX-512 with VNNI, which takes the weights of Q8_0 plus 128.
//
// DefineDot is the rule in plain Go; on PathGo a Matrix multiplies by it. Tests compare every path with it, bit by bit.
//
// compute/lm is the caller. Sizes are checked by New; Mul's are the caller's.
package quant
