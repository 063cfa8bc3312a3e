// The journal gives back every transaction, and refuses every damaged form.
package mempool

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

func saved(t testing.TB) (*Pool, ledger, []byte) {
	t.Helper()
	l := ledger{}
	for k := range 3 {
		l.set(k, 0, rich)
	}
	p := newPool(t, testOptions(), l)
	add(t, p, spec{key: 0, fee: 10})
	add(t, p, spec{key: 0, nonce: 1, fee: 12, data: 40, gas: 50_000})
	add(t, p, spec{key: 1, nonce: 4, fee: 10})
	if err := p.Add(spec{key: 2, fee: 10}.tx(t), true); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := p.Save(&out); err != nil {
		t.Fatal(err)
	}
	return p, l, out.Bytes()
}

func TestJournal(t *testing.T) {
	p, l, enc := saved(t)
	q := newPool(t, testOptions(), l)
	added, err := q.Load(bytes.NewReader(enc))
	if err != nil || added != 4 {
		t.Fatalf("load: got %d, %v, want 4", added, err)
	}
	check(t, q)
	if got, want := q.Stats(), p.Stats(); got != want {
		t.Fatalf("stats: got %+v, want %+v", got, want)
	}
	for _, s := range p.Content() {
		for _, tx := range append(s.Pending, s.Queued...) {
			if got, want := q.byHash[tx.Hash()], p.byHash[tx.Hash()]; got == nil || got.local != want.local {
				t.Fatalf("transaction %s came back as %+v", tx.Hash(), got)
			}
		}
	}
	// What was included meanwhile is passed over.
	l.set(0, 2, rich)
	if added, err := newPool(t, testOptions(), l).Load(bytes.NewReader(enc)); err != nil || added != 2 {
		t.Fatalf("load: got %d, %v, want 2", added, err)
	}
}

func TestJournalDamaged(t *testing.T) {
	_, l, enc := saved(t)
	q := newPool(t, testOptions(), l)
	for i := range enc {
		bad := bytes.Clone(enc)
		bad[i] ^= 4
		if _, err := q.Load(bytes.NewReader(bad)); err == nil {
			t.Fatalf("bit flipped in byte %d: want an error", i)
		}
		if _, err := q.Load(bytes.NewReader(enc[:i])); err == nil {
			t.Fatalf("cut to %d bytes: want an error", i)
		}
	}
	if got := q.Stats(); got.Pending+got.Queued != 0 {
		t.Fatalf("a damaged journal left %+v", got)
	}
}

// FuzzJournal puts a right hash behind the bytes, so that what is behind it is reached.
func FuzzJournal(f *testing.F) {
	_, _, enc := saved(f)
	body := enc[:len(enc)-sha256.Size]
	f.Add(body)
	f.Add(body[:len(body)-1])
	f.Add(append(bytes.Clone(body), 0))
	f.Add([]byte(journalTag + "\x00\x00\x00\x00"))
	f.Add([]byte(journalTag + "\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		got, err := decodeJournal(append(bytes.Clone(body), sum[:]...))
		if err != nil {
			return
		}
		const shortest = 1 + 4 + 10 // flag, length, a list of nine empty or one-byte items
		if len(got)*shortest > len(body) {
			t.Fatalf("%d transactions out of %d bytes", len(got), len(body))
		}
		for _, s := range got {
			if _, err := chain.DecodeTx(s.Tx.Encode()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
