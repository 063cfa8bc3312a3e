package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// First bytes of everything that is hashed, so that no hash can be taken for one of another kind.
const (
	tagAccountKey = 0x00
	tagSlotKey    = 0x01
	tagAccount    = 0x02
	tagLeaf       = 0x03
	tagInner      = 0x04
)

// Leaf is a key with its value. As a change, a zero Value takes the key away.
type Leaf struct {
	Key, Value chain.Hash
}

// AccountKey gives the key of an account (TREE-1).
func AccountKey(addr chain.Address) chain.Hash {
	var b [21]byte
	b[0] = tagAccountKey
	copy(b[1:], addr[:])
	return sha256.Sum256(b[:])
}

// SlotKey gives the key of a storage slot (TREE-1).
func SlotKey(addr chain.Address, key chain.Hash) chain.Hash {
	var b [53]byte
	b[0] = tagSlotKey
	copy(b[1:], addr[:])
	copy(b[21:], key[:])
	return sha256.Sum256(b[:])
}

// AccountValue gives the value of an account (TREE-2), zero for an empty one.
func AccountValue(a *state.Account) chain.Hash {
	if a.Empty() {
		return chain.Hash{}
	}
	var b [73]byte
	b[0] = tagAccount
	binary.BigEndian.PutUint64(b[1:], a.Nonce)
	a.Balance.PutUint256(b[9:])
	copy(b[41:], a.CodeHash[:])
	return sha256.Sum256(b[:])
}

// Changes turns the net changes of a block into leaves in the order of their keys.
func Changes(d state.Diff) []Leaf {
	leaves := make([]Leaf, 0, len(d.Accounts)+len(d.Slots))
	for i := range d.Accounts {
		c := &d.Accounts[i]
		leaves = append(leaves, Leaf{AccountKey(c.Address), AccountValue(&c.New)})
	}
	for i := range d.Slots {
		c := &d.Slots[i]
		leaves = append(leaves, Leaf{SlotKey(c.Address, c.Key), c.New})
	}
	Sort(leaves)
	return leaves
}

// Sort puts leaves in the order of their keys, as Apply and Rebuild want them.
func Sort(leaves []Leaf) {
	slices.SortFunc(leaves, func(a, b Leaf) int { return bytes.Compare(a.Key[:], b.Key[:]) })
}

// leafHash is TREE-4.
func leafHash(l *Leaf) chain.Hash {
	var b [65]byte
	b[0] = tagLeaf
	copy(b[1:], l.Key[:])
	copy(b[33:], l.Value[:])
	return sha256.Sum256(b[:])
}

// innerHash is TREE-5.
func innerHash(left, right *chain.Hash) chain.Hash {
	var b [65]byte
	b[0] = tagInner
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// bit gives bit i of key, the highest first.
func bit(key *chain.Hash, i int) byte { return key[i/8] >> (7 - i%8) & 1 }

// nibble gives four bits of key, the highest first.
func nibble(key *chain.Hash, i int) int {
	if i%2 == 0 {
		return int(key[i/2] >> 4)
	}
	return int(key[i/2] & 15)
}
