package hd

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"errors"
	"fmt"
	"strings"

	"github.com/tyler-smith/go-bip39"
	"golang.org/x/text/unicode/norm"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

// ErrMnemonic is the error of words that are no mnemonic.
var ErrMnemonic = errors.New("not a mnemonic")

const (
	mnemonicBytesMax   = 1024
	passphraseBytesMax = 4096
	seedRounds         = 2048
)

// NewMnemonic makes a mnemonic of 12, 15, 18, 21 or 24 words from fresh randomness.
func NewMnemonic(words int) (string, error) {
	if words < 12 || words > 24 || words%3 != 0 {
		return "", fmt.Errorf("a mnemonic has 12, 15, 18, 21 or 24 words, not %d", words)
	}
	entropy, err := bip39.NewEntropy(words / 3 * 32)
	if err != nil {
		return "", fmt.Errorf("mnemonic: %w", err)
	}
	defer clear(entropy)
	return bip39.NewMnemonic(entropy)
}

// CheckMnemonic returns an error that wraps ErrMnemonic and says what is wrong, or nil (HD-1).
func CheckMnemonic(mnemonic string) error {
	_, err := normalised(mnemonic)
	return err
}

// normalised returns the words in lower case with single spaces, once they are known to be a mnemonic.
func normalised(mnemonic string) (string, error) {
	if len(mnemonic) > mnemonicBytesMax {
		return "", fmt.Errorf("%w: longer than %d bytes", ErrMnemonic, mnemonicBytesMax)
	}
	words := strings.Fields(strings.ToLower(mnemonic))
	if n := len(words); n < 12 || n > 24 || n%3 != 0 {
		return "", fmt.Errorf("%w: it has %d words, not 12, 15, 18, 21 or 24", ErrMnemonic, n)
	}
	for i, w := range words {
		if _, known := bip39.GetWordIndex(w); !known {
			return "", fmt.Errorf("%w: word %d is not in the list", ErrMnemonic, i+1)
		}
	}
	joined := strings.Join(words, " ")
	if _, err := bip39.EntropyFromMnemonic(joined); err != nil {
		return "", fmt.Errorf("%w: the checksum is wrong, so a word is wrong or out of place", ErrMnemonic)
	}
	return joined, nil
}

// Seed turns a mnemonic and a passphrase, which may be empty, into the seed of a tree of keys.
func Seed(mnemonic, passphrase string) ([]byte, error) {
	words, err := normalised(mnemonic)
	if err != nil {
		return nil, err
	}
	if len(passphrase) > passphraseBytesMax {
		return nil, fmt.Errorf("passphrase is longer than %d bytes", passphraseBytesMax)
	}
	salt := "mnemonic" + norm.NFKD.String(passphrase)
	return pbkdf2.Key(sha512.New, words, []byte(salt), seedRounds, sha512.Size)
}

// Account returns the private key of account i of a mnemonic (HD-3).
func Account(mnemonic, passphrase string, i uint32) (secp.PrivateKey, error) {
	path, err := AccountPath(i)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	seed, err := Seed(mnemonic, passphrase)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	defer clear(seed)
	root, err := Master(seed)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	k, err := root.Derive(path)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	return k.Private(), nil
}
