package tile_test

import (
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

type maker = func(g *gen, opset int)

// cases says for each operator how a node of it is drawn.
func cases() map[string]maker {
	all := map[string]maker{}
	for _, name := range []string{
		"Exp", "Log", "Sqrt", "Reciprocal", "Sigmoid", "Softplus", "Tanh", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh",
		"Cosh", "Asinh", "Acosh", "Atanh", "Softsign", "HardSwish", "Mish", "Ceil", "Floor", "Round", "IsNaN",
	} {
		all[name] = func(g *gen, _ int) { g.add(g.tensor(tensor.Float32, g.shape(g.n(0, 4))...)) }
	}
	for name, attrs := range map[string][]string{
		"LeakyRelu": {"alpha"}, "Elu": {"alpha"}, "Celu": {"alpha"}, "ThresholdedRelu": {"alpha"}, "Selu": {"alpha", "gamma"},
		"HardSigmoid": {"alpha", "beta"}, "Shrink": {"bias", "lambd"},
	} {
		all[name] = func(g *gen, _ int) {
			for _, a := range attrs {
				if g.chance(60) {
					g.float(a, float32(g.NormFloat64()))
				}
			}
			g.add(g.tensor(tensor.Float32, g.shape(g.n(0, 3))...))
		}
	}
	for _, name := range []string{"Neg", "Abs", "Sign", "Relu"} {
		all[name] = func(g *gen, _ int) { g.add(g.tensor(g.kind(numbers()...), g.shape(2)...)) }
	}
	for _, name := range []string{"Add", "Sub", "Mul", "Div", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal", "Mod", "Pow"} {
		all[name] = func(g *gen, opset int) {
			kind := g.kind(numbers()...)
			shape := g.shape(g.n(0, 4))
			if name == "Mod" && g.chance(50) {
				g.int("fmod", g.n(0, 1))
			}
			other := kind
			if name == "Pow" && opset >= 12 {
				other = g.kind(numbers()...)
			}
			g.add(g.tensor(kind, g.stretched(shape)...), g.tensor(other, g.stretched(shape)...))
		}
	}
	for _, name := range []string{"Max", "Min", "Sum", "Mean"} {
		all[name] = func(g *gen, _ int) {
			kind, shape := tensor.Float32, g.shape(3)
			if name[0] == 'M' && name != "Mean" {
				kind = g.kind(numbers()...)
			}
			for range g.n(1, 4) {
				g.add(g.tensor(kind, g.stretched(shape)...))
			}
		}
	}
	for _, name := range []string{"And", "Or", "Xor"} {
		all[name] = func(g *gen, _ int) {
			shape := g.shape(3)
			g.add(g.tensor(tensor.Bool, g.stretched(shape)...), g.tensor(tensor.Bool, g.stretched(shape)...))
		}
	}
	for _, name := range []string{"BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift", "BitwiseNot"} {
		all[name] = func(g *gen, _ int) {
			kind, shape := g.kind(tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64), g.shape(2)
			if name == "BitShift" {
				g.text("direction", "LEFT", "RIGHT")
			}
			g.add(g.tensor(kind, shape...))
			if name != "BitwiseNot" {
				g.add(g.tensor(kind, g.stretched(shape)...))
			}
		}
	}
	all["Not"] = func(g *gen, _ int) { g.add(g.tensor(tensor.Bool, g.shape(2)...)) }
	all["IsInf"] = func(g *gen, _ int) {
		g.int("detect_negative", g.n(0, 1))
		g.int("detect_positive", g.n(0, 1))
		g.add(g.tensor(tensor.Float32, g.shape(2)...))
	}
	all["Gelu"] = func(g *gen, _ int) {
		g.text("approximate", "none", "tanh")
		g.add(g.tensor(tensor.Float32, g.shape(2)...))
	}
	all["Clip"] = func(g *gen, opset int) {
		if opset < 11 {
			g.add(g.tensor(tensor.Float32, g.shape(2)...))
			g.float("min", -1)
			g.float("max", 1.5)
			return
		}
		kind := g.kind(numbers()...)
		g.add(g.tensor(kind, g.shape(2)...), nil, nil)
		for i := 1; i <= 2; i++ {
			if g.chance(70) {
				g.in[i] = g.tensor(kind)
			}
		}
	}
	all["PRelu"] = func(g *gen, _ int) {
		shape := g.shape(3)
		g.add(g.tensor(tensor.Float32, shape...), g.tensor(tensor.Float32, g.stretched(shape)...))
	}
	all["Where"] = func(g *gen, _ int) {
		kind, shape := g.kind(numbers()...), g.shape(3)
		g.add(g.tensor(tensor.Bool, g.stretched(shape)...), g.tensor(kind, g.stretched(shape)...), g.tensor(kind, g.stretched(shape)...))
	}
	all["Cast"] = func(g *gen, _ int) {
		g.int("to", []int{1, 2, 3, 4, 5, 6, 7, 9, 12, 13}[g.IntN(10)])
		g.add(g.tensor(g.kind(append(numbers(), tensor.Bool)...), g.shape(2)...))
	}
	all["CastLike"] = func(g *gen, _ int) {
		g.add(g.tensor(g.kind(numbers()...), g.shape(2)...), g.tensor(g.kind(append(numbers(), tensor.Bool)...), 1))
	}
	moveCases(all)
	rowCases(all)
	productCases(all)
	return all
}

func moveCases(all map[string]maker) {
	any := append(numbers(), tensor.Bool)
	all["Transpose"] = func(g *gen, _ int) {
		shape := g.shape(g.n(0, 5))
		if g.chance(80) {
			g.ints("perm", g.Perm(len(shape))...)
		}
		g.add(g.tensor(g.kind(any...), shape...))
	}
	all["Concat"] = func(g *gen, _ int) {
		shape, kind := g.shape(g.n(1, 4)), g.kind(any...)
		axis := g.IntN(len(shape))
		g.int("axis", axis-len(shape)*g.IntN(2))
		for range g.n(1, 5) {
			shape[axis] = g.n(0, 9)
			g.add(g.tensor(kind, shape...))
		}
	}
	all["Split"] = func(g *gen, opset int) {
		shape := g.shape(g.n(1, 3))
		axis := g.IntN(len(shape))
		g.outs = g.n(1, 4)
		var parts []int
		shape[axis] = 0
		for range g.outs {
			parts = append(parts, g.n(0, 20))
			shape[axis] += parts[len(parts)-1]
		}
		g.int("axis", axis)
		g.add(g.tensor(g.kind(any...), shape...))
		switch {
		case opset < 13:
			g.ints("split", parts...)
		case opset >= 18 && g.chance(50):
			g.int("num_outputs", g.outs)
		default:
			g.add(g.list(parts...))
		}
	}
	all["Slice"] = func(g *gen, opset int) {
		shape := g.shape(g.n(1, 4))
		var starts, ends, axes, steps []int
		for _, a := range g.Perm(len(shape))[:g.n(1, len(shape))] {
			starts, ends = append(starts, g.n(-8, 8)), append(ends, g.n(-8, 400))
			axes, steps = append(axes, a), append(steps, []int{1, 1, 2, 3, -1, -2}[g.IntN(6)])
		}
		g.add(g.tensor(g.kind(any...), shape...))
		if opset < 10 {
			g.ints("starts", starts...)
			g.ints("ends", ends...)
			g.ints("axes", axes...)
			return
		}
		g.add(g.list(starts...), g.list(ends...), g.list(axes...))
		if g.chance(70) {
			g.add(g.list(steps...))
		}
	}
	all["Pad"] = func(g *gen, opset int) {
		shape := g.shape(g.n(1, 4))
		pads := make([]int, 2*len(shape))
		for i := range pads {
			pads[i] = g.n(-1, 3)
		}
		mode := g.text("mode", "constant", "reflect", "edge", "wrap")
		if opset < 11 {
			g.ints("pads", pads...)
			g.float("value", g.value())
			g.add(g.tensor(tensor.Float32, shape...))
			return
		}
		kind := g.kind(numbers()...)
		g.add(g.tensor(kind, shape...), g.list(pads...))
		if mode == "constant" && g.chance(60) {
			g.add(g.tensor(kind))
		}
	}
	all["Expand"] = func(g *gen, _ int) {
		shape := g.shape(3)
		g.add(g.tensor(g.kind(any...), g.stretched(shape)...), g.list(shape...))
	}
	all["Tile"] = func(g *gen, _ int) {
		shape := g.shape(g.n(1, 3))
		times := make([]int, len(shape))
		for i := range times {
			times[i] = g.n(0, 3)
		}
		g.add(g.tensor(g.kind(any...), shape...), g.list(times...))
	}
	all["DepthToSpace"] = func(g *gen, opset int) {
		b := g.n(1, 3)
		g.int("blocksize", b)
		if opset >= 11 {
			g.text("mode", "DCR", "CRD")
		}
		g.add(g.tensor(g.kind(any...), g.n(1, 2), b*b*g.n(1, 3), g.n(1, 4), g.n(1, 4)))
	}
	all["SpaceToDepth"] = func(g *gen, _ int) {
		b := g.n(1, 3)
		g.int("blocksize", b)
		g.add(g.tensor(g.kind(any...), g.n(1, 2), g.n(1, 3), b*g.n(1, 4), b*g.n(1, 4)))
	}
	all["Gather"] = func(g *gen, _ int) {
		shape := g.shape(g.n(1, 3))
		axis := g.IntN(len(shape))
		g.int("axis", axis)
		g.add(g.tensor(g.kind(any...), shape...), g.indexes(shape[axis], g.n(1, 5), g.n(1, 9)))
	}
	all["GatherElements"] = func(g *gen, _ int) {
		shape := g.shape(g.n(1, 3))
		axis := g.IntN(len(shape))
		g.int("axis", axis)
		size := shape[axis]
		g.add(g.tensor(g.kind(any...), shape...))
		shape[axis] = g.n(1, 30)
		g.add(g.indexes(size, shape...))
	}
	scatter := func(g *gen, _ int) {
		shape := g.shape(g.n(1, 3))
		axis := g.IntN(len(shape))
		g.int("axis", axis)
		size, kind := shape[axis], g.kind(any...)
		x := g.tensor(kind, shape...)
		shape[axis] = g.n(1, 30)
		g.add(x, g.indexes(size, shape...), g.tensor(kind, shape...))
	}
	all["ScatterElements"] = scatter
	all["ScatterND"] = func(g *gen, _ int) {
		kind, a, b, n := g.kind(any...), g.n(1, 9), g.n(1, 40), g.n(1, 12)
		if g.chance(50) {
			g.add(g.tensor(kind, a, b), g.indexes(a, n, 1), g.tensor(kind, n, b))
			return
		}
		g.add(g.tensor(kind, a, a, b), g.indexes(a, 2, n, 2), g.tensor(kind, 2, n, b))
	}
	all["GatherND"] = func(g *gen, opset int) {
		kind, a, b, n := g.kind(any...), g.n(1, 9), g.n(1, 40), g.n(1, 12)
		switch {
		case opset >= 12 && g.chance(50):
			g.int("batch_dims", 1)
			g.add(g.tensor(kind, 3, a, b), g.indexes(a, 3, n, 1))
		default:
			g.add(g.tensor(kind, a, a, b), g.indexes(a, n, 2))
		}
	}
	all["TopK"] = func(g *gen, opset int) {
		rows, n := g.n(1, 5), g.n(1, 90)
		k := g.n(1, n)
		g.outs = 2
		kinds := []tensor.Type{tensor.Float32}
		if opset >= 11 {
			kinds = numbers()
			g.int("largest", g.IntN(2))
		}
		x := g.tensor(g.kind(kinds...), rows, n)
		if opset < 10 {
			g.int("k", k)
			g.add(x)
			return
		}
		g.add(x, g.list(k))
	}
	all["Reshape"] = func(g *gen, _ int) {
		a, b, c := g.n(1, 9), g.n(1, 9), g.n(1, 9)
		to := [][]int{{-1}, {a * b, c}, {0, -1}, {c, b, a}, {1, -1, 1}, {0, 0, 0}}
		g.add(g.tensor(g.kind(any...), a, b, c), g.list(to[g.IntN(len(to))]...))
	}
	all["Flatten"] = func(g *gen, _ int) {
		g.int("axis", g.n(0, 3))
		g.add(g.tensor(g.kind(any...), g.shape(3)...))
	}
	all["Squeeze"] = func(g *gen, opset int) {
		g.add(g.tensor(g.kind(any...), 1, g.n(2, 100), 1, g.n(1, 2)))
		switch {
		case g.chance(30):
		case opset < 13:
			g.ints("axes", 2)
		default:
			g.add(g.list(0, -2))
		}
	}
	all["Unsqueeze"] = func(g *gen, opset int) {
		g.add(g.tensor(g.kind(any...), g.n(2, 30), g.n(1, 5)))
		if opset < 13 {
			g.ints("axes", 0, 2)
			return
		}
		g.add(g.list(-1, 1))
	}
	all["Shape"] = func(g *gen, opset int) {
		if opset >= 15 && g.chance(50) {
			g.int("start", g.n(-3, 3))
			g.int("end", g.n(-3, 3))
		}
		g.add(g.tensor(g.kind(any...), g.shape(g.n(0, 5))...))
	}
	all["Size"] = func(g *gen, _ int) { g.add(g.tensor(g.kind(any...), g.shape(2)...)) }
	all["ConstantOfShape"] = func(g *gen, _ int) { g.add(g.list(g.shape(2)...)) }
	all["Range"] = func(g *gen, _ int) {
		if g.chance(50) {
			g.add(tensor.Scalar(g.Float32()*4), tensor.Scalar(20+g.Float32()), tensor.Scalar(0.1+g.Float32()))
			return
		}
		g.add(tensor.Scalar(int64(g.n(-100, 100))), tensor.Scalar(int64(g.n(-100, 100))), tensor.Scalar(int64(1-2*g.n(0, 1))*int64(g.n(1, 3))))
	}
	all["EyeLike"] = func(g *gen, _ int) {
		g.int("k", g.n(-2, 2))
		if g.chance(50) {
			g.int("dtype", []int{1, 6, 7, 9}[g.IntN(4)])
		}
		g.add(g.tensor(g.kind(tensor.Float32, tensor.Int32), g.n(1, 12), g.n(1, 12)))
	}
	all["Trilu"] = func(g *gen, _ int) {
		g.int("upper", g.n(0, 1))
		g.add(g.tensor(g.kind(any...), g.n(1, 3), g.n(1, 9), g.n(1, 9)))
		if g.chance(60) {
			g.add(tensor.Scalar(int64(g.n(-5, 5))))
		}
	}
	all["OneHot"] = func(g *gen, _ int) {
		g.int("axis", g.n(-2, 1))
		depth := g.n(1, 9)
		g.add(g.indexes(depth+2, g.n(1, 40)), tensor.Scalar(int64(depth)), g.tensor(g.kind(tensor.Float32, tensor.Int32), 2))
	}
	all["Upsample"] = func(g *gen, opset int) {
		if opset >= 9 {
			g.resizeOld()
			return
		}
		g.text("mode", "nearest", "linear")
		g.attrs = append(g.attrs, onnx.Attr{Name: "scales", Kind: onnx.AttrFloats, Floats: []float32{1, 1, 1.5, 2.25}})
		g.add(g.tensor(tensor.Float32, 1, g.n(1, 3), g.n(1, 7), g.n(1, 7)))
	}
	all["Resize"] = func(g *gen, opset int) {
		if opset < 11 {
			g.resizeOld()
			return
		}
		g.text("coordinate_transformation_mode", "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn")
		kind := tensor.Float32
		if g.text("mode", "nearest", "linear", "cubic") == "nearest" {
			g.text("nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
			kind = g.kind(numbers()...)
		}
		g.add(g.tensor(kind, 1, g.n(1, 2), g.n(1, 7), g.n(1, 7)), nil)
		if g.chance(50) {
			g.add(nil, g.list(1, g.in[0].Shape()[1], g.n(1, 12), g.n(1, 12)))
			return
		}
		g.add(tensor.Of([]int{4}, []float32{1, 1, 0.3 + g.Float32()*2, 0.3 + g.Float32()*2}))
	}
}

// resizeOld draws an Upsample, or a Resize before version 11.
func (g *gen) resizeOld() {
	g.text("mode", "nearest", "linear")
	g.add(g.tensor(tensor.Float32, 1, g.n(1, 3), g.n(1, 7), g.n(1, 7)))
	g.add(tensor.Of([]int{4}, []float32{1, 1, 1 + g.Float32()*2, 1 + g.Float32()*2}))
}

func (g *gen) indexes(size int, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, shape)
	for i := range t.Len() {
		tensor.Values[int64](t)[i] = int64(g.n(-size, size-1))
	}
	return t
}

func rowCases(all map[string]maker) {
	for _, name := range []string{
		"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceSumSquare", "ReduceL2", "ReduceLogSum",
	} {
		all[name] = func(g *gen, opset int) {
			kind := tensor.Float32
			if name != "ReduceL2" && name != "ReduceLogSum" {
				kind = g.kind(numbers()...)
			}
			shape := g.shape(g.n(1, 4))
			g.add(g.tensor(kind, shape...))
			if g.chance(50) {
				g.int("keepdims", g.n(0, 1))
			}
			axes := g.Perm(len(shape))[:g.n(1, len(shape))]
			asInput := opset >= 18 || name == "ReduceSum" && opset >= 13
			switch {
			case g.chance(20):
			case asInput:
				g.add(g.list(axes...))
			default:
				g.ints("axes", axes...)
			}
		}
	}
	for _, name := range []string{"ArgMax", "ArgMin"} {
		all[name] = func(g *gen, opset int) {
			shape := g.shape(3)
			g.int("axis", g.n(-3, 2))
			g.int("keepdims", g.n(0, 1))
			if opset >= 12 {
				g.int("select_last_index", g.n(0, 1))
			}
			g.add(g.tensor(g.kind(tensor.Float32, tensor.Int8), shape...))
		}
	}
	for _, name := range []string{"GlobalAveragePool", "GlobalMaxPool"} {
		all[name] = func(g *gen, _ int) { g.add(g.tensor(tensor.Float32, g.n(1, 2), g.n(1, 70), g.n(1, 6), g.n(1, 6))) }
	}
	for _, name := range []string{"Softmax", "LogSoftmax"} {
		all[name] = func(g *gen, _ int) {
			shape := g.shape(g.n(1, 4))
			if g.chance(80) {
				g.int("axis", g.n(-len(shape), len(shape)-1))
			}
			g.add(g.tensor(tensor.Float32, shape...))
		}
	}
	all["LayerNormalization"] = func(g *gen, _ int) {
		shape := g.shape(3)
		axis := g.n(0, 2)
		g.int("axis", axis)
		g.outs = g.n(1, 3)
		g.add(g.tensor(tensor.Float32, shape...), g.tensor(tensor.Float32, shape[axis:]...))
		if g.chance(60) {
			g.add(g.tensor(tensor.Float32, shape[axis:]...))
		}
	}
	all["Hardmax"], all["LpNormalization"] = all["Softmax"], all["Softmax"]
	all["ReduceLogSumExp"] = all["ReduceL2"]
	all["GroupNormalization"] = func(g *gen, opset int) {
		groups, each := g.n(1, 3), g.n(1, 3)
		g.int("num_groups", groups)
		n := groups
		if opset >= 21 {
			n *= each
		}
		g.add(g.tensor(tensor.Float32, g.n(1, 2), groups*each, g.n(1, 5), g.n(1, 5)), g.tensor(tensor.Float32, n), g.tensor(tensor.Float32, n))
	}
	all["RMSNormalization"] = func(g *gen, _ int) {
		shape := g.shape(3)
		g.int("axis", -1)
		g.add(g.tensor(tensor.Float32, shape...), g.tensor(tensor.Float32, shape[2]))
	}
	all["MeanVarianceNormalization"] = func(g *gen, _ int) { g.add(g.tensor(tensor.Float32, g.shape(4)...)) }
	all["LRN"] = func(g *gen, _ int) {
		g.int("size", g.n(1, 7))
		g.add(g.tensor(tensor.Float32, g.n(1, 2), g.n(1, 20), g.n(1, 3), g.n(1, 3)))
	}
	all["InstanceNormalization"] = func(g *gen, _ int) {
		ch := g.n(1, 5)
		g.float("epsilon", 0.01)
		g.add(g.tensor(tensor.Float32, g.n(1, 2), ch, g.n(1, 8), g.n(1, 8)), g.tensor(tensor.Float32, ch), g.tensor(tensor.Float32, ch))
	}
	all["BatchNormalization"] = func(g *gen, _ int) {
		ch := g.n(1, 70)
		if g.chance(50) {
			g.float("epsilon", 0.01)
		}
		g.add(g.tensor(tensor.Float32, g.n(1, 2), ch, g.n(1, 4), g.n(1, 4)))
		for range 4 {
			g.add(g.tensor(tensor.Float32, ch))
		}
	}
	for _, name := range []string{"AveragePool", "MaxPool"} {
		all[name] = func(g *gen, opset int) {
			spatial := g.n(1, 2)
			shape := []int{g.n(1, 2), g.n(1, 3)}
			for range spatial {
				shape = append(shape, g.n(5, 12))
			}
			g.window(spatial, true, opset >= 10 && name == "MaxPool" || opset >= 19)
			if name == "AveragePool" {
				g.int("count_include_pad", g.n(0, 1))
			}
			if opset >= 10 {
				g.int("ceil_mode", g.n(0, 1))
			}
			kind := tensor.Float32
			if name == "MaxPool" {
				g.outs = g.n(1, 2)
				if opset >= 12 {
					kind = g.kind(tensor.Float32, tensor.Uint8, tensor.Int8)
				}
			}
			g.add(g.tensor(kind, shape...))
		}
	}
}

// window draws the attributes of a window over some spatial dimensions, and gives its kernel.
func (g *gen) window(spatial int, named, dilated bool) (kernel []int) {
	var strides, dilations, pads []int
	for range spatial {
		kernel, strides, dilations = append(kernel, g.n(1, 3)), append(strides, g.n(1, 3)), append(dilations, g.n(1, 2))
		pads = append(pads, g.n(0, 1), g.n(0, 1))
	}
	if named || g.chance(50) {
		g.ints("kernel_shape", kernel...)
	}
	if g.chance(70) {
		g.ints("strides", strides...)
	}
	if dilated && g.chance(40) {
		g.ints("dilations", dilations...)
	}
	switch g.IntN(4) {
	case 0:
		g.text("auto_pad", "SAME_UPPER", "SAME_LOWER", "VALID")
	case 1:
	default:
		g.ints("pads", pads...)
	}
	return kernel
}

func productCases(all map[string]maker) {
	f := tensor.Float32
	all["MatMul"] = func(g *gen, _ int) {
		k := []int{1, 3, 255, 256, 257, 600}[g.IntN(6)]
		switch g.IntN(4) {
		case 0:
			g.add(g.tensor(f, k), g.tensor(f, k, g.n(1, 100)))
		case 1:
			g.add(g.tensor(f, g.n(1, 100), k), g.tensor(f, k))
		case 2:
			g.add(g.tensor(f, 3, 1, g.n(1, 5), k), g.tensor(f, 2, k, g.n(1, 9)))
		default:
			g.add(g.tensor(f, g.n(1, 20), k), g.tensor(f, k, g.n(1, 20)))
		}
	}
	all["Gemm"] = func(g *gen, _ int) {
		m, k, n := g.n(1, 12), []int{1, 7, 256, 300}[g.IntN(4)], g.n(1, 40)
		a, b := []int{m, k}, []int{k, n}
		if g.chance(50) {
			g.int("transA", 1)
			a = []int{k, m}
		}
		if g.chance(50) {
			g.int("transB", 1)
			b = []int{n, k}
		}
		if g.chance(40) {
			g.float("alpha", float32(g.NormFloat64()))
			g.float("beta", float32(g.NormFloat64()))
		}
		g.add(g.tensor(f, a...), g.tensor(f, b...), g.tensor(f, g.stretched([]int{m, n})...))
	}
	all["Conv"] = func(g *gen, _ int) {
		x, w, outs := g.conv(false)
		g.add(g.tensor(f, x...), g.tensor(f, w...))
		if g.chance(60) {
			g.add(g.tensor(f, outs))
		}
		g.finite(1)
	}
	all["ConvTranspose"] = func(g *gen, _ int) {
		x, w, outs := g.conv(true)
		g.add(g.tensor(f, x...), g.tensor(f, w...))
		if g.chance(60) {
			g.add(g.tensor(f, outs))
		}
		g.finite(1)
	}
	quantCases(all)
}

// finite makes the elements of an input so: weights of a model always are.
func (g *gen) finite(port int) {
	v := tensor.Values[float32](g.in[port])
	for i := range v {
		if v[i]-v[i] != 0 {
			v[i] = 1
		}
	}
}

// conv draws a convolution: shapes of input and weights, and the number of outputs.
func (g *gen) conv(transposed bool) (x, w []int, outs int) {
	spatial, group := g.n(1, 2), g.n(1, 3)
	each, per := g.n(1, 40), g.n(1, 3)
	if g.chance(50) {
		each = 1
	}
	kernel := g.window(spatial, false, true)
	if group > 1 {
		g.int("group", group)
	}
	x, outs = []int{g.n(1, 2), group * each}, group*per
	w = []int{outs, each}
	if transposed {
		w = []int{group * each, per}
		if g.chance(30) {
			g.ints("output_padding", make([]int, spatial)...)
		}
	}
	for range spatial {
		x = append(x, g.n(3, 12))
	}
	return x, append(w, kernel...), outs
}

func (g *gen) scale(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	for i := range t.Len() {
		tensor.Values[float32](t)[i] = 0.001 + g.Float32()/10
	}
	return t
}

func quantCases(all map[string]maker) {
	f, bytes := tensor.Float32, []tensor.Type{tensor.Uint8, tensor.Int8}
	all["QuantizeLinear"] = func(g *gen, opset int) {
		ch := g.n(1, 4)
		kind := f
		if opset >= 13 {
			kind = g.kind(f, tensor.Int32)
		}
		g.add(g.tensor(kind, g.n(1, 4), ch, g.n(1, 40)))
		if opset >= 13 && g.chance(50) {
			g.add(g.scale(ch), g.tensor(g.kind(bytes...), ch))
			return
		}
		g.add(g.scale())
		if g.chance(60) {
			g.add(g.tensor(g.kind(bytes...)))
		}
	}
	all["DequantizeLinear"] = func(g *gen, opset int) {
		kind, ch := g.kind(tensor.Uint8, tensor.Int8, tensor.Int32), g.n(1, 4)
		g.add(g.tensor(kind, g.n(1, 4), ch, g.n(1, 40)))
		if opset >= 13 && g.chance(50) {
			g.add(g.scale(ch), g.tensor(kind, ch))
			return
		}
		g.add(g.scale(), g.tensor(kind))
	}
	all["DynamicQuantizeLinear"] = func(g *gen, _ int) {
		g.outs = 3
		x := g.tensor(f, g.shape(2)...)
		for i, v := range tensor.Values[float32](x) {
			if v-v != 0 || v > 1e6 || v < -1e6 {
				tensor.Values[float32](x)[i] = 1
			}
		}
		g.add(x)
	}
	all["MatMulInteger"] = func(g *gen, _ int) {
		a, b := g.kind(bytes...), g.kind(bytes...)
		m, k, n := g.n(1, 9), g.n(1, 300), g.n(1, 40)
		g.add(g.tensor(a, m, k), g.tensor(b, k, n), nil, nil)
		if g.chance(70) {
			g.in[2] = g.tensor(a, [][]int{{}, {m}}[g.IntN(2)]...)
		}
		if g.chance(70) {
			g.in[3] = g.tensor(b, [][]int{{}, {n}}[g.IntN(2)]...)
		}
	}
	all["ConvInteger"] = func(g *gen, _ int) {
		x, w, _ := g.conv(false)
		a, b := g.kind(bytes...), g.kind(bytes...)
		g.add(g.tensor(a, x...), g.tensor(b, w...), nil, nil)
		if g.chance(70) {
			g.in[2] = g.tensor(a)
		}
		if g.chance(70) {
			g.in[3] = g.tensor(b)
		}
	}
	all["QLinearMatMul"] = func(g *gen, _ int) {
		a, b, y := g.kind(bytes...), g.kind(bytes...), g.kind(bytes...)
		m, k, n := g.n(1, 9), g.n(1, 300), g.n(1, 40)
		g.add(g.tensor(a, m, k), g.scale(), g.tensor(a), g.tensor(b, k, n), g.scale(), g.tensor(b), g.scale(), g.tensor(y))
	}
	all["QLinearConv"] = func(g *gen, _ int) {
		x, w, outs := g.conv(false)
		a, b, y := g.kind(bytes...), g.kind(bytes...), g.kind(bytes...)
		per := [][]int{{}, {outs}}[g.IntN(2)]
		g.add(g.tensor(a, x...), g.scale(), g.tensor(a), g.tensor(b, w...), g.scale(per...), g.tensor(b, per...), g.scale(), g.tensor(y))
		if g.chance(60) {
			g.add(g.tensor(tensor.Int32, outs))
		}
	}
}
