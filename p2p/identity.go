package p2p

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// An Identity is the key by which peers know a node. It is no account, vote or VRF key: losing it
// costs nothing but the peers' memory of the node.
type Identity struct {
	key crypto.PrivKey
	id  peer.ID
}

// NewIdentity makes a key that is stored nowhere.
func NewIdentity() (Identity, error) {
	var seed [ed25519.SeedSize]byte
	rand.Read(seed[:])
	return identityOf(seed)
}

// LoadIdentity reads the key in a file, and makes key and file when there is none. The file holds 64
// hexadecimal digits and must not be readable by others.
func LoadIdentity(path string) (Identity, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(path)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("identity key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Identity{}, fmt.Errorf("identity key %s: others may read it (mode %04o): run chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, fmt.Errorf("identity key: %w", err)
	}
	return parseIdentity(path, text)
}

func parseIdentity(path string, text []byte) (Identity, error) {
	var seed [ed25519.SeedSize]byte
	digits := strings.TrimSuffix(string(text), "\n")
	if len(digits) != 2*len(seed) {
		return Identity{}, fmt.Errorf("identity key %s: want %d hexadecimal digits: restore the file, or remove it to get a new identity", path, 2*len(seed))
	}
	if _, err := hex.Decode(seed[:], []byte(digits)); err != nil {
		return Identity{}, fmt.Errorf("identity key %s: not hexadecimal: restore the file, or remove it to get a new identity", path)
	}
	return identityOf(seed)
}

// createIdentity writes a file that is whole or absent after a crash, and never replaces one.
func createIdentity(path string) (Identity, error) {
	var seed [ed25519.SeedSize]byte
	rand.Read(seed[:])
	tmp, err := os.CreateTemp(filepath.Dir(path), ".identity-*") // mode 0600
	if err != nil {
		return Identity{}, fmt.Errorf("identity key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(hex.EncodeToString(seed[:]) + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), path)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("identity key %s: %w", path, err)
	}
	return identityOf(seed)
}

func identityOf(seed [ed25519.SeedSize]byte) (Identity, error) {
	private := ed25519.NewKeyFromSeed(seed[:])
	key, err := crypto.UnmarshalEd25519PrivateKey(private)
	if err != nil {
		return Identity{}, fmt.Errorf("identity key: %w", err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("identity key: %w", err)
	}
	return Identity{key: key, id: id}, nil
}

// ID gives the name under which peers know the node.
func (i Identity) ID() string { return i.id.String() }

func (i Identity) valid() bool { return i.key != nil }

// Format writes a placeholder for every verb, so that no log or error shows the key.
func (i Identity) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "p2p.Identity(%s)", i.id) }
