package lm

import (
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/quant"
)

// StepTokensMax is the most tokens that one step takes.
const StepTokensMax = 1024

// ErrNotFinite says that the model's activations grew beyond binary32, for this sequence.
var ErrNotFinite = errors.New("the model's values are not finite")

// A Part is what one sequence gives to a step: its next tokens, and how many logits it wants back.
type Part struct {
	Seq    *Sequence
	Tokens []int32
	Want   int // logits behind so many of the last tokens

	WantStates bool // of all its tokens, behind the last layer and the norm

	Logits [][]float32 // filled in by Step, one row of Vocab each; valid until the next step
	States [][]float32 // filled in by Step, one row of Dim each; valid until the next step
	Err    error       // filled in by Step: the part took no effect
}

// A Runner computes steps of a model. It owns the working memory of one step and is not safe for concurrent use.
type Runner struct {
	model   *Model
	threads int

	x, y              []float32 // the residual stream; what is added to it
	normed, mixed     quant.Activations
	hidden            quant.Activations
	query, key, value []float32
	up, logits        []float32
	states            []float32
	sines, cosines    []float32
	scratch           []scratch
	pieces            []glance
	trace             *Trace // is told every value of the only part; usually nil
}

// scratch is the working memory of one thread.
type scratch struct{ queries, scores, mixed []float32 }

// NewRunner makes a runner on so many threads.
func NewRunner(m *Model, threads int) *Runner {
	threads = max(1, threads)
	return &Runner{model: m, threads: threads, scratch: make([]scratch, threads)}
}

func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// Step runs the parts' tokens through the model; their sequences grow by them. Which parts share a step, and into
// how many steps a sequence's tokens are cut, changes no bit (LM-2). The error is for the whole step and changes
// nothing; what concerns one part alone is its Err.
func (r *Runner) Step(parts []*Part) error {
	rows, err := r.check(parts)
	if err != nil {
		return err
	}
	for _, p := range parts {
		p.Err, p.Logits, p.States = nil, nil, nil
		if err := p.Seq.reserve(len(p.Tokens)); err != nil {
			for _, p := range parts {
				p.Seq.Truncate(p.Seq.length)
			}
			return err
		}
	}
	r.prepare(parts, rows)
	r.trace.begin(r.x)
	for i := range r.model.layers {
		r.layer(parts, i)
	}
	for _, p := range parts {
		if p.Err == nil {
			p.Seq.length += len(p.Tokens)
		} else {
			p.Seq.Truncate(p.Seq.length)
		}
	}
	r.readOut(parts)
	r.readStates(parts)
	return nil
}

func (r *Runner) check(parts []*Part) (rows int, err error) {
	seen := make(map[*Sequence]struct{}, len(parts))
	for _, p := range parts {
		rows += len(p.Tokens)
		if _, twice := seen[p.Seq]; twice {
			return 0, errors.New("a sequence stands in a step twice")
		}
		seen[p.Seq] = struct{}{}
		switch {
		case len(p.Tokens) == 0 || p.Want < 0 || p.Want > len(p.Tokens):
			return 0, fmt.Errorf("a part of %d tokens that wants %d logits", len(p.Tokens), p.Want)
		case p.Seq.Len()+len(p.Tokens) > r.model.Context:
			return 0, fmt.Errorf("%d tokens, the model's context is %d", p.Seq.Len()+len(p.Tokens), r.model.Context)
		}
		for _, t := range p.Tokens {
			if t < 0 || int(t) >= r.model.Vocab {
				return 0, fmt.Errorf("token %d of a vocabulary of %d", t, r.model.Vocab)
			}
		}
	}
	if rows == 0 || rows > StepTokensMax && r.trace == nil {
		return 0, fmt.Errorf("a step of %d tokens, it takes 1 to %d", rows, StepTokensMax)
	}
	return rows, nil
}

// prepare looks up embeddings and angles.
func (r *Runner) prepare(parts []*Part, rows int) {
	m := r.model
	pairs := len(m.turns)
	r.x, r.y = grow(r.x, rows*m.Dim), grow(r.y, rows*m.Dim)
	r.query, r.key, r.value = grow(r.query, rows*m.queryDim()), grow(r.key, rows*m.keyDim()), grow(r.value, rows*m.keyDim())
	r.up = grow(r.up, rows*m.Hidden)
	r.sines, r.cosines = grow(r.sines, rows*pairs), grow(r.cosines, rows*pairs)
	row := 0
	for _, p := range parts {
		for i, t := range p.Tokens {
			m.embedding.Row(r.x[row*m.Dim:], int(t))
			m.angles(r.sines[row*pairs:][:pairs], r.cosines[row*pairs:][:pairs], p.Seq.length+i)
			row++
		}
	}
}

