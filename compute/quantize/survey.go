package quantize

import (
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What becomes of each node, before any range is known.

// A role is what becomes of a node.
type role uint8

const (
	roleFloat    role = iota // stays, in floats
	roleConv                 // QLinearConv
	roleProduct              // MatMulInteger and what belongs to it
	roleSum                  // an Add between bytes
	roleMove                 // stays, in bytes
	roleAbsorbed             // a clamp that is the saturation of what is before it
)

// Bounds are the ends of a clamp.
type bounds struct{ low, high float64 }

func unbounded() bounds { return bounds{math.Inf(-1), math.Inf(1)} }

// A survey says what becomes of all nodes.
type survey struct {
	*network
	roles  []role
	face   map[int]string    // of a node in bytes: the value that it makes, behind the clamp that it absorbs
	clamps map[string]bounds // of values in bytes
	group  map[string]string // to another value with the same scale and zero point
	needed []string          // values whose ranges must be known
}

func (g *network) survey() *survey {
	s := &survey{
		network: g, roles: make([]role, len(g.model.Graph.Nodes)), face: map[int]string{},
		clamps: map[string]bounds{}, group: map[string]string{},
	}
	for i := range g.model.Graph.Nodes {
		if s.roles[i] == roleAbsorbed {
			continue
		}
		n := &g.model.Graph.Nodes[i]
		switch {
		case s.isConv(n):
			s.roles[i] = roleConv
			s.need(n.Inputs[0])
			s.makes(i, n)
		case s.isProduct(n):
			s.roles[i] = roleProduct
			s.need(n.Inputs[0])
		case s.isSum(n):
			s.roles[i] = roleSum
			s.makes(i, n)
		case s.isMove(n):
			s.roles[i] = roleMove
			out := n.Outputs[0]
			s.clamps[out] = s.clamps[n.Inputs[0]]
			for _, in := range s.moved(n) {
				s.join(in, out)
			}
			s.need(out)
			s.face[i] = out
		}
	}
	return s
}

func (s *survey) need(name string) {
	if !slices.Contains(s.needed, name) {
		s.needed = append(s.needed, name)
	}
}

// root gives the value that stands for a group.
func (s *survey) root(name string) string {
	for {
		next, ok := s.group[name]
		if !ok {
			return name
		}
		name = next
	}
}

func (s *survey) join(a, b string) {
	if a, b = s.root(a), s.root(b); a != b {
		s.group[a] = b
	}
}

// inBytes reports whether a value is made in bytes.
func (s *survey) inBytes(name string) bool {
	_, ok := s.clamps[name]
	return ok
}

// makes notes that a node makes bytes, with the clamp that follows if nobody else reads what it clamps.
func (s *survey) makes(i int, n *onnx.Node) {
	face, b := n.Outputs[0], unbounded()
	if next := s.follower(n); next != nil && !s.inBodies[face] {
		if clamp, ok := s.clamp(next); ok && clamp.low <= 0 && clamp.high > 0 {
			s.roles[s.reader[face]] = roleAbsorbed
			face, b = next.Outputs[0], clamp
		}
	}
	s.face[i], s.clamps[face] = face, b
	s.need(face)
}

// clamp gives the ends of a Relu or a Clip.
func (s *survey) clamp(n *onnx.Node) (bounds, bool) {
	b := unbounded()
	switch n.Op {
	case "Relu":
		b.low = 0
		return b, true
	case "Clip":
	default:
		return b, false
	}
	if s.opset < opsetClip {
		b.low, b.high = float64(attrFloat(n, "min", -math.MaxFloat32)), float64(attrFloat(n, "max", math.MaxFloat32))
		return b, true
	}
	for i, end := range []*float64{&b.low, &b.high} {
		if len(n.Inputs) <= i+1 || n.Inputs[i+1] == "" {
			continue
		}
		_, v := s.floats(n, i+1)
		if len(v) != 1 {
			return b, false
		}
		*end = float64(v[0])
	}
	return b, true
}

// isConv reports whether a convolution has known weights.
func (s *survey) isConv(n *onnx.Node) bool {
	w, v := s.floats(n, 1)
	if n.Op != "Conv" || w == nil || w.Rank() < 3 || len(v) == 0 || s.constants[n.Inputs[0]] != nil || !finite(v) {
		return false
	}
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		_, bias := s.floats(n, 2)
		return len(bias) == w.Shape()[0] && finite(bias)
	}
	return true
}

