package chain

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aiwork/aiwork-node/crypto/keccak"
)

// Checksum gives the address in the mixed-case form of EIP-55: a letter is upper case where the
// matching nibble of the Keccak-256 hash of the lower-case digits is 8 or more.
func (a Address) Checksum() string {
	var text [42]byte
	text[0], text[1] = '0', 'x'
	digits := text[2:]
	hex.Encode(digits, a[:])
	sum := keccak.Sum256(digits)
	for i, c := range digits {
		nibble := sum[i/2] >> (4 - 4*(i%2)) & 15
		if c >= 'a' && nibble >= 8 {
			digits[i] = c - 'a' + 'A'
		}
	}
	return string(text[:])
}

// String gives the same as Checksum.
func (a Address) String() string { return a.Checksum() }

// ParseAddress reads 0x and 40 hexadecimal digits: all letters in lower case, all in upper case, or a
// correct EIP-55 checksum.
func ParseAddress(text string) (Address, error) {
	var a Address
	if err := a.UnmarshalText([]byte(text)); err != nil {
		return Address{}, err
	}
	digits := text[2:]
	if digits == strings.ToLower(digits) || digits == strings.ToUpper(digits) || text == a.Checksum() {
		return a, nil
	}
	return Address{}, fmt.Errorf("address %s: the checksum does not match; check for a typing error", text)
}
