package dice

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/must"
)

const domain = "aiwork/dice/1"

// A Dice is a position in the stream of one seed. Make it with New.
type Dice struct {
	input [len(domain) + 32 + 8]byte // domain, seed, index of the next block
	next  uint64                     // index of the next block
	block [sha256.Size]byte
	used  int // bytes of block already drawn
}

// New returns the stream of seed at its beginning.
func New(seed [32]byte) *Dice {
	d := &Dice{used: sha256.Size}
	copy(d.input[:], domain)
	copy(d.input[len(domain):], seed[:])
	return d
}

// Uint64 draws 8 bytes as a big-endian number (DICE-3).
func (d *Dice) Uint64() uint64 {
	if d.used == len(d.block) {
		d.refill()
	}
	v := binary.BigEndian.Uint64(d.block[d.used:])
	d.used += 8
	return v
}

// Below draws a number in [0, n), each with the same chance (DICE-4). n must not be 0.
func (d *Dice) Below(n uint64) uint64 {
	must.Hold(n > 0, "dice.Below(0)")
	excess := -n % n // 2^64 mod n
	for {
		v := d.Uint64()
		if v <= ^excess {
			return v % n
		}
	}
}

// Hash draws 32 bytes, for instance as the seed of another stream (DICE-3).
func (d *Dice) Hash() [32]byte {
	var h [32]byte
	for i := 0; i < len(h); i += 8 {
		binary.BigEndian.PutUint64(h[i:], d.Uint64())
	}
	return h
}

func (d *Dice) refill() {
	binary.BigEndian.PutUint64(d.input[len(domain)+32:], d.next)
	d.block = sha256.Sum256(d.input[:])
	d.next++
	d.used = 0
}
