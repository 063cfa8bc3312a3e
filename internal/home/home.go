package home

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aiwork/aiwork-node/crypto/keystore"
	"github.com/aiwork/aiwork-node/crypto/secp"
)

// Home is a node's folder.
type Home struct{ Dir string }

// The places in it.
func (h Home) Genesis() string  { return filepath.Join(h.Dir, "genesis.json") }
func (h Home) Config() string   { return filepath.Join(h.Dir, "config.toml") }
func (h Home) Data() string     { return filepath.Join(h.Dir, "data") }
func (h Home) VoteLog() string  { return filepath.Join(h.Dir, "votelog") }
func (h Home) Blobs() string    { return filepath.Join(h.Dir, "blobs") }
func (h Home) Models() string   { return filepath.Join(h.Dir, "models") }
func (h Home) Objects() string  { return filepath.Join(h.Dir, "objects") }
func (h Home) Work() string     { return filepath.Join(h.Dir, "work") }
func (h Home) Journal() string  { return filepath.Join(h.Dir, "mempool.journal") }
func (h Home) Keys() string     { return filepath.Join(h.Dir, "keys") }
func (h Home) P2PKey() string   { return filepath.Join(h.Keys(), "p2p.key") }
func (h Home) voteKey() string  { return filepath.Join(h.Keys(), "vote.key") }
func (h Home) vrfKey() string   { return filepath.Join(h.Keys(), "vrf.key") }
func (h Home) plainKey() string { return filepath.Join(h.Keys(), "account.key") }

// Accounts gives the folder of encrypted account keys.
func (h Home) Accounts() string { return filepath.Join(h.Keys(), "accounts") }

// Default gives AIWORK_HOME, or .aiwork in the user's home folder.
func Default() string {
	if dir := os.Getenv("AIWORK_HOME"); dir != "" {
		return dir
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return ".aiwork"
	}
	return filepath.Join(user, ".aiwork")
}

// Create makes the folder and its keys folder, readable by their owner only.
func (h Home) Create() error {
	if err := os.MkdirAll(h.Keys(), 0o700); err != nil {
		return fmt.Errorf("node folder: %w", err)
	}
	return nil
}

// ErrNotInitialised says that there is no node in a folder.
var ErrNotInitialised = errors.New("no node here: run `aiwork-node init` first, or give another --home")

// CheckInitialised tells whether a genesis file is there.
func (h Home) CheckInitialised() error {
	if _, err := os.Stat(h.Genesis()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", h.Dir, ErrNotInitialised)
	} else if err != nil {
		return fmt.Errorf("node folder: %w", err)
	}
	return nil
}

// ValidatorKeys are the keys that a validating node needs to run unattended.
type ValidatorKeys struct{ Vote, VRF secp.PrivateKey }

// HasValidatorKeys reports whether the node is set up to validate.
func (h Home) HasValidatorKeys() bool {
	_, err := os.Stat(h.voteKey())
	return err == nil
}

// CreateValidatorKeys makes and stores a vote and a VRF key; it never replaces one.
func (h Home) CreateValidatorKeys() (ValidatorKeys, error) {
	keys := ValidatorKeys{Vote: NewKey(), VRF: NewKey()}
	return keys, h.StoreValidatorKeys(keys)
}

// StoreValidatorKeys stores given keys; it never replaces one.
func (h Home) StoreValidatorKeys(keys ValidatorKeys) error {
	if err := writeKey(h.voteKey(), keys.Vote); err != nil {
		return err
	}
	return writeKey(h.vrfKey(), keys.VRF)
}

// LoadValidatorKeys reads them.
func (h Home) LoadValidatorKeys() (ValidatorKeys, error) {
	vote, err := readKey(h.voteKey())
	if err != nil {
		return ValidatorKeys{}, err
	}
	vrf, err := readKey(h.vrfKey())
	return ValidatorKeys{Vote: vote, VRF: vrf}, err
}

// StorePlainAccount stores an account key without a password: for devnets, whose keys are known anyway.
func (h Home) StorePlainAccount(key secp.PrivateKey) error { return writeKey(h.plainKey(), key) }

