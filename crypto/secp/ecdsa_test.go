package secp

// ECDSA against published RFC 6979 signatures and addresses, against dcrd's own ecdsa package on seeded
// random input, and with every bit of a signature flipped.

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/dice"
)

func unhex32(t testing.TB, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("not 32 bytes of hex: %q", s)
	}
	return [32]byte(b)
}

func seeded(seed byte) *dice.Dice { return dice.New([32]byte{seed}) }

func newKey(t testing.TB, d *dice.Dice) PrivateKey {
	t.Helper()
	k, err := ParsePrivateKey(d.Hash())
	if err != nil {
		t.Fatalf("key from chance: %v", err)
	}
	return k
}

func TestAddresses(t *testing.T) {
	for _, v := range []struct{ secret, address string }{
		{"0000000000000000000000000000000000000000000000000000000000000001", "7e5f4552091a69125d5dfcb7b8c2659029395bdf"},
		{"0000000000000000000000000000000000000000000000000000000000000002", "2b5ad5c4795c026514f8317c7a215e218dccd6cf"},
		{"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"},
	} {
		k, err := ParsePrivateKey(unhex32(t, v.secret))
		if err != nil {
			t.Fatal(err)
		}
		address := k.Public().Address()
		if got := hex.EncodeToString(address[:]); got != v.address {
			t.Errorf("address of %s: got %s, want %s", v.secret, got, v.address)
		}
	}
}

// The messages are signed as their SHA-256; the vectors are those that libraries for Bitcoin share.
func TestSignVectors(t *testing.T) {
	for _, v := range []struct{ secret, hash, r, s string }{
		{
			"0000000000000000000000000000000000000000000000000000000000000001",
			"a0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e", // Satoshi Nakamoto
			"934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8",
			"2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
		},
		{
			"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
			"a0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e",
			"fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0",
			"6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5",
		},
	} {
		k, err := ParsePrivateKey(unhex32(t, v.secret))
		if err != nil {
			t.Fatal(err)
		}
		sig := Sign(k, unhex32(t, v.hash))
		if got := hex.EncodeToString(sig.R[:]); got != v.r {
			t.Errorf("r: got %s, want %s", got, v.r)
		}
		if got := hex.EncodeToString(sig.S[:]); got != v.s {
			t.Errorf("s: got %s, want %s", got, v.s)
		}
	}
}

func TestSignLikeDcrd(t *testing.T) {
	d := seeded(1)
	for i := range 200 {
		k, hash := newKey(t, d), d.Hash()
		sig := Sign(k, hash)
		secret := k.Bytes()
		compact := ecdsa.SignCompact(dcr.PrivKeyFromBytes(secret[:]), hash[:], false)
		if got, want := fmt.Sprintf("%x%x%x", 27+sig.V, sig.R, sig.S), hex.EncodeToString(compact); got != want {
			t.Fatalf("signature %d: got %s, want %s", i, got, want)
		}
		if err := Verify(k.Public(), hash, sig); err != nil {
			t.Fatalf("signature %d: %v", i, err)
		}
		address, err := RecoverAddress(hash, sig)
		if want := k.Public().Address(); err != nil || address != want {
			t.Fatalf("address %d: got %x, %v, want %x", i, address, err, want)
		}
	}
}

// Signatures made of chance recover to some key nearly half of the time; ours and dcrd's must agree.
func TestRecoverLikeDcrd(t *testing.T) {
	d, recovered := seeded(2), 0
	for i := range 2000 {
		hash, sig := d.Hash(), Signature{R: d.Hash(), S: d.Hash(), V: byte(i % 2)}
		pub, err := RecoverAnyS(hash, sig)
		want, wantErr := recoverDcrd(hash, sig)
		if (err == nil) != (wantErr == nil) || pub != want {
			t.Fatalf("signature %d: got %x, %v, want %x, %v", i, pub.Compressed(), err, want.Compressed(), wantErr)
		}
		if err == nil {
			recovered++
		}
	}
	if recovered < 800 {
		t.Errorf("recovered: got %d of 2000, want about half", recovered)
	}
}

// recoverDcrd is the same operation by dcrd's public functions, made independently of recoverPoint.
func recoverDcrd(hash [32]byte, sig Signature) (PublicKey, error) {
	compact := append([]byte{27 + sig.V}, append(sig.R[:], sig.S[:]...)...)
	pub, _, err := ecdsa.RecoverCompact(compact, hash[:])
	if err != nil {
		return PublicKey{}, err
	}
	return ParsePublicKey(pub.SerializeUncompressed())
}

