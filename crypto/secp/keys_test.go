package secp

// Keys: bounds of the secret, strict forms of the public key, agreement with dcrd, and silence in print.

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func TestPrivateKeyBounds(t *testing.T) {
	for _, c := range []struct {
		name, secret string
		want         error
	}{
		{"0", strings.Repeat("0", 64), FaultPrivateKey},
		{"1", strings.Repeat("0", 63) + "1", nil},
		{"n - 1", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", nil},
		{"n", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", FaultPrivateKey},
		{"2^256 - 1", strings.Repeat("f", 64), FaultPrivateKey},
	} {
		b := unhex32(t, c.secret)
		k, err := ParsePrivateKey(b)
		if err != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if got := k.Bytes(); err == nil && got != b {
			t.Errorf("%s: bytes: got %x, want %x", c.name, got, b)
		}
	}
}

func TestPrivateKeyHides(t *testing.T) {
	k := newKey(t, seeded(10))
	secret := fmt.Sprintf("%x", k.Bytes())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, value := range []any{k, &k, []PrivateKey{k}, struct{ Key PrivateKey }{k}} {
			got := fmt.Sprintf(verb, value)
			if !strings.Contains(got, "secp.PrivateKey(hidden)") || strings.Contains(got, secret) {
				t.Errorf("%s of %T: got %q", verb, value, got)
			}
		}
	}
	k.Zero()
	if got, want := k.Bytes(), [32]byte{}; got != want {
		t.Errorf("after Zero: got %x, want %x", got, want)
	}
}

func TestZeroedKeyPanics(t *testing.T) {
	k := newKey(t, seeded(11))
	k.Zero()
	defer func() {
		if got := recover(); got == nil {
			t.Error("signing with a zeroed key: got a signature, want a panic")
		}
	}()
	Sign(k, [32]byte{})
}

func TestPublicKeyForms(t *testing.T) {
	d := seeded(12)
	for range 50 {
		pub := newKey(t, d).Public()
		compressed, uncompressed := pub.Compressed(), pub.Uncompressed()
		for _, b := range [][]byte{compressed[:], uncompressed[:]} {
			got, err := ParsePublicKey(b)
			if err != nil || got != pub {
				t.Fatalf("parse %x: got %x, %v", b, got.Uncompressed(), err)
			}
		}
		want, err := dcr.ParsePubKey(uncompressed[:])
		if err != nil || !bytes.Equal(compressed[:], want.SerializeCompressed()) {
			t.Fatalf("compressed: got %x, want %x, %v", compressed, want.SerializeCompressed(), err)
		}
	}
}

func TestPublicKeyFaults(t *testing.T) {
	pub := newKey(t, seeded(13)).Public()
	good, long := pub.Compressed(), pub.Uncompressed()
	change := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] = to
		return b
	}
	beyond := append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)
	for _, c := range []struct {
		name string
		b    []byte
		want Fault
	}{
		{"empty", nil, FaultLength},
		{"identity", []byte{0}, FaultLength},
		{"short", good[:32], FaultLength},
		{"long", append(bytes.Clone(good[:]), 0), FaultLength},
		{"prefix 4 on 33 bytes", change(good[:], 0, 4), FaultPrefix},
		{"prefix 2 on 65 bytes", change(long[:], 0, 2), FaultPrefix},
		{"hybrid 6", change(long[:], 0, 6), FaultPrefix},
		{"hybrid 7", change(long[:], 0, 7), FaultPrefix},
		{"x from p on", beyond, FaultPoint},
		{"x of no point", append([]byte{2}, append(make([]byte, 31), 5)...), FaultPoint},
		{"not on the curve", change(long[:], 64, long[64]^1), FaultPoint},
	} {
		if _, err := ParsePublicKey(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	pub := newKey(f, seeded(14)).Public()
	compressed, uncompressed := pub.Compressed(), pub.Uncompressed()
	f.Add(compressed[:])
	f.Add(uncompressed[:])
	for _, b := range [][]byte{compressed[:], uncompressed[:]} {
		for _, at := range []int{0, 1, 32, len(b) - 1} {
			b := bytes.Clone(b)
			b[at] ^= 1
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParsePublicKey(b)
		want, wantErr := dcr.ParsePubKey(b)
		hybrid := len(b) == 65 && b[0] != 4
		if (err == nil) != (wantErr == nil && !hybrid) {
			t.Fatalf("parsing: got %v, dcrd %v", err, wantErr)
		}
		if err != nil {
			return
		}
		again := got.Uncompressed()
		if len(b) == 33 {
			c := got.Compressed()
			again = [65]byte(want.SerializeUncompressed())
			if !bytes.Equal(c[:], b) {
				t.Fatalf("encoded again: got %x, want %x", c, b)
			}
		} else if !bytes.Equal(again[:], b) {
			t.Fatalf("encoded again: got %x, want %x", again, b)
		}
		if got.Uncompressed() != again {
			t.Fatalf("point: got %x, want %x", got.Uncompressed(), again)
		}
	})
}

func FuzzRecover(f *testing.F) {
	d := seeded(15)
	k := newKey(f, d)
	for range 4 {
		hash := d.Hash()
		sig := Sign(k, hash)
		b := append(hash[:], append(sig.R[:], append(sig.S[:], sig.V)...)...)
		f.Add(bytes.Clone(b))
		b[64] ^= 1
		f.Add(bytes.Clone(b))
		b[33] ^= 4
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 97 {
			return
		}
		hash := [32]byte(b)
		sig := Signature{R: [32]byte(b[32:]), S: [32]byte(b[64:]), V: b[96]}
		got, err := RecoverAnyS(hash, sig)
		if sig.V > 1 {
			if err == nil {
				t.Fatalf("V = %d accepted", sig.V)
			}
			return
		}
		want, wantErr := recoverDcrd(hash, sig)
		if (err == nil) != (wantErr == nil) || got != want {
			t.Fatalf("got %x, %v, want %x, %v", got.Compressed(), err, want.Compressed(), wantErr)
		}
		strict, err := Recover(hash, sig)
		if err == nil && strict != got {
			t.Fatalf("strict: got %x, want %x", strict.Compressed(), got.Compressed())
		}
	})
}
