package plan

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A value is what is known of a slot when a plan is made.
type value struct {
	kind     tensor.Type
	shape    []int
	constant *tensor.Tensor
	buffer   *buffer // in the arena; nil: given to the run, or an operator's own
	bytes    *buffer // in the arena of bytes, likewise
	pixels   *buffer // there, pixel by pixel; nil: not in that form
	made     int     // step that sets it; -1 for what is there from the start
	known    bool
}

// A builder makes one plan.
type builder struct {
	r           *Runner
	g           *program.Graph
	p           *plan
	values      []value
	steps       []*planned
	buffers     []*buffer
	byteBuffers []*buffer
	origin      *program.Graph // g as others know it; another one where branches were put in
	whole       *program.Graph // without these
	start       int            // node
	uses        []int          // of each slot, by nodes and outputs
	trial       operator.Budget
	at          *program.Node // that is being planned
}

// A planned step is a step with what decides on its buffers.
type planned struct {
	step
	reads   []int // slots
	sets    []int
	scratch []*buffer
	cost    int
	note    note
}

// build makes a plan for a graph from a node on.
func (r *Runner) build(j *job, g *program.Graph, start int, slots []int, values []*tensor.Tensor, settled bool) (*plan, error) {
	own := *g
	b := &builder{
		r: r, g: &own, origin: g, whole: g, start: start, values: make([]value, g.Slots),
		p:     &plan{runner: r, slots: g.Slots, outputs: g.Outputs},
		trial: j.budget,
	}
	for _, c := range g.Constants {
		b.setConstant(c.Slot, c.Tensor)
	}
	for i, slot := range slots {
		t := values[i]
		switch {
		case t == nil:
		case settled && settles(t):
			b.setConstant(slot, clone(t))
		default:
			b.values[slot] = value{kind: t.Type(), shape: slices.Clone(t.Shape()), made: -1, known: true}
			b.p.given = append(b.p.given, given{i, slot})
			b.p.loose = append(b.p.loose, slot)
		}
	}
	b.countUses()
	for i := start; i < len(b.g.Nodes); i++ {
		if err := j.ctx.Err(); err != nil {
			return nil, err
		}
		b.at = &b.g.Nodes[i]
		if b.at.Run == nil {
			if b.branch(i) {
				i-- // its nodes are there now
				continue
			}
			b.endAt(i)
			break
		}
		if b.byteSum(i) {
			i += byteSumLen - 1
			continue
		}
		if n := b.byteProduct(i); n > 0 {
			i += n - 1
			continue
		}
		ok, err := b.node(&b.g.Nodes[i])
		if err != nil {
			return nil, nodeError(b.g.Nodes[i].Label, err)
		}
		if !ok {
			b.endAt(i)
			break
		}
	}
	b.finish()
	return b.p, nil
}

func (b *builder) setConstant(slot int, t *tensor.Tensor) {
	b.values[slot] = value{kind: t.Type(), shape: t.Shape(), constant: t, made: -1, known: true}
}

func (b *builder) countUses() {
	b.uses = make([]int, b.g.Slots)
	for i := b.start; i < len(b.g.Nodes); i++ {
		for _, s := range usesOf(&b.g.Nodes[i]) {
			b.uses[s]++
		}
	}
	for _, s := range b.g.Outputs {
		b.uses[s]++
	}
	b.watched(func(slot int, _ Output) { b.uses[slot]++ })
}

// usesOf lists the slots that a node reads, for the graphs within it, too.
func usesOf(n *program.Node) (list []int) {
	for _, s := range n.In {
		if s != program.None {
			list = append(list, s)
		}
	}
	for _, g := range n.Bodies {
		for _, c := range g.Captures {
			list = append(list, c.Outer)
		}
	}
	return list
}

// node plans one node. Not ok means that the plan ends before it.
func (b *builder) node(n *program.Node) (ok bool, err error) {
	constant := true
	for _, s := range usesOf(n) {
		constant = constant && b.values[s].constant != nil
	}
	if constant {
		return b.fold(n)
	}
	if n.Op != "QLinearConv" {
		b.asPlanes(usesOf(n)...)
	}
	if b.settledByShape(n) {
		return true, nil
	}
	if b.fast(n) {
		return true, nil
	}
	return b.operator(n)
}

// in gives a node's input i, or nil where it is left out.
func (b *builder) in(n *program.Node, i int) *value {
	if i >= len(n.In) || n.In[i] == program.None {
		return nil
	}
	return &b.values[n.In[i]]
}

