package requester

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const fileBytesMax = 64 << 20

// Input is one file as it goes on chain.
type Input struct {
	Name     string
	Data     []byte     // canonical PNG
	Blob     chain.Hash // BLAKE3 of Data
	Original chain.Hash // SHA-256 of the requester's file
}

// ReadInput reads a picture file.
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

// NewInput makes a picture canonical.
func NewInput(name string, content []byte) (Input, error) {
	data, original, err := image.ToCanonicalPNG(content)
	if err != nil {
		return Input{}, fmt.Errorf("input %s: %w", name, err)
	}
	return Input{Name: name, Data: data, Blob: blake3.Sum256(data), Original: original}, nil
}
