package plan

import (
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// fast plans a node that has a fast form for these shapes; false leaves it to its operator.
func (b *builder) fast(n *program.Node) bool {
	if b.quantized(n) {
		return true
	}
	if x := b.in(n, 0); x == nil || x.kind != tensor.Float32 {
		return false
	}
	if n.Op == "LSTM" {
		return b.lstm(n)
	}
	if n.Out[0] == program.None {
		return false
	}
	switch n.Op {
	case "Conv":
		return b.conv(n)
	case "ConvTranspose":
		return b.transposed(n)
	case "MaxPool", "AveragePool":
		return b.pool(n)
	case "GlobalAveragePool":
		return b.global(n)
	case "Transpose":
		return b.transpose(n)
	case "Concat":
		return b.concat(n)
	case "MatMul":
		return b.matMul(n)
	case "Gemm":
		return b.gemm(n)
	}
	return b.elementwise(n)
}
