// Package npy reads and writes tensors as NumPy's .npy files, versions 1 to 3, so that inputs and results can be made and looked at with
// usual tools. Float64 becomes float32, rounded once; other types are those of compute/tensor. Rows must be in C order, numbers little-endian.
//
//	t, err := npy.Decode(file)
//	file := npy.Encode(t)
//
// The commands `model run` and `model bench` call it.
package npy
