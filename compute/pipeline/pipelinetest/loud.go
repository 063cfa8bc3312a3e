package pipelinetest

import (
	"encoding/binary"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Name is what the pipeline is called.
const Name = "loudness"

// Loud puts the pipeline and its network into a folder, and gives its Spec.
func Loud(t testing.TB, folder string) *pipeline.Spec {
	t.Helper()
	of := func(name string, kind tensor.Type, sizes ...int) onnx.Value {
		v := onnx.Value{Name: name, Type: kind, Ranks: true}
		for _, n := range sizes {
			v.Shape = append(v.Shape, onnx.Dim{Size: int64(n)})
		}
		return v
	}
	l, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs: []onnx.Value{of("x", tensor.Float32, 1, 576), of("state", tensor.Float32, 2, 1, 128), of("rate", tensor.Int64)},
		Nodes: []onnx.Node{
			{Op: "ReduceMax", Inputs: []string{"x"}, Outputs: []string{"loud"}},
			{Op: "Add", Inputs: []string{"state", "loud"}, Outputs: []string{"after"}},
		},
		Outputs: []onnx.Value{{Name: "loud"}, {Name: "after"}},
	}}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	id, err := (model.Store{Dir: folder}).Put(&model.File{Name: "loud", Licence: "Apache-2.0", Model: l})
	if err != nil {
		t.Fatal(err)
	}
	s := &pipeline.Spec{Name: Name, Kind: pipeline.Speech, Roles: []pipeline.Role{{Name: "activity", Model: id}}}
	if _, err := (pipeline.Store{Dir: folder}).Put(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Recording gives two seconds of sound as a WAV file, which are loud from the first half second to one and a half.
func Recording() []byte {
	const rate, n = 16000, 32000
	le := binary.LittleEndian
	b := append([]byte("RIFF"), le.AppendUint32(nil, 36+2*n)...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, rate), 2*rate)
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	b = le.AppendUint32(append(b, "data"...), 2*n)
	for i := range n {
		v := uint16(i % 100)
		if i >= rate/2 && i < rate*3/2 {
			v *= 300
		}
		b = le.AppendUint16(b, v)
	}
	return b
}