// Scalars at the edges reach the cases of point addition that chance never meets: u1 = 0, u2 = 1,
// equal points, opposite points.
func TestRecoverAtTheEdges(t *testing.T) {
	edges := [][32]byte{
		{},
		{31: 1},
		{31: 2},
		{31: 3},
		{15: 1},
		{16: 1, 31: 7},
		unhex32(t, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"), // n - 1
		unhex32(t, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"), // n
		unhex32(t, "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"), // x of G
		unhex32(t, "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"), // x of 2G
		unhex32(t, "5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72"), // lambda
		unhex32(t, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
	}
	for _, hash := range edges {
		for _, r := range edges {
			for _, s := range edges {
				for v := range byte(2) {
					sig := Signature{R: r, S: s, V: v}
					got, err := RecoverAnyS(hash, sig)
					want, wantErr := recoverDcrd(hash, sig)
					if (err == nil) != (wantErr == nil) || got != want {
						t.Fatalf("hash %x sig %x: got %x, %v, want %x, %v",
							hash, sig, got.Compressed(), err, want.Compressed(), wantErr)
					}
				}
			}
		}
	}
}

func TestSignatureFlippedBits(t *testing.T) {
	d := seeded(3)
	k, hash := newKey(t, d), d.Hash()
	sig := Sign(k, hash)
	refuse := func(what string, b []byte, bits int) {
		for i := range bits {
			b[i/8] ^= 1 << (i % 8)
			if err := Verify(k.Public(), hash, sig); err == nil {
				t.Errorf("%s, bit %d flipped: accepted", what, i)
			}
			b[i/8] ^= 1 << (i % 8)
		}
	}
	refuse("r", sig.R[:], 256)
	refuse("s", sig.S[:], 256)
	refuse("hash", hash[:], 256)
	for _, v := range []byte{sig.V ^ 1, 2, 3, 27, 255} {
		bad := sig
		bad.V = v
		if err := Verify(k.Public(), hash, bad); err == nil {
			t.Errorf("v = %d: accepted", v)
		}
	}
	if err := Verify(k.Public(), hash, sig); err != nil {
		t.Errorf("untouched: %v", err)
	}
}

func TestSignatureFaults(t *testing.T) {
	d := seeded(4)
	k, hash := newKey(t, d), d.Hash()
	good := Sign(k, hash)
	order := unhex32(t, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	var s dcr.ModNScalar
	s.SetBytes(&good.S)
	high := Signature{R: good.R, S: s.Negate().Bytes(), V: good.V ^ 1}
	for _, c := range []struct {
		name string
		sig  Signature
		want Fault
	}{
		{"r = 0", Signature{S: good.S}, FaultRange},
		{"s = 0", Signature{R: good.R}, FaultRange},
		{"r = n", Signature{R: order, S: good.S}, FaultRange},
		{"s = n", Signature{R: good.R, S: order}, FaultRange},
		{"high s", high, FaultHighS},
		{"v = 2", Signature{R: good.R, S: good.S, V: 2}, FaultRecovery},
		{"x of no point", Signature{R: [32]byte{31: 5}, S: good.S}, FaultRecovery},
	} {
		if _, err := Recover(hash, c.sig); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if pub, err := RecoverAnyS(hash, high); err != nil || pub != k.Public() {
		t.Errorf("high s for ecrecover: got %x, %v, want %x", pub.Compressed(), err, k.Public().Compressed())
	}
}

// The example of the ecrecover precompile that is in every list of EVM tests.
func TestRecoverVector(t *testing.T) {
	hash := unhex32(t, "456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3")
	sig := Signature{
		R: unhex32(t, "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"),
		S: unhex32(t, "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada"),
		V: 1,
	}
	address, err := RecoverAddress(hash, sig)
	if got, want := hex.EncodeToString(address[:]), "7156526fbd7a3c72969b54f64e42c10fbb768c8a"; err != nil || got != want {
		t.Errorf("address: got %s, %v, want %s", got, err, want)
	}
}

func BenchmarkSign(b *testing.B) {
	d := seeded(5)
	k, hash := newKey(b, d), d.Hash()
	for b.Loop() {
		Sign(k, hash)
	}
}

func BenchmarkRecover(b *testing.B) {
	d := seeded(6)
	k := newKey(b, d)
	type signed struct {
		hash [32]byte
		sig  Signature
	}
	list := make([]signed, 64)
	for i := range list {
		list[i].hash = keccak.Sum256([]byte{byte(i)})
		list[i].sig = Sign(k, list[i].hash)
	}
	for _, impl := range []struct {
		name    string
		recover func([32]byte, Signature) (PublicKey, error)
	}{{"impl=dcrd", recoverDcrd}, {"impl=own", Recover}} {
		b.Run(impl.name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				s := &list[i%len(list)]
				if pub, err := impl.recover(s.hash, s.sig); err != nil || pub != k.Public() {
					b.Fatalf("got %x, %v", pub.Compressed(), err)
				}
				i++
			}
		})
	}
}
