// Package kernel holds the arithmetic of the numeric contract AIW-1: what each operator of a model
// computes, to the bit, on every computer. Its full text is docs/protocol/aiw-1.md; the rules that are
// enforced here are:
//
//	AIW-1  Values are IEEE 754 binary32, rounded to nearest even, subnormals kept. Operators see whether
//	       a value is NaN, never which NaN; Canonical turns all of them into 7fc00000.
//	AIW-2  Matrix products and convolutions are chains: k is cut into segments of SegmentLen, within one
//	       acc = +0, then acc = fma(a, b, acc) with k ascending (channel, row, column of the kernel);
//	       segments are joined by ascending add; the bias comes last by one add; then + (+0) is added,
//	       so that skipped taps of zero padding cannot be told from computed ones.
//	AIW-3  Sums of many values go through Lanes lanes (element i into lane i mod 32, ascending, from +0),
//	       which are then added pairwise 16-8-4-2-1.
//	AIW-4  max(a, b) is a > b ? a : b; a NaN among the inputs gives NaN.
//	AIW-5  exp is Exp of this package: fma, add and integer steps only.
//	AIW-7 to AIW-11  So are log, pow, sine, cosine, the arcs, the hyperbolic functions and erf: Log, Pow,
//	       Sin and so on. Each states how far from the true value it may be; a test holds it to that.
//
// Every operator is here twice. The definition (functions named Define...) is plain scalar Go that reads
// like the rule. The fast form (methods of Path) is vectorised over outputs, never over k, so that the
// width of a register, the number of threads and the shape of a tile cannot change a bit. Tests compare
// both bit by bit on odd sizes and on subnormal, infinite and NaN values.
//
// A Path is one way to run the fast form on this machine: Go code, or assembly for AVX2, AVX-512 or NEON. gen.go and gentile.go write
// products of floats, gen_int8.go, gen_pixels.go and gen_vnni.go those of bytes, gen_windows.go windows over planes, gen_thin.go the last few columns of products (both AVX2 only), and
// gen_lanes.go all that goes lane by lane: Unary, Binary, Reduce and their kin. Of the latter, functions of one number have forms for
// AVX-512; the others wait for memory and run as AVX2 there.
// PathVNNI is PathAVX512 where VNNI's sums of products of bytes are there. All give equal bits, so Best merely picks the quickest. The build
// tag purego leaves only PathGo.
//
// Products of bytes (int8.go, written by gen_int8.go) are whole numbers of 32 bits that wrap: bytes less their zero point are 16 bits
// wide, and pairs of products are added in 32, where x86 has an instruction that cannot saturate. Their order is free. Convolutions on AVX2 have values pixel by pixel (pixels.go,
// written by gen_pixels.go), so that sums become bytes before they leave the registers.
//
// Go may fuse x*y + z into one rounding, and does so on arm64 and under GOAMD64=v3. Each product below
// that meets a sum is therefore wrapped in an explicit conversion, which the language promises to keep.
//
// Nothing here allocates on behalf of a caller's bytes or checks them: callers validate shapes
// before they call. The package is called by compute/operator and compute/plan.
package kernel
