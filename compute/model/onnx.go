package model

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
)

// FromONNX makes a model of an ONNX file, whose inputs are tensors. It refuses what cannot be run; see onnx.IsUnsupported.
func FromONNX(name, source, licence string, file []byte) (*File, error) {
	m, err := onnx.DecodeModel(file)
	if err != nil {
		return nil, err
	}
	l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors})
	if err != nil {
		return nil, err
	}
	f := &File{Name: name, Source: source, Licence: licence, Model: l}
	if err := f.Check(); err != nil {
		return nil, err
	}
	if err := f.checkKernels(); err != nil {
		return nil, err
	}
	_, err = f.Compile()
	return f, err
}

// Compile gives the program that defines what the model computes.
func (f *File) Compile() (*program.Program, error) {
	m, err := f.ONNX()
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", f.Name, err)
	}
	return program.Compile(m)
}
