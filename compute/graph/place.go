package graph

import (
	"cmp"
	"slices"
)

// A life is the span of steps over which a value must stay in the arena.
type life struct{ value, from, to, offset, size int }

// place gives each value that steps read or write an offset, so that values which live at the same time
// do not overlap: largest first, each at the lowest offset that is free for its whole life.
func place(steps []step, shapes []Shape) (offsets []int, arena int) {
	offsets = make([]int, len(shapes))
	for i := range offsets {
		offsets[i] = -1
	}
	var placed []life
	for _, l := range bySize(lives(steps, shapes)) {
		l.offset = lowest(placed, l)
		offsets[l.value] = l.offset
		arena = max(arena, l.offset+l.size)
		placed = append(placed, l)
	}
	return offsets, arena
}

func lives(steps []step, shapes []Shape) []life {
	all := []life{{value: 0, size: aligned(shapes[0].Len())}}
	where := map[int]int{0: 0} // value -> index in all
	for i, s := range steps {
		for _, in := range s.inputs {
			all[where[in]].to = i
		}
		where[s.output] = len(all)
		all = append(all, life{value: s.output, from: i, to: i, size: aligned(shapes[s.output].Len())})
	}
	all[len(all)-1].to = len(steps)
	return all
}

// aligned rounds up to a cache line of 16 elements.
func aligned(n int) int { return (n + 15) &^ 15 }

func bySize(all []life) []life {
	slices.SortStableFunc(all, func(a, b life) int { return cmp.Compare(b.size, a.size) })
	return all
}

// lowest finds the lowest offset at which l overlaps none of the placed values that live with it.
func lowest(placed []life, l life) int {
	var busy []life
	for _, p := range placed {
		if p.from <= l.to && l.from <= p.to {
			busy = append(busy, p)
		}
	}
	slices.SortFunc(busy, func(a, b life) int { return cmp.Compare(a.offset, b.offset) })
	offset := 0
	for _, b := range busy {
		if b.offset-offset >= l.size {
			break
		}
		offset = max(offset, b.offset+b.size)
	}
	return offset
}
