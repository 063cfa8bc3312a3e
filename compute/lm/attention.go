package lm

import "github.com/aiwork/aiwork-node/compute/kernel"

// attentionRows is about the number of rows, queries times heads that share a key, that are done together: enough to
// use each key and value many times, few enough for their scores to stay in the cache.
const attentionRows = 24

// A glance is one piece of attention: some tokens of a part, and the heads of queries that share a head of keys.
type glance struct {
	part        *Part
	head        int // of keys
	first, last int // tokens of the part
	row         int // of the part's first token in the step
}

// glances cuts a step's attention into pieces.
func (r *Runner) glances(parts []*Part) []glance {
	list := r.pieces[:0]
	group := r.model.Heads / r.model.KeyHeads
	tokens := max(1, attentionRows/group)
	row := 0
	for _, p := range parts {
		for first := 0; first < len(p.Tokens); first += tokens {
			last := min(first+tokens, len(p.Tokens))
			for head := range r.model.KeyHeads {
				list = append(list, glance{p, head, first, last, row})
			}
		}
		row += len(p.Tokens)
	}
	r.pieces = list
	return list
}

// attend computes one piece (LM-5): scores are chains over dimensions, times the scale; softmax over the positions up to
// the query's own; outputs are chains over positions, in segments by absolute position.
func (r *Runner) attend(g glance, layer int, s *scratch) {
	m := r.model
	group, dim, width := m.Heads/m.KeyHeads, m.HeadDim, m.queryDim()
	seq, rows := g.part.Seq, (g.last-g.first)*group
	start := seq.length + g.first // position of the first query
	positions := seq.length + g.last
	stride := (positions + kernel.PanelWidth - 1) / kernel.PanelWidth * kernel.PanelWidth
	s.queries, s.scores, s.mixed = grow(s.queries, rows*dim), grow(s.scores, rows*stride), grow(s.mixed, rows*dim)
	for t := range g.last - g.first {
		at := (g.row+g.first+t)*width + g.head*group*dim
		copy(s.queries[t*group*dim:][:group*dim], r.query[at:])
	}
	for p := 0; p < positions; p += kernel.PanelWidth {
		panel := seq.keys(p/PageLen, layer, g.head)[p%PageLen*dim:]
		m.path.Segment(s.scores[p:], stride, s.queries, dim, panel, rows, kernel.PanelWidth, dim, false)
	}
	told := r.trace.layer(layer)
	for i := range rows {
		list, n, row := s.scores[i*stride:][:positions], start+i/group+1, (start+i/group)*m.Heads+g.head*group+i%group
		m.path.BinaryRight(kernel.BinaryMul, list[:n], list[:n], m.scale)
		r.trace.spread(told.Scores, row, list[:n])
		m.weigh(list, n)
		r.trace.spread(told.Weights, row, list[:n])
	}
	for d := 0; d < dim; d += kernel.PanelWidth {
		for p := 0; p < positions; p += PageLen {
			panel := seq.values(p/PageLen, layer, g.head)[d*PageLen:]
			n := min(PageLen, positions-p)
			m.path.Segment(s.mixed[d:], dim, s.scores[p:], stride, panel, rows, min(kernel.PanelWidth, dim-d), n, p > 0)
		}
	}
	for t := range g.last - g.first {
		at := (g.row+g.first+t)*width + g.head*group*dim
		out := r.mixed.Float[at:][:group*dim]
		for i, v := range s.mixed[t*group*dim:][:len(out)] {
			out[i] = v + 0
		}
	}
}

// weigh turns the first n scaled scores into weights; the rest are of later positions and weigh +0, which no chain notices.
func (m *Model) weigh(scores []float32, n int) {
	seen := scores[:n] // whose zeros have signs that the end of AIW-2 would take away, but that softmax does not see
	m.path.Softmax(seen, seen)
	clear(scores[n:])
}
