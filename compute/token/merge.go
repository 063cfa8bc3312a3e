package token

import "container/heap"

// Both kinds of tokenizer merge neighbours, the best pair of the whole text first, of equals the leftmost.

// A symbol is a stretch of the text; symbols form a list.
type symbol struct {
	start, end   int // end is 0 once it was merged into the one before
	before, next int
}

// A bigram is a pair that may be merged, unless one of the two has changed since.
type bigram struct {
	rank        float64 // the lowest first
	left, right int
	end         int // of right
	start       int // of right, with which the pair is checked
}

type bigrams []bigram

func (b bigrams) Len() int { return len(b) }

func (b bigrams) Less(i, j int) bool {
	if b[i].rank != b[j].rank {
		return b[i].rank < b[j].rank
	}
	return b[i].left < b[j].left
}

func (b bigrams) Swap(i, j int) { b[i], b[j] = b[j], b[i] }

func (b *bigrams) Push(x any) { *b = append(*b, x.(bigram)) }

func (b *bigrams) Pop() any {
	last := (*b)[len(*b)-1]
	*b = (*b)[:len(*b)-1]
	return last
}

// merge cuts text at starts, merges as long as rank knows a pair, and calls each for what is left, in order.
func merge(text string, starts []int, rank func(left, right string) (float64, bool), each func(string)) {
	symbols := make([]symbol, len(starts))
	for i, s := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		symbols[i] = symbol{s, end, i - 1, i + 1}
	}
	var queue bigrams
	add := func(left, right int) {
		if left < 0 || right >= len(symbols) {
			return
		}
		l, r := symbols[left], symbols[right]
		if v, ok := rank(text[l.start:l.end], text[r.start:r.end]); ok {
			heap.Push(&queue, bigram{rank: v, left: left, right: right, start: l.end, end: r.end})
		}
	}
	for i := range symbols {
		add(i, i+1)
	}
	for len(queue) > 0 {
		b := heap.Pop(&queue).(bigram)
		l, r := &symbols[b.left], &symbols[b.right]
		if l.end != b.start || r.end != b.end || r.start != b.start {
			continue
		}
		l.end, l.next = r.end, r.next
		r.end = 0
		if l.next < len(symbols) {
			symbols[l.next].before = b.left
		}
		add(l.before, b.left)
		add(b.left, l.next)
	}
	for i := 0; i < len(symbols); i = symbols[i].next {
		each(text[symbols[i].start:symbols[i].end])
	}
}
