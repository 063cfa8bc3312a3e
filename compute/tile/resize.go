package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Resize goes axis by axis, ascending; an element of the last axis is a sum of elements of the axis before it.

// An axisScale is how one axis is resized.
type axisScale struct {
	axis, from, to int
	scale, length  soft.F32 // length is that of the output before it is cut to a whole number
}

// A resizing is a Resize understood.
type resizing struct {
	mode, transform, nearest string
	cubic                    soft.F32
	axes                     []axisScale // those that change, ascending
	shape, own               []int       // of the output; the steps of the input
}

func resizeEntries() []entry {
	return []entry{
		{"Upsample", 7, nil, upsampleAttrs},
		{"Upsample", 9, []int{1}, resizeOld},
		{"Resize", 10, []int{1}, resizeOld},
		{"Resize", 11, []int{2, 3}, resize},
	}
}

func upsampleAttrs(c *call) (*Plan, error) {
	r := resizing{mode: c.attrs.text("mode", "nearest", "linear"), transform: "asymmetric", nearest: "floor"}
	f := c.attrs.find("scales", net.KindFloats)
	if f == nil {
		return nil, FaultUnsupported
	}
	scales := make([]soft.F32, len(f.Floats))
	for i, s := range f.Floats {
		scales[i] = soft.F32(s)
	}
	return r.plan(c, nil, scales, nil)
}

func resizeOld(c *call) (*Plan, error) {
	r := resizing{mode: c.attrs.text("mode", "nearest", "linear"), transform: "asymmetric", nearest: "floor"}
	scales, err := c.floatList(1)
	if err != nil {
		return nil, err
	}
	return r.plan(c, nil, scales, nil)
}

// floatList gives the elements of a parameter of floats; nil where there are none.
func (c *call) floatList(port int) ([]soft.F32, error) {
	list, err := c.list(port)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if c.in[port].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	out := make([]soft.F32, len(list))
	for i, v := range list {
		out[i] = soft.F32(v)
	}
	return out, nil
}

