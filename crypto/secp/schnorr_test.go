package secp

// BIP-340 against its published vectors, alone and in batches; every flipped bit refused; a batch agrees
// with single verification on seeded mixtures of good and bad signatures.

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
)

type schnorrVector struct {
	index       string
	secret, aux []byte
	item        SchnorrItem
	valid       bool
	comment     string
}

func schnorrVectors(t testing.TB) []schnorrVector {
	t.Helper()
	file, err := os.Open("testdata/bip340-test-vectors.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []schnorrVector
	for _, row := range rows[1:] {
		field := func(i int) []byte {
			b, err := hex.DecodeString(row[i])
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		list = append(list, schnorrVector{
			index: row[0], secret: field(1), aux: field(3), valid: row[6] == "TRUE", comment: row[7],
			item: SchnorrItem{Pub: [32]byte(field(2)), Msg: field(4), Sig: [64]byte(field(5))},
		})
	}
	return list
}

func TestSchnorrVectors(t *testing.T) {
	list := schnorrVectors(t)
	if got, want := len(list), 19; got != want {
		t.Fatalf("vectors: got %d, want %d", got, want)
	}
	for _, v := range list {
		err := VerifySchnorr(v.item.Pub, v.item.Msg, v.item.Sig)
		if got := err == nil; got != v.valid {
			t.Errorf("vector %s (%s): got %v, want valid %v", v.index, v.comment, err, v.valid)
		}
		for n := 1; n <= 2*sumMin; n++ {
			batch := slices.Repeat([]SchnorrItem{v.item}, n)
			if got := VerifySchnorrBatch(batch) == nil; got != v.valid {
				t.Errorf("vector %s in a batch of %d: got valid %v, want %v", v.index, n, got, v.valid)
			}
		}
		if len(v.secret) == 0 {
			continue
		}
		k, err := ParsePrivateKey([32]byte(v.secret))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Public().XOnly(); got != v.item.Pub {
			t.Errorf("vector %s: public key: got %x, want %x", v.index, got, v.item.Pub)
		}
		if got := SignSchnorr(k, v.item.Msg, [32]byte(v.aux)); got != v.item.Sig {
			t.Errorf("vector %s: signature: got %x, want %x", v.index, got, v.item.Sig)
		}
	}
}

func signedItems(t testing.TB, seed byte, n int) []SchnorrItem {
	t.Helper()
	d := seeded(seed)
	items := make([]SchnorrItem, n)
	for i := range items {
		k := newKey(t, d)
		msg := bytes.Repeat([]byte{byte(i)}, i%70)
		items[i] = SchnorrItem{Pub: k.Public().XOnly(), Msg: msg, Sig: SignSchnorr(k, msg, d.Hash())}
	}
	return items
}

func TestSchnorrFlippedBits(t *testing.T) {
	it := signedItems(t, 20, 40)[39]
	refuse := func(what string, b []byte) {
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			if err := VerifySchnorr(it.Pub, it.Msg, it.Sig); err == nil {
				t.Errorf("%s, bit %d flipped: accepted", what, i)
			}
			b[i/8] ^= 1 << (i % 8)
		}
	}
	refuse("public key", it.Pub[:])
	refuse("message", it.Msg)
	refuse("signature", it.Sig[:])
	if err := VerifySchnorr(it.Pub, it.Msg, it.Sig); err != nil {
		t.Errorf("untouched: %v", err)
	}
}

func TestSchnorrBatch(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 7, 16, 65, 130} {
		items := signedItems(t, 21, n)
		if err := VerifySchnorrBatch(items); err != nil {
			t.Fatalf("%d good items: %v", n, err)
		}
		for bad := 0; bad < n; bad += 1 + n/16 {
			for _, bit := range []int{3, 250, 258, 510} {
				items[bad].Sig[bit/8] ^= 1 << (bit % 8)
				if VerifySchnorrBatch(items) == nil {
					t.Fatalf("%d items, item %d with bit %d flipped: accepted", n, bad, bit)
				}
				items[bad].Sig[bit/8] ^= 1 << (bit % 8)
			}
		}
		if n > 1 {
			items[0].Pub, items[1].Pub = items[1].Pub, items[0].Pub
			if VerifySchnorrBatch(items) == nil {
				t.Fatalf("%d items with two keys exchanged: accepted", n)
			}
		}
	}
}

