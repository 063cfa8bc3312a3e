package keystore

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/scrypt"
)

// Limits on the work that a file may ask for (KEYSTORE-2).
const (
	scryptMemoryBytesMax = 512 << 20 // 128*N*r; our own files take 256 MiB
	scryptWorkMax        = 1 << 23   // N*r*p; our own files take 2^21, a second or less
	pbkdf2RoundsMax      = 10_000_000
)

const (
	kdfScrypt = "scrypt"
	kdfPBKDF2 = "pbkdf2"
)

// A Cost says how much memory and time scrypt takes for one guess at a password.
type Cost struct {
	N int // a power of two; memory is 128*N*R bytes
	R int
	P int
}

// Default is the cost for keys worth money: 256 MiB and about a second.
func Default() Cost { return Cost{N: 1 << 18, R: 8, P: 1} }

func (c Cost) check() error {
	switch {
	case c.N < 2 || c.N&(c.N-1) != 0 || c.R < 1 || c.P < 1:
		return fmt.Errorf("%w: scrypt n = %d, r = %d, p = %d are no valid parameters", ErrFormat, c.N, c.R, c.P)
	case c.N > scryptMemoryBytesMax/128 || c.R > scryptMemoryBytesMax/128/c.N:
		return fmt.Errorf("scrypt n = %d, r = %d need more than %d MiB of memory", c.N, c.R, scryptMemoryBytesMax>>20)
	case c.P > scryptWorkMax/(c.N*c.R):
		return fmt.Errorf("scrypt n = %d, r = %d, p = %d are more work than %d", c.N, c.R, c.P, scryptWorkMax)
	}
	return nil
}

type kdfParams struct {
	DKLen int    `json:"dklen"`
	N     int    `json:"n,omitempty"`
	R     int    `json:"r,omitempty"`
	P     int    `json:"p,omitempty"`
	C     int    `json:"c,omitempty"`
	PRF   string `json:"prf,omitempty"`
	Salt  string `json:"salt"`
}

// derive stretches the password to keyBytes as the file says.
func (p *kdfParams) derive(kdf string, password []byte) ([]byte, error) {
	if p.DKLen != keyBytes {
		return nil, fmt.Errorf("%w: kdfparams.dklen is %d, want %d", ErrFormat, p.DKLen, keyBytes)
	}
	switch kdf {
	case kdfScrypt:
		return p.scrypt(password)
	case kdfPBKDF2:
		return p.pbkdf2(password)
	}
	return nil, fmt.Errorf("%w: kdf %.20q is unknown", ErrFormat, kdf)
}

func (p *kdfParams) scrypt(password []byte) ([]byte, error) {
	if err := (Cost{N: p.N, R: p.R, P: p.P}).check(); err != nil {
		return nil, err
	}
	salt, err := unhex("kdfparams.salt", p.Salt, 1, saltBytesMax)
	if err != nil {
		return nil, err
	}
	return scrypt.Key(password, salt, p.N, p.R, p.P, keyBytes)
}

func (p *kdfParams) pbkdf2(password []byte) ([]byte, error) {
	switch {
	case p.PRF != "hmac-sha256":
		return nil, fmt.Errorf("%w: kdfparams.prf %.20q is unknown", ErrFormat, p.PRF)
	case p.C < 1:
		return nil, fmt.Errorf("%w: kdfparams.c is %d", ErrFormat, p.C)
	case p.C > pbkdf2RoundsMax:
		return nil, fmt.Errorf("kdfparams.c = %d is more than %d rounds", p.C, pbkdf2RoundsMax)
	}
	salt, err := unhex("kdfparams.salt", p.Salt, 1, saltBytesMax)
	if err != nil {
		return nil, err
	}
	return pbkdf2.Key(sha256.New, string(password), salt, p.C, keyBytes)
}
