package model

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A Mapped is a model whose weights lie in its file, as far as they can, and are read when they are used. Close it when nothing uses them any
// more. Outputs of runs are copies and stay.
type Mapped struct {
	*File
	unmap func() error
}

// Close gives the memory back.
func (m *Mapped) Close() error {
	if m.unmap == nil {
		return nil
	}
	return m.unmap()
}

// Open gives a model to run it. A file that the shelf knows, which was held against the roots before, is held against its checksum alone;
// others are read as Get reads them. Weights are called by their roots, so that the shelf need not read them to tell what it has of them.
func (s Store) Open(id chain.Hash, shelf *packed.Shelf) (*Mapped, error) {
	data, unmap, err := mapFile(s.Path(id))
	if err != nil {
		return nil, openError(id, err)
	}
	source := packed.Source(data)
	known := shelf.Take(packed.SourceName())
	if string(known) == string(source) {
		f, err := viewFile(data)
		if err == nil && f.Net.ID() == id {
			drop(data)
			nameWeights(f, shelf)
			return &Mapped{f, unmap}, nil
		}
	}
	f, err := s.decode(id, data)
	if err := errors.Join(err, unmap()); err != nil {
		return nil, err
	}
	shelf.Keep(packed.SourceName(), source)
	nameWeights(f, shelf)
	return &Mapped{File: f}, nil
}

// nameWeights tells a shelf what the weights are called.
func nameWeights(f *File, shelf *packed.Shelf) {
	for i, t := range f.Weights {
		w := &f.Net.WeightList[i]
		shelf.Call(t, packed.NameFrom(w.Encode()))
	}
}

// ViewFile reads a file that is known to hold, a part of the program, and leaves the weights where they are until they are used.
func ViewFile(file string) (*File, error) {
	f, err := viewFile(unsafe.Slice(unsafe.StringData(file), len(file)))
	if err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	return f, nil
}

// viewFile reads a file that holds, and leaves the weights where they are.
func viewFile(b []byte) (*File, error) {
	r := &fileReader{all: b}
	f, err := r.front()
	if err != nil {
		return nil, err
	}
	for i := range f.Net.WeightList {
		t, err := r.view(&f.Net.WeightList[i])
		if err != nil {
			return nil, fmt.Errorf("weight %d: %w", i, err)
		}
		f.Weights = append(f.Weights, t)
	}
	return f, nil
}

// view is weight without a look at the elements. Those of a palette are made when they are asked for.
func (r *fileReader) view(w *net.Weight) (*tensor.Tensor, error) {
	how, err := r.take(1)
	if err != nil {
		return nil, err
	}
	kind, shape, err := lower.ShapeOf(w.Type, w.Shape)
	if err != nil {
		return nil, err
	}
	n := tensor.Count(shape)
	if how[0] == asRaw {
		data, err := r.raw(n * kind.Size())
		if err != nil {
			return nil, err
		}
		return tensor.ViewRaw(kind, shape, data)
	}
	begin := r.at
	if err := r.skipPalette(n); err != nil {
		return nil, err
	}
	data := r.all[begin:r.at]
	return tensor.Later(kind, shape, func() *tensor.Tensor {
		elements, err := (&fileReader{all: data}).palette(w.Type, n)
		must.Hold(err == nil, "a palette that held does not hold any more")
		t, err := tensor.FromRaw(kind, shape, elements)
		must.Hold(err == nil, "a palette has another size than its weight")
		return t
	}), nil
}

func (r *fileReader) skipPalette(n int) error {
	count, err := r.take(1)
	if err != nil {
		return err
	}
	_, err = r.take(4*(int(count[0])+1) + n)
	return err
}
