// Package soft is the arithmetic of AIW-1 (docs/protocol/aiw-1.md) in whole numbers alone. A contract that
// settles what a network must have computed runs it: no processor's idea of a float has a part in it.
//
// Nouns. An F32 is a binary32 by its bits. A Chain adds products by AIW-2, Lanes add floats by AIW-3.
//
//	SOFT-1: every operation rounds once, to nearest, ties to even; subnormals are kept.
//	SOFT-2: a result that is a NaN is the canonical one, 7fc00000. Operands may be any NaN.
//	SOFT-3: the functions of AIW-5 to AIW-11 are written step by step from that text, not from the kernels,
//	        so that each side checks the other.
//
// The package is pure and holds no state. Callers: compute/tile.
//
//	y := soft.FMA(x, w, acc)
package soft
