package vm

// What is tested: a program takes memory in proportion to its code, whatever the code is; the benchmarks show
// that making it takes time in proportion too.

import (
	"bytes"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// bytesPerByte bounds the memory of a program: an instr with its rest and an entry for each byte of code, and
// for the densest constants one of 32 bytes for each three bytes.
const bytesPerByte = 64

// hostile are codes of the greatest length that make the most of something.
var hostile = []struct {
	name string
	code []byte
}{
	{"blocks", bytes.Repeat([]byte{byte(JUMPDEST)}, codeSizeMax)},
	{"instructions", bytes.Repeat([]byte{byte(ADD)}, codeSizeMax)},
	{"constants", bytes.Repeat([]byte{byte(PUSH1), 1, byte(AND)}, codeSizeMax/3)},
	{"jumps", bytes.Repeat([]byte{byte(JUMPDEST), byte(PUSH1), 0, byte(JUMPI)}, codeSizeMax/4)},
	{"folding", bytes.Repeat([]byte{byte(PUSH1), 1, byte(PUSH1), 2, byte(ADD)}, codeSizeMax/5)},
	{"dead", append([]byte{byte(STOP)}, bytes.Repeat([]byte{0xfe}, codeSizeMax-1)...)},
	{"exchanges", bytes.Repeat([]byte{byte(SWAP1), byte(POP), byte(DUP1)}, codeSizeMax/3)},
	{"long block", append(bytes.Repeat([]byte{byte(PUSH0), byte(POP)}, codeSizeMax/2-1), byte(JUMPDEST), byte(STOP))},
}

func TestProgramIsBounded(t *testing.T) {
	tab := newTable(fork.Latest)
	var t0 translator
	for _, h := range hostile {
		c := &Code{}
		c.prepare(h.code)
		p := t0.translate(c, fork.Latest, tab)
		if got, most := p.size(), bytesPerByte*len(h.code); got > most {
			t.Errorf("%s: %d bytes, want at most %d", h.name, got, most)
		}
		if len(p.ins) != len(p.rest) || len(p.entries) != len(h.code) {
			t.Errorf("%s: %d instructions, %d rests, %d entries", h.name, len(p.ins), len(p.rest), len(p.entries))
		}
		for i, in := range p.ins {
			if in.form.leads() && int(in.arg) >= len(p.blocks) {
				t.Fatalf("%s: instruction %d leads to block %d of %d", h.name, i, in.arg, len(p.blocks))
			}
		}
	}
}

// Only code that has jumped enough for its size is translated, so nobody makes others translate for nothing.
func TestHeat(t *testing.T) {
	m := New(fork.Latest, nil, NewCodes(CodesBytesMax))
	c := m.codes.add([32]byte{1}, hostile[0].code)
	jumps := 1
	for m.hot(c) == nil {
		jumps++
	}
	if want := heatMin + codeSizeMax/heatBytes; jumps != want {
		t.Errorf("translated after %d jumps, want %d", jumps, want)
	}
	if m.ready(c) == nil {
		t.Error("not ready afterwards")
	}
}

func BenchmarkTranslate(b *testing.B) {
	tab := newTable(fork.Latest)
	var t0 translator
	for _, h := range hostile {
		b.Run("code="+h.name, func(b *testing.B) {
			c := &Code{}
			c.prepare(h.code)
			b.SetBytes(int64(len(h.code)))
			for b.Loop() {
				t0.translate(c, fork.Latest, tab)
			}
		})
	}
	b.Run("prepare", func(b *testing.B) {
		c := &Code{}
		b.SetBytes(codeSizeMax)
		for b.Loop() {
			c.prepare(hostile[0].code)
		}
	})
}

// A Codes that is full forgets what was not used, and never more than that.
func TestCodesForget(t *testing.T) {
	const size, kept = 1000, 8
	cs := NewCodes(2 * kept * (size + codePad + codeOverhead))
	hash := func(i int) (h chain.Hash) { h[0], h[1] = byte(i), byte(i>>8); return h }
	code := bytes.Repeat([]byte{byte(JUMPDEST)}, size)
	used := hash(1)
	cs.add(used, code)
	for i := 2; i < 100; i++ {
		cs.add(hash(i), code)
		h := used
		if cs.find(&h) == nil {
			t.Fatalf("what is used was forgotten after %d codes", i)
		}
		if n := len(cs.young) + len(cs.old); n > 2*kept+2 {
			t.Fatalf("%d codes are kept, want at most %d", n, 2*kept+2)
		}
	}
	if h := hash(2); cs.find(&h) != nil {
		t.Error("what was not used is still kept")
	}
}
