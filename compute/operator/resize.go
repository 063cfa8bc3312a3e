package operator

import (
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Resize works axis by axis in ascending order, axes of scale 1 and unchanged size left out. Along an axis,
// each output has a place between inputs, x; linear and cubic take the fused sum of their neighbours times
// their weights, ascending, from +0.

// A resizing is the operator with its attributes read.
type resizing struct {
	mode, transform, nearest string
	cubic, extrapolation     float32
	exclude, antialias       bool
	axes                     []int64
	policy                   string
}

func resizeOld(a *Attrs) Func {
	r := resizing{mode: a.choice("mode", "nearest", "linear"), transform: "asymmetric", nearest: "floor"}
	scales := a.floats("scales") // of Upsample before 9
	return func(c *Call) ([]*tensor.Tensor, error) {
		s := scales
		if s == nil && c.in(1) != nil {
			s = floatsOf(c.in(1))
		}
		return r.run(c, nil, s, nil)
	}
}

func resize(a *Attrs) Func {
	r := resizing{
		mode: a.choice("mode", "nearest", "linear", "cubic"),
		transform: a.choice("coordinate_transformation_mode", "half_pixel", "pytorch_half_pixel", "align_corners",
			"asymmetric", "tf_crop_and_resize", "half_pixel_symmetric", "tf_half_pixel_for_nn"),
		nearest: a.choice("nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
		cubic:   a.float("cubic_coeff_a", -0.75), extrapolation: a.float("extrapolation_value", 0),
		exclude: a.flag("exclude_outside", false), antialias: a.flag("antialias", false),
		axes:   a.ints("axes"),
		policy: a.choice("keep_aspect_ratio_policy", "stretch", "not_larger", "not_smaller"),
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		var roi, scales []float32
		var to []int64
		if t := c.in(1); t != nil {
			roi = floatsOf(t)
		}
		if t := c.in(2); t != nil && t.Len() > 0 {
			scales = floatsOf(t)
		}
		if t := c.in(3); t != nil && t.Len() > 0 {
			to = t.Ints()
		}
		return r.run(c, roi, scales, to)
	}
}

// An axisPlan is how one axis is resized.
type axisPlan struct {
	axis, from, to int
	scale, length  float32 // length is that of the output before it is cut to a whole number
	start, end     float32 // of the region of interest
}

// plan works out the axes, from scales or from sizes.
func (r resizing) plan(shape []int, roi, scales []float32, to []int64) ([]axisPlan, error) {
	axes := r.axes
	if axes == nil {
		for i := range shape {
			axes = append(axes, int64(i))
		}
	}
	if _, err := axesOf(axes, len(shape)); err != nil {
		return nil, err
	}
	if (scales == nil) == (to == nil) || scales != nil && len(scales) != len(axes) || to != nil && len(to) != len(axes) {
		return nil, fmt.Errorf("%d scales and %d sizes for %d axes", len(scales), len(to), len(axes))
	}
	crop := r.transform == "tf_crop_and_resize"
	if crop && len(roi) != 2*len(axes) {
		return nil, fmt.Errorf("a region of %d numbers for %d axes", len(roi), len(axes))
	}
	plans := make([]axisPlan, len(axes))
	for i, a := range axes {
		axis, _ := axisOf(a, len(shape))
		p := axisPlan{axis: axis, from: shape[axis], end: 1}
		if crop {
			p.start, p.end = roi[i], roi[len(axes)+i]
		}
		if scales != nil {
			p.scale = scales[i]
			size := math.Floor(float64(float32(float32(p.from)*scales[i]) * (p.end - p.start)))
			if crop {
				size = math.Floor(float64(float32(float32(p.from)*(p.end-p.start)) * scales[i]))
			}
			if !(size >= 0 && size <= tensor.ElementsMax) || !(p.scale > 0) {
				return nil, fmt.Errorf("scale %v of axis %d of shape %v", scales[i], axis, shape)
			}
			p.to, p.length = int(size), float32(float32(p.from)*scales[i])
		} else {
			if to[i] < 0 || to[i] > tensor.ElementsMax {
				return nil, fmt.Errorf("size %d of axis %d", to[i], axis)
			}
			p.to, p.length = int(to[i]), float32(to[i])
			p.scale = float32(p.to) / float32(p.from)
		}
		plans[i] = p
	}
	if to != nil {
		r.keepAspect(plans)
	}
	return plans, nil
}

// keepAspect takes one scale for all axes where the policy says so.
func (r resizing) keepAspect(plans []axisPlan) {
	if r.policy == "stretch" || r.policy == "" {
		return
	}
	scale := plans[0].scale
	for _, p := range plans {
		if r.policy == "not_larger" {
			scale = smaller(scale, p.scale)
		} else {
			scale = larger(scale, p.scale)
		}
	}
	for i := range plans {
		p := &plans[i]
		p.scale = scale
		p.to = int(saturate(float32(math.Floor(float64(float32(scale*float32(p.from))+0.5))), 0, tensor.ElementsMax))
		p.length = float32(p.to)
	}
}

func (r resizing) run(c *Call, roi, scales []float32, to []int64) ([]*tensor.Tensor, error) {
	x := c.In[0]
	plans, err := r.plan(x.Shape(), roi, scales, to)
	if err != nil {
		return nil, err
	}
	if x.Type() != tensor.Float32 && r.mode != "nearest" {
		converted, err := c.convert(x, tensor.Float32)
		if err != nil {
			return nil, err
		}
		out, err := r.axesInOrder(c, converted, plans)
		if err != nil {
			return nil, err
		}
		back, err := c.convert(out, x.Type())
		return one(back), err
	}
	out, err := r.axesInOrder(c, x, plans)
	return one(out), err
}

func (r resizing) axesInOrder(c *Call, x *tensor.Tensor, plans []axisPlan) (*tensor.Tensor, error) {
	slices.SortFunc(plans, func(a, b axisPlan) int { return a.axis - b.axis })
	for _, p := range plans {
		if p.from == p.to && p.scale == 1 && r.transform != "tf_crop_and_resize" {
			continue
		}
		if p.from == 0 && p.to > 0 {
			return nil, fmt.Errorf("axis %d is empty", p.axis)
		}
		var err error
		if x, err = r.along(c, x, p); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// place gives the place of output i among the inputs.
func (r resizing) place(i int, p axisPlan) float32 {
	x := float32(i)
	switch r.transform {
	case "half_pixel":
		return (x+0.5)/p.scale - 0.5
	case "half_pixel_symmetric":
		adjusted := float32(float32(p.to) / float32(p.scale*float32(p.from)))
		centre := float32(p.from) / 2
		return float32(centre*(1-adjusted)) + ((x+0.5)/p.scale - 0.5)
	case "pytorch_half_pixel":
		if p.to <= 1 {
			return 0
		}
		return (x+0.5)/p.scale - 0.5
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / p.scale
	case "align_corners":
		if p.length <= 1 {
			return 0
		}
		return float32(x*float32(p.from-1)) / (p.length - 1)
	case "tf_crop_and_resize":
		if p.to <= 1 {
			return float32(float32(0.5*(p.start+p.end)) * float32(p.from-1))
		}
		begin := float32(p.start * float32(p.from-1))
		return begin + float32(float32(x*(p.end-p.start))*float32(p.from-1))/float32(p.to-1)
	}
	return x / p.scale
}

// round gives the nearest input of a place.
func (r resizing) round(x float32) int {
	f := math.Floor(float64(x))
	switch r.nearest {
	case "floor":
	case "ceil":
		f = math.Ceil(float64(x))
	case "round_prefer_ceil":
		f = math.Floor(float64(x + 0.5))
	default:
		f = math.Ceil(float64(x - 0.5))
	}
	return int(saturate(float32(f), -1<<30, 1<<30))
}

// along resizes one axis.
func (r resizing) along(c *Call, x *tensor.Tensor, p axisPlan) (*tensor.Tensor, error) {
	shape := slices.Clone(x.Shape())
	shape[p.axis] = p.to
	if r.mode == "nearest" && r.transform != "tf_crop_and_resize" {
		return r.nearestAlong(c, x, p, shape)
	}
	out, y, err := c.floats(shape)
	if err != nil || len(y) == 0 {
		return out, err
	}
	if x.Type() != tensor.Float32 {
		return nil, fmt.Errorf("a region of interest of type %v", x.Type())
	}
	v := floatsOf(x)
	outer, inner := tensor.Count(shape[:p.axis]), tensor.Count(shape[p.axis+1:])
	if r.transform != "tf_crop_and_resize" {
		return out, r.weighed(c, y, v, p, outer, inner)
	}
	for i := range p.to {
		at := r.place(i, p)
		if r.transform == "tf_crop_and_resize" && !(at >= 0 && at <= float32(p.from-1)) {
			for o := range outer {
				for k := range inner {
					y[(o*p.to+i)*inner+k] = r.extrapolation
				}
			}
			continue
		}
		first, weights := r.weights(at, p)
		if err := c.Budget.Spend(outer, inner, len(weights)); err != nil {
			return nil, err
		}
		for o := range outer {
			for k := range inner {
				acc := float32(0)
				for j, w := range weights {
					source := min(max(first+j, 0), p.from-1)
					acc = kernel.FMA(v[(o*p.from+source)*inner+k], w, acc)
				}
				y[(o*p.to+i)*inner+k] = acc
			}
		}
	}
	return out, nil
}

// weighed sets y[outer][to][inner] to the weighed neighbours along the middle of x[outer][from][inner].
func (r resizing) weighed(c *Call, y, x []float32, p axisPlan, outer, inner int) error {
	if inner == 1 {
		return r.weighedRows(c, y, x, p, outer)
	}
	for i := range p.to {
		first, weights := r.weights(r.place(i, p), p)
		if err := c.Budget.Spend(outer, inner, len(weights)); err != nil {
			return err
		}
		for o := range outer {
			row := y[(o*p.to+i)*inner:][:inner]
			for j, w := range weights {
				source := min(max(first+j, 0), p.from-1)
				c.Path.Accumulate(row, x[(o*p.from+source)*inner:][:inner], w)
			}
		}
	}
	return nil
}

// weighedRows is weighed for an inner size of 1: all outputs of a row together, neighbour by neighbour. The
// number of neighbours may differ; missing ones come last and are left out.
func (r resizing) weighedRows(c *Call, y, x []float32, p axisPlan, outer int) error {
	var sources [][]int32
	var by [][]float32
	for i := range p.to {
		first, weights := r.weights(r.place(i, p), p)
		if err := c.Budget.Spend(outer, len(weights)); err != nil {
			return err
		}
		for j, w := range weights {
			if j == len(by) {
				at, err := c.indexes(p.to)
				if err != nil {
					return err
				}
				weight, err := c.scratch(p.to)
				if err != nil {
					return err
				}
				for k := range at {
					at[k] = -1
				}
				sources, by = append(sources, at), append(by, weight)
			}
			sources[j][i], by[j][i] = int32(min(max(first+j, 0), p.from-1)), w
		}
	}
	near, err := c.scratch(2 * p.to)
	if err != nil {
		return err
	}
	near, sums := near[:p.to], near[p.to:]
	for o := range outer {
		in, row := x[o*p.from:][:p.from], y[o*p.to:][:p.to]
		for j, at := range sources {
			for i, s := range at {
				near[i] = in[max(s, 0)]
			}
			c.Path.FMAs(sums, near, by[j], row)
			for i, s := range at {
				if s >= 0 {
					row[i] = sums[i]
				}
			}
		}
	}
	return nil
}

func (r resizing) nearestAlong(c *Call, x *tensor.Tensor, p axisPlan, shape []int) (*tensor.Tensor, error) {
	out, err := c.new(x.Type(), shape)
	if err != nil || out.Len() == 0 {
		return out, err
	}
	at, err := c.indexes(p.to)
	if err != nil {
		return nil, err
	}
	for i := range at {
		at[i] = int32(min(max(r.round(r.place(i, p)), 0), p.from-1))
	}
	out.PickAlong(x, p.from, tensor.Count(shape[p.axis+1:]), at)
	return out, nil
}

// weights gives the first input that counts for a place, and the weights from there on. Inputs outside
// repeat the border, unless they are excluded.
func (r resizing) weights(at float32, p axisPlan) (first int, w []float32) {
	floor := float32(math.Floor(float64(at)))
	first, f := int(saturate(floor, -1<<30, 1<<30)), at-floor
	stretch := float32(1)
	if r.antialias && p.scale < 1 {
		stretch = p.scale
	}
	switch {
	case r.mode == "nearest":
		return r.round(at), []float32{1}
	case stretch < 1:
		return r.stretched(at, stretch, p)
	case r.mode == "linear":
		w = []float32{1 - f, f}
	default:
		first--
		for j := range 4 {
			w = append(w, cubicWeight(absolute(f-float32(j-1)), r.cubic))
		}
	}
	if r.exclude {
		w = excluded(first, w, p.from)
	}
	return first, w
}

// stretched weighs all inputs within the filter's reach, which grows where the axis shrinks.
func (r resizing) stretched(at, scale float32, p axisPlan) (first int, w []float32) {
	reach := float32(1)
	if r.mode == "cubic" {
		reach = 2
	}
	first = int(saturate(float32(math.Floor(float64(at-reach/scale)))+1, -1<<30, 1<<30))
	last := int(saturate(float32(math.Ceil(float64(at+reach/scale)))-1, -1<<30, 1<<30))
	last = min(last, first+p.from+int(min(2*reach/scale, 1<<24)))
	for j := first; j <= last; j++ {
		d := float32(absolute(float32(j)-at) * scale)
		if r.mode == "cubic" {
			w = append(w, cubicWeight(d, r.cubic))
		} else {
			w = append(w, larger(0, 1-d))
		}
	}
	if r.exclude {
		return first, excluded(first, w, p.from)
	}
	return first, overSum(w)
}

// excluded drops the weights of inputs outside and makes the rest add up to 1.
func excluded(first int, w []float32, size int) []float32 {
	for j := range w {
		if first+j < 0 || first+j >= size {
			w[j] = 0
		}
	}
	return overSum(w)
}

func overSum(w []float32) []float32 {
	total := float32(0)
	for _, v := range w {
		total += v
	}
	for j := range w {
		w[j] /= total
	}
	return w
}

// cubicWeight is Keys' kernel at distance d, by Horner's scheme with fma.
func cubicWeight(d, a float32) float32 {
	switch {
	case d <= 1:
		return kernel.FMA(float32(kernel.FMA(a+2, d, -(a+3))*d), d, 1)
	case d < 2:
		return kernel.FMA(kernel.FMA(kernel.FMA(a, d, float32(-5*a)), d, float32(8*a)), d, float32(-4*a))
	}
	return 0
}
