package client

import (
	"encoding/hex"
	"encoding/json"
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
		return fmt.Errorf("quantity %.40q: want 0x and hexadecimal digits", text)
	}
	v, err := strconv.ParseUint(digits, 16, 64)
	*u = Uint64(v)
	return err
}

// Uint256 is a big number in JSON-RPC's hexadecimal form.
type Uint256 struct{ uint256.Int }

// MarshalJSON gives 0x and the number without leading zeros. Without it the embedded number would write
// itself in decimal wherever it can be addressed.
func (u Uint256) MarshalJSON() ([]byte, error) { return []byte(`"` + u.Hex() + `"`), nil }

// UnmarshalJSON accepts 0x and up to 64 hexadecimal digits.
func (u *Uint256) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("quantity %.80s: want a string", raw)
	}
	return u.SetFromHex(text)
}

// Bytes is data in JSON-RPC's hexadecimal form.
type Bytes []byte

// MarshalText gives 0x and two digits a byte.
func (b Bytes) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(b)), nil }

// UnmarshalText accepts 0x and an even number of hexadecimal digits.
func (b *Bytes) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("bytes %.40q: want 0x and hexadecimal digits", text)
	}
	v, err := hex.DecodeString(digits)
	*b = v
	return err
}
