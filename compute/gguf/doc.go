// Package gguf reads and writes GGUF files, in which language models are kept: a list of metadata, a list of
// tensors with their names, types and shapes, and the tensors' bytes, each at an aligned place.
//
//	GGUF-1  Versions 2 and 3, little-endian. Sizes stay within the limits of limits.go, which are checked before
//	        anything is allocated. A tensor has 1 to DimsMax dimensions, and its bytes lie within the file.
//	GGUF-2  Names of metadata and of tensors are different from each other; the alignment is a power of two.
//	GGUF-3  Whatever the bytes, Parse gives a File or an error; it neither panics nor holds more memory than a fixed
//	        amount for each entry, and an entry takes bytes of the file. Values and tensors are views of the input.
//
// Open maps a file into memory, so that reading a model costs nothing until its tensors are used; a file
// that somebody cuts short while it is mapped ends the process with a signal, as with any mapped file.
//
// A File is for reading. A Writer makes files: tools convert other formats with it and tests make models. The
// package knows how many bytes each tensor type takes; what the bytes mean is compute/quant.
//
//	f, err := gguf.Open("model.gguf")
//	defer f.Close()
//	arch, ok := f.String("general.architecture")
//	t, ok := f.Tensor("token_embd.weight")
package gguf
