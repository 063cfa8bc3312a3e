package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	// depthMax is the depth of the deepest call; the transaction's own has depth 0.
	depthMax = 1024
	// memoryWordsMax bounds a frame's memory. Its gas is 2^45, which no block has.
	memoryWordsMax = 1 << 27
	// memoryKeepMax is the most memory that a frame keeps from one transaction to the next, in bytes.
	memoryKeepMax = 1 << 20
	stackMask     = stackMax - 1
)

// frame is one running call. Frames are kept and used again for the next call at their depth, so
// everything in one is set when a call begins.
type frame struct {
	stack [stackMax]uint256.Int
	mem   []byte // a multiple of 32 bytes
	ret   []byte // what the last call returned
	out   []byte // what this call returns: a part of mem or of a built-in contract's answer

	code *Code
	init Code // memory for creation code, which is run once

	input        []byte
	caller, self chain.Address
	value        uint256.Int
	gas          uint64
	depth        int
	static       bool
}

// at gives the i-th word from the top of a stack of sp words.
func (f *frame) at(sp uint, i uint) *uint256.Int { return &f.stack[(sp-1-i)&stackMask] }

// touch pays for memory up to off+size and makes it there.
func (f *frame) touch(gas uint64, off *uint256.Int, size uint64) (uint64, bool) {
	end := off[0] + size
	if !off.IsUint64() || end < size {
		return 0, false
	}
	if end <= uint64(len(f.mem)) {
		return gas, true
	}
	return f.grow(gas, end)
}

// has reports whether memory has the word at off.
func (f *frame) has(off *uint256.Int) bool {
	end := off[0] + 32
	return off[1]|off[2]|off[3] == 0 && end >= 32 && end <= uint64(len(f.mem))
}

// grow pays for memory up to end, which is beyond what is there.
func (f *frame) grow(gas, end uint64) (uint64, bool) {
	if end > memoryWordsMax*32 {
		return 0, false
	}
	old, words := uint64(len(f.mem))/32, (end+31)/32
	cost := memoryGas(words) - memoryGas(old)
	if gas < cost {
		return 0, false
	}
	size := int(words) * 32
	if size <= cap(f.mem) {
		was := len(f.mem)
		f.mem = f.mem[:size]
		clear(f.mem[was:])
		return gas - cost, true
	}
	grown := make([]byte, size, max(size, 2*cap(f.mem), 4096))
	copy(grown, f.mem)
	f.mem = grown
	return gas - cost, true
}

func memoryGas(words uint64) uint64 { return gasMemoryWord*words + words*words/memoryQuadratic }

// touchRange is touch for a range given by two words; an empty one touches nothing wherever it is.
func (f *frame) touchRange(gas uint64, off, size *uint256.Int) (left, o, n uint64, ok bool) {
	if size.IsZero() {
		return gas, 0, 0, true
	}
	if !size.IsUint64() {
		return 0, 0, 0, false
	}
	left, ok = f.touch(gas, off, size[0])
	return left, off[0], size[0], ok
}

// touchCopy is touchRange with the price of copying by words.
func (f *frame) touchCopy(gas uint64, off, size *uint256.Int, perWord uint64) (left, o, n uint64, ok bool) {
	if gas, o, n, ok = f.touchRange(gas, off, size); !ok {
		return 0, 0, 0, false
	}
	cost := (n + 31) / 32 * perWord
	if gas < cost {
		return 0, 0, 0, false
	}
	return gas - cost, o, n, true
}

// copyPadded fills dst from src at off; what lies beyond the end of src is zero.
func copyPadded(dst, src []byte, off *uint256.Int) {
	n := 0
	if off.IsUint64() && off[0] < uint64(len(src)) {
		n = copy(dst, src[off[0]:])
	}
	clear(dst[n:])
}

// loadPadded reads a word of src at off, zeros beyond its end, into off itself.
func loadPadded(off *uint256.Int, src []byte) {
	if off.IsUint64() && off[0] < uint64(len(src)) {
		rest := src[off[0]:]
		if len(rest) >= 32 {
			off.SetBytes32(rest[:32])
			return
		}
		var word [32]byte
		copy(word[:], rest)
		off.SetBytes32(word[:])
		return
	}
	off.Clear()
}
