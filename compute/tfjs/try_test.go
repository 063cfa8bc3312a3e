package tfjs

import (
	"os"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

func TestTry(t *testing.T) {
	fsys := os.DirFS("../../tools/golden/node_modules")
	for _, c := range []struct {
		file string
		make func(f *File) (*onnx.Model, error)
	}{
		{"nsfwjs/dist/models/mobilenet_v2/model.min.js", (*File).Model},
		{"nsfwjs/dist/models/mobilenet_v2_mid/model.min.js", (*File).Model},
		{"nsfwjs/dist/models/inception_v3/model.min.js", (*File).Model},
		{"@vladmandic/face-api/model/ssd_mobilenetv1_model-weights_manifest.json", func(f *File) (*onnx.Model, error) { return FaceDetector(f.Weights) }},
		{"@vladmandic/face-api/model/tiny_face_detector_model-weights_manifest.json", func(f *File) (*onnx.Model, error) { return TinyFaceDetector(f.Weights, 416) }},
		{"@vladmandic/face-api/model/face_recognition_model-weights_manifest.json", func(f *File) (*onnx.Model, error) { return FaceDescriptor(f.Weights) }},
	} {
		t0 := time.Now()
		f, err := Read(fsys, c.file)
		if err != nil {
			t.Error(c.file, err)
			continue
		}
		m, err := c.make(f)
		if err != nil {
			t.Error(c.file, err)
			continue
		}
		p, err := program.Compile(m)
		if err != nil {
			t.Error(c.file, err)
			continue
		}
		var shape []int
		for _, d := range p.Inputs[0].Shape {
			shape = append(shape, int(d.Size))
		}
		t1 := time.Now()
		out, err := p.Run([]*tensor.Tensor{tensor.New(tensor.Float32, shape)}, program.DefaultLimits())
		if err != nil {
			t.Error(c.file, err)
			continue
		}
		for _, o := range out {
			v := tensor.Values[float32](o)
			t.Log(c.file, o.Shape(), v[:min(5, len(v))], t1.Sub(t0), time.Since(t1))
		}
	}
}
