package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Concatenations. Where the parts lie one behind the other in the result, they are made there from the start,
// and nothing is copied.

// A concatStep copies the parts that are not in their places.
type concatStep struct {
	to    int // slot
	outer int
	row   int // elements of the result for each of the outer ones
	parts []concatPart
}

type concatPart struct {
	slot, at, length int // elements for each of the outer ones
	there            bool
}

func (b *builder) concat(n *program.Node) bool {
	first := b.in(n, 0)
	rank := len(first.shape)
	axis := int(attrInt(n, "axis", 1))
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return false
	}
	shape := slices.Clone(first.shape)
	shape[axis] = 0
	for i := range n.In {
		v := b.in(n, i)
		if v == nil || len(v.shape) != rank || v.kind != tensor.Float32 {
			return false
		}
		same := slices.Clone(v.shape)
		same[axis] = shape[axis]
		if !slices.Equal(same, shape) {
			return false
		}
		shape[axis] += v.shape[axis]
	}
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 {
		return false
	}
	inner := tensor.Count(shape[axis+1:])
	s := &concatStep{to: n.Out[0], outer: tensor.Count(shape[:axis]), row: shape[axis] * inner}
	at := 0
	for i, slot := range n.In {
		length := b.in(n, i).shape[axis] * inner
		s.parts = append(s.parts, concatPart{slot: slot, at: at, length: length})
		at += length
	}
	b.add(s, slices.Clone(n.In), tensor.Count(shape))
	b.place(s.to, shape)
	return true
}

func (s *concatStep) run(f *frame) error {
	to := f.values(s.to)
	for _, p := range s.parts {
		if p.there {
			continue
		}
		from := f.values(p.slot)
		f.crew.split(s.outer, 2*s.outer*p.length, func(i int, _ *worker) {
			copy(to[i*s.row+p.at:][:p.length], from[i*p.length:])
		})
	}
	return nil
}

// joinParts puts the parts of concatenations into their results' buffers: those that are buffers of their own
// as a whole, each once.
func (b *builder) joinParts() {
	for _, planned := range b.steps {
		s, ok := planned.step.(*concatStep)
		if !ok || s.outer != 1 {
			continue
		}
		whole := b.values[s.to].buffer
		for i := range s.parts {
			p := &s.parts[i]
			buf := b.values[p.slot].buffer
			if buf == nil || buf.parent != nil || buf.elements != p.length || buf == whole {
				continue
			}
			buf.parent, buf.offset = whole, p.at
			p.there = true
		}
	}
}
