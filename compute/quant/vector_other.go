//go:build !(amd64 || arm64) || purego

package quant

import "github.com/aiwork/aiwork-node/compute/kernel"

func quantiseVector(_ kernel.Path, _ *Activations, first, _ int) int { return first }

func pack(*Matrix) []byte { return nil }

func (m *Matrix) mulPacked([]float32, int, *Activations, int, int) {}

func (m *Matrix) packedBytes() int { return 0 }
