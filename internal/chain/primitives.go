package chain

import (
	"encoding/hex"
	"fmt"
)

// Address names an account: the last 20 bytes of the Keccak-256 hash of its public key.
type Address [20]byte

// Hash is any 32-byte digest: a block, a transaction, a root.
type Hash [32]byte

// Height counts blocks; the genesis block has height 0.
type Height uint64

// View counts the leaders' turns inside a session, from 1; view 0 stands for the session's start.
type View uint64

// Session counts runs of SessionHeights blocks; each is one instance of the consensus protocol.
type Session uint64

// SessionHeights is the number of heights in a session.
const SessionHeights = 32

// SessionOf gives the session that height h (at least 1) belongs to.
func SessionOf(h Height) Session {
	if h == 0 {
		return 0
	}
	return Session((h - 1) / SessionHeights)
}

// FirstHeight gives the first height of session s.
func (s Session) FirstHeight() Height { return Height(s)*SessionHeights + 1 }

// LastHeight gives the last height of session s, its boundary.
func (s Session) LastHeight() Height { return Height(s)*SessionHeights + SessionHeights }

// IsZero reports whether h is all zero bytes.
func (h Hash) IsZero() bool { return h == Hash{} }

// String gives h in 0x-prefixed lower-case hexadecimal.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText gives the form used in JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts exactly 0x and 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error { return unhex(h[:], text, "hash") }

// IsZero reports whether a is all zero bytes.
func (a Address) IsZero() bool { return a == Address{} }

// MarshalText gives 0x-prefixed lower-case hexadecimal.
func (a Address) MarshalText() ([]byte, error) {
	return []byte("0x" + hex.EncodeToString(a[:])), nil
}

// UnmarshalText accepts exactly 0x and 40 hexadecimal digits.
func (a *Address) UnmarshalText(text []byte) error { return unhex(a[:], text, "address") }

func unhex(dst, text []byte, what string) error {
	if len(text) != 2+2*len(dst) || text[0] != '0' || text[1] != 'x' {
		return fmt.Errorf("%s: want 0x and %d hexadecimal digits, got %q", what, 2*len(dst), clip(text))
	}
	if _, err := hex.Decode(dst, text[2:]); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func clip(text []byte) []byte { return text[:min(len(text), 80)] }
