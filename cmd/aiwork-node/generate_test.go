package main

// A model of llama2.c with random weights is converted and generates; the answer does not depend on threads or path, and
// its own check accepts it.

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// llama2cModel writes a model of llama2.c: a head of seven numbers, then weights.
func llama2cModel(t *testing.T, path string) {
	t.Helper()
	const dim, hidden, layers, heads, keyHeads, vocab, context = 32, 48, 2, 4, 2, 300, 64
	var raw []byte
	for _, n := range []uint32{dim, hidden, layers, heads, keyHeads, vocab, context} {
		raw = binary.LittleEndian.AppendUint32(raw, n)
	}
	weights := vocab*dim + layers*(2*dim+2*dim*dim+2*dim*dim/2+3*dim*hidden) + dim + context*dim/heads
	rnd := rand.New(rand.NewPCG(1, 1))
	for range weights {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(rnd.IntN(2001)-1000)/2000))
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// output runs a command line and gives what it prints.
func output(t *testing.T, args ...string) []byte {
	t.Helper()
	raw, err := outputOf(t, args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return raw
}

// outputOf runs a command and gives what it printed, however it ended.
func outputOf(t *testing.T, args ...string) (raw []byte, ended error) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	stdout := os.Stdout
	os.Stdout = out
	ended = try(t, args...)
	os.Stdout = stdout
	raw, err = os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return raw, ended
}

func TestGenerate(t *testing.T) {
	bin, gguf := filepath.Join(t.TempDir(), "m.bin"), filepath.Join(t.TempDir(), "m.gguf")
	llama2cModel(t, bin)
	output(t, "model", "convert", bin, gguf)
	var want answer
	for i, args := range [][]string{
		{"--threads", "1", "--path", kernel.Best().String()}, {"--threads", "3"}, {"--path", "go", "--threads", "2"},
	} {
		line := append([]string{"model", "generate", gguf, "--prompt", "Hi", "--temp", "1", "--seed", "7", "--max-tokens", "30", "--verify", "--json"}, args...)
		var got answer
		if err := json.Unmarshal(output(t, line...), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Tokens) == 0 || got.End == "" || got.Verified == nil || !*got.Verified || got.Text == "" {
			t.Errorf("%v: %+v", args, got)
		}
		if i == 0 {
			want = got
		}
		if !slices.Equal(got.Tokens, want.Tokens) || got.Text != want.Text {
			t.Errorf("%v: %v, want %v", args, got.Tokens, want.Tokens)
		}
	}
	if err := try(t, "model", "convert", bin, gguf); err == nil {
		t.Error("a file that is there was written over")
	}
	if err := try(t, "model", "generate", gguf, "--prompt", "Hi", "--chat"); exitCode(err) != exitUsage {
		t.Errorf("a model without a form of conversations: %v", err)
	}
}
