package rpc

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Uint64 is a number written as 0x and hexadecimal digits without leading zeros.
type Uint64 uint64

// MarshalText gives that form.
func (u Uint64) MarshalText() ([]byte, error) {
	return strconv.AppendUint([]byte("0x"), uint64(u), 16), nil
}

// UnmarshalJSON accepts that form, and plain JSON numbers, which some clients send.
func (u *Uint64) UnmarshalJSON(raw []byte) error {
	text, err := unquote(raw)
	if err != nil {
		return err
	}
	base, digits := 10, text
	if len(text) > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		base, digits = 16, text[2:]
	} else if raw[0] == '"' {
		return fmt.Errorf("quantity %.40q: hex string without 0x prefix", text)
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return fmt.Errorf("quantity %.40q: want 0x and up to 16 hexadecimal digits", text)
	}
	*u = Uint64(v)
	return nil
}

// Uint256 is a big number in the form of Uint64.
type Uint256 struct{ uint256.Int }

// MarshalJSON gives that form. Without it the embedded number would write itself in decimal wherever it
// can be addressed.
func (u Uint256) MarshalJSON() ([]byte, error) { return []byte(`"` + u.Hex() + `"`), nil }

// UnmarshalJSON accepts that form with up to 64 digits; leading zeros are let through.
func (u *Uint256) UnmarshalJSON(raw []byte) error {
	text, err := unquote(raw)
	if err != nil {
		return err
	}
	if len(text) < 3 || len(text) > 66 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X') {
		return fmt.Errorf("quantity %.80q: want 0x and up to 64 hexadecimal digits", text)
	}
	digits := text[2:]
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return fmt.Errorf("quantity %.80q: not hexadecimal", text)
	}
	u.SetBytes(b)
	return nil
}

// Bytes is data written as 0x and two hexadecimal digits a byte.
type Bytes []byte

// MarshalText gives that form.
func (b Bytes) MarshalText() ([]byte, error) {
	return hex.AppendEncode([]byte("0x"), b), nil
}

// UnmarshalJSON accepts that form.
func (b *Bytes) UnmarshalJSON(raw []byte) error {
	text, err := unquote(raw)
	if err != nil {
		return err
	}
	if len(text) < 2 || text[:2] != "0x" {
		return fmt.Errorf("data %.40q: want 0x and hexadecimal digits", text)
	}
	v, err := hex.DecodeString(text[2:])
	if err != nil {
		return fmt.Errorf("data %.40q: %w", text, err)
	}
	*b = v
	return nil
}

// Slot is a storage key: 32 bytes, or a quantity that stands for them.
type Slot chain.Hash

// UnmarshalJSON accepts both forms.
func (s *Slot) UnmarshalJSON(raw []byte) error {
	var u Uint256
	if err := u.UnmarshalJSON(raw); err != nil {
		return err
	}
	*s = u.Bytes32()
	return nil
}

// UnmarshalText is UnmarshalJSON for keys of objects.
func (s *Slot) UnmarshalText(text []byte) error {
	return s.UnmarshalJSON(append(append([]byte{'"'}, text...), '"'))
}

// MarshalText gives 32 bytes in hexadecimal.
func (s Slot) MarshalText() ([]byte, error) { return chain.Hash(s).MarshalText() }

// unquote gives the text of a JSON string without escapes, or of a number.
func unquote(raw []byte) (string, error) {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	}
	if len(raw) > 0 && (raw[0] >= '0' && raw[0] <= '9') {
		return string(raw), nil
	}
	return "", errors.New("want a string")
}

// BlockTag names a block: by height, by hash, or by a word. All finality words mean the head, because
// nothing that is served can be undone.
type BlockTag struct {
	height *chain.Height
	hash   *chain.Hash
	word   string
}

// UnmarshalJSON accepts a word, a quantity, a hash, or the object of EIP-1898.
func (t *BlockTag) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		var o struct {
			BlockNumber *Uint64     `json:"blockNumber"`
			BlockHash   *chain.Hash `json:"blockHash"`
		}
		if err := json.Unmarshal(raw, &o); err != nil {
			return err
		}
		if (o.BlockNumber == nil) == (o.BlockHash == nil) {
			return errors.New("want one of blockNumber and blockHash")
		}
		if o.BlockNumber != nil {
			h := chain.Height(*o.BlockNumber)
			t.height = &h
		}
		t.hash = o.BlockHash
		return nil
	}
	text, err := unquote(raw)
	if err != nil {
		return err
	}
	switch text {
	case "latest", "pending", "safe", "finalized", "earliest":
		t.word = text
		return nil
	}
	if len(text) == 66 {
		t.hash = new(chain.Hash)
		return t.hash.UnmarshalText([]byte(text))
	}
	var n Uint64
	if err := n.UnmarshalJSON(raw); err != nil {
		return fmt.Errorf("block %.40q: want latest, pending, safe, finalized, earliest or a number", text)
	}
	h := chain.Height(n)
	t.height = &h
	return nil
}
