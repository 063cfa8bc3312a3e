package conformance

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Debian's tests end at operator set 17, and test some operators in types only that are not provided. These
// are more of the same form in testdata/newer, up to set 23: models and inputs are made here, the outputs
// are those of ONNX Runtime.
//
//	go test ./compute/conformance -run TestNewerOperators -dump testdata/newer
//	npm ci --prefix tools/onnxref --ignore-scripts
//	node tools/onnxref/outputs.mjs compute/conformance/testdata/newer

var dump = flag.String("dump", "", "folder to write models and inputs to, for tools/onnxref/outputs.mjs")

func TestNewerOperators(t *testing.T) {
	cases := newerCases()
	if *dump != "" {
		for _, c := range cases {
			c.write(t, *dump)
		}
		return
	}
	report, err := Run(filepath.Join("testdata", "newer"), program.DefaultLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Outcome != Passed {
			t.Errorf("%s: %s: %s", r.Test, r.Outcome, r.Reason)
		}
	}
	if report.Passed != len(cases) {
		t.Errorf("got %d passes, want %d", report.Passed, len(cases))
	}
}

// A newerCase is one node.
type newerCase struct {
	name, op string
	opset    int
	outs     int
	attrs    []onnx.Attr
	in       []*tensor.Tensor // nil where an input is left out
}

// write makes the folder of a case, without its outputs.
func (c newerCase) write(t *testing.T, parent string) {
	t.Helper()
	g := &onnx.Graph{Name: c.name}
	set := filepath.Join(parent, c.name, "test_data_set_0")
	if err := os.MkdirAll(set, 0o755); err != nil {
		t.Fatal(err)
	}
	node := onnx.Node{Op: c.op, Attrs: c.attrs}
	files := map[string][]byte{}
	for i, x := range c.in {
		if x == nil {
			node.Inputs = append(node.Inputs, "")
			continue
		}
		v := onnx.Value{Name: fmt.Sprintf("x%d", i), Type: x.Type(), Ranks: true}
		for _, d := range x.Shape() {
			v.Shape = append(v.Shape, onnx.Dim{Size: int64(d)})
		}
		files[filepath.Join(set, fmt.Sprintf("input_%d.pb", len(g.Inputs)))] = onnx.EncodeTensor(v.Name, x)
		g.Inputs = append(g.Inputs, v)
		node.Inputs = append(node.Inputs, v.Name)
	}
	for i := range c.outs {
		node.Outputs = append(node.Outputs, fmt.Sprintf("y%d", i))
		g.Outputs = append(g.Outputs, onnx.Value{Name: node.Outputs[i]})
	}
	g.Nodes = []onnx.Node{node}
	m := &onnx.Model{IR: 9, Opsets: []onnx.Opset{{Version: int64(c.opset)}}, Graph: g}
	files[filepath.Join(parent, c.name, modelFile)] = onnx.EncodeModel(m)
	for path, b := range files {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Short forms of attributes and inputs.

func i1(name string, v int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: v}
}

func is(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func f1(name string, v float32) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrFloat, Float: v}
}

func text(name, v string) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrText, Text: v}
}

func longs(v ...int64) *tensor.Tensor    { return tensor.Of([]int{len(v)}, v) }
func floats(v ...float32) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }
func scalar[E tensor.Element](v E) *tensor.Tensor {
	return tensor.Scalar(v)
}

// noise gives floats between -2 and 2, the same ones for the same shape and seed.
func noise(seed uint64, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 99))
	t := tensor.New(tensor.Float32, shape)
	for i := range tensor.Values[float32](t) {
		tensor.Values[float32](t)[i] = float32(math.Round(r.Float64()*4000-2000) / 1000)
	}
	return t
}

func bytesOf[E uint8 | int8 | int32](seed uint64, low, high int, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 98))
	v := make([]E, tensor.Count(shape))
	for i := range v {
		v[i] = E(low + r.IntN(high-low))
	}
	return tensor.Of(shape, v)
}

