package home

// A node's folder on a real disk: keys are for their owner only, are never replaced and never shown; accounts
// are found, in plain and encrypted; a folder becomes a node once.

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/crypto/keystore"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
)

func newHome(t *testing.T) Home {
	t.Helper()
	h := Home{Dir: filepath.Join(t.TempDir(), "node")}
	if err := h.Create(); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestValidatorKeys(t *testing.T) {
	h := newHome(t)
	if h.HasValidatorKeys() {
		t.Error("an empty folder: got validator keys")
	}
	made, err := h.CreateValidatorKeys()
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.LoadValidatorKeys()
	if err != nil || got.Vote.Bytes() != made.Vote.Bytes() || got.VRF.Bytes() != made.VRF.Bytes() || !h.HasValidatorKeys() {
		t.Errorf("got other keys than were made, or %v", err)
	}
	if made.Vote.Bytes() == made.VRF.Bytes() {
		t.Error("vote and VRF key are the same")
	}
	if _, err := h.CreateValidatorKeys(); err == nil {
		t.Error("keys that are there: got them replaced")
	}
	for _, path := range []string{h.voteKey(), h.vrfKey()} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %v, %v, want 0600", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(h.voteKey(), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := h.LoadValidatorKeys(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: got %v, want what to do", err)
	}
}

func TestParseKey(t *testing.T) {
	key := NewKey()
	b := key.Bytes()
	digits := hex.EncodeToString(b[:])
	for _, text := range []string{digits, "0x" + digits, strings.ToUpper(digits)} {
		if got, err := ParseKey(text); err != nil || got.Bytes() != b {
			t.Errorf("got another key, or %v", err)
		}
	}
	for _, bad := range []string{
		"", digits[:62], digits + "00", "0x0x" + digits[4:], "zz" + digits[2:], digits[:63] + "\n", " " + digits[1:],
		strings.Repeat("0", 64), strings.Repeat("f", 64),
	} {
		_, err := ParseKey(bad)
		if err == nil {
			t.Errorf("%q: got a key", bad)
		} else if len(bad) > 8 && strings.Contains(err.Error(), bad[4:20]) {
			t.Errorf("the error shows the digits: %v", err)
		}
	}
}

func TestAccounts(t *testing.T) {
	h := newHome(t)
	if _, err := h.LoadAccount(""); err == nil || !strings.Contains(err.Error(), "keys new") {
		t.Errorf("no key: got %v, want what to do", err)
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret words\r\nnot this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, b := NewKey(), NewKey()
	if err := os.MkdirAll(h.Accounts(), 0o700); err != nil {
		t.Fatal(err)
	}
	store(t, h, a, "secret words")
	if got, err := h.LoadAccount(password); err != nil || got.Bytes() != a.Bytes() {
		t.Errorf("the only account: got another, or %v", err)
	}
	t.Setenv("AIWORK_PASSWORD", "wrong")
	if _, err := h.LoadAccount(""); err == nil {
		t.Error("a wrong password: got a key")
	}
	store(t, h, b, "secret words")
	if _, err := h.LoadAccount(password); err == nil || !strings.Contains(err.Error(), "2 account keys") {
		t.Errorf("two accounts: got %v, want that they are two", err)
	}
	if got, err := h.FindAccount(b.Public().Address(), password); err != nil || got.Bytes() != b.Bytes() {
		t.Errorf("by address: got another, or %v", err)
	}
	if _, err := h.FindAccount([20]byte{1}, password); err == nil {
		t.Error("an address that is not there: got a key")
	}
	plain := NewKey()
	if err := h.StorePlainAccount(plain); err != nil {
		t.Fatal(err)
	}
	if got, err := h.LoadAccount(""); err != nil || got.Bytes() != plain.Bytes() {
		t.Errorf("the plain account goes first: got another, or %v", err)
	}
	if got, err := h.FindAccount(plain.Public().Address(), ""); err != nil || got.Bytes() != plain.Bytes() {
		t.Errorf("the plain account by address: got another, or %v", err)
	}
}

func TestInitOnce(t *testing.T) {
	h := newHome(t)
	if err := h.CheckInitialised(); !errors.Is(err, ErrNotInitialised) {
		t.Errorf("got %v, want %v", err, ErrNotInitialised)
	}
	g, _, _ := ledgertest.NewGenesis(ledgertest.Options{})
	if _, err := h.Init([]byte("{}"), system.Modules()); err == nil || h.CheckInitialised() == nil {
		t.Errorf("no genesis: got %v, want an error and no node", err)
	}
	keys, err := h.CreateValidatorKeys()
	if err != nil {
		t.Fatal(err)
	}
	made, err := h.Init(g.Encode(), system.Modules())
	if err != nil || made.Params.ChainID != ledgertest.ChainID {
		t.Fatalf("got %v, %v", made, err)
	}
	if _, err := os.Stat(h.VoteLog()); err != nil {
		t.Errorf("vote log of a validator: %v", err)
	}
	_, file, err := h.LoadGenesis()
	if err != nil || string(file) != string(g.Encode()) {
		t.Errorf("got another genesis file, or %v", err)
	}
	if _, err := genesis.Decode(file); err != nil {
		t.Error(err)
	}
	if _, err := h.Init(g.Encode(), system.Modules()); err == nil || !strings.Contains(err.Error(), "is a node already") {
		t.Errorf("a second time: got %v", err)
	}
	if got, err := h.LoadValidatorKeys(); err != nil || got.Vote.Bytes() != keys.Vote.Bytes() {
		t.Errorf("the keys have changed, or %v", err)
	}
}

func TestDefault(t *testing.T) {
	t.Setenv("AIWORK_HOME", "/somewhere")
	if got := Default(); got != "/somewhere" {
		t.Errorf("got %s, want what AIWORK_HOME says", got)
	}
	t.Setenv("AIWORK_HOME", "")
	t.Setenv("HOME", "/home/me")
	if got, want := Default(), filepath.Join("/home/me", ".aiwork"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// store writes an encrypted key with a quick derivation: the real one takes a second.
func store(t *testing.T, h Home, key secp.PrivateKey, password string) {
	t.Helper()
	if _, err := keystore.Write(h.Accounts(), key, []byte(password), keystore.Cost{N: 1 << 12, R: 8, P: 1}, time.Now()); err != nil {
		t.Fatal(err)
	}
}
