package precompile

import (
	"cmp"
	"maps"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// Never is a price that nobody can pay.
const Never = 1<<64 - 1

// Contract is a built-in contract under one rule set.
type Contract struct {
	// Price gives the gas for this input.
	Price func(in []byte) uint64
	// Run gives the answer, or false if the input is refused. The answer may share memory with in.
	Run func(in []byte) (out []byte, ok bool)
}

// Set is the built-in contracts of a rule set.
type Set struct {
	low  [0x12]*Contract // by the last byte of the address
	p256 *Contract

	// Of a clone, for calls that imagine a changed world: where Put has put contracts to, and the set that it
	// was made of. Nil on a chain.
	elsewhere map[chain.Address]*Contract
	usual     *Set
}

// Addresses calls each with the addresses at which the rule set has contracts, in ascending order, whatever
// Put has changed: what is warm from the start stays the same.
func (s *Set) Addresses(each func(chain.Address)) {
	s = cmp.Or(s.usual, s)
	for i := range s.low {
		if s.low[i] != nil {
			each(chain.Address{19: byte(i)})
		}
	}
	if s.p256 != nil {
		each(chain.Address{18: 1})
	}
}

// At gives the contract at addr, or nil.
func (s *Set) At(addr *chain.Address) *Contract {
	// Nearly every address of a program differs in its first bytes, so this is one comparison for them.
	if [18]byte(addr[:18]) != ([18]byte{}) {
		return s.moved(addr)
	}
	switch n := int(addr[18])<<8 | int(addr[19]); {
	case n < len(s.low):
		return s.low[n]
	case n == 0x100:
		return s.p256
	}
	return s.moved(addr)
}

func (s *Set) moved(addr *chain.Address) *Contract {
	if s.elsewhere == nil {
		return nil
	}
	return s.elsewhere[*addr]
}

// Warm reports whether the rule set has a contract at addr, so that it is warm from the start (EIP-2929),
// whatever Put has changed.
func (s *Set) Warm(addr *chain.Address) bool {
	return [18]byte(addr[:18]) == [18]byte{} && cmp.Or(s.usual, s).At(addr) != nil
}

// Clone gives a set that can be changed and leaves s as it is.
func (s *Set) Clone() *Set {
	c := *s
	c.elsewhere, c.usual = maps.Clone(s.elsewhere), cmp.Or(s.usual, s)
	return &c
}

// Put changes what stands at addr; nil takes it away.
func (s *Set) Put(addr chain.Address, c *Contract) {
	n := int(addr[18])<<8 | int(addr[19])
	switch inFirst := [18]byte(addr[:18]) == [18]byte{}; {
	case inFirst && n < len(s.low):
		s.low[n] = c
	case inFirst && n == 0x100:
		s.p256 = c
	default:
		if s.elsewhere == nil {
			s.elsewhere = map[chain.Address]*Contract{}
		}
		s.elsewhere[addr] = c
	}
}

// New gives the built-in contracts of a rule set.
func New(f fork.Fork) *Set {
	s := &Set{}
	s.low[1] = &Contract{flat(3000), recoverSigner}
	s.low[2] = &Contract{perWord(60, 12), hashSHA256}
	s.low[3] = &Contract{perWord(600, 120), hashRIPEMD}
	s.low[4] = &Contract{perWord(15, 3), identity}
	if f >= fork.Byzantium {
		s.low[5] = modexp(f)
		addBN(s, f)
	}
	if f >= fork.Istanbul {
		s.low[9] = &Contract{blake2Price, blake2}
	}
	if f >= fork.Cancun {
		s.low[0x0a] = &Contract{flat(50_000), pointEvaluation}
	}
	if f >= fork.Prague {
		addBLS(s)
	}
	if f >= fork.Osaka {
		s.p256 = &Contract{flat(6900), verifyP256}
	}
	return s
}

func flat(gas uint64) func([]byte) uint64 { return func([]byte) uint64 { return gas } }

func perWord(base, word uint64) func([]byte) uint64 {
	return func(in []byte) uint64 { return base + word*((uint64(len(in))+31)/32) }
}

// padded copies n bytes of in from at on; what lies beyond its end is zero.
func padded(dst, in []byte, at int) {
	n := 0
	if at < len(in) {
		n = copy(dst, in[at:])
	}
	clear(dst[n:])
}

func one() []byte { return append(make([]byte, 31), 1) }