func finite(v []float32) bool {
	return !slices.ContainsFunc(v, func(x float32) bool { return x-x != 0 })
}

// isProduct reports whether a Gemm or MatMul has a known right side, and as a Gemm a known bias of its columns.
func (s *survey) isProduct(n *onnx.Node) bool {
	if n.Op != "Gemm" && n.Op != "MatMul" {
		return false
	}
	w, v := s.floats(n, 1)
	if w == nil || w.Rank() != 2 || len(v) == 0 || s.constants[n.Inputs[0]] != nil || !finite(v) {
		return false
	}
	if n.Op == "MatMul" {
		return true
	}
	if attrInt(n, "transA", 0) != 0 {
		return false
	}
	if len(n.Inputs) > 2 && n.Inputs[2] != "" {
		c, bias := s.floats(n, 2)
		columns := w.Shape()[1]
		if attrInt(n, "transB", 0) != 0 {
			columns = w.Shape()[0]
		}
		return c != nil && len(bias) == columns && finite(bias) && (c.Rank() == 1 || c.Rank() == 2 && c.Shape()[0] == 1)
	}
	return true
}

func (s *survey) isSum(n *onnx.Node) bool {
	return n.Op == "Add" && s.inBytes(n.Inputs[0]) && s.inBytes(n.Inputs[1])
}

// moved lists the inputs of a node that only moves elements.
func (s *survey) moved(n *onnx.Node) []string {
	if n.Op == "Concat" {
		return n.Inputs
	}
	return n.Inputs[:1]
}

// isMove reports whether a node does the same to bytes as to the numbers they stand for. What is joined must have one clamp, for all of
// it has one range.
func (s *survey) isMove(n *onnx.Node) bool {
	switch n.Op {
	case "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Concat", "Slice", "DepthToSpace", "SpaceToDepth":
	case "MaxPool":
		if s.opset < opsetMaxPool || len(n.Outputs) > 1 {
			return false
		}
	case "Pad":
		if s.opset < opsetPad || attr(n, "mode") != nil && attr(n, "mode").Text != "constant" || !s.padsZero(n) {
			return false
		}
	default:
		return false
	}
	for _, name := range s.moved(n) {
		if !s.inBytes(name) || s.clamps[name] != s.clamps[n.Inputs[0]] {
			return false
		}
	}
	return true
}

func (g *network) padsZero(n *onnx.Node) bool {
	if len(n.Inputs) < 3 || n.Inputs[2] == "" {
		return true
	}
	_, v := g.floats(n, 2)
	return len(v) == 1 && v[0] == 0
}

// rows turns a matrix over.
func turned(v []float32, rows, columns int) []float32 {
	out := make([]float32, len(v))
	for i := range rows {
		for j := range columns {
			out[j*rows+i] = v[i*columns+j]
		}
	}
	return out
}

// matrix gives the right side of a product as [k][n], with the factor of a Gemm, and its bias, nil for none.
func (s *survey) matrix(n *onnx.Node) (w []float32, rows, columns int, bias []float32) {
	t, w := s.floats(n, 1)
	rows, columns = t.Shape()[0], t.Shape()[1]
	if n.Op == "MatMul" {
		return w, rows, columns, nil
	}
	if attrInt(n, "transB", 0) != 0 {
		w = turned(w, rows, columns)
		rows, columns = columns, rows
	}
	_, bias = s.floats(n, 2)
	return scaled(w, attrFloat(n, "alpha", 1)), rows, columns, scaled(bias, attrFloat(n, "beta", 1))
}

func scaled(v []float32, by float32) []float32 {
	if by == 1 {
		return v
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x * by)
	}
	return out
}

// asTensor is a vector.
func asTensor[E tensor.Element](v []E) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }
