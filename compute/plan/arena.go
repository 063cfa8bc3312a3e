package plan

import (
	"cmp"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A buffer is memory for one value, or for several in turn that share it, from the step that sets it to the
// last one that reads it.
type buffer struct {
	elements    int
	first, last int     // steps
	at          int     // element in the arena
	parent      *buffer // in which this one lies
	offset      int     // there
}

const lineLen = 16 // elements of a cache line

// layOut gives every buffer its place: large ones first, each at the lowest place that is free for as long
// as it lives. It returns the elements of the arena.
func layOut(buffers []*buffer) int {
	var order []*buffer
	for _, b := range buffers {
		root := b
		for root.parent != nil {
			root = root.parent
			root.first, root.last = min(root.first, b.first), max(root.last, b.last)
		}
		if b.parent == nil {
			order = append(order, b)
		}
	}
	slices.SortStableFunc(order, func(a, b *buffer) int { return cmp.Compare(b.elements, a.elements) })
	var placed []*buffer // by place
	size := 0
	for _, b := range order {
		at := 0
		for _, other := range placed {
			if other.last < b.first || b.last < other.first {
				continue
			}
			if at+b.room() <= other.at {
				break
			}
			at = max(at, other.at+other.room())
		}
		b.at = at
		size = max(size, at+b.room())
		i, _ := slices.BinarySearchFunc(placed, b, func(x, y *buffer) int { return cmp.Compare(x.at, y.at) })
		placed = slices.Insert(placed, i, b)
	}
	for _, b := range buffers {
		if b.parent == nil {
			continue
		}
		at := 0
		for x := b; x != nil; x = x.parent {
			at += x.offset
			if x.parent == nil {
				at += x.at
			}
		}
		b.at = at
	}
	return size
}

// room is what a buffer takes, with the slack behind it.
func (b *buffer) room() int {
	return (b.elements + kernel.Slack + lineLen - 1) / lineLen * lineLen
}
