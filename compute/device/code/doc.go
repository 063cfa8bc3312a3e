// Package code holds the kernels that devices run: the arithmetic of AIW-1 in the part of C that OpenCL C and CUDA C share.
//
// A backend puts a prelude before Kernels, which gives the words in capitals their meaning: where memory lies, which item this is, barriers,
// and the operations whose rounding matters (FUSED is a fused multiply-add, ROOT the correctly rounded square root; bits and floats by BITS and
// FLOAT). Rules:
//
//	CODE-1  A product that meets a sum is FUSED, or must not be fused: backends compile without contraction.
//	CODE-2  Nothing is split over k, and lanes are those of AIW-3, so the shape of a work-group cannot change a bit.
//	CODE-3  Arguments by value are words of 32 bits, in structures without gaps. An index is an int: tensors have at most 2^28 elements.
//
// Spread, Lanes, FlatItems, Side and Rows are what launches and kernels must agree on. compute/device launches them by name.
package code