func resize(c *call) (*Plan, error) {
	a := c.attrs
	r := resizing{
		mode:      a.text("mode", "nearest", "linear", "cubic"),
		transform: a.text("coordinate_transformation_mode", "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"),
		nearest:   a.text("nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
		cubic:     a.float("cubic_coeff_a", 0xbf400000),
	}
	a.float("extrapolation_value", soft.Zero)
	a.text("keep_aspect_ratio_policy", "stretch")
	along := a.ints("axes")
	if a.flag("exclude_outside", false) || a.flag("antialias", false) {
		return nil, FaultUnsupported
	}
	scales, err := c.floatList(2)
	if err != nil {
		return nil, err
	}
	to, err := c.list(3)
	if err != nil {
		return nil, err
	}
	if len(to) == 0 {
		to = nil
	}
	return r.plan(c, along, scales, to)
}

func (r resizing) plan(c *call, along []int64, scales []soft.F32, to []int64) (*Plan, error) {
	if !c.want(0) || r.mode != "nearest" && c.in[0].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if along == nil {
		for i := range x {
			along = append(along, int64(i))
		}
	}
	if _, ok := axes(along, len(x)); !ok || (scales == nil) == (to == nil) || len(scales)+len(to) != len(along) {
		return nil, FaultInvalid
	}
	r.shape, r.own = slices.Clone(x), strides(x)
	for i, p := range along {
		a, _ := axis(p, len(x))
		s := axisScale{axis: a, from: x[a]}
		if scales != nil {
			s.scale, s.length = scales[i], soft.Mul(soft.FromInt(int64(x[a])), scales[i])
			if !soft.Less(soft.Zero, s.scale) || s.length.IsNaN() {
				return nil, FaultInvalid
			}
			s.to = int(soft.ToInt(soft.Floor(s.length), 0, elementsMax+1))
		} else {
			if to[i] < 0 || to[i] > elementsMax {
				return nil, FaultInvalid
			}
			s.to = int(to[i])
			s.length = soft.FromInt(to[i])
			s.scale = soft.Div(s.length, soft.FromInt(int64(s.from)))
		}
		if r.shape[a] = s.to; s.from != s.to || s.scale != soft.One {
			if s.from == 0 && s.to > 0 {
				return nil, FaultInvalid
			}
			r.axes = append(r.axes, s)
		}
	}
	slices.SortFunc(r.axes, func(a, b axisScale) int { return a.axis - b.axis })
	return r.each(c)
}

func (r resizing) each(c *call) (*Plan, error) {
	if !checkShape(r.shape) {
		return nil, FaultInvalid
	}
	return each{
		kind: c.in[0].kind, shape: r.shape,
		reads: func(i int, read func(port, index int)) {
			r.walk(i, len(r.axes)-1, r.base(i), func(index int) { read(0, index) })
		},
		value: func(i int, w []uint64) uint64 {
			if len(w) == 1 && (r.mode == "nearest" || len(r.axes) == 0) {
				return w[0]
			}
			v, _ := r.sum(i, len(r.axes)-1, w)
			return uint64(v)
		},
	}.plan()
}

// at gives the place of element i along an axis of the output.
func (r resizing) at(i, along int) int { return i / count(r.shape[along+1:]) % r.shape[along] }

// base gives the offset by the axes that do not change.
func (r resizing) base(i int) int {
	at := offset(i, r.shape, r.own)
	for _, s := range r.axes {
		at -= r.at(i, s.axis) * r.own[s.axis]
	}
	return at
}

// walk names the inputs of element i, the last axis's neighbours outermost.
func (r resizing) walk(i, depth, base int, read func(index int)) {
	if depth < 0 {
		read(base)
		return
	}
	s := r.axes[depth]
	first, weights := r.weights(r.place(r.at(i, s.axis), s))
	for j := range weights {
		from := min(max(first+j, 0), s.from-1)
		r.walk(i, depth-1, base+from*r.own[s.axis], read)
	}
}

// sum adds what walk has read.
func (r resizing) sum(i, depth int, w []uint64) (v soft.F32, rest []uint64) {
	if depth < 0 {
		return f32(w[0]), w[1:]
	}
	s := r.axes[depth]
	_, weights := r.weights(r.place(r.at(i, s.axis), s))
	acc := soft.Zero
	for _, weight := range weights {
		v, w = r.sum(i, depth-1, w)
		acc = soft.FMA(v, weight, acc)
	}
	return acc, w
}

// place gives the place of output i among the inputs.
func (r resizing) place(i int, s axisScale) soft.F32 {
	x := soft.FromInt(int64(i))
	half := func() soft.F32 { return soft.Div(soft.Add(x, soft.Half), s.scale) }
	switch r.transform {
	case "half_pixel":
		return soft.Sub(half(), soft.Half)
	case "pytorch_half_pixel":
		if s.to <= 1 {
			return soft.Zero
		}
		return soft.Sub(half(), soft.Half)
	case "tf_half_pixel_for_nn":
		return half()
	case "align_corners":
		if !soft.Less(soft.One, s.length) {
			return soft.Zero
		}
		return soft.Div(soft.Mul(x, soft.FromInt(int64(s.from-1))), soft.Sub(s.length, soft.One))
	}
	return soft.Div(x, s.scale)
}

// weights gives the first input that counts for a place, and the weights from there on.
func (r resizing) weights(at soft.F32) (first int, w []soft.F32) {
	if r.mode == "nearest" {
		return r.round(at), []soft.F32{soft.One}
	}
	floor := soft.Floor(at)
	first, f := int(soft.ToInt(floor, -1<<30, 1<<30)), soft.Sub(at, floor)
	if r.mode == "linear" {
		return first, []soft.F32{soft.Sub(soft.One, f), f}
	}
	for j := range int64(4) {
		w = append(w, r.keys(soft.Sub(f, soft.FromInt(j-1)).Abs()))
	}
	return first - 1, w
}

func (r resizing) round(x soft.F32) int {
	switch r.nearest {
	case "floor":
		x = soft.Floor(x)
	case "ceil":
		x = soft.Ceil(x)
	case "round_prefer_ceil":
		x = soft.Floor(soft.Add(x, soft.Half))
	default:
		x = soft.Ceil(soft.Sub(x, soft.Half))
	}
	return int(soft.ToInt(x, -1<<30, 1<<30))
}

// keys is Keys' cubic at distance d.
func (r resizing) keys(d soft.F32) soft.F32 {
	a := r.cubic
	times := func(n int64) soft.F32 { return soft.Mul(soft.FromInt(n), a) }
	switch {
	case !soft.Less(soft.One, d):
		p := soft.FMA(soft.Add(a, soft.Two), d, soft.Add(a, soft.FromInt(3)).Neg())
		return soft.FMA(soft.Mul(p, d), d, soft.One)
	case soft.Less(d, soft.Two):
		return soft.FMA(soft.FMA(soft.FMA(a, d, times(-5)), d, times(8)), d, times(-4))
	}
	return soft.Zero
}
