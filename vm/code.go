package vm

import (
	"github.com/aiwork/aiwork-node/internal/chain"
)

// codePad zero bytes follow every code, so that a push at its end reads zeros and running off it stops.
const codePad = 33

// Code is a program made ready to run.
type Code struct {
	padded []byte   // the code and codePad zero bytes
	dests  []uint64 // bit i: a JUMPDEST that is no push data stands at i
	size   int

	hash    chain.Hash
	kept    bool     // in a Codes, under hash
	heat    int      // jumps that the plain loop has made in it
	program *program // made when it has been run enough to be worth it; nil before

	delegated bool // a delegation (EIP-7702)
	target    chain.Address
}

// prepare makes a code ready, into the memory of c where that is large enough.
func (c *Code) prepare(code []byte) {
	c.size, c.heat, c.program = len(code), 0, nil
	c.target, c.delegated = chain.DelegationOf(code)
	c.padded = append(c.padded[:0], code...)
	c.padded = append(c.padded, make([]byte, codePad)...)
	words := (len(code) + 63) / 64
	if cap(c.dests) < words {
		c.dests = make([]uint64, words)
	}
	c.dests = c.dests[:words]
	clear(c.dests)
	for i := 0; i < len(code); i++ {
		switch op := Op(code[i]); {
		case op == JUMPDEST:
			c.dests[i>>6] |= 1 << (i & 63)
		case op >= PUSH1 && op <= PUSH32:
			i += int(op-PUSH1) + 1
		}
	}
}

// canJump reports whether a jump to position i is allowed.
func (c *Code) canJump(i uint64) bool {
	return i < uint64(c.size) && c.dests[i>>6]&(1<<(i&63)) != 0
}

// CodesBytesMax is a good bound of the memory that one Codes keeps, for who executes blocks.
const CodesBytesMax = 32 << 20

// codeOverhead is counted for each code besides, so that many short ones are bounded too.
const codeOverhead = 256

// Codes remembers codes that were made ready, and programs made of them, by hash, so that each is analysed
// once and not once a call. It is for one goroutine; executors keep one from block to block. When half of
// what it may keep is new, the rest is forgotten, but for what was used meanwhile.
type Codes struct {
	young, old map[chain.Hash]*Code
	last       [codesLast]*Code // found last, by a byte of their hashes
	bytes      int              // of young
	bytesMax   int
	eager      bool
}

// codesLast is a power of two.
const codesLast = 64

// NewCodes gives an empty one that keeps up to about bytesMax bytes of codes and programs.
func NewCodes(bytesMax int) *Codes {
	return &Codes{young: make(map[chain.Hash]*Code), bytesMax: bytesMax}
}

// find gives a code that is kept, nil if there is none with this hash.
func (cs *Codes) find(hash *chain.Hash) *Code {
	last := &cs.last[hash[0]%codesLast]
	if c := *last; c != nil && c.hash == *hash {
		return c
	}
	c := cs.young[*hash]
	if c == nil {
		if c = cs.old[*hash]; c == nil {
			return nil
		}
		cs.keep(c)
	}
	*last = c
	return c
}

// add makes a code ready and keeps it.
func (cs *Codes) add(hash chain.Hash, code []byte) *Code {
	c := &Code{kept: true, hash: hash}
	c.prepare(code)
	cs.keep(c)
	return c
}

func (cs *Codes) keep(c *Code) {
	cs.grow(c.bytes())
	cs.young[c.hash] = c
}

// grow counts bytes more, and makes the young ones the old ones when there are too many.
func (cs *Codes) grow(bytes int) {
	if cs.bytes += bytes; cs.bytes > cs.bytesMax/2 {
		cs.old, cs.young = cs.young, make(map[chain.Hash]*Code)
		clear(cs.last[:])
		cs.bytes = bytes
	}
}

// bytes is about the memory that a code takes.
func (c *Code) bytes() int {
	n := len(c.padded) + codeOverhead
	if c.program != nil {
		n += c.program.size()
	}
	return n
}

// TranslateAll makes each code a program before it first runs, instead of when it has shown to be worth it.
// It changes nothing that a transaction can observe; tests ask for it.
func (cs *Codes) TranslateAll() { cs.eager = true }
