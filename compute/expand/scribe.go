package expand

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A scribe counts the operators of an expansion while these are told to it, and writes down the one that is wanted, or all.
type scribe struct {
	operands int
	want     int // the operator to write down; -1: none
	ops      int
	next     net.Value
	op       net.Op
	first    net.Value
	all      []net.Op // nil unless all are wanted
	bad      bool     // an operator reads what was not made before it
}

// add tells of an operator that makes some values, and gives the first of them.
func (s *scribe) add(name string, made int, in []net.Value, attrs ...net.Attr) net.Value {
	first := s.next
	if s.ops == s.want || s.all != nil {
		op := net.Op{Name: name, Attrs: attrs, In: in, Outs: make([]bool, made)}
		for i := range op.Outs {
			op.Outs[i] = true
		}
		s.note(op)
	}
	s.ops++
	s.next += net.Value(made)
	return first
}

func (s *scribe) note(op net.Op) {
	if s.all != nil {
		s.all = append(s.all, op)
	}
	s.op, s.first = op, s.next
}

// repeat tells of rounds that all have the same operators, so that those in which nothing is wanted need not be told. A round changes
// the state's values; each gets those after every round.
func (s *scribe) repeat(rounds int, state []net.Value, round func(i int), each func(i int)) {
	var ops int
	var values net.Value
	for i := range rounds {
		start, base := s.ops, s.next
		if i > 1 && s.all == nil && (s.want < s.ops || s.want >= s.ops+ops) {
			s.ops += ops
			s.next += values
			for k := range state {
				if state[k] >= base-values { // made in the round before, and so in this one
					state[k] += values
				}
			}
			each(i)
			continue
		}
		round(i)
		must.Hold(i < 2 || s.ops-start == ops && s.next-base == values, "expand: rounds of different lengths")
		ops, values = s.ops-start, s.next-base
		each(i)
	}
}

// block tells of a body's operators. given are the values that stand for its inputs; the result are its outputs.
func (s *scribe) block(b *net.Block, given []net.Value) (outs []net.Value) {
	base := s.next
	at := func(v net.Value) net.Value {
		switch {
		case v == net.None:
			return v
		case uint64(v) < uint64(len(given)):
			return given[v]
		}
		return base + v - net.Value(len(given))
	}
	for i := range b.Ops {
		op := &b.Ops[i]
		for _, v := range op.In {
			if v != net.None && uint64(v) >= uint64(len(given))+uint64(s.next-base) {
				s.bad = true
				return nil
			}
		}
		if s.ops == s.want || s.all != nil {
			moved := *op
			moved.In = make([]net.Value, len(op.In))
			for j, v := range op.In {
				moved.In[j] = at(v)
			}
			s.note(moved)
		}
		s.ops++
		s.next += net.Value(op.Made())
	}
	for _, v := range b.Outputs {
		if v == net.None || uint64(v) >= uint64(len(given))+uint64(s.next-base) {
			s.bad = true
			return nil
		}
		outs = append(outs, at(v))
	}
	return outs
}

func tensorAttr(kind net.Type, shape []uint32, b []byte) net.Attr {
	return net.Attr{Name: "value", Kind: net.KindTensor, Tensor: &net.Inline{Type: kind, Shape: shape, Bytes: b}}
}

func (s *scribe) constant(kind net.Type, shape []uint32, b []byte) net.Value {
	return s.add("Constant", 1, nil, tensorAttr(kind, shape, b))
}

// ints is a vector of numbers.
func (s *scribe) ints(list ...int) net.Value {
	var b []byte
	for _, v := range list {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return s.constant(net.Int64, []uint32{uint32(len(list))}, b)
}

// int is a number.
func (s *scribe) int(v int) net.Value {
	return s.constant(net.Int64, nil, binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

// float is a number by its bits.
func (s *scribe) float(bits uint32) net.Value {
	return s.constant(net.Float32, nil, binary.LittleEndian.AppendUint32(nil, bits))
}

// bools is a column of truths.
func (s *scribe) bools(list []bool) net.Value {
	b := make([]byte, len(list))
	for i, v := range list {
		if v {
			b[i] = 1
		}
	}
	return s.constant(net.Bool, []uint32{uint32(len(list)), 1}, b)
}

// long is a vector of any length.
func (s *scribe) long(list []int) net.Value {
	const most = net.InlineMax / 8
	var parts []net.Value
	for len(list) > most {
		parts, list = append(parts, s.ints(list[:most]...)), list[most:]
	}
	return s.concat(append(parts, s.ints(list...)), 0)
}

func axisAttr(axis int) net.Attr { return net.Attr{Name: "axis", Kind: net.KindInt, Int: int64(axis)} }

// concat joins values along an axis, as many at once as a call of the contract can show.
func (s *scribe) concat(list []net.Value, axis int) net.Value {
	const most = 32
	for len(list) > 1 {
		var joined []net.Value
		for len(list) > most {
			joined, list = append(joined, s.add("Concat", 1, list[:most:most], axisAttr(axis))), list[most:]
		}
		if len(list) > 1 {
			list = []net.Value{s.add("Concat", 1, list, axisAttr(axis))}
		}
		list = append(joined, list...)
	}
	return list[0]
}

func (s *scribe) gather(x, index net.Value, axis int) net.Value {
	return s.add("Gather", 1, []net.Value{x, index}, axisAttr(axis))
}

func (s *scribe) reshape(x net.Value, shape ...int) net.Value {
	return s.add("Reshape", 1, []net.Value{x, s.ints(shape...)})
}

// slice takes what lies from first on, and before end, on an axis.
func (s *scribe) slice(x net.Value, first, end, axis int) net.Value {
	return s.add("Slice", 1, []net.Value{x, s.ints(first), s.ints(end), s.ints(axis)})
}

func (s *scribe) binary(name string, a, b net.Value) net.Value {
	return s.add(name, 1, []net.Value{a, b})
}
