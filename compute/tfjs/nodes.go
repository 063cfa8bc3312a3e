package tfjs

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

func errorAt(name string, err error) error { return fmt.Errorf("%q: %w", name, err) }

// A graph-model: nodes of TensorFlow, in any order, each of which names what it reads.

// A linker builds nodes once all that they read is there.
type linker struct {
	*builder
	nodes map[string]*value
	state map[string]linkState
	made  map[string]wire
}

type linkState uint8

const (
	linkOpen linkState = iota + 1
	linkDone
)

// linkDepthMax bounds a chain of nodes, as each is a call within a call.
const linkDepthMax = 1 << 14

func (b *builder) nodes(list *value) {
	l := &linker{builder: b, nodes: map[string]*value{}, state: map[string]linkState{}, made: map[string]wire{}}
	read := map[string]bool{}
	for _, n := range list.list {
		name := n.get("name").text
		if l.nodes[name] != nil || name == "" {
			b.fail("a node without a name, or two named %q", name)
			return
		}
		l.nodes[name] = n
		for _, in := range n.get("input").list {
			read[portless(in.text)] = true
		}
	}
	for _, n := range list.list { // what nobody reads goes out
		name, op := n.get("name").text, n.get("op").text
		if read[name] || op == "Const" || op == "NoOp" {
			continue
		}
		b.output(l.wire(name, 0))
	}
	if len(b.graph.Outputs) == 0 {
		b.fail("no node is an output")
	}
}

// portless takes ":0" off a name.
func portless(name string) string { return strings.TrimSuffix(name, ":0") }

// wire gives what a node makes.
func (l *linker) wire(name string, depth int) wire {
	if l.state[name] == linkDone || l.err != nil {
		return l.made[name]
	}
	n := l.nodes[name]
	switch {
	case n == nil:
		return l.fail("no node %q", name)
	case l.state[name] == linkOpen:
		return l.fail("node %q reads itself", name)
	case depth > linkDepthMax:
		return l.fail("more than %d nodes in a row", linkDepthMax)
	}
	l.state[name] = linkOpen
	var inputs []wire
	for _, in := range n.get("input").list {
		from := portless(in.text)
		if source := l.nodes[from]; source != nil && source.get("op").text == "Const" {
			inputs = append(inputs, wire{name: from})
			continue
		}
		inputs = append(inputs, l.wire(from, depth+1))
	}
	if l.err == nil {
		if l.made[name] = l.node(n, inputs); l.err != nil {
			l.err = errorAt(name, l.err)
		}
	}
	l.state[name] = linkDone
	return l.made[name]
}

// isConst says of an input that it is a weight, by its name, and no value yet.
func (w wire) isConst() bool { return w.shape == nil }

// node appends what a node computes.
func (l *linker) node(n *value, in []wire) wire {
	op := n.get("op").text
	if op == "Placeholder" {
		return l.placeholder(n)
	}
	switch op {
	case "Mul", "Sub", "Add", "AddV2":
		if len(in) != 2 {
			return l.fail("%s of %d inputs", op, len(in))
		}
		return l.arithmetic(strings.TrimSuffix(op, "V2"), in[0], in[1])
	}
	if len(in) == 0 || in[0].isConst() {
		return l.fail("%s without a value to read", op)
	}
	x := in[0]
	switch op {
	case "Identity":
		return x
	case "Relu":
		return l.activate(x, "relu")
	case "Relu6":
		return l.activate(x, "relu6")
	case "Softmax":
		return l.activate(x, "softmax")
	case "Squeeze":
		return l.squeeze(n, x)
	case "AvgPool":
		return l.pool("AveragePool", x, l.nodeWindow(n, "ksize"))
	case "MaxPool":
		return l.pool("MaxPool", x, l.nodeWindow(n, "ksize"))
	case "Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative", "MatMul", "_FusedMatMul":
		return l.product(n, op, in)
	}
	return l.fail("operator %s", op)
}

func (l *linker) placeholder(n *value) wire {
	dims := n.get("attr", "shape", "shape", "dim").list
	if len(dims) != 4 {
		return l.fail("input of %d dimensions, want pictures", len(dims))
	}
	var sides [3]int
	for i := range sides {
		sides[i], _ = dims[1+i].get("size").whole()
	}
	return l.input(n.get("name").text, sides[0], sides[1], sides[2])
}

