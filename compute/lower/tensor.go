package lower

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// InlineOf gives a tensor with its bytes as NET-5 has them.
func InlineOf(t *tensor.Tensor) net.Inline {
	return net.Inline{Type: net.Type(onnx.NumberOf(t.Type())), Shape: shapeOf(t), Bytes: t.Raw()}
}

func shapeOf(t *tensor.Tensor) (shape []uint32) {
	for _, d := range t.Shape() {
		shape = append(shape, uint32(d))
	}
	return shape
}

// DigestOf names a tensor by its root.
func DigestOf(t *tensor.Tensor) net.Digest {
	kind := net.Type(onnx.NumberOf(t.Type()))
	return net.Digest{Type: kind, Shape: shapeOf(t), Root: net.TensorRoot(kind, t.RawView())}
}

// TensorOf makes a tensor from the bytes of NET-5.
func TensorOf(kind net.Type, shape []uint32, data []byte) (*tensor.Tensor, error) {
	t, dims, err := ShapeOf(kind, shape)
	if err != nil {
		return nil, err
	}
	return tensor.FromRaw(t, dims, data)
}

// ShapeOf gives type and shape of a tensor; the shape is within the limits.
func ShapeOf(kind net.Type, shape []uint32) (t tensor.Type, dims []int, err error) {
	if t, err = onnx.TypeFrom(int64(kind)); err != nil {
		return 0, nil, err
	}
	for _, d := range shape {
		dims = append(dims, int(d))
	}
	return t, dims, tensor.CheckShape(dims)
}