func newerCases() (list []newerCase) {
	add := func(opset int, name, op string, outs int, in []*tensor.Tensor, attrs ...onnx.Attr) {
		list = append(list, newerCase{name, op, opset, outs, attrs, in})
	}
	in := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	x3 := noise(1, 2, 3, 4)
	picture := noise(2, 1, 2, 5, 7)
	for _, name := range []string{"Max", "Min", "Mean", "Prod", "L1", "L2", "SumSquare", "LogSumExp"} {
		add(18, "reduce_"+name, "Reduce"+name, 1, in(x3, longs(-1, 0)), i1("keepdims", 0))
	}
	add(18, "reduce_all", "ReduceMean", 1, in(x3, nil))
	add(18, "reduce_none", "ReduceMean", 1, in(x3, nil), i1("noop_with_empty_axes", 1))
	add(13, "reduce_log_sum_exp_13", "ReduceLogSumExp", 1, in(x3), is("axes", 1))
	add(18, "split_uneven", "Split", 3, in(noise(3, 7, 2)), i1("num_outputs", 3))
	add(18, "split_even", "Split", 2, in(noise(3, 2, 6)), i1("num_outputs", 2), i1("axis", 1))
	add(18, "pad_axes", "Pad", 1, in(x3, longs(1, 2), scalar(float32(9)), longs(-1)))
	add(18, "pad_negative", "Pad", 1, in(x3, longs(0, -1, 1, 0, 1, -1), nil))
	add(18, "pad_reflect", "Pad", 1, in(picture, longs(0, 0, 2, 3, 0, 0, 1, 4)), text("mode", "reflect"))
	add(18, "pad_edge", "Pad", 1, in(picture, longs(0, 1, 2, 0, 0, 0, 0, 4)), text("mode", "edge"))
	add(19, "pad_wrap", "Pad", 1, in(picture, longs(0, 0, 2, 3, 0, 0, 1, 4)), text("mode", "wrap"))
	scales := func(h, w float32) *tensor.Tensor { return floats(1, 1, h, w) }
	for _, transform := range []string{"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"} {
		up := longs(1, 2, 9, 10)
		mode := text("coordinate_transformation_mode", transform)
		add(19, "resize_linear_"+transform, "Resize", 1, in(picture, nil, nil, up), mode, text("mode", "linear"))
		add(19, "resize_cubic_"+transform, "Resize", 1, in(picture, nil, nil, up), mode, text("mode", "cubic"))
		for _, nearest := range []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"} {
			add(19, "resize_"+nearest+"_"+transform, "Resize", 1, in(picture, nil, nil, up), mode, text("mode", "nearest"), text("nearest_mode", nearest))
		}
	}
	add(18, "resize_down_linear", "Resize", 1, in(picture, nil, scales(0.6, 0.5)), text("mode", "linear"))
	add(18, "resize_antialias_linear", "Resize", 1, in(picture, nil, scales(0.6, 0.5)), text("mode", "linear"), i1("antialias", 1))
	add(18, "resize_antialias_cubic", "Resize", 1, in(picture, nil, scales(0.6, 0.5)), text("mode", "cubic"), i1("antialias", 1))
	add(18, "resize_exclude", "Resize", 1, in(picture, nil, scales(1.5, 2)), text("mode", "cubic"), i1("exclude_outside", 1))
	add(18, "resize_axes", "Resize", 1, in(picture, nil, floats(2, 1.5)), text("mode", "linear"), is("axes", 3, 2))
	for _, policy := range []string{"not_larger", "not_smaller"} {
		add(18, "resize_"+policy, "Resize", 1, in(picture, nil, nil, longs(8, 9)), text("mode", "linear"), is("axes", 2, 3), text("keep_aspect_ratio_policy", policy))
	}
	add(18, "resize_crop", "Resize", 1, in(picture, floats(0, 0, 0.2, 0.3, 1, 1, 0.7, 1.2), nil, longs(1, 2, 4, 4)), text("mode", "linear"),
		text("coordinate_transformation_mode", "tf_crop_and_resize"), f1("extrapolation_value", 7))
	add(21, "group_norm_21", "GroupNormalization", 1, in(noise(4, 2, 4, 3, 3), noise(5, 4), noise(6, 4)), i1("num_groups", 2))
	add(17, "layer_norm", "LayerNormalization", 1, in(x3, noise(7, 3, 4), noise(8, 3, 4)), i1("axis", 1))
	add(23, "rms_norm", "RMSNormalization", 1, in(x3, noise(7, 4)))
	add(22, "instance_norm", "InstanceNormalization", 1, in(picture, noise(9, 2), noise(10, 2)))
	add(15, "batch_norm", "BatchNormalization", 1, in(picture, noise(9, 2), noise(10, 2), noise(11, 2), floats(0.5, 2)))
	add(22, "lp_norm", "LpNormalization", 1, in(x3), i1("p", 1), i1("axis", 1))
	add(13, "lrn", "LRN", 1, in(noise(12, 1, 5, 3, 3)), i1("size", 3), f1("alpha", 0.3), f1("beta", 0.6), f1("bias", 2))
	add(18, "mish", "Mish", 1, in(x3))
	add(20, "gelu", "Gelu", 1, in(x3))
	add(20, "gelu_tanh", "Gelu", 1, in(x3), text("approximate", "tanh"))
	add(14, "hard_swish", "HardSwish", 1, in(x3))
	add(22, "softplus", "Softplus", 1, in(floats(-200, -20, -1, 0, 1, 20, 200)))
	add(12, "celu", "Celu", 1, in(x3), f1("alpha", 1.5))
	for _, name := range []string{"Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Erf", "Tanh", "Exp", "Sigmoid"} {
		add(22, "unary_"+name, name, 1, in(noise(13, 64)))
	}
	add(15, "pow", "Pow", 1, in(floats(2, 3, 0.5, 4, 10, 0), floats(0.5, -2, 3, 1.5, -3, 0)))
	add(15, "pow_ints", "Pow", 1, in(bytesOf[int32](1, -5, 6, 8), bytesOf[int32](2, 0, 4, 8)))
	add(13, "mod_fmod", "Mod", 1, in(noise(14, 8), noise(15, 8)), i1("fmod", 1))
	for _, name := range []string{"And", "Or", "Xor"} {
		add(18, "bitwise_"+name, "Bitwise"+name, 1, in(bytesOf[int32](3, -100, 100, 3, 4), bytesOf[int32](4, -100, 100, 4)))
	}
	add(18, "bitwise_not", "BitwiseNot", 1, in(bytesOf[uint8](5, 0, 256, 6)))
	add(18, "center_crop_pad", "CenterCropPad", 1, in(picture, longs(3, 10)), is("axes", 2, 3))
	add(20, "affine_grid", "AffineGrid", 1, in(noise(16, 2, 2, 3), longs(2, 1, 3, 4)))
	add(20, "affine_grid_3d_corners", "AffineGrid", 1, in(noise(17, 1, 3, 4), longs(1, 1, 2, 3, 4)), i1("align_corners", 1))
	for _, mode := range []string{"linear", "nearest", "cubic"} {
		for _, padding := range []string{"zeros", "border", "reflection"} {
			add(20, "grid_sample_"+mode+"_"+padding, "GridSample", 1, in(picture, noise(18, 1, 4, 5, 2)), text("mode", mode), text("padding_mode", padding))
		}
	}
	add(16, "grid_sample_corners", "GridSample", 1, in(picture, noise(18, 1, 4, 5, 2)), i1("align_corners", 1), text("padding_mode", "reflection"))
	add(19, "average_pool_dilated", "AveragePool", 1, in(picture), is("kernel_shape", 2, 3), is("dilations", 2, 2))
	add(19, "average_pool_ceil", "AveragePool", 1, in(picture), is("kernel_shape", 2, 2), is("strides", 2, 2), i1("ceil_mode", 1))
	add(19, "average_pool_padded", "AveragePool", 1, in(picture), is("kernel_shape", 3, 3), is("pads", 1, 1, 1, 1), is("strides", 2, 2), i1("count_include_pad", 1))
	add(12, "max_pool_dilated", "MaxPool", 2, in(picture), is("kernel_shape", 2, 2), is("dilations", 2, 3), is("pads", 1, 0, 0, 1))
	add(12, "max_pool_ceil", "MaxPool", 1, in(picture), is("kernel_shape", 3, 3), is("strides", 2, 2), i1("ceil_mode", 1))
	add(12, "max_pool_bytes", "MaxPool", 1, in(bytesOf[uint8](6, 0, 256, 1, 2, 4, 4)), is("kernel_shape", 2, 2))
	add(18, "lp_pool", "LpPool", 1, in(picture), is("kernel_shape", 2, 3), is("strides", 2, 1), i1("p", 3))
	add(11, "conv_same_lower", "Conv", 1, in(picture, noise(19, 3, 2, 2, 3), noise(20, 3)), text("auto_pad", "SAME_LOWER"), is("strides", 2, 2))
	add(11, "conv_groups", "Conv", 1, in(noise(21, 2, 4, 5, 5), noise(22, 6, 2, 3, 3)), i1("group", 2), is("pads", 1, 0, 2, 1), is("dilations", 1, 2))
	add(11, "conv_1d", "Conv", 1, in(noise(21, 1, 3, 9), noise(22, 2, 3, 3)), is("strides", 2))
	add(11, "conv_3d", "Conv", 1, in(noise(23, 1, 2, 4, 4, 4), noise(24, 2, 2, 2, 2, 2)))
	add(11, "conv_transpose_same", "ConvTranspose", 1, in(picture, noise(25, 2, 3, 3, 3), noise(26, 3)), text("auto_pad", "SAME_UPPER"), is("strides", 2, 2))
	add(11, "conv_transpose_groups", "ConvTranspose", 1, in(noise(27, 1, 4, 3, 3), noise(28, 4, 2, 3, 3)), i1("group", 2), is("strides", 2, 2), is("pads", 1, 0, 0, 1), is("output_padding", 1, 0))
	add(13, "gemm", "Gemm", 1, in(noise(29, 5, 3), noise(30, 4, 5), noise(31, 1, 4)), i1("transA", 1), i1("transB", 1), f1("alpha", 0.5), f1("beta", 2))
	add(13, "matmul_stacks", "MatMul", 1, in(noise(32, 2, 1, 3, 4), noise(33, 3, 4, 2)))
	for i, e := range []string{"ij,jk->ik", "bij,bjk->bik", "ii->i", "ij->ji", "i,j->ij", "...ij,...jk->...ik", "ij,jk,kl->il", "ij->", "bij,bij->b"} {
		shapes := [][][]int{
			{{3, 4}, {4, 5}},
			{{2, 3, 4}, {2, 4, 2}},
			{{4, 4}},
			{{2, 5}},
			{{3}, {4}},
			{{2, 3, 4}, {2, 4, 5}},
			{{2, 3}, {3, 4}, {4, 2}},
			{{3, 4}},
			{{2, 3, 4}, {2, 3, 4}},
		}[i]
		var x []*tensor.Tensor
		for j, s := range shapes {
			x = append(x, noise(uint64(40+j), s...))
		}
		add(12, fmt.Sprintf("einsum_%d", i), "Einsum", 1, x, text("equation", e))
	}
	for i, flags := range [][2]int64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		add(14, fmt.Sprintf("cumsum_%d", i), "CumSum", 1, in(x3, scalar(int64(-2))), i1("exclusive", flags[0]), i1("reverse", flags[1]))
	}
	add(14, "cumsum_ints", "CumSum", 1, in(bytesOf[int32](7, -9, 9, 6), scalar(int32(0))))
	for _, reduce := range []string{"none", "add", "mul", "max", "min"} {
		add(18, "scatter_elements_"+reduce, "ScatterElements", 1, in(noise(50, 3, 4), tensor.Of([]int{2, 3}, []int64{0, 1, 2, -1, 2, 0}), noise(51, 2, 3)), text("reduction", reduce))
		add(18, "scatter_nd_"+reduce, "ScatterND", 1, in(noise(50, 3, 4), tensor.Of([]int{2, 1}, []int64{2, 0}), noise(51, 2, 4)), text("reduction", reduce))
	}
	add(13, "gather_nd_batch", "GatherND", 1, in(x3, tensor.Of([]int{2, 1}, []int64{2, 0})), i1("batch_dims", 1))
	add(11, "topk_smallest", "TopK", 2, in(noise(52, 3, 6), longs(4)), i1("largest", 0), i1("axis", 1))
	add(11, "unique_axis", "Unique", 4, in(tensor.Of([]int{4, 2}, []float32{2, 1, 1, 0, 2, 1, 0, 5})), i1("axis", 0))
	add(13, "log_softmax", "LogSoftmax", 1, in(x3), i1("axis", 1))
	add(11, "softmax_11", "Softmax", 1, in(x3), i1("axis", 1))
	add(20, "dft_20", "DFT", 1, in(noise(53, 2, 9, 2)))
	add(20, "dft_20_longer", "DFT", 1, in(noise(53, 2, 5, 2), scalar(int64(8)), scalar(int64(1))))
	add(20, "dft_20_inverse", "DFT", 1, in(noise(53, 2, 8, 2), nil, scalar(int64(1))), i1("inverse", 1))
	add(20, "is_inf", "IsInf", 1, in(floats(1, float32(math.Inf(1)), float32(math.Inf(-1)))), i1("detect_negative", 0))
	add(19, "cast_saturate", "Cast", 1, in(floats(-3.7, 3.7, 100.2)), i1("to", 6))
	for i, network := range []string{"RNN", "GRU", "LSTM"} {
		gates := []int{1, 3, 4}[i]
		w, r, b := noise(60, 2, gates*3, 4), noise(61, 2, gates*3, 3), noise(62, 2, gates*6)
		x := in(noise(63, 5, 2, 4), w, r, b, bytesOf[int32](8, 2, 6, 2), noise(64, 2, 2, 3))
		outs := 2
		if network == "LSTM" {
			x, outs = append(x, noise(65, 2, 2, 3), noise(66, 2, 9)), 3
		}
		add(14, "both_ways_"+network, network, outs, x, i1("hidden_size", 3), text("direction", "bidirectional"))
		half := func(t *tensor.Tensor) *tensor.Tensor {
			n := t.Len() / 2
			return tensor.Of(append([]int{1}, t.Shape()[1:]...), tensor.Values[float32](t)[:n])
		}
		add(14, "backwards_"+network, network, outs, in(x[0], half(w), half(r), half(b)), i1("hidden_size", 3), text("direction", "reverse"), f1("clip", 0.7))
	}
	add(14, "gru_linear", "GRU", 2, in(noise(63, 4, 2, 4), noise(60, 1, 9, 4), noise(61, 1, 9, 3), noise(62, 1, 18)), i1("hidden_size", 3), i1("linear_before_reset", 1))
	add(13, "quantize_axis", "QuantizeLinear", 1, in(noise(70, 3, 4), floats(0.01, 0.02, 0.03), tensor.Of([]int{3}, []int8{0, 5, -7})), i1("axis", 0))
	add(13, "dequantize_axis", "DequantizeLinear", 1, in(bytesOf[uint8](9, 0, 256, 2, 3), floats(0.5, 0.25, 2), tensor.Of([]int{3}, []uint8{0, 128, 3})))
	add(11, "dynamic_quantize", "DynamicQuantizeLinear", 3, in(noise(71, 6)))
	add(10, "matmul_integer", "MatMulInteger", 1, in(bytesOf[uint8](10, 0, 256, 3, 5), bytesOf[int8](11, -128, 128, 5, 2), scalar(uint8(12)), scalar(int8(-3))))
	// Weights of seven bits: without VNNI, ONNX Runtime saturates sums of two products at 16 bits.
	add(10, "qlinear_conv_channels", "QLinearConv", 1, in(bytesOf[uint8](12, 0, 256, 1, 2, 5, 5), scalar(float32(0.02)), scalar(uint8(120)),
		bytesOf[int8](13, -64, 64, 3, 2, 3, 3), floats(0.01, 0.02, 0.005), tensor.Of([]int{3}, []int8{0, 0, 0}), scalar(float32(0.3)), scalar(uint8(110)), bytesOf[int32](14, -500, 500, 3)))
	add(16, "roi_align_16", "RoiAlign", 1, in(picture, tensor.Of([]int{2, 4}, []float32{0, 0, 4, 3, 1, 1, 6, 4}), longs(0, 0)), i1("output_height", 2), i1("output_width", 3), i1("sampling_ratio", 2))
	add(11, "non_max_suppression", "NonMaxSuppression", 1, in(noise(72, 1, 6, 4), noise(73, 1, 2, 6), scalar(int64(3)), scalar(float32(0.3)), scalar(float32(-1))))
	add(13, "depth_to_space_crd", "DepthToSpace", 1, in(noise(74, 1, 8, 2, 3)), i1("blocksize", 2), text("mode", "CRD"))
	add(11, "range_floats", "Range", 1, in(scalar(float32(1)), scalar(float32(4.1)), scalar(float32(0.5))))
	add(22, "det", "Det", 1, in(noise(75, 2, 4, 4)))
	return list
}