// arithmetic joins two values, one of which may be a weight: one number, or one per channel.
func (l *linker) arithmetic(op string, x, y wire) wire {
	if !x.isConst() && !y.isConst() {
		return l.both(op, x, y)
	}
	if x.isConst() && y.isConst() {
		return l.fail("%s of two weights", op)
	}
	shape := x.shape
	for _, w := range []*wire{&x, &y} {
		if !w.isConst() {
			shape = w.shape
		}
	}
	for _, w := range []*wire{&x, &y} {
		if !w.isConst() {
			continue
		}
		if found := l.take(w.name, -1); found != nil && len(found.shape) == 0 {
			w.name = l.turned(w.name, []int{}, nil)
		} else {
			w.name = l.vector(w.name, shape[1], len(shape) == 4)
		}
	}
	return l.add(op, shape, []string{x.name, y.name})
}

func (l *linker) squeeze(n *value, x wire) wire {
	dims, _ := n.get("attr", "squeeze_dims", "list", "i").wholes()
	if !slices.Equal(dims, []int{1, 2}) || !x.spatial() || x.shape[2] != 1 || x.shape[3] != 1 {
		return l.fail("dimensions %v taken off %v", dims, x.shape)
	}
	return l.flatten(x)
}

// product is a convolution or matrix product, with the bias and activation that are fused to it.
func (l *linker) product(n *value, op string, in []wire) wire {
	bias, activation := "", ""
	for i, part := range n.get("attr", "fused_ops", "list", "s").list {
		name, err := base64.StdEncoding.DecodeString(part.text)
		switch {
		case err == nil && string(name) == "BiasAdd" && i == 0 && len(in) == 3:
			bias = in[2].name
		case err == nil && string(name) == "Relu" && activation == "":
			activation = "relu"
		case err == nil && string(name) == "Relu6" && activation == "":
			activation = "relu6"
		default:
			return l.fail("%q fused to %s of %d inputs", name, op, len(in))
		}
	}
	if len(in) < 2 || !in[1].isConst() || len(in) > 2 && bias == "" || bias != "" && !in[2].isConst() {
		return l.fail("%s of %d inputs, not all of which are weights", op, len(in))
	}
	switch op {
	case "MatMul", "_FusedMatMul":
		for _, side := range []string{"transpose_a", "transpose_b"} {
			if n.get("attr", side, "b").truth {
				return l.fail("%s with %s", op, side)
			}
		}
		return l.activate(l.dense(in[0], in[1].name, bias), activation)
	case "Conv2D", "_FusedConv2D":
		return l.activate(l.conv(in[0], in[1].name, bias, l.nodeWindow(n, "")), activation)
	}
	return l.activate(l.depthwise(in[0], in[1].name, bias, l.nodeWindow(n, "")), activation)
}

// nodeWindow reads the attributes of a node that slides.
func (l *linker) nodeWindow(n *value, kernel string) window {
	var w window
	attr := n.get("attr")
	if format := textOf(attr.get("data_format")); format != "" && format != "NHWC" {
		l.fail("data format %q", format)
	}
	for _, o := range []struct {
		field string
		to    *[2]int
	}{{kernel, &w.kernel}, {"strides", &w.stride}, {"dilations", &w.dilation}} {
		if o.field == "" || attr.get(o.field).kind == kindNull {
			continue
		}
		list, ok := attr.get(o.field, "list", "i").wholes()
		if !ok || len(list) != 4 || list[0] != 1 || list[3] != 1 || min(list[1], list[2]) < 1 {
			l.fail("%s is no list of sizes", o.field)
			return w
		}
		*o.to = [2]int{list[1], list[2]}
	}
	switch padding := textOf(attr.get("padding")); padding {
	case "SAME":
		w.same = true
	case "VALID":
	default:
		l.fail("padding %q", padding)
	}
	return w
}

// textOf gives the text of an attribute, which lies in base64.
func textOf(attr *value) string {
	b, err := base64.StdEncoding.DecodeString(attr.get("s").text)
	if err != nil {
		return attr.get("s").text
	}
	return string(b)
}
