package native

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/holiman/uint256"
)

// SlotBytesMax bounds a byte string kept in slots.
const SlotBytesMax = 4096

const keyDomain = "aiwork/slot/1"

// Key gives the slot key of a record: SHA-256 of the domain, the table's name with its length, and the
// parts, which must have fixed lengths within one table.
func Key(table string, parts ...[]byte) chain.Hash {
	b := make([]byte, 0, 128)
	b = append(b, keyDomain...)
	b = append(b, byte(len(table)))
	b = append(b, table...)
	for _, p := range parts {
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}

// U64 gives v as a part of a key.
func U64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// At gives the key of the i-th slot after base: i is added to the last 8 bytes, without carry.
func At(base chain.Hash, i uint64) chain.Hash {
	binary.BigEndian.PutUint64(base[24:], binary.BigEndian.Uint64(base[24:])+i)
	return base
}

// BurnedKey is where each module counts what it has burned.
func BurnedKey() chain.Hash { return Key("burned") }

// Get reads a slot.
func (c *Call) Get(key chain.Hash) chain.Hash {
	if !c.Charge(c.slotPrice(key)) {
		return chain.Hash{}
	}
	w := c.state.Slot(c.self, key)
	if c.lost() {
		return chain.Hash{}
	}
	return w
}

// slotPrice gives the price of the next touch of a slot and marks it as touched. The mark goes with the
// frame's other changes when the charge fails.
func (c *Call) slotPrice(key chain.Hash) uint64 {
	if c.err != nil || c.free {
		return 0
	}
	if c.state.WarmSlot(c.self, key) {
		return GasWarm
	}
	return GasColdSlot
}

// Set writes a slot.
func (c *Call) Set(key, value chain.Hash) {
	if !c.writable(c.slotPrice(key)) {
		return
	}
	if !c.free {
		now := c.state.Slot(c.self, key)
		if c.lost() || !c.Charge(changePrice(c.state.CommittedSlot(c.self, key), now, value)) {
			return
		}
	}
	c.state.SetSlot(c.self, key, value)
}

// changePrice is EIP-2200's price of a change beside the touch, without its refunds.
func changePrice(original, now, next chain.Hash) uint64 {
	switch {
	case now == next || original != now:
		return GasWarm
	case original.IsZero():
		return GasSlotSet
	}
	return GasSlotReset
}

// Uint64 reads a number.
func (c *Call) Uint64(key chain.Hash) uint64 {
	w := c.Get(key)
	return binary.BigEndian.Uint64(w[24:])
}

// SetUint64 writes a number.
func (c *Call) SetUint64(key chain.Hash, v uint64) {
	var w chain.Hash
	binary.BigEndian.PutUint64(w[24:], v)
	c.Set(key, w)
}

// Uint256 reads an amount.
func (c *Call) Uint256(key chain.Hash) uint256.Int {
	w := c.Get(key)
	var v uint256.Int
	v.SetBytes32(w[:])
	return v
}

// SetUint256 writes an amount.
func (c *Call) SetUint256(key chain.Hash, v *uint256.Int) { c.Set(key, v.Bytes32()) }

// AddressAt reads an address.
func (c *Call) AddressAt(key chain.Hash) chain.Address {
	w := c.Get(key)
	return chain.Address(w[12:])
}

// SetAddress writes an address.
func (c *Call) SetAddress(key chain.Hash, a chain.Address) { c.Set(key, WordOf(a)) }

// WordOf gives an address as a word, as topics have it.
func WordOf(a chain.Address) (w chain.Hash) {
	copy(w[12:], a[:])
	return w
}

// WordOfUint64 gives a number as a word, as topics have it.
func WordOfUint64(v uint64) (w chain.Hash) {
	binary.BigEndian.PutUint64(w[24:], v)
	return w
}

// Record reads size bytes that lie in consecutive slots from base. Size is fixed by the table.
func (c *Call) Record(base chain.Hash, size int) []byte {
	out := make([]byte, 0, 32*words(size))
	for i := range words(size) {
		w := c.Get(At(base, i))
		out = append(out, w[:]...)
	}
	return out[:size]
}

// SetRecord writes a record over what Record gave, touching only the slots that differ. A nil was stands
// for a record that has never been written.
func (c *Call) SetRecord(base chain.Hash, was, now []byte) {
	must.Hold(was == nil || len(was) == len(now), "native: record changes its size")
	for i := range words(len(now)) {
		var old, next chain.Hash
		copy(next[:], now[32*i:])
		if was != nil {
			copy(old[:], was[32*i:])
		}
		if old != next {
			c.Set(At(base, i), next)
		}
	}
}

// Bytes reads a byte string of at most SlotBytesMax bytes: its length as u32, then its bytes, in
// consecutive slots.
func (c *Call) Bytes(base chain.Hash) []byte {
	first := c.Get(base)
	n := int(binary.BigEndian.Uint32(first[:]))
	if c.Failed() || n == 0 {
		return nil
	}
	if n > SlotBytesMax {
		// What a far reader says may be anything; what this contract wrote itself may not.
		must.Hold(c.free && c.readonly, "native: byte string above its limit")
		c.Fail("byte string above its limit")
		return nil
	}
	return c.Record(base, 4+n)[4:]
}

// SetBytes writes a byte string where none was, or none longer.
func (c *Call) SetBytes(base chain.Hash, b []byte) {
	must.Hold(len(b) <= SlotBytesMax, "native: byte string above its limit")
	now := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b)))
	now = append(now, b...)
	for i := range words(len(now)) {
		var w chain.Hash
		copy(w[:], now[32*i:])
		c.Set(At(base, i), w)
	}
}

// inspected is a SlotReader in the form of a State that holds nothing else.
type inspected struct {
	from SlotReader
	fail func(error)
}

func (s *inspected) Slot(a chain.Address, key chain.Hash) chain.Hash {
	w, err := s.from.Slot(a, key)
	if err != nil {
		s.fail(err)
		return chain.Hash{}
	}
	return w
}

func (s *inspected) CommittedSlot(a chain.Address, key chain.Hash) chain.Hash { return s.Slot(a, key) }
func (s *inspected) Balance(chain.Address) (zero uint256.Int)                 { return zero }
func (s *inspected) AddBalance(chain.Address, *uint256.Int)                   { readOnly() }
func (s *inspected) SubBalance(chain.Address, *uint256.Int)                   { readOnly() }
func (s *inspected) SetSlot(chain.Address, chain.Hash, chain.Hash)            { readOnly() }
func (s *inspected) AddLog(chain.Log)                                         { readOnly() }
func (s *inspected) WarmAddress(chain.Address) bool                           { return true }
func (s *inspected) WarmSlot(chain.Address, chain.Hash) bool                  { return true }
func (s *inspected) Snapshot() int                                            { return 0 }
func (s *inspected) RevertTo(int)                                             {}
func (s *inspected) Err() error                                               { return nil } // fail has told

func readOnly() { must.Hold(false, "native: a reader changed the state") }
