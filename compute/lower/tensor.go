package lower

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// InlineOf gives a tensor with its bytes as NET-5 has them.
func InlineOf(t *tensor.Tensor) net.Inline {
	out := net.Inline{Type: net.Type(onnx.NumberOf(t.Type())), Bytes: t.Raw()}
	for _, d := range t.Shape() {
		out.Shape = append(out.Shape, uint32(d))
	}
	return out
}

// DigestOf names a tensor by its root.
func DigestOf(t *tensor.Tensor) net.Digest {
	i := InlineOf(t)
	return net.Digest{Type: i.Type, Shape: i.Shape, Root: net.TensorRoot(i.Type, i.Bytes)}
}

// TensorOf makes a tensor from the bytes of NET-5.
func TensorOf(kind net.Type, shape []uint32, data []byte) (*tensor.Tensor, error) {
	t, err := onnx.TypeFrom(int64(kind))
	if err != nil {
		return nil, err
	}
	var dims []int
	for _, d := range shape {
		dims = append(dims, int(d))
	}
	return tensor.FromRaw(t, dims, data)
}
