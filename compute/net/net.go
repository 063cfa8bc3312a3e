package net

import "github.com/aiwork/aiwork-node/internal/chain"

// Limits of a network.
const (
	PortsMax     = 64      // inputs, or outputs
	WeightsMax   = 1 << 16 // tensors of weights
	OpsMax       = 1 << 16 // operators, those of blocks too
	OperandsMax  = 1 << 12 // inputs, or outputs, of one operator
	AttrsMax     = 64      // of one operator
	NestingMax   = 8       // blocks within each other
	RankMax      = 8       // dimensions
	NameBytesMax = 64      // of an operator, an attribute, a label
	TextBytesMax = 4096    // of a text
	ListMax      = 1 << 12 // numbers of one attribute
	InlineMax    = 1 << 10 // bytes of a tensor that is an attribute
	LabelsMax    = 1 << 10
	TileLen      = 64 // elements of a tile
)

// A Type is the type of a tensor's elements, by ONNX's number.
type Type uint8

// The types.
const (
	Float32 Type = 1
	Uint8   Type = 2
	Int8    Type = 3
	Uint16  Type = 4
	Int16   Type = 5
	Int32   Type = 6
	Int64   Type = 7
	Bool    Type = 9
	Uint32  Type = 12
	Uint64  Type = 13
)

// Size is the number of bytes of an element, 0 for what is no type.
func (t Type) Size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16:
		return 2
	case Float32, Int32, Uint32:
		return 4
	case Int64, Uint64:
		return 8
	}
	return 0
}

// A Value is the number of a tensor.
type Value uint32

// None stands for an operand that is left out.
const None Value = 1<<32 - 1

// A Dim is a dimension: a size, or Free with the number of a name, where equal names are equal sizes.
type Dim struct {
	Free bool
	N    uint32
}

// A Port is what a network takes.
type Port struct {
	Type  Type
	Known bool // the number of dimensions is fixed
	Shape []Dim
}

// A Weight is a tensor of the model.
type Weight struct {
	Type  Type
	Shape []uint32
	Root  chain.Hash
}

// A Kind says which field of an Attr holds its value, by ONNX's number.
type Kind uint8

// The kinds.
const (
	KindFloat  Kind = 1
	KindInt    Kind = 2
	KindText   Kind = 3
	KindTensor Kind = 4
	KindBlock  Kind = 5
	KindFloats Kind = 6
	KindInts   Kind = 7
	KindTexts  Kind = 8
)

// An Attr is a constant parameter of an operator. Floats are given by their bits.
type Attr struct {
	Name   string
	Kind   Kind
	Float  uint32
	Int    int64
	Text   string
	Tensor *Inline
	Block  *Block
	Floats []uint32
	Ints   []int64
	Texts  []string
}

// An Inline is a small tensor that is an attribute.
type Inline struct {
	Type  Type
	Shape []uint32
	Bytes []byte // of the elements, little-endian
}

// An Op applies an operator.
type Op struct {
	Name  string
	Attrs []Attr
	In    []Value
	Outs  []bool // whether each output is made; those that are get the next numbers
}

// A Block is the body of a control-flow operator. Its values count from 0: inputs, then what its operators make.
type Block struct {
	Inputs  uint32 // with what is captured
	Capture uint32 // how many of the last inputs are read from around (NET-2)
	Ops     []Op
	Outputs []Value
}

// A Form says how a network's inputs are made from the bytes of an item.
type Form uint8

// The forms.
const (
	FormTensors Form = iota + 1 // a list of tensors
	FormPicture                 // a PNG, made by IMG-1 to IMG-4 into one tensor [1, 3, height, width]
)

// A Head is what a network is to the outside.
type Head struct {
	Opset         uint16
	Form          Form
	Width, Height uint16   // of a picture
	Labels        []string // of the elements of the only output, if any
	Inputs        []Port
	Weights, Ops  uint32 // how many there are
	Outputs       []Value
}

// A Net is a network in canonical form. Weights and Ops of its Head are their numbers.
type Net struct {
	Head
	WeightList []Weight
	OpList     []Op
}

// A Digest names a tensor.
type Digest struct {
	Type  Type
	Shape []uint32
	Root  chain.Hash
}

// FirstOf gives the number of the first value that operator i makes, for 0 <= i <= len(OpList).
func (n *Net) FirstOf(i int) Value {
	v := len(n.Inputs) + len(n.WeightList)
	for _, op := range n.OpList[:i] {
		v += op.Made()
	}
	return Value(v)
}

// Made is the number of values that an operator makes.
func (o *Op) Made() (made int) {
	for _, there := range o.Outs {
		if there {
			made++
		}
	}
	return made
}
