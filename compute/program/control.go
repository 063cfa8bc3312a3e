package program

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A control node runs graphs of its own.
type control struct {
	bodies []*graph // If: then and else; others: the body
	run    func(f *frame, in []*tensor.Tensor) ([]*tensor.Tensor, error)
}

// control compiles If, Loop or Scan.
func (c *compiler) control(s *scope, n *onnx.Node, out *node, kinds []tensor.Type) ([]tensor.Type, error) {
	a := &controlAttrs{list: n.Attrs}
	out.control = &control{}
	var results []tensor.Type
	var err error
	switch n.Op {
	case "If":
		results, err = c.ifNode(s, a, out.control, kinds)
	case "Loop":
		results, err = c.loopNode(s, a, out.control, kinds)
	default:
		results, err = c.scanNode(s, a, out.control, kinds)
	}
	if err == nil {
		err = a.unread()
	}
	if err == nil && out.wanted > len(results) {
		err = fmt.Errorf("%d outputs, at most %d are made", out.wanted, len(results))
	}
	return results, err
}

// controlAttrs reads the attributes of a control node.
type controlAttrs struct {
	list []onnx.Attr
	read []string
}

func (a *controlAttrs) find(name string, kind onnx.AttrKind) (*onnx.Attr, error) {
	a.read = append(a.read, name)
	for i := range a.list {
		if a.list[i].Name == name {
			if a.list[i].Kind != kind {
				return nil, fmt.Errorf("attribute %q has kind %d, want %d", name, a.list[i].Kind, kind)
			}
			return &a.list[i], nil
		}
	}
	return nil, nil
}

func (a *controlAttrs) unread() error {
	for _, x := range a.list {
		if !slices.Contains(a.read, x.Name) {
			return fmt.Errorf("attribute %q is not known", x.Name)
		}
	}
	return nil
}

