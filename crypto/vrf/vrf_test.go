package vrf

// The one core under three instances: the draft's form over secp256k1 (46 public vectors), the RFC's form
// over P-256 (appendix B.1), the RFC's form over secp256k1 (two proofs made by a second implementation).
// Then our own suite: every flipped bit refused, every non-canonical form refused, a fixed output.

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/dice"
)

type vector struct {
	SK    string `json:"sk"`
	PK    string `json:"pk"`
	Alpha string `json:"alpha"`
	Pi    string `json:"pi"`
	Beta  string `json:"beta"`
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkVector proves and verifies one vector with any instance of the core.
func checkVector[P any, C curve[P]](t *testing.T, s scheme[P, C], v vector) {
	t.Helper()
	var sk scalar
	raw := unhex(t, v.SK)
	copy(sk[len(sk)-len(raw):], raw)
	alpha := unhex(t, v.Alpha)
	pk := s.curve.encode(s.curve.mul(&sk, s.curve.generator()))
	if got := hex.EncodeToString(pk[:]); got != v.PK {
		t.Fatalf("public key of %s: got %s, want %s", v.SK, got, v.PK)
	}
	proof, beta := s.prove(&sk, pk, alpha)
	if got := hex.EncodeToString(proof[:]); got != v.Pi {
		t.Fatalf("proof of %q under %s: got %s, want %s", alpha, v.SK, got, v.Pi)
	}
	if got := hex.EncodeToString(beta[:]); got != v.Beta {
		t.Fatalf("output of %q under %s: got %s, want %s", alpha, v.SK, got, v.Beta)
	}
	if got, err := s.verify(pk, alpha, proof); err != nil || got != beta {
		t.Fatalf("verified %q under %s: got %x, %v, want %x", alpha, v.SK, got, err, beta)
	}
	proof[ProofSize-1] ^= 1
	if _, err := s.verify(pk, alpha, proof); !errors.Is(err, FaultProof) {
		t.Fatalf("changed proof of %q under %s: got %v, want %v", alpha, v.SK, err, FaultProof)
	}
}

func TestDraftVectorsSecp256k1(t *testing.T) {
	raw, err := os.ReadFile("testdata/ecvrf-secp256k1-sha256-tai-draft.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	if got, want := len(list), 46; got != want {
		t.Fatalf("vectors: got %d, want %d", got, want)
	}
	for _, v := range list {
		checkVector(t, scheme[secpPoint, secpCurve]{suite: "\xFE", form: formDraft06}, v)
	}
}

func TestRFC9381VectorsP256(t *testing.T) {
	const (
		sk = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
		pk = "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
	)
	for _, v := range []vector{
		{ // example 10
			sk, pk, hex.EncodeToString([]byte("sample")),
			"035b5c726e8c0e2c488a107c600578ee75cb702343c153cb1eb8dec77f4b5071b4a53f0a46f018bc2c56e58d383f2305e0975972c26feea0eb122fe7893c15af376b33edf7de17c6ea056d4d82de6bc02f",
			"a3ad7b0ef73d8fc6655053ea22f9bede8c743f08bbed3d38821f0e16474b505e",
		},
		{ // example 11
			sk, pk, hex.EncodeToString([]byte("test")),
			"034dac60aba508ba0c01aa9be80377ebd7562c4a52d74722e0abae7dc3080ddb56c19e067b15a8a8174905b13617804534214f935b94c2287f797e393eb0816969d864f37625b443f30f1a5a33f2b3c854",
			"a284f94ceec2ff4b3794629da7cbafa49121972671b466cab4ce170aa365f26d",
		},
		{ // example 12
			"2ca1411a41b17b24cc8c3b089cfd033f1920202a6c0de8abb97df1498d50d2c8",
			"03596375e6ce57e0f20294fc46bdfcfd19a39f8161b58695b3ec5b3d16427c274d",
			hex.EncodeToString([]byte("Example using ECDSA key from Appendix L.4.2 of ANSI.X9-62-2005")),
			"03d03398bf53aa23831d7d1b2937e005fb0062cbefa06796579f2a1fc7e7b8c667d091c00b0f5c3619d10ecea44363b5a599cadc5b2957e223fec62e81f7b4825fc799a771a3d7334b9186bdbee87316b1",
			"90871e06da5caa39a3c61578ebb844de8635e27ac0b13e829997d0d95dd98c19",
		},
	} {
		checkVector(t, scheme[bigPoint, p256]{suite: "\x01", form: formRFC9381}, v)
	}
}

func TestRFCFormSecp256k1(t *testing.T) {
	const (
		sk = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
		pk = "032c8c31fc9f990c6b55e3865a184a4ce50e09481f2eaeb3e60ec1cea13a6ae645"
	)
	for _, v := range []vector{
		{
			sk, pk, hex.EncodeToString([]byte("sample")),
			"0338ec99b5d0f94ebcc2c704c04af3de8b4289df8798e5fb9f920d7f5d77ac03d7718b9677d1c9348649ac2ec4f7ecbe519b30dd10c4eb5efc21dd5944709f2f3b7e97a25f6f095334593502d05103bc5b",
			"d466c22e14dc3b7fd169668dd3ee9ac6351429a24aebc5e8af61a0f0de89b65a",
		},
		{
			sk, pk, hex.EncodeToString([]byte("test")),
			"020ead2dc62f604a6ae2003b6c3012cf7ce2988dedf7606110e66edd5bb7f4b17bec303fd0bff5bfdff67ff6e4b6d4775d9efbe999f4d2467b61ab58659b6385c1a6c55fe84d1bb56c70152856a641364f",
			"20b81616f3a3a4c51986e61f3b8e8e80d84f7fa0e05933bd0317150a5a250c09",
		},
	} {
		checkVector(t, scheme[secpPoint, secpCurve]{suite: "\xFE", form: formRFC9381}, v)
	}
}

func testKey(t testing.TB, seed byte) (secp.PrivateKey, [33]byte) {
	t.Helper()
	k, err := secp.ParsePrivateKey(dice.New([32]byte{seed}).Hash())
	if err != nil {
		t.Fatal(err)
	}
	return k, k.Public().Compressed()
}

// The suite's outputs are fixed: a change here changes the protocol.
func TestOurSuite(t *testing.T) {
	k, err := secp.ParsePrivateKey([32]byte(unhex(t, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")))
	if err != nil {
		t.Fatal(err)
	}
	proof, beta := Prove(k, []byte("sample"))
	got := fmt.Sprintf("%x %x", proof, beta)
	const want = "03192db5de03dbd51cdcdb1c7f0845044acaaf14c44312cea143c60edde570f41034983e4fe05720a3a84303e27dd0798" +
		"9fbd5ccec13e6fffb044a7bac90c7eb4eafb18c82c6359fbea799f0d7c15568d6 " +
		"a1428909d935b44f3a74d2979899e29d9974e636e0fcc382f5261cbfa1d7c2b9"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProveVerify(t *testing.T) {
	seen := map[[32]byte]bool{}
	for i := range 40 {
		k, pk := testKey(t, byte(i))
		alpha := []byte{byte(i), 1, 2, 3}[:i%5]
		proof, beta := Prove(k, alpha)
		got, err := Verify(pk, alpha, proof)
		if err != nil || got != beta {
			t.Fatalf("key %d: got %x, %v, want %x", i, got, err, beta)
		}
		if seen[beta] {
			t.Fatalf("key %d: output %x seen before", i, beta)
		}
		seen[beta] = true
	}
}

func TestFlippedBits(t *testing.T) {
	k, pk := testKey(t, 50)
	alpha := []byte("view 7 of session 9")
	proof, _ := Prove(k, alpha)
	refuse := func(what string, b []byte) {
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			if beta, err := Verify(pk, alpha, proof); err == nil || beta != [32]byte{} {
				t.Errorf("%s, bit %d flipped: got %x, %v", what, i, beta, err)
			}
			b[i/8] ^= 1 << (i % 8)
		}
	}
	refuse("proof", proof[:])
	refuse("key", pk[:])
	refuse("alpha", alpha)
	if _, err := Verify(pk, alpha, proof); err != nil {
		t.Errorf("untouched: %v", err)
	}
}

func TestFaults(t *testing.T) {
	k, pk := testKey(t, 51)
	alpha := []byte("alpha")
	good, _ := Prove(k, alpha)
	with := func(at int, b ...byte) [ProofSize]byte {
		p := good
		copy(p[at:], b)
		return p
	}
	order := secpCurve{}.order()
	ones := make([]byte, 32)
	for i := range ones {
		ones[i] = 0xff
	}
	for _, c := range []struct {
		name  string
		pk    [33]byte
		proof [ProofSize]byte
		want  Fault
	}{
		{"key all zero", [33]byte{}, good, FaultKey},
		{"key with prefix 4", [33]byte(append([]byte{4}, pk[1:]...)), good, FaultKey},
		{"key x from p on", [33]byte(append([]byte{2}, ones...)), good, FaultKey},
		{"gamma identity", pk, with(0, make([]byte, 33)...), FaultGamma},
		{"gamma prefix 0", pk, with(0, 0), FaultGamma},
		{"gamma x from p on", pk, with(1, ones...), FaultGamma},
		{"s = q", pk, with(49, order[:]...), FaultScalar},
		{"s = 2^256 - 1", pk, with(49, ones...), FaultScalar},
		{"s = 0", pk, with(49, make([]byte, 32)...), FaultProof},
		{"c = 0", pk, with(33, make([]byte, 16)...), FaultProof},
		{"c = s = 0", pk, with(33, make([]byte, 48)...), FaultProof},
	} {
		if _, err := Verify(c.pk, alpha, c.proof); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Verify(pk, []byte("other"), good); !errors.Is(err, FaultProof) {
		t.Errorf("other input: got %v, want %v", err, FaultProof)
	}
}

// The nonce agrees with dcrd's RFC 6979, also for hashes from the order on.
func TestNonceLikeDcrd(t *testing.T) {
	d, order := dice.New([32]byte{52}), secpCurve{}.order()
	for i := range 200 {
		sk, hash := d.Hash(), d.Hash()
		if i%4 == 0 {
			copy(hash[:], order[:30])
		}
		if i%8 == 0 {
			copy(hash[:16], []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
		}
		got, want := nonce(&sk, hash, order), dcr.NonceRFC6979(sk[:], hash[:], nil, nil, 0).Bytes()
		reduced := reduce(hash, order)
		if reduced != hash {
			want = dcr.NonceRFC6979(sk[:], reduced[:], nil, nil, 0).Bytes()
		}
		if got != want {
			t.Fatalf("nonce %d: got %x, want %x", i, got, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	k, pk := testKey(f, 53)
	alpha := []byte("fuzz")
	proof, beta := Prove(k, alpha)
	for _, at := range []int{-1, 0, 5, 32, 33, 48, 49, 80} {
		p := proof
		if at >= 0 {
			p[at] ^= 2
		}
		f.Add(pk[:], alpha, p[:])
	}
	f.Add(pk[:], []byte{}, proof[:])
	f.Fuzz(func(t *testing.T, key, a, p []byte) {
		if len(key) != 33 || len(p) != ProofSize {
			return
		}
		got, err := Verify([33]byte(key), a, [ProofSize]byte(p))
		same := [33]byte(key) == pk && string(a) == string(alpha) && [ProofSize]byte(p) == proof
		if (err == nil) != same {
			t.Fatalf("key %x, input %x, proof %x: got %v", key, a, p, err)
		}
		if same && got != beta {
			t.Fatalf("output: got %x, want %x", got, beta)
		}
	})
}

func BenchmarkProve(b *testing.B) {
	k, _ := testKey(b, 54)
	for b.Loop() {
		Prove(k, []byte("benchmark"))
	}
}

func BenchmarkVerify(b *testing.B) {
	k, pk := testKey(b, 54)
	proof, _ := Prove(k, []byte("benchmark"))
	for b.Loop() {
		if _, err := Verify(pk, []byte("benchmark"), proof); err != nil {
			b.Fatal(err)
		}
	}
}
