package keystore

// The published vectors of the format; round trips; files with their modes and names; hostile and broken
// files, each with its clear error and without the work it asks for.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

var cheap = Cost{N: 2, R: 1, P: 1}

type vector struct {
	Password string          `json:"password"`
	Priv     string          `json:"priv"`
	JSON     json.RawMessage `json:"json"`
}

func checkVectors(t *testing.T, raw []byte, least int) {
	t.Helper()
	var list map[string]vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < least {
		t.Fatalf("vectors: got %d, want at least %d", len(list), least)
	}
	for name, v := range list {
		k, err := Decrypt(v.JSON, []byte(v.Password))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		secret := k.Bytes()
		if got := hex.EncodeToString(secret[:]); got != v.Priv {
			t.Errorf("%s: got %s, want %s", name, got, v.Priv)
		}
		if name == "scrypt" {
			continue // one expensive refusal is enough
		}
		if _, err := Decrypt(v.JSON, []byte(v.Password+" ")); !errors.Is(err, ErrPassword) {
			t.Errorf("%s with a wrong password: got %v, want %v", name, err, ErrPassword)
		}
	}
}

func TestPublishedVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/v3.json")
	if err != nil {
		t.Fatal(err)
	}
	checkVectors(t, raw, 2)
}

func testKey(t testing.TB) secp.PrivateKey {
	t.Helper()
	k, err := secp.ParsePrivateKey([32]byte{31: 7})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRoundTrip(t *testing.T) {
	k := testKey(t)
	for _, password := range []string{"", "secret", "비밀번호 " + strings.Repeat("x", 500)} {
		content, err := Encrypt(k, []byte(password), cheap)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decrypt(content, []byte(password))
		if err != nil || got.Bytes() != k.Bytes() {
			t.Errorf("password %.10q: got another key, %v", password, err)
		}
		if _, err := Decrypt(content, []byte(password+"x")); !errors.Is(err, ErrPassword) {
			t.Errorf("wrong password: got %v, want %v", err, ErrPassword)
		}
		address, present, err := Address(content)
		if want := k.Public().Address(); err != nil || !present || address != want {
			t.Errorf("address: got %x, %v, %v, want %x", address, present, err, want)
		}
		if secret := k.Bytes(); bytes.Contains(content, []byte(hex.EncodeToString(secret[:]))) {
			t.Error("the file shows the key")
		}
	}
}

func TestFreshRandomness(t *testing.T) {
	a, err := Encrypt(testKey(t), nil, cheap)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encrypt(testKey(t), nil, cheap)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a, b) {
		t.Errorf("two files of one key are equal: %s", a)
	}
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	k, now := testKey(t), time.Date(2026, 11, 23, 7, 5, 9, 42, time.FixedZone("KST", 9*3600))
	path, err := Write(dir, k, []byte("pw"), cheap, now)
	if err != nil {
		t.Fatal(err)
	}
	address := k.Public().Address()
	if got, want := filepath.Base(path), "UTC--2026-11-22T22-05-09.000000042Z--"+hex.EncodeToString(address[:]); got != want {
		t.Errorf("name: got %s, want %s", got, want)
	}
	checkMode(t, path, 0o600)
	checkMode(t, dir, 0o700)
	if got := Unsafe(path); got != "" {
		t.Errorf("warning on a fresh file: %s", got)
	}
	if got, err := Read(path, []byte("pw")); err != nil || got.Bytes() != k.Bytes() {
		t.Errorf("read: got another key, %v", err)
	}
	if _, err := Read(path, nil); !errors.Is(err, ErrPassword) || !strings.Contains(err.Error(), path) {
		t.Errorf("read without password: got %v, want %v with the path", err, ErrPassword)
	}
	if _, err := Write(dir, k, []byte("other"), cheap, now); !errors.Is(err, fs.ErrExist) {
		t.Errorf("write over it: got %v, want %v", err, fs.ErrExist)
	}
	if got, err := Read(path, []byte("pw")); err != nil || got.Bytes() != k.Bytes() {
		t.Errorf("read after a refused write: got another key, %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Unsafe(path); !strings.Contains(got, "chmod 600") {
		t.Errorf("warning on mode 0644: got %q", got)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, ".new-key-*"))
	if err != nil || len(leftovers) != 0 {
		t.Errorf("temporary files: got %v, %v, want none", leftovers, err)
	}
}

func checkMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("mode of %s: got %04o, want %04o", path, got, want)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	if got, err := List(filepath.Join(dir, "absent")); err != nil || len(got) != 0 {
		t.Errorf("absent folder: got %v, %v, want nothing", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	var want []Entry
	for i := range 3 {
		k, err := secp.ParsePrivateKey([32]byte{31: byte(9 - i)})
		if err != nil {
			t.Fatal(err)
		}
		path, err := Write(dir, k, nil, cheap, time.Unix(int64(i), 0))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, Entry{path, k.Public().Address()})
	}
	got, err := List(dir)
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

// Each change to a good file has its error. The work factors are refused before any work is done: the test
// would not end otherwise.
func TestBrokenFiles(t *testing.T) {
	good, err := Encrypt(testKey(t), nil, cheap)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"empty", string(good), "", "not a Web3 keystore"},
		{"no JSON", string(good), "hello", "not a Web3 keystore"},
		{"array", string(good), "[]", "not a Web3 keystore"},
		{"trailing bytes", string(good), string(good) + "{}", "not a Web3 keystore"},
		{"too long", string(good), strings.Repeat(" ", FileBytesMax) + string(good), "longer than"},
		{"version 1", `"version":3`, `"version":1`, "version is 1"},
		{"no crypto", `"crypto"`, `"cryptic"`, "crypto is missing"},
		{"cipher", "aes-128-ctr", "aes-128-cbc", "cipher"},
		{"kdf", `"kdf":"scrypt"`, `"kdf":"argon"`, "kdf"},
		{"dklen", `"dklen":32`, `"dklen":31`, "dklen"},
		{"dklen huge", `"dklen":32`, `"dklen":2000000000`, "dklen"},
		{"n no power of two", `"n":2`, `"n":3`, "valid parameters"},
		{"n = 0", `"n":2`, `"n":0`, "valid parameters"},
		{"n negative", `"n":2`, `"n":-2`, "valid parameters"},
		{"r = 0", `"r":1`, `"r":0`, "valid parameters"},
		{"memory by n", `"n":2`, `"n":1073741824`, "memory"},
		{"memory by n, extreme", `"n":2`, `"n":4611686018427387904`, "memory"},
		{"memory by r", `"r":1`, `"r":1073741824`, "memory"},
		{"work by p", `"p":1`, `"p":1073741824`, "work"},
		{"salt missing", `"salt":"`, `"sand":"`, "salt"},
		{"salt no hex", `"salt":"`, `"salt":"zz`, "salt"},
		{"salt long", `"salt":"`, `"salt":"` + strings.Repeat("00", saltBytesMax), "salt"},
		{"iv short", `"iv":"`, `"iv":"","x":"`, "iv"},
		{"mac short", `"mac":"`, `"mac":"","x":"`, "mac"},
		{"ciphertext long", `"ciphertext":"`, `"ciphertext":"00`, "ciphertext"},
		{"other address", `"address":"`, `"address":"0000000000000000000000000000000000000001","x":"`, "names address"},
		{"address no hex", `"address":"`, `"address":"me","x":"`, "address"},
	} {
		content := strings.Replace(string(good), c.old, c.new, 1)
		if content == string(good) {
			t.Errorf("%s: the file was not changed", c.name)
		}
		if _, err := Decrypt([]byte(content), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestPBKDF2Limits(t *testing.T) {
	for _, c := range []struct {
		params kdfParams
		want   string
	}{
		{kdfParams{DKLen: 32, C: 0, PRF: "hmac-sha256", Salt: "00"}, "kdfparams.c"},
		{kdfParams{DKLen: 32, C: pbkdf2RoundsMax + 1, PRF: "hmac-sha256", Salt: "00"}, "rounds"},
		{kdfParams{DKLen: 32, C: 1, PRF: "hmac-sha1", Salt: "00"}, "prf"},
		{kdfParams{DKLen: 32, C: 1, PRF: "hmac-sha256"}, "salt"},
	} {
		if _, err := c.params.derive(kdfPBKDF2, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want an error with %q", c.params, err, c.want)
		}
	}
}

func TestFlippedBits(t *testing.T) {
	good, err := Encrypt(testKey(t), nil, cheap)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(good, &f); err != nil {
		t.Fatal(err)
	}
	for name, field := range map[string]*string{
		"ciphertext": &f.Crypto.CipherText, "mac": &f.Crypto.MAC, "salt": &f.Crypto.KDFParams.Salt,
		"iv": &f.Crypto.CipherParams.IV, "address": &f.Address,
	} {
		raw, err := hex.DecodeString(*field)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(raw) {
			raw[i/8] ^= 1 << (i % 8)
			*field = hex.EncodeToString(raw)
			content, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decrypt(content, nil); err == nil {
				t.Errorf("%s, bit %d flipped: accepted", name, i)
			}
			raw[i/8] ^= 1 << (i % 8)
		}
		*field = hex.EncodeToString(raw)
	}
}

func FuzzDecrypt(f *testing.F) {
	good, err := Encrypt(testKey(f), nil, cheap)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"version":3`), []byte(`"version":3.0`), 1))
	f.Add(bytes.Replace(good, []byte(`"mac":"`), []byte(`"mac":"0`), 1))
	f.Add(bytes.Replace(good, []byte(`"kdf":"scrypt"`), []byte(`"kdf":"pbkdf2"`), 1))
	f.Add(bytes.Replace(bytes.Replace(good, []byte(`"kdf":"scrypt"`), []byte(`"kdf":"pbkdf2"`), 1),
		[]byte(`"n":2`), []byte(`"c":2,"prf":"hmac-sha256"`), 1))
	f.Fuzz(func(t *testing.T, content []byte) {
		parsed, err := parse(content)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("got %v, want %v", err, ErrFormat)
			}
			return
		}
		p := parsed.Crypto.KDFParams
		if p.N > 64 || p.R > 8 || p.P > 8 || p.C > 1000 {
			return // within the limits, but too slow for fuzzing
		}
		k, err := Decrypt(content, nil)
		if err != nil {
			return
		}
		again, err := Encrypt(k, nil, cheap)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decrypt(again, nil); err != nil || got.Bytes() != k.Bytes() {
			t.Fatalf("sealed again: got another key, %v", err)
		}
	})
}
