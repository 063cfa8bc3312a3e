package languagetest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
)

// What a random model is.
const (
	Name    = "random"
	Context = 256
	Vocab   = 300
	Dim     = 32
)

// A Change makes another model of the random one.
type Change struct {
	Weight int                // one is added to it; negative: none
	More   func(*gguf.Writer) // adds metadata; nil: none
}

// Write writes a model's file and gives its path.
func Write(t testing.TB, c Change) string {
	t.Helper()
	const hidden, layers, heads, keyHeads = 48, 2, 4, 2
	var raw []byte
	for _, n := range []uint32{Dim, hidden, layers, heads, keyHeads, Vocab, Context} {
		raw = binary.LittleEndian.AppendUint32(raw, n)
	}
	weights := Vocab*Dim + layers*(2*Dim+2*Dim*Dim+2*Dim*Dim/2+3*Dim*hidden) + Dim + Context*Dim/heads
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range weights {
		v := float32(rnd.IntN(2001)-1000) / 2000
		if i == c.Weight {
			v++
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	var w gguf.Writer
	if c.More != nil {
		c.More(&w)
	}
	if err := llama2c.Convert(&w, Name, raw); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "random.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return path
}