func (r *Runner) layer(parts []*Part, index int) {
	m, l, v := r.model, &r.model.layers[index], r.trace.enter(index, r.x)
	rows := len(r.x) / m.Dim
	r.normalise(l.attentionNorm, l.query.Quantised() || l.key.Quantised() || l.value.Quantised())
	r.trace.rows(v.Normed, r.normed.Float)
	multiply(r.threads, &r.normed, product{l.query, r.query}, product{l.key, r.key}, product{l.value, r.value})
	r.place(parts, index)
	r.mixed.Resize(rows, m.queryDim())
	pieces := r.glances(parts)
	each(r.threads, len(pieces), func(thread, i int) { r.attend(pieces[i], index, &r.scratch[thread]) })
	r.trace.rows(v.Mixed, r.mixed.Float)
	r.quantise(&r.mixed, l.attention.Quantised())
	multiply(r.threads, &r.mixed, product{l.attention, r.y})
	r.trace.put(v.Attended, 0, r.y)
	r.each(rows, func(_, i int) { addTo(m.path, r.x[i*m.Dim:], r.y[i*m.Dim:][:m.Dim]) })
	r.trace.put(v.Middle, 0, r.x)

	r.normalise(l.forwardNorm, l.gate.Quantised() || l.up.Quantised())
	r.trace.rows(v.NormedAgain, r.normed.Float)
	r.hidden.Resize(rows, m.Hidden)
	multiply(r.threads, &r.normed, product{l.gate, r.hidden.Float}, product{l.up, r.up})
	r.trace.put(v.Gate, 0, r.hidden.Float)
	r.trace.put(v.Up, 0, r.up)
	r.each(rows, func(_, i int) {
		gated(m.path, r.hidden.Float[i*m.Hidden:][:m.Hidden], r.up[i*m.Hidden:][:m.Hidden])
		if l.down.Quantised() {
			r.hidden.Quantise(m.path, i, i+1)
		}
	})
	r.trace.rows(v.Gated, r.hidden.Float)
	multiply(r.threads, &r.hidden, product{l.down, r.y})
	r.trace.put(v.Down, 0, r.y)
	r.each(rows, func(_, i int) { addTo(m.path, r.x[i*m.Dim:], r.y[i*m.Dim:][:m.Dim]) })
	r.trace.put(v.Out, 0, r.x)
	r.trace.leave(v)
}

// each calls f for every row; a few rows are not worth a thread.
func (r *Runner) each(rows int, f func(thread, i int)) {
	threads := r.threads
	if rows < 8 {
		threads = 1
	}
	each(threads, rows, f)
}

// normalise makes the operand of the next matrices.
func (r *Runner) normalise(weight []float32, quantise bool) {
	m := r.model
	rows := len(r.x) / m.Dim
	r.normed.Resize(rows, m.Dim)
	r.each(rows, func(_, i int) {
		rmsNorm(m.path, r.normed.Float[i*m.Dim:][:m.Dim], r.x[i*m.Dim:][:m.Dim], weight, m.Epsilon)
		if quantise {
			r.normed.Quantise(m.path, i, i+1)
		}
	})
}

func (r *Runner) quantise(a *quant.Activations, wanted bool) {
	if wanted {
		r.each(a.Rows, func(_, i int) { a.Quantise(r.model.path, i, i+1) })
	}
}

// place ends queries and keys with bias and rotation, and stores keys and values.
func (r *Runner) place(parts []*Part, index int) {
	m, l, told := r.model, &r.model.layers[index], r.trace.layer(index)
	pairs, row := len(m.turns), 0
	for _, p := range parts {
		first := row
		r.each(len(p.Tokens), func(_, i int) {
			row := first + i
			q, k, v := r.query[row*m.queryDim():][:m.queryDim()], r.key[row*m.keyDim():][:m.keyDim()], r.value[row*m.keyDim():][:m.keyDim()]
			addTo(m.path, q, l.queryBias)
			addTo(m.path, k, l.keyBias)
			addTo(m.path, v, l.valueBias)
			r.trace.put(told.Query, row, q)
			r.trace.put(told.Key, row, k)
			r.trace.put(told.Value, row, v)
			sines, cosines := r.sines[row*pairs:][:pairs], r.cosines[row*pairs:][:pairs]
			m.rotate(q, sines, cosines)
			m.rotate(k, sines, cosines)
			r.trace.put(told.TurnedQuery, row, q)
			r.trace.put(told.TurnedKey, row, k)
			for h := range m.KeyHeads {
				p.Seq.store(index, h, p.Seq.length+i, k[h*m.HeadDim:][:m.HeadDim], v[h*m.HeadDim:][:m.HeadDim])
			}
		})
		if row += len(p.Tokens); !finite(r.value[first*m.keyDim() : row*m.keyDim()]) {
			p.Err = ErrNotFinite
		}
	}
}

// readOut computes the logits that are wanted.
func (r *Runner) readOut(parts []*Part) {
	m := r.model
	wanted, row := 0, 0
	for _, p := range parts {
		wanted += p.Want
	}
	if wanted == 0 {
		return
	}
	r.normed.Resize(wanted, m.Dim)
	r.logits = grow(r.logits, wanted*m.Vocab)
	to := 0
	for _, p := range parts {
		row += len(p.Tokens)
		for i := range p.Want {
			x := r.x[(row-p.Want+i)*m.Dim:][:m.Dim]
			rmsNorm(m.path, r.normed.Float[to*m.Dim:][:m.Dim], x, m.norm, m.Epsilon)
			p.Logits = append(p.Logits, r.logits[to*m.Vocab:][:m.Vocab])
			to++
		}
	}
	r.quantise(&r.normed, m.output.Quantised())
	multiply(r.threads, &r.normed, product{m.output, r.logits})
}
