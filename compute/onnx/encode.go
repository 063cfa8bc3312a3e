package onnx

import (
	"encoding/binary"
	"math"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// EncodeModel writes a model as a file that DecodeModel reads back. Tensors are written raw.
func EncodeModel(m *Model) []byte {
	var w writer
	w.int(1, m.IR)
	w.message(7, func(w *writer) { w.graph(m.Graph) })
	for _, o := range m.Opsets {
		w.message(8, func(w *writer) {
			w.text(1, o.Domain)
			w.int(2, o.Version)
		})
	}
	return w.b
}

// EncodeTensor writes a tensor as a file of its own.
func EncodeTensor(name string, t *tensor.Tensor) []byte {
	var w writer
	w.tensor(name, t)
	return w.b
}

// A writer appends fields to a message.
type writer struct{ b []byte }

func (w *writer) key(number, kind int) { w.b = binary.AppendUvarint(w.b, uint64(number<<3|kind)) }

func (w *writer) int(number int, v int64) {
	w.key(number, wireVarint)
	w.b = binary.AppendUvarint(w.b, uint64(v))
}

func (w *writer) float(number int, v float32) {
	w.key(number, wireFixed32)
	w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(v))
}

func (w *writer) bytes(number int, b []byte) {
	w.key(number, wireBytes)
	w.b = binary.AppendUvarint(w.b, uint64(len(b)))
	w.b = append(w.b, b...)
}

// text leaves empty texts out, as they are what a missing field means.
func (w *writer) text(number int, s string) {
	if s != "" {
		w.bytes(number, []byte(s))
	}
}

func (w *writer) message(number int, fill func(w *writer)) {
	var inner writer
	fill(&inner)
	w.bytes(number, inner.b)
}

func (w *writer) graph(g *Graph) {
	for i := range g.Nodes {
		w.message(1, func(w *writer) { w.node(&g.Nodes[i]) })
	}
	w.text(2, g.Name)
	for _, init := range g.Initializers {
		w.message(5, func(w *writer) { w.tensor(init.Name, init.Tensor) })
	}
	for _, v := range g.Inputs {
		w.message(11, func(w *writer) { w.value(v) })
	}
	for _, v := range g.Outputs {
		w.message(12, func(w *writer) { w.value(v) })
	}
}

func (w *writer) value(v Value) {
	w.text(1, v.Name)
	if v.Type == 0 && !v.Ranks {
		return
	}
	w.message(2, func(w *writer) {
		w.message(1, func(w *writer) {
			w.int(1, NumberOf(v.Type))
			if v.Ranks {
				w.message(2, func(w *writer) { w.shape(v.Shape) })
			}
		})
	})
}

func (w *writer) shape(dims []Dim) {
	for _, d := range dims {
		w.message(1, func(w *writer) {
			if d.Size >= 0 {
				w.int(1, d.Size)
			}
			w.text(2, d.Name)
		})
	}
}

func (w *writer) node(n *Node) {
	for _, name := range n.Inputs {
		w.bytes(1, []byte(name))
	}
	for _, name := range n.Outputs {
		w.bytes(2, []byte(name))
	}
	w.text(3, n.Name)
	w.text(4, n.Op)
	for i := range n.Attrs {
		w.message(5, func(w *writer) { w.attr(&n.Attrs[i]) })
	}
	w.text(7, n.Domain)
}

func (w *writer) attr(a *Attr) {
	w.text(1, a.Name)
	w.int(20, int64(a.Kind))
	switch a.Kind {
	case AttrFloat:
		w.float(2, a.Float)
	case AttrInt:
		w.int(3, a.Int)
	case AttrText:
		w.bytes(4, []byte(a.Text))
	case AttrTensor:
		w.message(5, func(w *writer) { w.tensor("", a.Tensor) })
	case AttrGraph:
		w.message(6, func(w *writer) { w.graph(a.Graph) })
	case AttrFloats:
		for _, v := range a.Floats {
			w.float(7, v)
		}
	case AttrInts:
		for _, v := range a.Ints {
			w.int(8, v)
		}
	case AttrTexts:
		for _, v := range a.Texts {
			w.bytes(9, []byte(v))
		}
	}
}

func (w *writer) tensor(name string, t *tensor.Tensor) {
	for _, d := range t.Shape() {
		w.int(1, int64(d))
	}
	w.int(2, NumberOf(t.Type()))
	w.text(8, name)
	w.bytes(9, t.Raw())
}