// body compiles the graph of an attribute, whose inputs have the given types.
func (c *compiler) body(s *scope, a *controlAttrs, name string, kinds []tensor.Type) (*graph, error) {
	attr, err := a.find(name, onnx.AttrGraph)
	if err != nil {
		return nil, err
	}
	if attr == nil {
		return nil, fmt.Errorf("attribute %q is missing", name)
	}
	g := attr.Graph
	if len(g.Inputs) != len(kinds) {
		return nil, fmt.Errorf("%s: %d inputs, want %d", name, len(g.Inputs), len(kinds))
	}
	inner := &scope{graph: &graph{}, outer: s, values: map[string]value{}}
	for i, in := range g.Inputs {
		if in.Type != 0 && in.Type != kinds[i] {
			return nil, fmt.Errorf("%s: input %q has type %v, want %v", name, in.Name, kinds[i], in.Type)
		}
		if err := inner.addInput(in.Name, kinds[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := c.graph(inner, g); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return inner.graph, nil
}

func (c *compiler) ifNode(s *scope, a *controlAttrs, out *control, kinds []tensor.Type) ([]tensor.Type, error) {
	if len(kinds) != 1 || kinds[0] != tensor.Bool {
		return nil, fmt.Errorf("inputs of types %v, want bool", kinds)
	}
	for _, name := range []string{"then_branch", "else_branch"} {
		g, err := c.body(s, a, name, nil)
		if err != nil {
			return nil, err
		}
		out.bodies = append(out.bodies, g)
	}
	if !slices.Equal(out.bodies[0].kinds, out.bodies[1].kinds) {
		return nil, fmt.Errorf("branches with outputs of types %v and %v", out.bodies[0].kinds, out.bodies[1].kinds)
	}
	out.run = func(f *frame, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		yes, err := condition(in[0])
		if err != nil {
			return nil, err
		}
		if yes {
			return f.m.run(out.bodies[0], nil, f)
		}
		return f.m.run(out.bodies[1], nil, f)
	}
	return out.bodies[0].kinds, nil
}

// condition gives the single element of a condition.
func condition(t *tensor.Tensor) (bool, error) {
	if t.Len() != 1 {
		return false, fmt.Errorf("a condition of shape %v, want one element", t.Shape())
	}
	return tensor.Values[bool](t)[0], nil
}

func (c *compiler) loopNode(s *scope, a *controlAttrs, out *control, kinds []tensor.Type) ([]tensor.Type, error) {
	if len(kinds) < 2 || kinds[0] != 0 && kinds[0] != tensor.Int64 || kinds[1] != 0 && kinds[1] != tensor.Bool {
		return nil, fmt.Errorf("inputs of types %v, want int64, bool and what is carried", kinds)
	}
	carried := kinds[2:]
	if slices.Contains(carried, 0) {
		return nil, fmt.Errorf("a carried value is left out")
	}
	g, err := c.body(s, a, "body", append([]tensor.Type{tensor.Int64, tensor.Bool}, carried...))
	if err != nil {
		return nil, err
	}
	out.bodies = []*graph{g}
	if len(g.kinds) < 1+len(carried) || g.kinds[0] != tensor.Bool || !slices.Equal(g.kinds[1:1+len(carried)], carried) {
		return nil, fmt.Errorf("a body with outputs of types %v, want bool, %v and what is collected", g.kinds, carried)
	}
	l := loop{body: g, carried: len(carried)}
	out.run = l.run
	return g.kinds[1:], nil
}

// A loop runs its body with an index, a condition and carried values, and collects the other outputs.
type loop struct {
	body    *graph
	carried int
}

func (l loop) run(f *frame, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	limit, going := int64(1<<62), true
	if in[0] != nil {
		if in[0].Len() != 1 {
			return nil, fmt.Errorf("a number of rounds of shape %v, want one element", in[0].Shape())
		}
		limit = in[0].Ints()[0]
	}
	if in[1] != nil {
		var err error
		if going, err = condition(in[1]); err != nil {
			return nil, err
		}
	}
	state := slices.Clone(in[2:])
	collected := newCollection(f.m, l.body.kinds[1+l.carried:])
	if err := f.m.holdAll(state); err != nil {
		return nil, err
	}
	for i := int64(0); i < limit && going; i++ {
		if err := f.m.budget.Spend(stepsOfNode); err != nil {
			return nil, err
		}
		inputs := append([]*tensor.Tensor{tensor.Scalar(i), tensor.Scalar(going)}, state...)
		outs, err := f.m.run(l.body, inputs, f)
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", i, err)
		}
		if going, err = condition(outs[0]); err != nil {
			return nil, err
		}
		if err := f.m.replace(state, outs[1:1+l.carried]); err != nil {
			return nil, err
		}
		if err := collected.add(outs[1+l.carried:]); err != nil {
			return nil, err
		}
	}
	f.m.dropAll(state)
	stacked, err := collected.stack(nil, nil)
	return append(state, stacked...), err
}

func (m *machine) holdAll(list []*tensor.Tensor) error {
	for _, t := range list {
		if err := m.hold(t); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) dropAll(list []*tensor.Tensor) {
	for _, t := range list {
		m.drop(t)
	}
}

// replace puts the values of the next round in the place of the last.
func (m *machine) replace(state, next []*tensor.Tensor) error {
	if err := m.holdAll(next); err != nil {
		return err
	}
	m.dropAll(state)
	copy(state, next)
	return nil
}

// A collection keeps what a body gives in each round.
type collection struct {
	m     *machine
	kinds []tensor.Type
	lists [][]*tensor.Tensor
}

func newCollection(m *machine, kinds []tensor.Type) *collection {
	return &collection{m: m, kinds: kinds, lists: make([][]*tensor.Tensor, len(kinds))}
}

func (c *collection) add(outs []*tensor.Tensor) error {
	for i, t := range outs {
		c.lists[i] = append(c.lists[i], t)
	}
	return c.m.holdAll(outs)
}

// stack joins what was collected along a new axis, the first unless axes say otherwise.
func (c *collection) stack(axes []int64, backwards []bool) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, len(c.lists))
	for i, list := range c.lists {
		axis := int64(0)
		if axes != nil {
			axis = axes[i]
		}
		if backwards != nil && backwards[i] {
			slices.Reverse(list)
		}
		t, err := c.join(list, axis, c.kinds[i])
		if err != nil {
			return nil, err
		}
		out[i] = t
		c.m.dropAll(list)
	}
	return out, nil
}

func (c *collection) join(list []*tensor.Tensor, axis int64, kind tensor.Type) (*tensor.Tensor, error) {
	if len(list) == 0 {
		return tensor.New(kind, []int{0}), nil
	}
	rank := list[0].Rank() + 1
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis >= int64(rank) || rank > tensor.RankMax {
		return nil, fmt.Errorf("values of shape %v stacked along axis %d", list[0].Shape(), axis)
	}
	parts := make([]*tensor.Tensor, len(list))
	for i, t := range list {
		if !slices.Equal(t.Shape(), list[0].Shape()) {
			return nil, fmt.Errorf("collected values of shapes %v and %v", list[0].Shape(), t.Shape())
		}
		parts[i] = t.View(slices.Insert(slices.Clone(t.Shape()), int(axis), 1))
	}
	joined, err := operator.Concat(c.m.call(nil, 1), parts, axis)
	if err != nil {
		return nil, err
	}
	return joined[0], nil
}
