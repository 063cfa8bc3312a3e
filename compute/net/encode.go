package net

import (
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	modelTag  = "aiwork/model/2"
	tensorTag = "aiwork/tensor/1"
)

// Leaves gives what a model's id is the root of: the head, the weights, the operators.
func (n *Net) Leaves() [][]byte {
	out := make([][]byte, 0, 1+len(n.WeightList)+len(n.OpList))
	out = append(out, n.Head.Encode())
	for i := range n.WeightList {
		out = append(out, n.WeightList[i].Encode())
	}
	for i := range n.OpList {
		out = append(out, n.OpList[i].Encode())
	}
	return out
}

// ID is the model's id (NET-4).
func (n *Net) ID() chain.Hash { return merkle.Root(modelTag, n.Leaves()) }

// ProveWeight shows that weight i belongs to the model.
func (n *Net) ProveWeight(i int) merkle.Proof { return merkle.Prove(modelTag, n.Leaves(), 1+i) }

// ProveOp shows that operator i belongs to the model.
func (n *Net) ProveOp(i int) merkle.Proof {
	return merkle.Prove(modelTag, n.Leaves(), 1+len(n.WeightList)+i)
}

// ProveHead shows that the head belongs to the model.
func (n *Net) ProveHead() merkle.Proof { return merkle.Prove(modelTag, n.Leaves(), 0) }

// VerifyPart checks that leaf i of so many belongs to a model.
func VerifyPart(id chain.Hash, leaf []byte, i, count uint64, proof merkle.Proof) error {
	return merkle.Verify(modelTag, id, leaf, i, count, proof)
}

// TensorRoot is the root of a tensor (NET-5) from its elements' canonical bytes.
func TensorRoot(t Type, data []byte) chain.Hash {
	return merkle.RootOfPieces(tensorTag, data, TileLen*t.Size())
}

// Tiles cuts a tensor's bytes.
func Tiles(t Type, data []byte) [][]byte {
	size := TileLen * t.Size()
	out := make([][]byte, 0, (len(data)+size-1)/size)
	for len(data) > size {
		out = append(out, data[:size:size])
		data = data[size:]
	}
	if len(data) > 0 {
		out = append(out, data)
	}
	return out
}

// Encode gives the bytes that stand for a head in the model's id.
func (h *Head) Encode() []byte {
	w := codec.NewWriter(256)
	w.U16(h.Opset)
	w.U8(uint8(h.Form))
	w.U16(h.Width)
	w.U16(h.Height)
	texts(w, h.Labels)
	w.U32(uint32(len(h.Inputs)))
	for _, p := range h.Inputs {
		w.U8(uint8(p.Type))
		w.Bool(p.Known)
		w.U32(uint32(len(p.Shape)))
		for _, d := range p.Shape {
			w.Bool(d.Free)
			w.U32(d.N)
		}
	}
	w.U32(h.Weights)
	w.U32(h.Ops)
	values(w, h.Outputs)
	return w.Out()
}

// Encode gives the bytes that stand for a weight in the model's id.
func (t *Weight) Encode() []byte { return encodeTensor(t.Type, t.Shape, t.Root[:]) }

// Encode gives the bytes that stand for a tensor in a receipt.
func (d *Digest) Encode() []byte { return encodeTensor(d.Type, d.Shape, d.Root[:]) }

func encodeTensor(t Type, dims []uint32, root []byte) []byte {
	w := codec.NewWriter(64)
	w.U8(uint8(t))
	shape(w, dims)
	w.Fixed(root)
	return w.Out()
}

func shape(w *codec.Writer, dims []uint32) {
	w.U32(uint32(len(dims)))
	for _, d := range dims {
		w.U32(d)
	}
}

// Encode gives the bytes that stand for an operator in the model's id.
func (o *Op) Encode() []byte {
	w := codec.NewWriter(128)
	o.write(w)
	return w.Out()
}

func (o *Op) write(w *codec.Writer) {
	w.Bytes([]byte(o.Name))
	values(w, o.In)
	w.U32(uint32(len(o.Outs)))
	for _, there := range o.Outs {
		w.Bool(there)
	}
	w.U32(uint32(len(o.Attrs)))
	for i := range o.Attrs {
		o.Attrs[i].write(w)
	}
}

func (a *Attr) write(w *codec.Writer) {
	w.Bytes([]byte(a.Name))
	w.U8(uint8(a.Kind))
	switch a.Kind {
	case KindFloat:
		w.U32(a.Float)
	case KindInt:
		w.U64(uint64(a.Int))
	case KindText:
		w.Bytes([]byte(a.Text))
	case KindTensor:
		w.U8(uint8(a.Tensor.Type))
		shape(w, a.Tensor.Shape)
		w.Bytes(a.Tensor.Bytes)
	case KindBlock:
		a.Block.write(w)
	case KindFloats:
		shape(w, a.Floats)
	case KindInts:
		w.U32(uint32(len(a.Ints)))
		for _, v := range a.Ints {
			w.U64(uint64(v))
		}
	case KindTexts:
		texts(w, a.Texts)
	}
}

func (b *Block) write(w *codec.Writer) {
	w.U32(b.Inputs)
	w.U32(b.Capture)
	w.U32(uint32(len(b.Ops)))
	for i := range b.Ops {
		b.Ops[i].write(w)
	}
	values(w, b.Outputs)
}

func values(w *codec.Writer, list []Value) {
	w.U32(uint32(len(list)))
	for _, v := range list {
		w.U32(uint32(v))
	}
}

func texts(w *codec.Writer, list []string) {
	w.U32(uint32(len(list)))
	for _, s := range list {
		w.Bytes([]byte(s))
	}
}
