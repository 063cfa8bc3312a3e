package lm

import "github.com/aiwork/aiwork-node/compute/kernel"

// A Pool says how the states of a text's tokens become one vector (LM-10).
type Pool uint8

// The pools.
const (
	PoolNone Pool = iota
	PoolMean      // their mean
	PoolLast      // that of the last token
)

// readStates computes the final normed states of parts that want them.
func (r *Runner) readStates(parts []*Part) {
	m := r.model
	wanted, row := 0, 0
	for _, p := range parts {
		if p.WantStates && p.Err == nil {
			wanted += len(p.Tokens)
		}
	}
	if wanted == 0 {
		return
	}
	r.states = grow(r.states, wanted*m.Dim)
	to := 0
	for _, p := range parts {
		first := row
		row += len(p.Tokens)
		if !p.WantStates || p.Err != nil {
			continue
		}
		for i := range p.Tokens {
			state := r.states[to*m.Dim:][:m.Dim]
			rmsNorm(m.path, state, r.x[(first+i)*m.Dim:][:m.Dim], m.norm, m.Epsilon)
			p.States = append(p.States, state)
			to++
		}
	}
}

// pool takes the states of a request's tokens as they come, in the order of the text, and gives the vector when all are there.
func (b *Batch) pool(w *work) (Event, bool) {
	if w.sum == nil {
		w.sum = make([]float32, b.model.Dim)
	}
	for _, s := range w.part.States {
		if w.Pool == PoolLast {
			copy(w.sum, s)
		} else {
			b.model.path.Add(w.sum, w.sum, s)
		}
	}
	if w.seq.Len() < len(w.text) {
		return Event{}, false
	}
	b.end(w)
	if w.Pool == PoolMean {
		b.model.path.BinaryRight(kernel.BinaryDiv, w.sum, w.sum, float32(len(w.text)))
	}
	if !finite(w.sum) {
		return Event{ID: w.id, End: EndFault, Err: ErrNotFinite}, true
	}
	unit(b.model.path, w.sum)
	return Event{ID: w.id, End: EndPooled, Vector: w.sum}, true
}

// unit gives v the length 1, unless it is 0. Its largest value is brought to 1 first, so that no square is lost.
func unit(path kernel.Path, v []float32) {
	most := path.Reduce(kernel.ReductionMax, v, 0)
	most = max(most, -path.Reduce(kernel.ReductionMin, v, 0))
	if most == 0 {
		return
	}
	path.BinaryRight(kernel.BinaryDiv, v, v, most)
	path.BinaryRight(kernel.BinaryDiv, v, v, kernel.Sqrt(path.Reduce(kernel.ReductionSumSquare, v, 0)))
}
