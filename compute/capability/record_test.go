package capability

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Records: they come back as they were written, whatever bytes come in; their signature covers all of them; their form and what is
// signed are locked.

func sample() *Record {
	return &Record{
		Genesis: chain.Hash{1}, Worker: chain.Address{2}, Session: 3, Seed: chain.Hash{4}, MeasuredMs: 5,
		Engine: "v1", System: "linux/amd64", Processor: "a processor", Processors: 8, MemoryMiB: 16_000, Engines: 2, Threads: 7,
		Path: "avx2", Paths: []string{"go", "avx2"}, Kernels: []Kernel{{"float32", 100_000_000_000}},
		Models: []Model{{chain.Hash{6}, chain.Hash{7}, 250_000, 28_800}},
	}
}

func key(t testing.TB, last byte) secp.PrivateKey {
	k, err := secp.ParsePrivateKey([32]byte{31: last})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignature(t *testing.T) {
	k, r := key(t, 7), sample()
	r.Worker = k.Public().Address()
	r.Sign(k)
	if err := r.Verify(); err != nil {
		t.Fatal(err)
	}
	encoded := r.Encode()
	for i := range encoded {
		bad := bytes.Clone(encoded)
		bad[i] ^= 1
		if got, err := Decode(bad); err == nil && got.Verify() == nil {
			t.Errorf("byte %d changed: the signature holds", i)
		}
	}
	r.Sign(key(t, 8))
	if err := r.Verify(); err == nil || !strings.Contains(err.Error(), "not by its worker") {
		t.Errorf("signed by another: got %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, r := range []*Record{sample(), {}} {
		got, err := Decode(r.Encode())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
	}
	full := sample()
	full.Engine, full.System, full.Processor = strings.Repeat("e", TextBytesMax), strings.Repeat("s", TextBytesMax), strings.Repeat("p", TextBytesMax)
	for len(full.Models) < ModelsMax {
		full.Models = append(full.Models, full.Models[0])
	}
	for len(full.Kernels) < KernelsMax {
		full.Kernels = append(full.Kernels, Kernel{strings.Repeat("k", TextBytesMax), 1})
	}
	if n := len(full.Encode()); n > 8<<10 {
		t.Errorf("the largest record has %d bytes: the registry takes 8,192", n)
	}
}

func TestDecodeRefuses(t *testing.T) {
	long := sample()
	long.Processor = strings.Repeat("p", TextBytesMax+1)
	odd := sample()
	odd.Engine = "\xff"
	many := sample()
	for range ModelsMax {
		many.Models = append(many.Models, Model{})
	}
	other := sample().Encode()
	other[0] = Version + 1
	for name, b := range map[string][]byte{
		"long text": long.Encode(), "no UTF-8": odd.Encode(), "too many models": many.Encode(), "other version": other,
		"nothing": nil, "cut short": sample().Encode()[:100], "more than a record": append(sample().Encode(), 0),
	} {
		if r, err := Decode(b); err == nil {
			t.Errorf("%s: got %+v, want an error", name, r)
		}
	}
	if _, err := Decode(odd.Encode()); !errors.Is(err, ErrText) {
		t.Errorf("no UTF-8: got %v, want %v", err, ErrText)
	}
}

func TestSameMachine(t *testing.T) {
	was, now := sample(), sample()
	now.Session, now.MeasuredMs, now.Models, now.Kernels = 9, 9, nil, nil
	if !was.SameMachine(now) {
		t.Error("measured anew: another machine")
	}
	now.Engine = "v2"
	if was.SameMachine(now) {
		t.Error("another version of the program: the same machine")
	}
}

// AIWORK_REWRITE=1 writes the file anew, and the difference is to be read: it is a change of the protocol.
func TestConformance(t *testing.T) {
	const path = "testdata/conformance.txt"
	r := sample()
	digest := r.digest()
	seed := Seed(r.Genesis, r.Session, r.Seed, r.Worker, r.Models[0].ID)
	got := "record " + hex.EncodeToString(r.Encode()) + "\ndigest " + hex.EncodeToString(digest[:]) + "\nhash " + Hash(r.Encode()).String() +
		"\nseed " + hex.EncodeToString(seed[:]) + "\nanswer " + Answer([]byte("output")).String() + "\n"
	if os.Getenv("AIWORK_REWRITE") == "1" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Add((&Record{}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := Decode(b); err == nil && !bytes.Equal(r.Encode(), b) {
			t.Errorf("got %x, want %x", r.Encode(), b)
		}
	})
}
