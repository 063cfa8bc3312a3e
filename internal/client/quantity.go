package client

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/holiman/uint256"
)

// Uint64 is a number in JSON-RPC's hexadecimal form.
type Uint64 uint64

// MarshalText gives 0x and the number without leading zeros.
func (u Uint64) MarshalText() ([]byte, error) {
	return []byte("0x" + strconv.FormatUint(uint64(u), 16)), nil
}

// UnmarshalText accepts 0x and up to 16 hexadecimal digits.
func (u *Uint64) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("quantity %.40q: want 0x...", text)
	}
	v, err := strconv.ParseUint(digits, 16, 64)
	*u = Uint64(v)
	return err
}

// Uint256 is a big number in JSON-RPC's hexadecimal form.
type Uint256 struct{ uint256.Int }

// MarshalText gives 0x and the number without leading zeros.
func (u Uint256) MarshalText() ([]byte, error) { return []byte(u.Hex()), nil }

// MarshalJSON gives the same as a string: without it the number's own form, a decimal, would be taken.
func (u Uint256) MarshalJSON() ([]byte, error) { return []byte(`"` + u.Hex() + `"`), nil }

// UnmarshalText accepts 0x and up to 64 hexadecimal digits.
func (u *Uint256) UnmarshalText(text []byte) error { return u.SetFromHex(string(text)) }

// Bytes is data in JSON-RPC's hexadecimal form.
type Bytes []byte

// MarshalText gives 0x and two digits a byte.
func (b Bytes) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(b)), nil }

// UnmarshalText accepts 0x and an even number of hexadecimal digits.
func (b *Bytes) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("bytes %.40q: want 0x...", text)
	}
	v, err := hex.DecodeString(digits)
	*b = v
	return err
}
