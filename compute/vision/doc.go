// Package vision takes samples of pictures for networks to read, and says what a network is run by.
//
// Its nouns: a Runner computes a network's outputs; a Canvas is a picture on a black ground; a Rule says
// how the pixels of a resized picture lie over the original; a Norm turns a sample into what a network was
// trained with; a Quad is a parallelogram in a picture, which Crop sets upright. Rules, whose full text is
// docs/protocol/tasks.md:
//
//	VIS-1  A sample is bilinear between four pixels, with whole numbers for weights, which are exact. Only
//	       the Norm's division rounds, and the conversion of its two whole numbers before it.
//	VIS-2  Places outside a canvas are those of its edge; what a canvas does not cover with its picture is
//	       black.
//	VIS-3  A Quad's places are rounded down to 1/1024 of a pixel. Where it shrinks, a sample is the mean of
//	       n × n places, n being how often the output goes into the longer edge, rounded up, at most 8.
//
// All results are equal on every computer. The packages below use it: face, ocr and safety.
package vision
