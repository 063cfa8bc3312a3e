package capability

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

const (
	pictureWidth, pictureHeight = 320, 240 // of an item for a pipeline
	elementsMax                 = 1 << 22  // of a drawn tensor
)

// ErrNoInput says that no input can be drawn for a model.
var ErrNoInput = errors.New("no input can be drawn for this model")

// Seed gives the randomness of the item that a worker is measured with on a model: seed is that of a session.
func Seed(genesis chain.Hash, session uint64, seed chain.Hash, worker chain.Address, model chain.Hash) [32]byte {
	const tag = "aiwork/known/1"
	b := append(binary.BigEndian.AppendUint16(nil, uint16(len(tag))), tag...)
	b = append(b, genesis[:]...)
	b = binary.BigEndian.AppendUint64(b, session)
	b = append(append(append(b, seed[:]...), worker[:]...), model[:]...)
	return sha256.Sum256(b)
}

// Answer gives the hash of an output, as records have it.
func Answer(output []byte) chain.Hash {
	const tag = "aiwork/answer/1"
	b := append(binary.BigEndian.AppendUint16(nil, uint16(len(tag))), tag...)
	return sha256.Sum256(append(b, output...))
}

// Input draws an item for a model or pipeline of a library; equal seeds give equal items on every machine. ErrNoInput: it is of a form
// for which none can be drawn.
func Input(library engine.Library, id chain.Hash, seed [32]byte) ([]byte, error) {
	d := dice.New(seed)
	f, err := library.Models.Get(id)
	if err == nil {
		return drawFor(&f.Net.Head, d)
	}
	if !model.IsNoModel(err) {
		return nil, err
	}
	s, err := library.Pipelines.Get(id)
	if errors.Is(err, pipeline.ErrNone) {
		return nil, fmt.Errorf("%s: %w", id, model.ErrNoModel)
	}
	if err != nil {
		return nil, err
	}
	if s.Kind == pipeline.Speech {
		return nil, fmt.Errorf("%w: it takes sound", ErrNoInput)
	}
	return picture(d, pictureWidth, pictureHeight)
}

func drawFor(head *net.Head, d *dice.Dice) ([]byte, error) {
	switch head.Form {
	case net.FormPicture:
		return picture(d, int(head.Width), int(head.Height))
	case net.FormTensors:
		return tensors(head.Inputs, d)
	}
	return nil, fmt.Errorf("%w: it takes neither pictures nor tensors", ErrNoInput)
}

// picture draws every pixel, and encodes them without loss.
func picture(d *dice.Dice, width, height int) ([]byte, error) {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		if m.Pix[i] = 255; i%4 != 3 {
			m.Pix[i] = byte(d.Uint64())
		}
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m)
	return b.Bytes(), err
}

// tensors draws numbers in [-1, 1] that are whole 128ths where elements are float32, and zeros where they are not: those may be places
// in a table. A dimension that is free is 1.
func tensors(ports []net.Port, d *dice.Dice) ([]byte, error) {
	var list []net.Inline
	for i, p := range ports {
		if !p.Known {
			return nil, fmt.Errorf("%w: input %d has no declared shape", ErrNoInput, i)
		}
		shape, all := make([]uint32, 0, len(p.Shape)), uint64(1)
		for _, dim := range p.Shape {
			n := dim.N
			if dim.Free {
				n = 1
			}
			shape = append(shape, n)
			if all *= uint64(n); all > elementsMax {
				return nil, fmt.Errorf("%w: input %d has more than %d elements", ErrNoInput, i, elementsMax)
			}
		}
		in := net.Inline{Type: p.Type, Shape: shape, Bytes: make([]byte, all*uint64(p.Type.Size()))}
		t, err := lower.TensorOf(in.Type, in.Shape, in.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: input %d: %w", ErrNoInput, i, err)
		}
		if t.Type() == tensor.Float32 {
			v := tensor.Values[float32](t)
			for j := range v {
				v[j] = float32(int(d.Below(257))-128) / 128
			}
		}
		list = append(list, lower.InlineOf(t))
	}
	return net.EncodeList(list), nil
}
