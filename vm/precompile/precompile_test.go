package precompile

// What is tested beside the official tests of vm/statetest: the point of the ceremony against the setup of
// go-eth-kzg, BLAKE2 against golang.org/x/crypto, big powers against math/big, the sets of addresses, and
// that no input makes a contract panic.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	kzg "github.com/crate-crypto/go-eth-kzg"
	"golang.org/x/crypto/blake2b"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

func TestAddressesOfForks(t *testing.T) {
	for _, c := range []struct {
		f    fork.Fork
		want int
	}{{fork.Frontier, 4}, {fork.Byzantium, 8}, {fork.Istanbul, 9}, {fork.Cancun, 10}, {fork.Prague, 17}, {fork.Osaka, 18}} {
		s, n := New(c.f), 0
		s.Addresses(func(a chain.Address) {
			n++
			if s.At(&a) == nil {
				t.Errorf("%s: nothing at %s", c.f, a)
			}
		})
		if n != c.want {
			t.Errorf("%s: got %d contracts, want %d", c.f, n, c.want)
		}
		if s.At(&chain.Address{}) != nil || s.At(&chain.Address{0: 1, 19: 1}) != nil || s.At(&chain.Address{18: 2}) != nil {
			t.Errorf("%s: a contract where none is", c.f)
		}
	}
}

// A clone is changed alone, and what is warm from the start stays what the rule set says.
func TestPut(t *testing.T) {
	usual := New(fork.Osaka)
	clone := usual.Clone()
	identity, p256, far := chain.Address{19: 4}, chain.Address{18: 1}, chain.Address{0: 0xc0, 19: 1}
	moved := usual.At(&identity)
	clone.Put(far, moved)
	clone.Put(identity, nil)
	clone.Put(p256, moved)
	again := clone.Clone()
	again.Put(far, nil)
	for _, tc := range []struct {
		name string
		set  *Set
		addr chain.Address
		want *Contract
	}{
		{"moved away", clone, identity, nil},
		{"moved far", clone, far, moved},
		{"moved onto another", clone, p256, moved},
		{"of the usual set", usual, identity, moved},
		{"not in the usual set", usual, far, nil},
		{"taken away again", again, far, nil},
		{"of the first clone still", clone, far, moved},
	} {
		if got := tc.set.At(&tc.addr); got != tc.want {
			t.Errorf("%s: got %p, want %p", tc.name, got, tc.want)
		}
	}
	var warm, want []chain.Address
	again.Addresses(func(a chain.Address) { warm = append(warm, a) })
	usual.Addresses(func(a chain.Address) { want = append(want, a) })
	if !slices.Equal(warm, want) {
		t.Errorf("got %v, want %v", warm, want)
	}
}

func TestPointEvaluationAgainstSetup(t *testing.T) {
	ctx, err := kzg.NewContext4096Secure()
	if err != nil {
		t.Fatal(err)
	}
	var blob kzg.Blob
	for i := range 4096 {
		binary.BigEndian.PutUint64(blob[32*i+8:], uint64(i)*0x9e3779b97f4a7c15)
	}
	commitment, err := ctx.BlobToKZGCommitment(&blob, 1)
	if err != nil {
		t.Fatal(err)
	}
	z := kzg.Scalar{31: 77}
	proof, y, err := ctx.ComputeKZGProof(&blob, z, 1)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(commitment[:])
	hash[0] = 1
	in := bytes.Join([][]byte{hash[:], z[:], y[:], commitment[:], proof[:]}, nil)
	if out, ok := pointEvaluation(in); !ok || len(out) != 64 {
		t.Fatalf("a valid proof: got %x, %v", out, ok)
	}
	for _, i := range []int{0, 20, 63, 95, 143, 191} {
		bad := bytes.Clone(in)
		bad[i] ^= 1
		if _, ok := pointEvaluation(bad); ok {
			t.Errorf("accepted with byte %d changed", i)
		}
	}
}

func TestBlake2AgainstHash(t *testing.T) {
	message := []byte("abc")
	in := make([]byte, blake2Size)
	binary.BigEndian.PutUint32(in, 12)
	for i, word := range blakeIV {
		if i == 0 {
			word ^= 0x01010000 ^ 64 // parameters of an unkeyed hash of 64 bytes
		}
		binary.LittleEndian.PutUint64(in[4+8*i:], word)
	}
	copy(in[68:], message)
	in[196], in[212] = byte(len(message)), 1
	got, ok := blake2(in)
	want := blake2b.Sum512(message)
	if !ok || !bytes.Equal(got, want[:]) {
		t.Errorf("got %x, want %x", got, want)
	}
	in[212] = 2
	if _, ok := blake2(in); ok {
		t.Error("accepted a flag of 2")
	}
}

func TestModexp(t *testing.T) {
	input := func(base, exp, mod []byte) []byte {
		in := make([]byte, 96)
		in[31], in[63], in[95] = byte(len(base)), byte(len(exp)), byte(len(mod))
		return bytes.Join([][]byte{in, base, exp, mod}, nil)
	}
	c := modexp(fork.Osaka)
	for i := range int64(40) {
		base, exp, mod := big.NewInt(i*i*977+3), big.NewInt(i*31), big.NewInt(i*i*101)
		got, ok := c.Run(input(base.Bytes(), exp.Bytes(), mod.Bytes()))
		want := make([]byte, len(mod.Bytes()))
		if mod.Sign() > 0 {
			new(big.Int).Exp(base, exp, mod).FillBytes(want)
		}
		if !ok || !bytes.Equal(got, want) {
			t.Errorf("%d^%d mod %d: got %x, want %x", base, exp, mod, got, want)
		}
	}
	long := make([]byte, 96)
	binary.BigEndian.PutUint64(long[24:], modexpLengthMax+1)
	if got := c.Price(long); got != Never {
		t.Errorf("price beyond the bound: got %d, want never", got)
	}
	if got := c.Price(nil); got != 500 {
		t.Errorf("least price: got %d, want 500", got)
	}
}

func FuzzContract(f *testing.F) {
	for i := range byte(0x12) {
		for _, n := range []int{0, 64, 128, 160, 192, 213, 256, 288, 384, 512} {
			f.Add(byte(fork.Osaka), i, make([]byte, n))
			f.Add(byte(fork.Byzantium), i, bytes.Repeat([]byte{1}, n))
		}
	}
	f.Fuzz(func(t *testing.T, which, number byte, in []byte) {
		s := New(fork.Fork(which % byte(fork.Latest+1)))
		c := s.At(&chain.Address{19: number})
		if number == 0x12 {
			c = s.At(&chain.Address{18: 1})
		}
		if c == nil {
			return
		}
		before := bytes.Clone(in)
		if c.Price(in) > 200_000 {
			return
		}
		out, ok := c.Run(in)
		again, ok2 := c.Run(before)
		if ok != ok2 || !bytes.Equal(out, again) {
			t.Errorf("contract %d: two answers for one input", number)
		}
		if !bytes.Equal(in, before) {
			t.Errorf("contract %d changed its input", number)
		}
	})
}
