package native

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// ABI coding: known encodings, strictness, and by fuzzing that what is accepted has one encoding.

func TestSelector(t *testing.T) {
	// Published selectors of the ERC-20 standard.
	for sig, want := range map[string]string{
		"transfer(address,uint256)": "a9059cbb", "balanceOf(address)": "70a08231", "Error(string)": "08c379a0",
	} {
		sel := Selector(sig)
		if got := hex.EncodeToString(sel[:]); got != want {
			t.Errorf("%s: got %s, want %s", sig, got, want)
		}
	}
	topic := Topic("Transfer(address,address,uint256)")
	if got, want := hex.EncodeToString(topic[:]), "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"; got != want {
		t.Errorf("topic: got %s, want %s", got, want)
	}
}

// The example of the ABI specification: f(uint256,uint32[],bytes10,bytes) in types that we have.
func TestEncode(t *testing.T) {
	e := NewEncoder("(uint256,uint64[],bytes32,bytes)")
	e.Uint256(uint256.NewInt(0x123))
	e.Uint64s([]uint64{0x456, 0x789})
	e.Hash(chain.Hash{'1', '2', '3', '4', '5', '6', '7', '8', '9', '0'})
	e.Bytes([]byte("Hello, world!"))
	want := "0000000000000000000000000000000000000000000000000000000000000123" +
		"0000000000000000000000000000000000000000000000000000000000000080" +
		"3132333435363738393000000000000000000000000000000000000000000000" +
		"00000000000000000000000000000000000000000000000000000000000000e0" +
		"0000000000000000000000000000000000000000000000000000000000000002" +
		"0000000000000000000000000000000000000000000000000000000000000456" +
		"0000000000000000000000000000000000000000000000000000000000000789" +
		"000000000000000000000000000000000000000000000000000000000000000d" +
		"48656c6c6f2c20776f726c642100000000000000000000000000000000000000"
	if got := hex.EncodeToString(e.Out()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

const allTypes = "(uint8,uint16,uint32,uint64,uint256,address,bytes32,bool,bytes,string,bytes32[],address[],uint64[],uint256[],bytes[])"

// everything is a value of each type.
type everything struct {
	small   [4]uint64
	big     uint256.Int
	addr    chain.Address
	hash    chain.Hash
	yes     bool
	bytes   []byte
	text    string
	hashes  []chain.Hash
	addrs   []chain.Address
	numbers []uint64
	amounts []uint256.Int
	nested  [][]byte
}

func (v *everything) encode() []byte {
	e := NewEncoder(allTypes)
	for _, n := range v.small {
		e.Uint64(n)
	}
	e.Uint256(&v.big)
	e.Address(v.addr)
	e.Hash(v.hash)
	e.Bool(v.yes)
	e.Bytes(v.bytes)
	e.String(v.text)
	e.Hashes(v.hashes)
	e.Addresses(v.addrs)
	e.Uint64s(v.numbers)
	e.Uint256s(v.amounts)
	e.BytesList(v.nested)
	return e.Out()
}

func decodeEverything(b []byte) (v everything, err error) {
	d := NewDecoder(allTypes, b)
	for i := range v.small {
		v.small[i] = d.Uint64()
	}
	v.big, v.addr, v.hash, v.yes = d.Uint256(), d.Address(), d.Hash(), d.Bool()
	v.bytes, v.text = d.Bytes(100), d.String(100)
	v.hashes, v.addrs, v.numbers, v.amounts = d.Hashes(9), d.Addresses(9), d.Uint64s(9), d.Uint256s(9)
	v.nested = d.BytesList(9, 70)
	return v, d.End()
}

func sample() *everything {
	return &everything{
		small: [4]uint64{255, 65535, 1<<32 - 1, 1<<64 - 1}, addr: chain.Address{1, 19: 2}, hash: chain.Hash{3},
		yes: true, bytes: []byte("thirty-three bytes of text, or so"), text: "text", hashes: []chain.Hash{{1}, {2}},
		addrs: []chain.Address{{5}}, numbers: []uint64{1, 2, 3}, amounts: []uint256.Int{*uint256.NewInt(7)},
		nested: [][]byte{{}, {1}, bytes.Repeat([]byte{2}, 64)},
	}
}

func TestStrict(t *testing.T) {
	good := sample().encode()
	if _, err := decodeEverything(good); err != nil {
		t.Fatal(err)
	}
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for _, c := range []struct {
		name string
		in   []byte
		want Fault
	}{
		{"empty", nil, FaultShort},
		{"cut", good[:len(good)-1], FaultShort},
		{"word cut", good[:len(good)-32], FaultShort},
		{"byte more", append(bytes.Clone(good), 0), FaultTrailing},
		{"word more", append(bytes.Clone(good), make([]byte, 32)...), FaultTrailing},
		{"uint8 of 256", edit(func(b []byte) []byte { b[30] = 1; return b }), FaultPadding},
		{"address with a high byte", edit(func(b []byte) []byte { b[5*32] = 1; return b }), FaultPadding},
		{"bool of 2", edit(func(b []byte) []byte { b[7*32+31] = 2; return b }), FaultPadding},
		{"offset elsewhere", edit(func(b []byte) []byte { b[8*32+31] += 32; return b }), FaultOffset},
		{"offset above 64 bits", edit(func(b []byte) []byte { b[8*32] = 1; return b }), FaultPadding},
		{"length above the limit", edit(func(b []byte) []byte { b[15*32+31] = 101; return b }), FaultLimit},
		{"padding not zero", edit(func(b []byte) []byte { b[15*32+32+33] = 1; return b }), FaultPadding},
	} {
		if _, err := decodeEverything(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestReason(t *testing.T) {
	r := NewRevert("not enough")
	d := NewInputDecoder("Error(string)", r.Data)
	if got := d.String(100); got != "not enough" || d.End() != nil {
		t.Errorf("got %q, %v", got, d.Err())
	}
	if got := len(NewRevert(string(make([]byte, 1000))).Reason); got != ReasonBytesMax {
		t.Errorf("long reason: got %d bytes, want %d", got, ReasonBytesMax)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().encode())
	f.Add((&everything{}).encode())
	for _, at := range []int{30, 8*32 + 31, 15*32 + 31, 20*32 + 31, 40 * 32} {
		b := sample().encode()
		b[at] ^= 1
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeEverything(b)
		if err != nil {
			return
		}
		if got := v.encode(); !bytes.Equal(got, b) {
			t.Fatalf("encoded again: got %x, want %x", got, b)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	in := sample().encode()
	for b.Loop() {
		decodeEverything(in)
	}
}
