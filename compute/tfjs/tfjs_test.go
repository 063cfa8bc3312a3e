package tfjs

import (
	"encoding/base64"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Small networks written by hand, whose results are plain, and files that are broken on purpose.

// saved makes the files of a layers-model of Keras: a convolution of 2 × 2 over 3 × 2 × 1, flattened.
func saved() fstest.MapFS {
	model := `{"modelTopology":{"model_config":{"class_name":"Sequential","config":{"layers":[
	 {"class_name":"Conv2D","config":{"name":"c","batch_input_shape":[null,3,2,1],"kernel_size":[2,1],"strides":[1,1],"padding":"valid",
	  "activation":"relu","use_bias":true}},
	 {"class_name":"Flatten","config":{"name":"f"}},
	 {"class_name":"Dense","config":{"name":"d","use_bias":false,"activation":"linear"}}]}}},
	"weightsManifest":[{"paths":["w.bin"],"weights":[
	 {"name":"c/kernel","shape":[2,1,1,2],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.5,"min":-1}},
	 {"name":"c/bias","shape":[2],"dtype":"float32","quantization":{"dtype":"float16"}},
	 {"name":"d/kernel","shape":[8,1],"dtype":"float32","quantization":{"dtype":"uint16","scale":1,"min":0}}]}]}`
	weights := []byte{
		4, 0, 2, 3, // kernel: row 0 channels 1, -1; row 1 channels 0, 0.5
		0x00, 0x3c, 0x00, 0x40, // bias 1, 2
		1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0,
	}
	return fstest.MapFS{"model.json": {Data: []byte(model)}, "w.bin": {Data: weights}}
}

func TestSequential(t *testing.T) {
	f, err := Read(saved(), "model.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Model()
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	x := []float32{1, 2, 3, 4, 5, 6} // rows of two
	out, err := p.Run([]*tensor.Tensor{tensor.Of([]int{1, 1, 3, 2}, x)}, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	// Outputs of the convolution by row, column, channel: relu(x + 1), relu(-x + below/2 + 2).
	want := float32(0)
	for i := range 4 {
		want += (x[i] + 1) * float32(2*i+1)
		want += max(-x[i]+x[i+2]/2+2, 0) * float32(2*i+2)
	}
	if got := tensor.Values[float32](out[0]); len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The same file as a module of JavaScript, its weights in base64, gives the same model.
func TestModule(t *testing.T) {
	plain := saved()
	text := strings.NewReplacer(`"modelTopology"`, "modelTopology", "true", "!0", "false", "!1", "0.5", ".5").Replace(string(plain["model.json"].Data))
	shard := base64.StdEncoding.EncodeToString(plain["w.bin"].Data)
	files := fstest.MapFS{
		"m/model.min.js": {Data: []byte("!function(e){module.exports=e()}(function(){r={exports:{}},n.exports=" + text + "},{}]},{},[1])(1)});")},
		"m/w.bin.min.js": {Data: []byte(`module.exports=e();h.exports="` + shard + `"},{}]`)},
	}
	f, err := Read(files, "m/model.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Model(); err != nil {
		t.Fatal(err)
	}
	got, err := f.Weights.byName["c/kernel"].values()
	if want := []float32{1, -1, 0, 0.5}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// Every half there is, against its definition.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		sign, exponent, fraction := 1-2*float64(h>>15), h>>10&31, float64(h&1023)
		want := sign * math.Ldexp(fraction, -24)
		switch {
		case exponent == 31 && fraction != 0:
			want = math.NaN()
		case exponent == 31:
			want = math.Inf(int(sign))
		case exponent > 0:
			want = sign * math.Ldexp(1024+fraction, exponent-25)
		}
		got := half(uint16(h))
		if float64(got) != want && !(math.IsNaN(want) && got != got) {
			t.Fatalf("%04x: got %v, want %v", h, got, want)
		}
		if want == 0 && math.Signbit(want) != math.Signbit(float64(got)) {
			t.Fatalf("%04x: got the other zero", h)
		}
	}
}

func TestWeightsAreFMA(t *testing.T) {
	w := weight{shape: []int{256}, float: true, code: codeUint8, scale: 0.0323, min: -4.1}
	for i := range 256 {
		w.raw = append(w.raw, byte(i))
	}
	got, err := w.values()
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		if want := kernel.FMA(float32(i), w.scale, w.min); math.Float32bits(g) != math.Float32bits(want) {
			t.Errorf("step %d: got %v, want %v", i, g, want)
		}
	}
}

// Each change breaks the file; the error must name what is wrong.
func TestRefused(t *testing.T) {
	cases := []struct{ from, to, want string }{
		{`"relu"`, `"swish"`, `activation "swish"`},
		{`"Flatten"`, `"Lambda"`, "layer Lambda"},
		{`"padding":"valid"`, `"padding":"causal"`, `padding "causal"`},
		{`"kernel_size":[2,1]`, `"kernel_size":[2]`, "kernel_size"},
		{`[null,3,2,1]`, `[null,3,null,1]`, "size 3×0×1"},
		{`[null,3,2,1]`, `[null,3,2,2]`, "over 2 channels"},
		{`[null,3,2,1]`, `[null,1,2,1]`, "a window of 2 over 1"},
		{`"name":"f"`, `"name":"c"`, "that of another one"},
		{`"use_bias":false`, `"use_bias":true`, `no weight "d/bias"`},
		{`"use_bias":true`, `"use_bias":false`, `one is "c/bias"`},
		{`[8,1]`, `[4,2]`, "shape [4 2] over [1 8]"},
		{`[8,1]`, `[9,1]`, "bytes, 16 are left"},
		{`[8,1]`, `[7,1]`, "behind the last weight"},
		{`[8,1]`, `[-8,-1]`, "negative"},
		{`[8,1]`, `[99999,99999]`, "more than"},
		{`"uint16","scale":1`, `"uint16","scale":"1"`, "without scale"},
		{`"uint16","scale":1`, `"uint16","scale":1e39`, "not finite"},
		{`"dtype":"uint16"`, `"dtype":"int4"`, `quantised to "int4"`},
		{`"d/kernel"`, `"c/kernel"`, "two named"},
		{`"w.bin"`, `"../w.bin"`, "invalid"},
		{`"w.bin"`, `"other"`, "other"},
		{`"weightsManifest"`, `"weights"`, "no manifest"},
		{`"modelTopology"`, `"topology"`, "without a topology"},
		{`[null,3,2,1]`, `[null,3,2,1`, "without"},
		{`"min":-1`, `"min":-1,"min":-1`, "twice"},
		{`"min":-1`, `"min":Infinity`, "is no value"},
		{`"min":-1`, `"min":` + strings.Repeat("[", 100), "levels"},
	}
	for _, c := range cases {
		files := saved()
		text := string(files["model.json"].Data)
		if !strings.Contains(text, c.from) {
			t.Fatalf("%s is not in the file", c.from)
		}
		files["model.json"].Data = []byte(strings.Replace(text, c.from, c.to, 1))
		f, err := Read(files, "model.json")
		if err == nil {
			_, err = f.Model()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s instead of %s: got %v, want %q", c.to, c.from, err, c.want)
		}
	}
}

// What is read from any bytes compiles, or is refused; it never panics.
func FuzzModel(f *testing.F) {
	plain := saved()
	f.Add(plain["model.json"].Data, plain["w.bin"].Data)
	graph := `{"modelTopology":{"node":[
	 {"name":"x","op":"Placeholder","attr":{"shape":{"shape":{"dim":[{"size":"-1"},{"size":"2"},{"size":"2"},{"size":"1"}]}}}},
	 {"name":"k","op":"Const"},{"name":"s","op":"Const"},{"name":"m","op":"Mul","input":["s","x"]},
	 {"name":"y","op":"_FusedConv2D","input":["m","k"],"attr":{"strides":{"list":{"i":["1","1","1","1"]}},"padding":{"s":"U0FNRQ=="},
	  "fused_ops":{"list":{"s":["UmVsdTY="]}}}}]},
	 "weightsManifest":[{"paths":["w.bin"],"weights":[{"name":"k","shape":[1,1,1,1],"dtype":"float32"},{"name":"s","shape":[],"dtype":"float32"}]}]}`
	f.Add([]byte(graph), make([]byte, 8))
	f.Add([]byte(`n.exports={modelTopology:null,weightsManifest:[{paths:['w.bin'],weights:[]}]}`), []byte{})
	f.Fuzz(func(t *testing.T, model, weights []byte) {
		file, err := Read(fstest.MapFS{"model.json": {Data: model}, "w.bin": {Data: weights}}, "model.json")
		if err != nil {
			return
		}
		for _, build := range []func() error{
			func() error { _, err := FaceDescriptor(file.Weights); return err },
			func() error { _, err := TinyFaceDetector(file.Weights, 32); return err },
			func() error { _, err := FaceDetector(file.Weights); return err },
		} {
			if build() == nil {
				t.Error("a network of faces from a few bytes")
			}
		}
		m, err := file.Model()
		if err != nil {
			return
		}
		if _, err := program.Compile(m); err != nil {
			t.Errorf("the model does not compile: %v", err)
		}
	})
}
