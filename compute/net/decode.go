package net

import "github.com/aiwork/aiwork-node/internal/codec"

// A decoder reads parts of a network. Its reader keeps the first error; loops end at it because counts are then 0.
type decoder struct{ *codec.Reader }

// DecodeHead reads what Head.Encode wrote. Errors are Faults of this package or of codec.
func DecodeHead(b []byte) (Head, error) {
	d := decoder{codec.NewReader(b)}
	h := Head{Opset: d.U16(), Form: Form(d.U8()), Width: d.U16(), Height: d.U16()}
	if h.Form != FormTensors && h.Form != FormPicture {
		d.Fail(FaultType)
	}
	h.Labels = d.texts(LabelsMax, NameBytesMax)
	for range d.Count(PortsMax) {
		h.Inputs = append(h.Inputs, d.port())
	}
	h.Weights, h.Ops = d.U32(), d.U32()
	if h.Weights > WeightsMax || h.Ops > OpsMax {
		d.Fail(FaultLimit)
	}
	h.Outputs = d.values(PortsMax)
	return h, d.End()
}

// DecodeWeight reads what Weight.Encode wrote.
func DecodeWeight(b []byte) (Weight, error) {
	g, err := DecodeDigest(b)
	return Weight(g), err
}

// DecodeDigest reads what Digest.Encode wrote.
func DecodeDigest(b []byte) (g Digest, err error) {
	d := decoder{codec.NewReader(b)}
	g.Type = d.elementType()
	g.Shape = d.words(RankMax)
	d.Fixed(g.Root[:])
	return g, d.End()
}

// DecodeOp reads what Op.Encode wrote. That its operands exist is for the caller to check: see Net.Check.
func DecodeOp(b []byte) (Op, error) {
	d := decoder{codec.NewReader(b)}
	o := d.op(0)
	return o, d.End()
}

func (d decoder) elementType() Type {
	t := Type(d.U8())
	if t.Size() == 0 {
		d.Fail(FaultType)
	}
	return t
}

func (d decoder) port() Port {
	p := Port{Type: d.elementType(), Known: d.Bool()}
	for range d.Count(RankMax) {
		p.Shape = append(p.Shape, Dim{Free: d.Bool(), N: d.U32()})
	}
	if !p.Known && len(p.Shape) > 0 {
		d.Fail(FaultForm)
	}
	return p
}

func (d decoder) op(nesting int) Op {
	o := Op{Name: string(d.Bytes(NameBytesMax)), In: d.values(OperandsMax)}
	for range d.Count(OperandsMax) {
		o.Outs = append(o.Outs, d.Bool())
	}
	for range d.Count(AttrsMax) {
		a := d.attr(nesting)
		if n := len(o.Attrs); n > 0 && o.Attrs[n-1].Name >= a.Name {
			d.Fail(FaultOrder)
		}
		o.Attrs = append(o.Attrs, a)
	}
	if n := len(o.Outs); o.Name == "" || n == 0 || !o.Outs[n-1] {
		d.Fail(FaultForm)
	}
	return o
}

func (d decoder) attr(nesting int) Attr {
	a := Attr{Name: string(d.Bytes(NameBytesMax)), Kind: Kind(d.U8())}
	switch a.Kind {
	case KindFloat:
		a.Float = d.U32()
	case KindInt:
		a.Int = int64(d.U64())
	case KindText:
		a.Text = string(d.Bytes(TextBytesMax))
	case KindTensor:
		a.Tensor = d.inline()
	case KindBlock:
		a.Block = d.block(nesting + 1)
	case KindFloats:
		a.Floats = d.words(ListMax)
	case KindInts:
		for range d.Count(ListMax) {
			a.Ints = append(a.Ints, int64(d.U64()))
		}
	case KindTexts:
		a.Texts = d.texts(AttrsMax, TextBytesMax)
	default:
		d.Fail(FaultType)
	}
	return a
}

func (d decoder) inline() *Inline {
	t := &Inline{Type: d.elementType(), Shape: d.words(RankMax), Bytes: d.Bytes(InlineMax)}
	if Count(t.Shape)*uint64(t.Type.Size()) != uint64(len(t.Bytes)) {
		d.Fail(FaultForm)
	}
	return t
}

func (d decoder) block(nesting int) *Block {
	b := &Block{Inputs: d.U32(), Capture: d.U32()}
	if nesting > NestingMax {
		d.Fail(FaultNesting)
	}
	if b.Inputs > OperandsMax || b.Capture > b.Inputs {
		d.Fail(FaultLimit)
	}
	for range d.Count(OpsMax) {
		if d.Err() != nil {
			return b
		}
		b.Ops = append(b.Ops, d.op(nesting))
	}
	b.Outputs = d.values(OperandsMax)
	return b
}

func (d decoder) values(limit int) (list []Value) {
	for range d.Count(limit) {
		list = append(list, Value(d.U32()))
	}
	return list
}

func (d decoder) words(limit int) (list []uint32) {
	for range d.Count(limit) {
		list = append(list, d.U32())
	}
	return list
}

func (d decoder) texts(limit, bytesMax int) (list []string) {
	for range d.Count(limit) {
		list = append(list, string(d.Bytes(bytesMax)))
	}
	return list
}

// Count is the number of elements of a shape, or so many that no tensor has them.
func Count(shape []uint32) uint64 {
	n := uint64(1)
	for _, d := range shape {
		if d > 0 && n > (1<<40)/uint64(d) {
			return 1 << 62
		}
		n *= uint64(d)
	}
	return n
}

// Check enforces NET-1, NET-2 and the limits on a whole network. Errors are Faults.
func (n *Net) Check() error {
	if len(n.WeightList) > WeightsMax || len(n.OpList) > OpsMax || len(n.Inputs) > PortsMax {
		return FaultLimit
	}
	if n.Weights != uint32(len(n.WeightList)) || n.Ops != uint32(len(n.OpList)) {
		return FaultForm
	}
	c := checker{ops: OpsMax}
	return c.list(n.OpList, n.Outputs, uint64(len(n.Inputs)+len(n.WeightList)), 0)
}

// A checker counts operators, in blocks too.
type checker struct{ ops int }

func (c *checker) list(ops []Op, outputs []Value, made uint64, nesting int) error {
	if c.ops -= len(ops); c.ops < 0 {
		return FaultLimit
	}
	if nesting > NestingMax {
		return FaultNesting
	}
	for i := range ops {
		for _, v := range ops[i].In {
			if v != None && uint64(v) >= made {
				return FaultValue
			}
		}
		for j := range ops[i].Attrs {
			b := ops[i].Attrs[j].Block
			if b == nil {
				continue
			}
			if err := c.list(b.Ops, b.Outputs, uint64(b.Inputs), nesting+1); err != nil {
				return err
			}
		}
		made += uint64(ops[i].Made())
	}
	for _, v := range outputs {
		if uint64(v) >= made {
			return FaultValue
		}
	}
	return nil
}
