// Package tfjs makes ONNX models of networks that were saved for TensorFlow.js.
//
// Its nouns: a File is what a folder holds of one network, a topology (none in a file of weights only) and
// Weights; Weights are named arrays, quantised or not. File.Model turns either of the two topologies, a
// layers-model of Keras or a graph-model of TensorFlow, into an onnx.Model; networks whose topology stands
// only in the program that uses them are built by name: FaceDetector, TinyFaceDetector, FaceDescriptor.
//
// Files may be JSON or the JavaScript modules of the npm package nsfwjs, which export the same object, and
// shards in base64. They are hostile input. Rules:
//
//	TFJS-1  A weight of 8 or 16 bits is fma(step, scale, min) with scale and min rounded to float32, as of
//	        compute/model; float16 is converted exactly; weights that are not finite are refused.
//	TFJS-2  Arrays of height, width, channels become channels, height, width (a batch of one before them),
//	        kernels are turned to fit. A picture goes in as [1, 3, height, width] and vectors stay vectors:
//	        Flatten and Reshape turn what has height and width back first, so that dense layers see their
//	        inputs in the order that they were trained with.
//	TFJS-3  Each layer is one operator with the arithmetic of AIW-1: nothing is folded, padding "same" is
//	        written out, what does nothing at inference (Dropout) is left out.
//	TFJS-4  A layer, option, activation or operator that is not known is refused by name. Every weight of a
//	        topology must be used, and all shapes fit.
//	TFJS-5  A file has at most FileBytesMax bytes, all weights WeightBytesMax, lists ValuesMax values and
//	        NestingMax levels.
//
// compute/vision runs these models.
package tfjs
