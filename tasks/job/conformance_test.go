package job

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The forms that workers, auditors and the contract must agree on are locked: a change here is a change of
// the protocol. AIWORK_REWRITE=1 writes the file anew, and the difference is to be read.
func TestConformance(t *testing.T) {
	const path = "testdata/conformance.txt"
	got := conformance()
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

func conformance() string {
	var b strings.Builder
	line := func(name string, v any) { fmt.Fprintf(&b, "%s %v\n", name, v) }
	p := Place{Genesis: chain.Hash{1}, Job: 2, Batch: 3, Attempt: 1}
	who, salt := chain.Address{4}, chain.Hash{5}
	outs := [][]byte{Output{Result: []byte("a")}.Encode(), Output{Fault: FaultTruncated}.Encode(), Output{Result: []byte("c")}.Encode()}
	hashes := []chain.Hash{OutputHash(outs[0]), OutputHash(outs[1])}
	line("outputHash", hashes[0])
	line("itemSalt", ItemSalt(salt, 7))
	line("root", Root(p, who, 6, salt, outs))
	line("attestation", Attestation(p, who, salt, hashes))
	line("sampleDigest", SampleDigest(hashes))
	for kind := DrawWorker; kind <= DrawWider; kind++ {
		line(fmt.Sprintf("drawSeed/%d", kind), chain.Hash(DrawSeed(kind, [32]byte{8}, p, 9)))
	}
	line("sample", fmt.Sprintf("%b", Sample([32]byte{8}, 32, 250_000)))
	o := NewOrder([32]byte{8}, []Runner{{chain.Address{1}, 5}, {chain.Address{2}, 1}, {chain.Address{3}, 9}, {chain.Address{4}, 2}})
	for r, ok := o.Next(); ok; r, ok = o.Next() {
		line("order", r.Address)
	}
	line("key/job", jobKey(1))
	line("key/batch", batchKey(1, 2))
	line("key/output", outputKey(1, 2))
	j := Job{State: Open, Requester: who, Price: *uint256.NewInt(7), Items: 8, Tips: *uint256.NewInt(9)}
	line("record/job", fmt.Sprintf("%x", j.encode()))
	bt := Batch{State: Auditing, First: 4, Count: 2, Worker: who, Asked: 3, Sample: 3, Auditors: 2, Root: chain.Hash{6}}
	line("record/batch", fmt.Sprintf("%x", bt.encode()))
	a := Auditor{Address: who, Weight: 10, Paid: true}
	line("record/auditor", a.word())
	for k := JobCreated; k < eventEnd; k++ {
		line("topic/"+k.String(), native.Topic(k.event().Signature))
	}
	for _, m := range Module().Methods {
		sel := native.Selector(m.Signature)
		line("selector/"+m.Signature, fmt.Sprintf("%x", sel))
	}
	return b.String()
}

// Records come back as they were written.
func FuzzJobRecord(f *testing.F) {
	j := Job{State: Open, Items: 8, Price: *uint256.NewInt(7), Started: true, Tips: *uint256.NewInt(9)}
	f.Add(j.encode())
	f.Add(make([]byte, jobSize))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) != jobSize {
			return
		}
		if j, ok := reread(raw); ok && string(j.encode()) != string(raw) {
			t.Fatalf("got %x, want %x", j.encode(), raw)
		}
	})
}

// reread decodes a job's record as loadJob does; ok is false for bytes that no record has.
func reread(raw []byte) (j Job, ok bool) {
	c := native.Inspect(words(raw), chain.AddrJobs)
	j, _ = loadJob(c, 1)
	started := raw[jobSize-7*16-3]
	return j, started <= 1
}

// words is a reader of one record that lies at the key of job 1.
type words []byte

func (w words) Slot(_ chain.Address, key chain.Hash) (out chain.Hash, err error) {
	for i := 0; 32*i < len(w); i++ {
		if key == native.At(jobKey(1), uint64(i)) {
			copy(out[:], w[32*i:])
		}
	}
	return out, nil
}
