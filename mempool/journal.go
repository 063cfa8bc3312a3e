package mempool

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	journalTag = "aiwork/pool/1"
	// JournalSizeMax is the greatest length of a journal that is read.
	JournalSizeMax = 1 << 30
	// JournalTxsMax is the greatest number of transactions in a journal.
	JournalTxsMax = 1 << 22
)

// Save writes all transactions, each sender's in the order of their nonces, for Load. The form is a
// tag, a count, for each transaction whether it is local and its bytes, and the SHA-256 hash of all
// before it.
func (p *Pool) Save(w io.Writer) error {
	enc := p.encode()
	sum := sha256.Sum256(enc)
	if _, err := w.Write(append(enc, sum[:]...)); err != nil {
		return fmt.Errorf("mempool journal: %w", err)
	}
	return nil
}

func (p *Pool) encode() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := codec.NewWriter(64 + p.bytes + 5*len(p.byHash) + sha256.Size)
	w.Fixed([]byte(journalTag))
	w.Count(len(p.byHash))
	for _, a := range p.worst.nodes {
		for _, e := range a.txs {
			w.Bool(e.local)
			w.Bytes(e.tx.Encode())
		}
	}
	return w.Out()
}

// Saved is a transaction of a journal.
type Saved struct {
	Tx    *chain.Tx
	Local bool
}

// ReadJournal reads what Save wrote. Signatures are not checked: recover the senders and add the
// transactions, or call Load.
func ReadJournal(r io.Reader) ([]Saved, error) {
	b, err := io.ReadAll(io.LimitReader(r, JournalSizeMax+1))
	if err != nil {
		return nil, fmt.Errorf("mempool journal: %w", err)
	}
	saved, err := decodeJournal(b)
	if err != nil {
		return nil, fmt.Errorf("mempool journal: %w; delete it: it holds waiting transactions only", err)
	}
	return saved, nil
}

var errJournal = errors.New("damaged or of another version")

func decodeJournal(b []byte) ([]Saved, error) {
	n := len(b) - sha256.Size
	if n < len(journalTag) || n > JournalSizeMax || !bytes.HasPrefix(b, []byte(journalTag)) {
		return nil, errJournal
	}
	if sum := sha256.Sum256(b[:n]); !bytes.Equal(sum[:], b[n:]) {
		return nil, errJournal
	}
	r := codec.NewReader(b[len(journalTag):n])
	var saved []Saved
	for range r.Count(JournalTxsMax) {
		local := r.Bool()
		enc := r.Bytes(chain.TxSizeMax)
		if r.Err() != nil {
			break
		}
		tx, err := chain.DecodeTx(enc)
		if err != nil {
			return nil, err
		}
		saved = append(saved, Saved{tx, local})
	}
	return saved, r.End()
}

// Load adds the transactions of a journal and tells how many were taken in; those that are included or
// no longer valid are passed over.
func (p *Pool) Load(r io.Reader) (added int, err error) {
	saved, err := ReadJournal(r)
	if err != nil {
		return 0, err
	}
	for _, s := range saved {
		if p.Add(s.Tx, s.Local) == nil {
			added++
		}
	}
	return added, nil
}
