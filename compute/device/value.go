package device

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A value is a tensor that lies in the program's memory, in the device's, or in both.
type value struct {
	kind  tensor.Type
	shape []int
	host  *tensor.Tensor
	block *block
	kept  bool // by the program: a weight, whose memory stays
}

func hostValue(t *tensor.Tensor) *value { return &value{kind: t.Type(), shape: t.Shape(), host: t} }

func (v *value) len() int   { return tensor.Count(v.shape) }
func (v *value) bytes() int { return v.len() * v.kind.Size() }

// memory gives a value's place on the device, to which it is copied if it is not there.
func (r *run) memory(v *value) (Memory, error) {
	if v.block != nil {
		return v.block.memory, nil
	}
	b, err := r.heap().take(v.bytes())
	if err != nil {
		return nil, err
	}
	raw := v.host.Raw()
	if err := r.unit.device.Write(b.memory, raw); err != nil {
		r.heap().give(b)
		return nil, err
	}
	v.block = b
	r.stats.Uploads++
	r.stats.UploadBytes += len(raw)
	return b.memory, nil
}

// tensor gives a value in the program's memory, to which it is copied if it is not there.
func (r *run) tensor(v *value) (*tensor.Tensor, error) {
	if v.host != nil {
		return v.host, nil
	}
	raw := make([]byte, v.bytes())
	if err := r.unit.device.Read(raw, v.block.memory); err != nil {
		return nil, err
	}
	t, err := tensor.FromRaw(v.kind, v.shape, raw)
	if err != nil {
		return nil, err
	}
	v.host, r.unit.waiting = t, 0
	r.stats.Downloads++
	r.stats.DownloadBytes += len(raw)
	return t, nil
}

// release gives a value's memory back.
func (r *run) release(v *value) {
	if v == nil || v.kept {
		return
	}
	if v.block != nil {
		r.heap().give(v.block)
	}
	v.block, v.host = nil, nil
}

// view gives a value's elements under another shape of as many elements.
func (v *value) view(shape []int) *value {
	out := &value{kind: v.kind, shape: slices.Clone(shape), block: v.block}
	if v.host != nil {
		out.host = v.host.View(shape)
	}
	if v.block != nil {
		v.block.uses++
	}
	return out
}
