package hd

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

// Bounds of a seed in bytes, from BIP-32.
const (
	seedBytesMin = 16
	seedBytesMax = 64
)

// ErrNoKey is the error of a step that leads to no key, which happens once in 2^127 steps. Take the next
// number.
var ErrNoKey = errors.New("this step of the path has no key")

// A Key is a private key with the chain code from which its children come.
type Key struct {
	private secp.PrivateKey
	chain   [32]byte
}

// Master returns the root of the tree over a seed of 16 to 64 bytes.
func Master(seed []byte) (Key, error) {
	if len(seed) < seedBytesMin || len(seed) > seedBytesMax {
		return Key{}, fmt.Errorf("seed has %d bytes, not %d to %d", len(seed), seedBytesMin, seedBytesMax)
	}
	left, right := hmac512([]byte("Bitcoin seed"), seed)
	private, err := secp.ParsePrivateKey(left)
	if err != nil {
		return Key{}, ErrNoKey
	}
	return Key{private, right}, nil
}

// Private returns the private key.
func (k Key) Private() secp.PrivateKey { return k.private }

// Derive walks down a path.
func (k Key) Derive(path Path) (Key, error) {
	var err error
	for _, n := range path {
		if k, err = k.child(n); err != nil {
			return Key{}, err
		}
	}
	return k, nil
}

func (k Key) child(n uint32) (Key, error) {
	data := make([]byte, 0, 37)
	secret := k.private.Bytes()
	if n >= hardened {
		data = append(append(data, 0), secret[:]...)
	} else {
		public := k.private.Public().Compressed()
		data = append(data, public[:]...)
	}
	left, right := hmac512(k.chain[:], binary.BigEndian.AppendUint32(data, n))
	var sum, parent dcr.ModNScalar
	if sum.SetBytes(&left) != 0 {
		return Key{}, ErrNoKey
	}
	parent.SetBytes(&secret)
	private, err := secp.ParsePrivateKey(sum.Add(&parent).Bytes())
	if err != nil {
		return Key{}, ErrNoKey
	}
	return Key{private, right}, nil
}

func hmac512(key, data []byte) (left, right [32]byte) {
	h := hmac.New(sha512.New, key)
	h.Write(data)
	sum := h.Sum(nil)
	return [32]byte(sum[:32]), [32]byte(sum[32:])
}
