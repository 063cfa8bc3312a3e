// Package tensor holds dense arrays of up to RankMax dimensions, typed at run time.
//
// A Tensor is an element Type, a shape and its elements in row-major order. Values[E] gives them as a
// slice of Go's own type; asking for the wrong type is a mistake of the program and panics. A View shares
// its elements with its Base under another shape. Tensors are not changed once they have been handed on.
//
//	TENSOR-1  A shape has at most RankMax dimensions, none negative, and at most ElementsMax elements,
//	          where a dimension of zero counts as one; CheckShape says so before anything is allocated.
//	TENSOR-2  No dimension, one element: a scalar. A dimension of zero: no elements.
//
// Movement of elements is described by offsets: Offsets lists where each element of a result comes from,
// Pick fetches them. Broadcasting, transposing, slicing and gathering are all this.
//
//	x := tensor.Of([]int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
//	y := tensor.New(x.Type(), []int{3, 2})
//	y.Pick(x, tensor.Offsets(y.Shape(), []int{1, 3}, 0)) // x transposed
//
// compute/onnx fills tensors from files, compute/operator computes with them.
package tensor