// HasAccount reports whether the node has an account key of its own.
func (h Home) HasAccount() bool {
	if _, err := os.Stat(h.plainKey()); err == nil {
		return true
	}
	entries, err := keystore.List(h.Accounts())
	return err == nil && len(entries) > 0
}

// LoadAccount reads the node's own account key: the plain one, or the only encrypted one, unlocked with the
// password in passwordFile or in AIWORK_PASSWORD.
func (h Home) LoadAccount(passwordFile string) (secp.PrivateKey, error) {
	if _, err := os.Stat(h.plainKey()); err == nil {
		return readKey(h.plainKey())
	}
	entries, err := keystore.List(h.Accounts())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secp.PrivateKey{}, err
	}
	switch len(entries) {
	case 0:
		return secp.PrivateKey{}, fmt.Errorf("no account key in %s: make one with `aiwork-node --home %s keys new`", h.Accounts(), h.Dir)
	case 1:
		return h.Unlock(entries[0].Path, passwordFile)
	default:
		return secp.PrivateKey{}, fmt.Errorf("%d account keys in %s: leave the one that the node shall use", len(entries), h.Accounts())
	}
}

// Unlock decrypts a keystore file.
func (h Home) Unlock(path, passwordFile string) (secp.PrivateKey, error) {
	password, err := Password(passwordFile)
	if err != nil {
		return secp.PrivateKey{}, err
	}
	return keystore.Read(path, password)
}

// FindAccount decrypts the key of an address, among the home's own and its encrypted ones.
func (h Home) FindAccount(address [20]byte, passwordFile string) (secp.PrivateKey, error) {
	if key, err := readKey(h.plainKey()); err == nil && key.Public().Address() == address {
		return key, nil
	}
	entries, err := keystore.List(h.Accounts())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return secp.PrivateKey{}, err
	}
	for _, e := range entries {
		if e.Address == address {
			return h.Unlock(e.Path, passwordFile)
		}
	}
	return secp.PrivateKey{}, fmt.Errorf("no key of 0x%x in %s: `aiwork-node keys list` shows those that are there", address, h.Accounts())
}

// Password reads a password from a file, else from AIWORK_PASSWORD.
func Password(file string) ([]byte, error) {
	if file == "" {
		if p, ok := os.LookupEnv("AIWORK_PASSWORD"); ok {
			return []byte(p), nil
		}
		return nil, errors.New("the account key needs its password: give --password-file FILE or set AIWORK_PASSWORD")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("password file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return []byte(strings.TrimSuffix(line, "\r")), nil
}

// NewKey makes a key from the system's randomness.
func NewKey() secp.PrivateKey {
	for {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails: see crypto/rand
		if key, err := secp.ParsePrivateKey(b); err == nil {
			return key
		}
	}
}

func writeKey(path string, key secp.PrivateKey) error {
	b := key.Bytes()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(b[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("key %s: %w", path, err)
	}
	return nil
}

func readKey(path string) (secp.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return secp.PrivateKey{}, fmt.Errorf("key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return secp.PrivateKey{}, fmt.Errorf("key %s: others may read it (mode %04o): run chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return secp.PrivateKey{}, fmt.Errorf("key: %w", err)
	}
	key, err := ParseKey(strings.TrimSuffix(string(text), "\n"))
	if err != nil {
		return secp.PrivateKey{}, fmt.Errorf("key %s: %w", path, err)
	}
	return key, nil
}

// ParseKey reads a private key in hexadecimal, with or without 0x. Its errors never show the digits.
func ParseKey(text string) (secp.PrivateKey, error) {
	digits := strings.TrimPrefix(text, "0x")
	var b [32]byte
	if len(digits) != 64 {
		return secp.PrivateKey{}, errors.New("private key: want 64 hexadecimal digits")
	}
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return secp.PrivateKey{}, errors.New("private key: not hexadecimal")
	}
	return secp.ParsePrivateKey(b)
}
