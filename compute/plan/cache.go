package plan

import (
	"encoding/binary"
	"math"

	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Plans are kept by what they were made for: the graph and the node they begin at, the types and shapes of
// the values given, and the elements of small values that are no floats.

const (
	plansMax    = 64 // that a Runner keeps; the one that was not used for longest goes first
	settledMax  = 16 // elements of a value that is part of the key
	varietyMax  = 8  // plans that differ by such values only; then they are not part of the key
	keyBytesMax = 512
)

// settles reports whether a value's elements are to be known when a plan is made.
func settles(t *tensor.Tensor) bool {
	return t.Type() != tensor.Float32 && t.Len() <= settledMax
}

// planFor finds or makes a plan.
func (r *Runner) planFor(j *job, g *program.Graph, start int, slots []int, values []*tensor.Tensor) (*plan, error) {
	var buffer [keyBytesMax]byte
	r.mu.Lock()
	defer r.mu.Unlock()
	shapes := r.key(buffer[:0], g, start, slots, values, false)
	full := r.key(shapes[len(shapes):], g, start, slots, values, true)
	r.clock++
	for _, key := range [][]byte{full, shapes} {
		if p, ok := r.plans[string(key)]; ok {
			p.used = r.clock
			return p, nil
		}
	}
	r.makeRoom() // which may number the graphs anew
	shapes = r.key(buffer[:0], g, start, slots, values, false)
	full = r.key(shapes[len(shapes):], g, start, slots, values, true)
	settled := r.variety[string(shapes)] < varietyMax
	key := string(full)
	if !settled {
		key = string(shapes)
	}
	p, err := r.build(j, g, start, slots, values, settled)
	if err != nil {
		return nil, err
	}
	r.variety[string(shapes)]++
	p.used = r.clock
	r.plans[key] = p
	return p, nil
}

// makeRoom lets the oldest plan go when there are too many.
func (r *Runner) makeRoom() {
	if len(r.plans) < plansMax {
		return
	}
	oldest, when := "", math.MaxInt
	for key, p := range r.plans {
		if p.used < when {
			oldest, when = key, p.used
		}
	}
	r.plans[oldest].drop()
	delete(r.plans, oldest)
	if len(r.variety) > 16*plansMax || len(r.ids) > 16*plansMax {
		for _, p := range r.plans { // all of them: a key holds the number of its graph
			p.drop()
		}
		clear(r.plans)
		clear(r.variety)
		clear(r.ids)
	}
}

func (r *Runner) key(b []byte, g *program.Graph, start int, slots []int, values []*tensor.Tensor, settled bool) []byte {
	id, ok := r.ids[g]
	if !ok {
		id = len(r.ids)
		r.ids[g] = id
	}
	b = binary.AppendUvarint(b, uint64(id))
	b = binary.AppendUvarint(b, uint64(start))
	for i, t := range values {
		b = binary.AppendUvarint(b, uint64(slots[i]))
		if t == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, byte(t.Type()), byte(t.Rank()))
		for _, d := range t.Shape() {
			b = binary.AppendUvarint(b, uint64(d))
		}
		if settled && settles(t) {
			b = appendValues(b, t)
		}
	}
	return b
}

func appendValues(b []byte, t *tensor.Tensor) []byte {
	if t.Type() == tensor.Bool {
		for _, v := range tensor.Values[bool](t) {
			if v {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		}
		return b
	}
	for _, v := range t.Ints() {
		b = binary.AppendVarint(b, v)
	}
	return b
}
