package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/must"
)

// FileBytesMax is the length from which on a file is no keystore (KEYSTORE-2).
const FileBytesMax = 16 << 10

const (
	cipherName   = "aes-128-ctr"
	saltBytes    = 32
	saltBytesMax = 128
	keyBytes     = 32 // of the derived key: 16 for the cipher, 16 for the MAC
)

// Errors that callers tell apart with errors.Is.
var (
	ErrPassword = errors.New("wrong password")
	ErrFormat   = errors.New("not a Web3 keystore of version 3")
)

// A file mirrors the JSON.
type file struct {
	Address string  `json:"address,omitempty"`
	Crypto  *sealed `json:"crypto"`
	ID      string  `json:"id"`
	Version int     `json:"version"`
}

type sealed struct {
	Cipher       string `json:"cipher"`
	CipherText   string `json:"ciphertext"`
	CipherParams struct {
		IV string `json:"iv"`
	} `json:"cipherparams"`
	KDF       string    `json:"kdf"`
	KDFParams kdfParams `json:"kdfparams"`
	MAC       string    `json:"mac"`
}

// Encrypt seals a key under a password and returns the content of a keystore file. The salt, the
// initialisation vector and the id are fresh randomness of the operating system.
func Encrypt(k secp.PrivateKey, password []byte, cost Cost) ([]byte, error) {
	if err := cost.check(); err != nil {
		return nil, err
	}
	var chance [saltBytes + aes.BlockSize + 16]byte
	rand.Read(chance[:])
	salt, iv, id := chance[:saltBytes], chance[saltBytes:saltBytes+aes.BlockSize], chance[saltBytes+aes.BlockSize:]
	params := kdfParams{DKLen: keyBytes, N: cost.N, R: cost.R, P: cost.P, Salt: hex.EncodeToString(salt)}
	derived, err := params.scrypt(password)
	if err != nil {
		return nil, err
	}
	secret := k.Bytes()
	text := xorStream(derived, iv, secret[:])
	clear(secret[:])

	address := k.Public().Address()
	f := file{Address: hex.EncodeToString(address[:]), ID: uuid(id), Version: 3}
	f.Crypto = &sealed{
		Cipher: cipherName, CipherText: hex.EncodeToString(text),
		KDF: kdfScrypt, KDFParams: params, MAC: hex.EncodeToString(mac(derived, text)),
	}
	f.Crypto.CipherParams.IV = hex.EncodeToString(iv)
	clear(derived)
	return json.Marshal(f)
}

// Decrypt opens the content of a keystore file. It returns ErrFormat, ErrPassword or an error that names
// the limit that the file exceeds.
func Decrypt(content, password []byte) (secp.PrivateKey, error) {
	f, err := parse(content)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	text, err := unhex("ciphertext", f.Crypto.CipherText, 32, 32)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	iv, err := unhex("cipherparams.iv", f.Crypto.CipherParams.IV, aes.BlockSize, aes.BlockSize)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	want, err := unhex("mac", f.Crypto.MAC, 32, 32)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	derived, err := f.Crypto.KDFParams.derive(f.Crypto.KDF, password)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	defer clear(derived)
	if subtle.ConstantTimeCompare(mac(derived, text), want) != 1 {
		return secp.PrivateKey{}, ErrPassword
	}
	return f.key(xorStream(derived, iv, text))
}

// Address returns the address that a file names, without a password. Some wallets leave it out.
func Address(content []byte) (address [20]byte, present bool, err error) {
	f, err := parse(content)
	if err != nil || f.Address == "" {
		return address, false, err
	}
	b, err := unhex("address", strings.TrimPrefix(f.Address, "0x"), 20, 20)
	if err != nil {
		return address, false, err
	}
	return [20]byte(b), true, nil
}

func parse(content []byte) (*file, error) {
	if len(content) > FileBytesMax {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrFormat, FileBytesMax)
	}
	var f file
	if err := json.Unmarshal(content, &f); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	switch {
	case f.Version != 3:
		return nil, fmt.Errorf("%w: version is %d", ErrFormat, f.Version)
	case f.Crypto == nil:
		return nil, fmt.Errorf("%w: crypto is missing", ErrFormat)
	case f.Crypto.Cipher != cipherName:
		return nil, fmt.Errorf("%w: cipher %.20q is unknown", ErrFormat, f.Crypto.Cipher)
	}
	return &f, nil
}

// key reads the decrypted scalar and holds it against the address (KEYSTORE-4).
func (f *file) key(secret []byte) (secp.PrivateKey, error) {
	defer clear(secret)
	k, err := secp.ParsePrivateKey([32]byte(secret))
	if err != nil {
		return secp.PrivateKey{}, fmt.Errorf("keystore content: %w", err)
	}
	if f.Address == "" {
		return k, nil
	}
	want, err := unhex("address", strings.TrimPrefix(f.Address, "0x"), 20, 20)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	if got := k.Public().Address(); got != [20]byte(want) {
		return secp.PrivateKey{}, fmt.Errorf("%w: it names address %x but holds the key of %x", ErrFormat, want, got)
	}
	return k, nil
}

func xorStream(derived, iv, in []byte) []byte {
	block, err := aes.NewCipher(derived[:16])
	must.Hold(err == nil, "AES refuses a key of 16 bytes")
	out := make([]byte, len(in))
	cipher.NewCTR(block, iv).XORKeyStream(out, in)
	return out
}

func mac(derived, text []byte) []byte {
	sum := keccak.Sum256(derived[16:32], text)
	return sum[:]
}

func unhex(name, s string, low, high int) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not hex", ErrFormat, name)
	}
	if len(b) < low || len(b) > high {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrFormat, name, len(b))
	}
	return b, nil
}

// uuid writes 16 random bytes as a UUID of version 4.
func uuid(b []byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
