package model

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/program"
)

// CheckRuns refuses a model that cannot be stored or run here; see onnx.IsUnsupported.
func (f *File) CheckRuns() error {
	if err := f.Check(); err != nil {
		return err
	}
	if err := f.checkKernels(); err != nil {
		return err
	}
	_, err := f.Compile()
	return err
}

// Compile gives the program that defines what the model computes.
func (f *File) Compile() (*program.Program, error) {
	m, err := f.ONNX()
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", f.Name, err)
	}
	return program.Compile(m)
}