// fold computes a node on constants. One that fails does so in the run, too.
func (b *builder) fold(n *program.Node) (bool, error) {
	in := make([]*tensor.Tensor, len(n.In))
	for i := range n.In {
		if v := b.in(n, i); v != nil {
			in[i] = v.constant
		}
	}
	before := b.trial.Bytes
	outs, err := n.Run(&operator.Call{In: in, Outs: n.Wanted, Path: b.r.path, Budget: &b.trial})
	b.trial.Bytes = before
	if err != nil {
		return false, err
	}
	for i, slot := range n.Out {
		if slot == program.None {
			continue
		}
		if i >= len(outs) || outs[i] == nil {
			return false, fmt.Errorf("output %d is not made", i)
		}
		b.setConstant(slot, outs[i])
	}
	return true, nil
}

// settledByShape finds the outputs of Shape and Size, which need no elements.
func (b *builder) settledByShape(n *program.Node) bool {
	if n.Op != "Shape" && n.Op != "Size" {
		return false
	}
	outs, err := b.try(n)
	if err != nil {
		return false
	}
	b.setConstant(n.Out[0], outs[0])
	return true
}

// valued lists the inputs whose elements decide on the shape of an output.
func valued(op string) []int {
	switch op {
	case "NonZero", "Unique", "NonMaxSuppression":
		return []int{0, 1, 2, 3, 4}
	case "Range", "MelWeightMatrix":
		return []int{0, 1, 2, 3, 4}
	case "ConstantOfShape", "HannWindow", "HammingWindow", "BlackmanWindow", "EyeLike":
		return []int{0}
	case "Compress", "Expand", "Reshape", "Tile", "OneHot", "TopK", "Squeeze", "Unsqueeze", "Split", "CenterCropPad", "AffineGrid":
		return []int{1}
	case "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
		"ReduceProd", "ReduceSum", "ReduceSumSquare":
		return []int{1}
	case "Slice", "Pad", "Resize", "Upsample", "DFT", "STFT":
		return []int{1, 2, 3, 4}
	case "MaxUnpool":
		return []int{2}
	}
	return nil
}

// try runs a node on zeros where its inputs are not known, for the shapes of its outputs.
func (b *builder) try(n *program.Node) ([]*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(n.In))
	before := b.trial.Bytes
	defer func() { b.trial.Bytes = before }()
	for i := range n.In {
		v := b.in(n, i)
		switch {
		case v == nil:
		case v.constant != nil:
			in[i] = v.constant
		default:
			if err := b.trial.Take(tensor.Count(v.shape) * v.kind.Size()); err != nil {
				return nil, err
			}
			in[i] = tensor.New(v.kind, v.shape)
		}
	}
	outs, err := n.Run(&operator.Call{In: in, Outs: n.Wanted, Path: b.r.path, Budget: &b.trial})
	if err != nil {
		return nil, err
	}
	for i, slot := range n.Out {
		if slot != program.None && (i >= len(outs) || outs[i] == nil) {
			return nil, fmt.Errorf("output %d is not made", i)
		}
	}
	return outs, nil
}

// operator plans a node that is computed by its operator.
func (b *builder) operator(n *program.Node) (bool, error) {
	for _, i := range valued(n.Op) {
		if v := b.in(n, i); v != nil && v.constant == nil {
			return false, nil
		}
	}
	outs, err := b.try(n)
	if err != nil {
		return false, nil //nolint: zeros may be no valid input; then the values decide
	}
	if b.view(n, outs[0]) {
		return true, nil
	}
	s := &operatorStep{node: n, shapes: make([][]int, len(n.Out))}
	for i, slot := range n.Out {
		if slot != program.None {
			s.shapes[i] = slices.Clone(outs[i].Shape())
		}
	}
	b.add(s, readsOf(n), 0)
	for i, slot := range n.Out {
		if slot != program.None {
			b.p.loose = append(b.p.loose, slot)
			b.values[slot] = value{kind: outs[i].Type(), shape: s.shapes[i], made: len(b.steps) - 1, known: true}
			b.steps[len(b.steps)-1].sets = append(b.steps[len(b.steps)-1].sets, slot)
		}
	}
	return true, nil
}

func readsOf(n *program.Node) (list []int) {
	for _, s := range n.In {
		if s != program.None {
			list = append(list, s)
		}
	}
	return list
}

// isView lists the operators whose only output has the elements of the first input.
func isView(op string) bool {
	switch op {
	case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout":
		return true
	}
	return false
}

// view plans a node whose output has the elements of its first input.
func (b *builder) view(n *program.Node, out *tensor.Tensor) bool {
	if !isView(n.Op) || n.Wanted != 1 || out.Len() != tensor.Count(b.values[n.In[0]].shape) {
		return false
	}
	for i := range n.In {
		if v := b.in(n, i); i > 0 && v != nil && v.constant == nil { // it might be refused
			return false
		}
	}
	from := b.values[n.In[0]]
	shape := slices.Clone(out.Shape())
	v := value{kind: out.Type(), shape: shape, buffer: from.buffer, bytes: from.bytes, made: from.made, known: true}
	if from.buffer == nil {
		b.add(&viewStep{from: n.In[0], to: n.Out[0], shape: shape}, []int{n.In[0]}, 0)
		v.made = len(b.steps) - 1
		b.p.loose = append(b.p.loose, n.Out[0])
	} else {
		b.p.places = append(b.p.places, place{n.Out[0], shape, from.buffer})
	}
	b.values[n.Out[0]] = v
	return true
}

