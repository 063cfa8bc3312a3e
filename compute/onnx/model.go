package onnx

import "github.com/aiwork/aiwork-node/compute/tensor"

// A Model is the content of a model file.
type Model struct {
	IR      int64 // version of the format
	Opsets  []Opset
	Graph   *Graph
	Tensors int // bytes of all tensors in it
}

// An Opset says which version of a domain's operators a model uses. The domain "" is ONNX's own.
type Opset struct {
	Domain  string
	Version int64
}

// A Graph is a list of nodes over named values.
type Graph struct {
	Name            string
	Nodes           []Node
	Initializers    []Initializer
	Inputs, Outputs []Value
}

// An Initializer is a value that is given with the graph.
type Initializer struct {
	Name   string
	Tensor *tensor.Tensor
}

// A Value is an input or output of a graph.
type Value struct {
	Name  string
	Type  tensor.Type // zero where the file does not say
	Shape []Dim
	Ranks bool // the file gives a shape
}

// A Dim is a dimension that a file declares: a size, or -1 with the name of one that is known later.
type Dim struct {
	Size int64
	Name string
}

// A Node applies an operator. An empty name stands for an input or output that is left out.
type Node struct {
	Name, Op, Domain string
	Inputs, Outputs  []string
	Attrs            []Attr
}

// An AttrKind says which field of an Attr holds its value. Values are those of the format.
type AttrKind int64

// The kinds that are read; others are refused.
const (
	AttrFloat   AttrKind = 1
	AttrInt     AttrKind = 2
	AttrText    AttrKind = 3
	AttrTensor  AttrKind = 4
	AttrGraph   AttrKind = 5
	AttrFloats  AttrKind = 6
	AttrInts    AttrKind = 7
	AttrTexts   AttrKind = 8
	AttrTypeRef AttrKind = 13
)

// An Attr is a constant parameter of a node.
type Attr struct {
	Name   string
	Kind   AttrKind
	Float  float32
	Int    int64
	Text   string
	Tensor *tensor.Tensor
	Graph  *Graph
	Floats []float32
	Ints   []int64
	Texts  []string
}
