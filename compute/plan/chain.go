package plan

import (
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Elementwise operators that follow each other are a chain: it runs over pieces that stay in the first
// cache, so that nothing between its first and its last operator meets memory.

// An operand is where the other number of a link comes from.
type operand uint8

const (
	operandNone   operand = iota
	operandScalar         // one number
	operandFull           // a tensor of the chain's own shape
	operandSource         // what the chain began with
	operandItself         // the number itself
	operandRow            // one number for inner neighbours, period after period
	operandPeriod         // a vector that repeats itself
)

// A link is one operator of a chain.
type link struct {
	unary         bool
	affine        bool // fma(x, scale, shift) by row
	function      kernel.Unary
	alpha, beta   float32
	binary        kernel.Binary
	left          bool // the operand is the left one
	from          operand
	slot          int // of the operand; program.None: constants
	constants     []float32
	shift         []float32
	inner, period int
}

// A chain has a source and links.
type chain struct {
	source, to int // slots
	elements   int
	links      []link
}

const tileLen = 2048 // elements of a piece, which with its operands stays in the first cache

func (c *chain) run(f *frame) error {
	x, y := f.values(c.source), f.values(c.to)
	parts := (c.elements + tileLen - 1) / tileLen
	per := max(1, parts/(4*f.crew.threads()))
	f.crew.split((parts+per-1)/per, 4*c.elements*len(c.links), func(part int, w *worker) {
		for at := part * per * tileLen; at < min((part+1)*per*tileLen, c.elements); at += tileLen {
			end := min(at+tileLen, c.elements)
			c.piece(f, w, y[at:end], x[at:end], at)
		}
	})
	return nil
}

// piece runs the links over elements [at, at+len(x)), at most tileLen; y may be x.
func (c *chain) piece(f *frame, w *worker, y, x []float32, at int) {
	tile, in := w.tile[:len(x)], x
	for i := range c.links {
		out := tile
		if i == len(c.links)-1 {
			out = y
		}
		c.links[i].apply(f, out, in, x, at)
		in = tile
	}
}

func (l *link) apply(f *frame, y, x, source []float32, at int) {
	p := f.path
	if l.unary {
		p.Unary(l.function, y, x, l.alpha, l.beta)
		return
	}
	v := l.constants
	if l.slot != program.None {
		v = f.values(l.slot)
	}
	switch l.from {
	case operandScalar:
		l.one(p, y, x, v[0])
	case operandFull:
		l.many(p, y, x, v[at:at+len(x)])
	case operandSource:
		l.many(p, y, x, source)
	case operandItself:
		l.many(p, y, x, x)
	case operandPeriod:
		for done := 0; done < len(x); {
			i := (at + done) % l.period
			n := min(l.period-i, len(x)-done)
			l.many(p, y[done:done+n], x[done:done+n], v[i:i+n])
			done += n
		}
	case operandRow:
		for done := 0; done < len(x); {
			i := at + done
			n := min(l.inner-i%l.inner, len(x)-done)
			row := i / l.inner % l.period
			if l.affine {
				p.ScaleShift(y[done:done+n], x[done:done+n], v[row], l.shift[row])
			} else {
				l.one(p, y[done:done+n], x[done:done+n], v[row])
			}
			done += n
		}
	}
}

func (l *link) one(p kernel.Path, y, x []float32, v float32) {
	if l.left {
		p.BinaryLeft(l.binary, y, v, x)
	} else {
		p.BinaryRight(l.binary, y, x, v)
	}
}

func (l *link) many(p kernel.Path, y, x, v []float32) {
	if l.left {
		p.Binary(l.binary, y, v, x)
	} else {
		p.Binary(l.binary, y, x, v)
	}
}

// Planning.

// unaryLink gives the link of an operator of one number.
func (b *builder) unaryLink(n *program.Node) (l link, ok bool) {
	l = link{unary: true, slot: program.None}
	plain := map[string]kernel.Unary{
		"Exp": kernel.UnaryExp, "Log": kernel.UnaryLog, "Tanh": kernel.UnaryTanh, "Erf": kernel.UnaryErf,
		"Sigmoid": kernel.UnarySigmoid, "Softplus": kernel.UnarySoftplus, "Mish": kernel.UnaryMish,
		"Softsign": kernel.UnarySoftsign, "HardSwish": kernel.UnaryHardSwish, "Relu": kernel.UnaryRelu,
		"Neg": kernel.UnaryNeg, "Abs": kernel.UnaryAbs, "Sqrt": kernel.UnarySqrt, "Reciprocal": kernel.UnaryReciprocal,
		"Round": kernel.UnaryRound, "Floor": kernel.UnaryFloor, "Ceil": kernel.UnaryCeil,
	}
	if u, known := plain[n.Op]; known {
		l.function = u
		return l, true
	}
	switch n.Op {
	case "LeakyRelu":
		l.function, l.alpha = kernel.UnaryLeakyRelu, attrFloat(n, "alpha", 0.01)
	case "Elu":
		l.function, l.alpha = kernel.UnaryElu, attrFloat(n, "alpha", 1)
	case "HardSigmoid":
		l.function, l.alpha, l.beta = kernel.UnaryHardSigmoid, attrFloat(n, "alpha", 0.2), attrFloat(n, "beta", 0.5)
	case "Gelu":
		l.function = kernel.UnaryGelu
		if a := attr(n, "approximate"); a != nil && a.Text == "tanh" {
			l.function = kernel.UnaryGeluTanh
		}
	case "Clip":
		return b.clipLink(n)
	default:
		return l, false
	}
	return l, true
}

// clipLink needs bounds that are known.
func (b *builder) clipLink(n *program.Node) (link, bool) {
	l := link{unary: true, slot: program.None, function: kernel.UnaryClip, alpha: float32(math.Inf(-1)), beta: float32(math.Inf(1))}
	if len(n.In) == 1 && (attr(n, "min") != nil || attr(n, "max") != nil || b.r.program.Opset < 11) {
		l.alpha, l.beta = attrFloat(n, "min", -math.MaxFloat32), attrFloat(n, "max", math.MaxFloat32)
		return l, true
	}
	for i, bound := range []*float32{&l.alpha, &l.beta} {
		v := b.in(n, i+1)
		if v == nil {
			continue
		}
		if v.constant == nil || v.constant.Len() != 1 || v.constant.Type() != tensor.Float32 {
			return l, false
		}
		*bound = tensor.Values[float32](v.constant)[0]
	}
	return l, true
}

func binaryOf(op string) (kernel.Binary, bool) {
	switch op {
	case "Add", "Sum":
		return kernel.BinaryAdd, true
	case "Sub":
		return kernel.BinarySub, true
	case "Mul":
		return kernel.BinaryMul, true
	case "Div":
		return kernel.BinaryDiv, true
	case "Max":
		return kernel.BinaryMax, true
	case "Min":
		return kernel.BinaryMin, true
	case "PRelu":
		return kernel.BinaryPrelu, true
	}
	return 0, false
}

// elementwise plans a node as a link.
func (b *builder) elementwise(n *program.Node) bool {
	x := b.in(n, 0)
	if x == nil || x.kind != tensor.Float32 || n.Wanted != 1 || n.Out[0] == program.None || tensor.Count(x.shape) == 0 {
		return false
	}
	if l, ok := b.unaryLink(n); ok {
		if x.constant != nil {
			return false
		}
		b.append(n.In[0], n.Out[0], x.shape, l, nil)
		return true
	}
	if n.Op == "Pow" && x.constant == nil && b.isTwo(n) {
		l := link{binary: kernel.BinaryMul, from: operandItself, slot: program.None}
		b.append(n.In[0], n.Out[0], x.shape, l, nil)
		return true
	}
	if n.Op == "BatchNormalization" {
		return b.affine(n)
	}
	f, ok := binaryOf(n.Op)
	if !ok || len(n.In) != 2 {
		return false
	}
	return b.pair(n, f)
}

// isTwo reports whether a Pow is a square, which AIW-8 makes a product.
func (b *builder) isTwo(n *program.Node) bool {
	y := b.in(n, 1)
	return y != nil && y.constant != nil && y.kind == tensor.Float32 && y.constant.Len() == 1 && len(y.shape) <= len(b.in(n, 0).shape) &&
		tensor.Values[float32](y.constant)[0] == 2
}

// affine plans a batch normalisation by known vectors, unless it is one of training.
func (b *builder) affine(n *program.Node) bool {
	x := *b.in(n, 0)
	var v [4][]float32
	for i := range v {
		c := b.in(n, i+1)
		if c == nil || c.constant == nil || len(x.shape) < 2 || !slices.Equal(c.shape, x.shape[1:2]) {
			return false
		}
		v[i] = tensor.Values[float32](c.constant)
	}
	if attrInt(n, "training_mode", 0) != 0 || attrInt(n, "spatial", 1) != 1 {
		return false
	}
	scale, shift := kernel.LowerBatchNorm(v[0], v[1], v[2], v[3], attrFloat(n, "epsilon", 1e-5))
	l := link{affine: true, from: operandRow, slot: program.None, constants: scale, shift: shift}
	l.inner, l.period = tensor.Count(x.shape[2:]), x.shape[1]
	b.append(n.In[0], n.Out[0], x.shape, l, nil)
	return true
}

// pair plans a function of two numbers. The chain goes on with the operand that has the result's shape and
// was made last, for the other one must be there when it runs.
func (b *builder) pair(n *program.Node, f kernel.Binary) bool {
	if b.in(n, 1) == nil || b.in(n, 1).kind != tensor.Float32 {
		return false
	}
	shape, err := tensor.Broadcast(b.in(n, 0).shape, b.in(n, 1).shape)
	if err != nil || n.Op == "PRelu" && !slices.Equal(shape, b.in(n, 0).shape) {
		return false
	}
	order := []int{0, 1}
	if b.in(n, 1).made > b.in(n, 0).made {
		order = []int{1, 0}
	}
	for _, main := range order {
		x, other := b.in(n, main), b.in(n, 1-main)
		if x.constant != nil || !slices.Equal(x.shape, shape) {
			continue
		}
		l := link{binary: f, left: main == 1, slot: n.In[1-main]}
		if other.constant != nil {
			l.slot, l.constants = program.None, tensor.Values[float32](other.constant)
		}
		if !l.operandOf(other.shape, shape) {
			continue
		}
		var reads []int
		if l.slot != program.None {
			reads = []int{l.slot}
		}
		b.append(n.In[main], n.Out[0], shape, l, reads)
		return true
	}
	return false
}

// operandOf says how a tensor of one shape is read as one of another.
func (l *link) operandOf(from, to []int) bool {
	from = append(slices.Repeat([]int{1}, len(to)-min(len(from), len(to))), from...)
	if len(from) != len(to) {
		return false
	}
	n := tensor.Count(from)
	first, last := 0, len(to)
	for first < last && from[first] == 1 {
		first++
	}
	for last > first && from[last-1] == 1 {
		last--
	}
	switch {
	case n == 1:
		l.from = operandScalar
	case !slices.Equal(from[first:last], to[first:last]):
		return false
	case n == tensor.Count(to):
		l.from = operandFull
	default:
		l.inner, l.period = tensor.Count(to[last:]), n
		l.from = operandRow
		if l.inner == 1 {
			l.from = operandPeriod
		}
	}
	return true
}

// append adds a link to the chain that makes x, if nobody else needs what that makes; else a chain begins.
func (b *builder) append(x, to int, shape []int, l link, reads []int) {
	if at := b.values[x].made; at >= 0 {
		if c, ok := b.steps[at].step.(*chain); ok && c.to == x && b.extends(c, at, &l) {
			b.extend(c, at, x, to, shape, l, reads)
			return
		}
	}
	if l.slot == x && l.from == operandFull {
		l.from, l.slot, reads = operandSource, program.None, nil
	}
	c := &chain{source: x, to: to, elements: tensor.Count(shape), links: []link{l}}
	b.add(c, append([]int{x}, reads...), c.elements)
	b.place(to, shape)
}

// extends reports whether a link may follow in a chain.
func (b *builder) extends(c *chain, at int, l *link) bool {
	if b.uses[c.to] != 1 {
		return false
	}
	if l.slot == c.source && l.from == operandFull {
		return true
	}
	return l.slot == program.None || b.values[l.slot].made < at
}

func (b *builder) extend(c *chain, at, x, to int, shape []int, l link, reads []int) {
	s := b.steps[at]
	if l.slot == c.source && l.from == operandFull {
		l.from, l.slot, reads = operandSource, program.None, nil
	}
	c.links = append(c.links, l)
	c.to = to
	s.reads = append(s.reads, reads...)
	s.cost += c.elements
	s.note.ops += "+" + b.at.Op
	old := b.values[x]
	b.p.places[slices.IndexFunc(b.p.places, func(p place) bool { return p.slot == x })] = place{to, slices.Clone(shape), old.buffer}
	b.values[to] = value{kind: tensor.Float32, shape: slices.Clone(shape), buffer: old.buffer, made: at, known: true}
	b.values[x] = value{kind: tensor.Float32, shape: old.shape, made: at, known: true}
	s.sets = []int{to}
}

// A chainer is a step that can run a chain over what it makes.
type chainer interface {
	step
	result() int
	takeChain(c *chain)
}

// joinChains lets a step run the chain that begins with what it makes, if nobody else needs that.
func (b *builder) joinChains() {
	for _, s := range b.steps {
		c, ok := s.step.(*chain)
		if !ok {
			continue
		}
		made := b.values[c.source].made
		if made < 0 || b.values[c.source].buffer == nil {
			continue
		}
		before := b.steps[made]
		by, ok := before.step.(chainer)
		if !ok || by.result() != c.source || !b.onlyIn(c) || !b.readyAt(s.reads[1:], made) {
			continue
		}
		by.takeChain(c)
		before.reads = append(before.reads, s.reads[1:]...)
		before.cost += s.cost
		before.note.ops += "+" + s.note.ops
		b.takeOver(b.values[c.to].buffer, b.values[c.source].buffer, made)
		before.sets = append(before.sets, c.to)
		s.step, s.reads, s.sets = nothing{}, nil, nil
	}
}

// takeOver puts what lies in one buffer into another, which is set by a step.
func (b *builder) takeOver(old, buffer *buffer, made int) {
	for i := range b.p.places {
		if b.p.places[i].buffer == old {
			b.p.places[i].buffer = buffer
		}
	}
	for i := range b.values {
		if b.values[i].buffer == old {
			b.values[i].buffer, b.values[i].made = buffer, made
		}
	}
}

// onlyIn reports whether a chain's links are all that reads its source.
func (b *builder) onlyIn(c *chain) bool {
	n := 1
	for _, l := range c.links {
		if l.from == operandSource {
			n++
		}
	}
	return b.uses[c.source] == n
}

func (b *builder) readyAt(slots []int, at int) bool {
	for _, s := range slots {
		if b.values[s].made >= at {
			return false
		}
	}
	return true
}

// nothing is a step that another one has taken over.
type nothing struct{}

func (nothing) run(*frame) error { return nil }