// Two errors that cancel in a plain sum must not cancel in the batch.
func TestSchnorrBatchErrorsDoNotCancel(t *testing.T) {
	items := signedItems(t, 22, 4)
	add := func(i int, delta byte) {
		s := &items[i].Sig
		s[63] += delta
	}
	for items[0].Sig[63] > 250 || items[1].Sig[63] < 5 {
		t.Fatal("choose another seed: the change would carry")
	}
	add(0, 1)
	add(1, 255)
	if VerifySchnorrBatch(items) == nil {
		t.Error("errors +1 and -1 in two s: accepted")
	}
}

func TestSchnorrBatchSameKeyAndRepeats(t *testing.T) {
	d := seeded(23)
	k := newKey(t, d)
	var items []SchnorrItem
	for i := range 12 {
		msg := []byte{byte(i / 2)}
		items = append(items, SchnorrItem{Pub: k.Public().XOnly(), Msg: msg, Sig: SignSchnorr(k, msg, [32]byte{})})
	}
	if err := VerifySchnorrBatch(items); err != nil {
		t.Errorf("one signer, repeated items: %v", err)
	}
}

// A second form s + n of a signature, if it fits, is refused for its range alone, in single and in sum.
func TestSchnorrScalarRange(t *testing.T) {
	for _, s := range []string{
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		items := signedItems(t, 28, sumMin+1)
		large := unhex32(t, s)
		copy(items[2].Sig[32:], large[:])
		if err := VerifySchnorr(items[2].Pub, items[2].Msg, items[2].Sig); !errors.Is(err, FaultRange) {
			t.Errorf("s = %s: got %v, want %v", s, err, FaultRange)
		}
		if err := VerifySchnorrBatch(items); !errors.Is(err, FaultRange) {
			t.Errorf("s = %s in a batch: got %v, want %v", s, err, FaultRange)
		}
	}
}

func TestParseSchnorrKey(t *testing.T) {
	for _, v := range schnorrVectors(t) {
		k, err := ParseSchnorrKey(v.item.Pub)
		if err != nil {
			if v.valid {
				t.Errorf("vector %s: %v", v.index, err)
			}
			continue
		}
		if got := k.Bytes(); got != v.item.Pub {
			t.Errorf("vector %s: got %x, want %x", v.index, got, v.item.Pub)
		}
		if got := k.Verify(v.item.Msg, v.item.Sig) == nil; got != v.valid {
			t.Errorf("vector %s: got valid %v, want %v", v.index, got, v.valid)
		}
	}
}

func FuzzVerifySchnorr(f *testing.F) {
	for _, v := range schnorrVectors(f) {
		f.Add(append(append(bytes.Clone(v.item.Pub[:]), v.item.Sig[:]...), v.item.Msg...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 96 {
			return
		}
		it := SchnorrItem{Pub: [32]byte(b), Sig: [64]byte(b[32:]), Msg: b[96:]}
		single := VerifySchnorr(it.Pub, it.Msg, it.Sig)
		batch := VerifySchnorrBatch(slices.Repeat([]SchnorrItem{it}, sumMin))
		if (single == nil) != (batch == nil) {
			t.Fatalf("single %v, batch %v", single, batch)
		}
		if single == nil {
			it.Sig[40] ^= 1
			if VerifySchnorr(it.Pub, it.Msg, it.Sig) == nil {
				t.Fatal("accepted with a flipped bit")
			}
		}
	})
}

func BenchmarkSignSchnorr(b *testing.B) {
	k := newKey(b, seeded(24))
	for b.Loop() {
		SignSchnorr(k, []byte("vote"), [32]byte{})
	}
}

func BenchmarkVerifySchnorr(b *testing.B) {
	it := signedItems(b, 25, 5)[4]
	k, err := ParseSchnorrKey(it.Pub)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("key=bytes", func(b *testing.B) {
		for b.Loop() {
			if err := VerifySchnorr(it.Pub, it.Msg, it.Sig); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("key=parsed", func(b *testing.B) {
		for b.Loop() {
			if err := k.Verify(it.Msg, it.Sig); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerifySchnorrBatch(b *testing.B) {
	for _, n := range []int{1, 4, 16, 67} {
		items := signedItems(b, 26, n)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				if err := VerifySchnorrBatch(items); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/signature")
		})
	}
}

func BenchmarkVerifySchnorrKeyBatch(b *testing.B) {
	for _, n := range []int{4, 16, 67} {
		items := make([]SchnorrKeyItem, n)
		for i, it := range signedItems(b, 27, n) {
			k, err := ParseSchnorrKey(it.Pub)
			if err != nil {
				b.Fatal(err)
			}
			items[i] = SchnorrKeyItem{Key: k, Msg: it.Msg, Sig: it.Sig}
		}
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				if err := VerifySchnorrKeyBatch(items); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/signature")
		})
	}
}