// add appends a step.
func (b *builder) add(s step, reads []int, cost int) *planned {
	p := &planned{step: s, reads: reads, cost: min(cost, costMax) + stepsOfNode, note: note{label: b.at.Label, ops: b.at.Op, steps: cost}}
	b.steps = append(b.steps, p)
	return p
}

// costMax is more than any limit allows one node, and little enough for the sum over all of them.
const costMax = 1 << 45

// stepsOfNode is what a node costs by being run at all.
const stepsOfNode = 64

// place gives a slot of floats a buffer of its own, set by the last step.
func (b *builder) place(slot int, shape []int) *buffer {
	buf := b.scratch(tensor.Count(shape))
	b.placeIn(slot, shape, buf)
	return buf
}

func (b *builder) placeIn(slot int, shape []int, buf *buffer) {
	shape = slices.Clone(shape)
	last := len(b.steps) - 1
	b.values[slot] = value{kind: tensor.Float32, shape: shape, buffer: buf, made: last, known: true}
	b.steps[last].sets = append(b.steps[last].sets, slot)
	b.p.places = append(b.p.places, place{slot, shape, buf})
}

func (b *builder) scratch(elements int) *buffer {
	buf := &buffer{elements: elements}
	b.buffers = append(b.buffers, buf)
	return buf
}

// endAt ends the plan before a node: another plan goes on when its inputs are there.
func (b *builder) endAt(i int) {
	needed := make([]bool, b.g.Slots)
	for k := i; k < len(b.g.Nodes); k++ {
		for _, s := range usesOf(&b.g.Nodes[k]) {
			needed[s] = true
		}
	}
	for _, s := range b.g.Outputs {
		needed[s] = true
	}
	t := &tailStep{graph: b.origin, at: i}
	for s, v := range b.values {
		if needed[s] && v.known {
			b.asPlanes(s)
			t.slots = append(t.slots, s)
		}
	}
	b.p.tail = true
	b.add(t, slices.Clone(t.slots), 0)
}

// finish joins chains into the steps before them, lays out the arena and hands over.
func (b *builder) finish() {
	b.asPlanes(b.g.Outputs...)
	b.joinChains()
	b.joinParts()
	last := len(b.steps) - 1
	use := func(slot, at int) {
		for _, buf := range []*buffer{b.values[slot].buffer, b.values[slot].bytes, b.values[slot].pixels} {
			if buf != nil {
				buf.first, buf.last = min(buf.first, at), max(buf.last, at)
			}
		}
	}
	for _, buf := range slices.Concat(b.buffers, b.byteBuffers) {
		buf.first, buf.last = len(b.steps), -1
	}
	for at, s := range b.steps {
		for _, slot := range s.reads {
			use(slot, at)
		}
		for _, slot := range s.sets {
			use(slot, at)
		}
		for _, buf := range s.scratch {
			buf.first, buf.last = min(buf.first, at), max(buf.last, at)
		}
		b.p.steps = append(b.p.steps, s.step)
		b.p.notes = append(b.p.notes, s.note)
		b.p.cost += s.cost
	}
	for _, slot := range b.g.Outputs {
		if b.values[slot].known {
			use(slot, last)
		}
	}
	b.p.sights = b.sights()
	b.buffers = slices.DeleteFunc(b.buffers, func(buf *buffer) bool { return buf.last < 0 })
	b.p.places = slices.DeleteFunc(b.p.places, func(p place) bool { return !slices.Contains(b.buffers, p.buffer) })
	b.p.arena = layOut(b.buffers)
	b.p.byteArena = layOut(b.byteBuffers)
	b.p.bytes = 4*b.p.arena + b.p.byteArena
	for slot, v := range b.values {
		if v.constant != nil {
			b.p.fixed = append(b.p.fixed, slotTensor{slot, v.constant})
			b.p.bytes += v.constant.Bytes()
		}
	}
}

// Attributes.

func attr(n *program.Node, name string) *onnx.Attr {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return &n.Attrs[i]
		}
	}
	return nil
}

func attrFloat(n *program.Node, name string, otherwise float32) float32 {
	if a := attr(n, name); a != nil {
		return a.Float
	}
	return otherwise
}

func attrInt(n *program.Node, name string, otherwise int64) int64 {
	if a := attr(n, name); a != nil {
		return a.Int
	}
	return otherwise
}
