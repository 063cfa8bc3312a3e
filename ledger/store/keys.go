package store

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// First bytes of keys. What lies behind one never moves to another: a new meaning gets a new byte.
const (
	kindMeta       = 'm' // "m": format and genesis
	kindPosition   = 'p' // "p": height, hash and supply at the head
	kindAccount    = 'a' // address -> account
	kindSlot       = 's' // address, key -> value
	kindCode       = 'c' // Keccak hash -> code
	kindPage       = 't' // path -> page of the state tree
	kindHeader     = 'h' // height -> header, extension, beta
	kindBody       = 'b' // height -> transactions
	kindReceipts   = 'r' // height -> receipts
	kindSeal       = 'f' // height -> certificates
	kindHeight     = 'n' // block hash -> height
	kindTx         = 'x' // transaction hash -> height, index
	kindTerm       = 'l' // term, height -> nothing: a log of that block has the term
	kindAppearance = 'i' // address, height, index -> nothing: the address appears in that transaction
	kindSent       = 'y' // address, nonce -> height, index
	kindCreated    = 'k' // address -> height at which it got its code

	kindPastAccount = 'A' // partition, address, height -> what the account was before that block
	kindPastSlot    = 'S' // partition, address, key, height -> what the slot was before that block
)

func accountKey(addr chain.Address) []byte { return append([]byte{kindAccount}, addr[:]...) }

func slotKey(addr chain.Address, key chain.Hash) []byte {
	b := make([]byte, 0, 53)
	b = append(b, kindSlot)
	b = append(b, addr[:]...)
	return append(b, key[:]...)
}

func hashKey(kind byte, h chain.Hash) []byte { return append([]byte{kind}, h[:]...) }

func heightKey(kind byte, h chain.Height) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(h))
}

func pageKey(p tree.Path) []byte { return p.Append([]byte{kindPage}) }

// pastKey appends the key of a row of history to b: id is an address, or an address and a slot's key.
func pastKey(b []byte, kind byte, partition uint32, id []byte, h chain.Height) []byte {
	b = binary.BigEndian.AppendUint32(append(b, kind), partition)
	return binary.BigEndian.AppendUint64(append(b, id...), uint64(h))
}

func partitionKey(kind byte, partition uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, partition)
}
