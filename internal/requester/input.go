package requester

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/audio"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/npy"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const fileBytesMax = 64 << 20

// Forms of inputs, as nodes tell them of models.
const (
	formPicture = "8-bit PNG"
	formTensors = "tensors"
	formSound   = "sound"
	formPrompt  = engine.InputPrompt
)

// Input is one file as it goes on chain.
type Input struct {
	Name     string
	Data     []byte     // canonical: a PNG, a list of tensors, a sound file, or a prompt
	Form     string     // which of these, as Model.Input has it
	Blob     chain.Hash // BLAKE3 of Data
	Original chain.Hash // SHA-256 of the requester's file
}

// ReadInput reads a picture file, a tensor in a .npy or .pb file, or a .wav or .flac file.
func ReadInput(path string) (Input, error) {
	f, err := os.Open(path)
	if err != nil {
		return Input{}, fmt.Errorf("input: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err != nil {
		return Input{}, fmt.Errorf("input %s: %w", path, err)
	}
	if len(content) > fileBytesMax {
		return Input{}, fmt.Errorf("input %s: over %d bytes", path, fileBytesMax)
	}
	return NewInput(filepath.Base(path), content)
}

// NewInput makes a file canonical, by the form that its name tells.
func NewInput(name string, content []byte) (Input, error) {
	switch filepath.Ext(name) {
	case ".npy":
		t, err := npy.Decode(content)
		return tensorInput(name, content, t, err)
	case ".pb":
		t, err := onnx.DecodeTensor(content)
		return tensorInput(name, content, t, err)
	case ".wav", ".flac":
		return soundInput(name, content)
	}
	data, original, err := image.ToCanonicalPNG(content)
	if err != nil {
		return Input{}, fmt.Errorf("input %s: %w", name, err)
	}
	return Input{Name: name, Data: data, Form: formPicture, Blob: blake3.Sum256(data), Original: original}, nil
}

// tensorInput makes the input of a model that takes one tensor.
func tensorInput(name string, content []byte, t *tensor.Tensor, err error) (Input, error) {
	if err != nil {
		return Input{}, fmt.Errorf("input %s: %w", name, err)
	}
	data := engine.EncodeInputs([]*tensor.Tensor{t})
	if len(data) > image.InputBytesMax {
		return Input{}, fmt.Errorf("input %s: %d bytes, at most %d are taken", name, len(data), image.InputBytesMax)
	}
	return Input{Name: name, Data: data, Form: formTensors, Blob: blake3.Sum256(data), Original: sha256.Sum256(content)}, nil
}

// soundInput takes a sound file as it is: both forms keep every sample.
func soundInput(name string, content []byte) (Input, error) {
	if len(content) > image.InputBytesMax {
		return Input{}, fmt.Errorf("input %s: %d bytes, at most %d are taken: cut it", name, len(content), image.InputBytesMax)
	}
	if _, err := audio.Decode(content); err != nil {
		return Input{}, fmt.Errorf("input %s: %w", name, err)
	}
	return Input{Name: name, Data: content, Form: formSound, Blob: blake3.Sum256(content), Original: sha256.Sum256(content)}, nil
}

// NewPrompt makes the input of a language model.
func NewPrompt(name string, p *language.Prompt) (Input, error) {
	if err := p.Check(); err != nil {
		return Input{}, fmt.Errorf("input %s: %w", name, err)
	}
	data := p.Encode()
	if len(data) > language.ItemBytesMax {
		return Input{}, fmt.Errorf("input %s: %d bytes, at most %d are taken", name, len(data), language.ItemBytesMax)
	}
	return Input{Name: name, Data: data, Form: formPrompt, Blob: blake3.Sum256(data), Original: sha256.Sum256(data)}, nil
}

// NewRaw makes the input of a pipeline or model of bytes that have its form already.
func NewRaw(name, form string, data []byte) (Input, error) {
	if len(data) > image.InputBytesMax {
		return Input{}, fmt.Errorf("input %s: %d bytes, at most %d are taken", name, len(data), image.InputBytesMax)
	}
	return Input{Name: name, Data: data, Form: form, Blob: blake3.Sum256(data), Original: sha256.Sum256(data)}, nil
}
