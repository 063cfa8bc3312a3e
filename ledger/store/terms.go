package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Term is the address of a log, or one topic at its position, as the index of logs knows it: eight bytes
// of a hash. Two may be equal by chance, so what is found by them is held against the logs.
type Term [8]byte

// AddressTerm gives the term of a log's address.
func AddressTerm(a chain.Address) Term { return term(0, a[:]) }

// TopicTerm gives the term of a topic at a position, the first is 0.
func TopicTerm(position int, topic chain.Hash) Term { return term(byte(1+position), topic[:]) }

func term(kind byte, value []byte) Term {
	var b [33]byte
	b[0] = kind
	sum := sha256.Sum256(b[:1+copy(b[1:], value)])
	return Term(sum[:8])
}

// TermsOf gives the terms of all logs of a block, sorted, each once.
func TermsOf(receipts []*chain.Receipt) []Term {
	var terms []Term
	for _, r := range receipts {
		for i := range r.Logs {
			terms = append(terms, AddressTerm(r.Logs[i].Address))
			for j := range r.Logs[i].Topics {
				terms = append(terms, TopicTerm(j, r.Logs[i].Topics[j]))
			}
		}
	}
	slices.SortFunc(terms, func(a, b Term) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(terms)
}

const termKeyBytes = 1 + 8 + heightBytes

func termKey(b []byte, t Term, h chain.Height) []byte {
	return binary.BigEndian.AppendUint64(append(append(b, kindTerm), t[:]...), uint64(h))
}

// putTerms writes the block into the index of logs.
func (c *Commit) putTerms(b *pebble.Batch) error {
	p := putter{b: b}
	key := make([]byte, 0, termKeyBytes)
	for _, t := range TermsOf(c.Receipts) {
		key = termKey(key[:0], t, c.Block.Header.Number)
		p.set(key, nil)
	}
	return p.err
}

// TermReader looks terms up in the index of logs. It is for one goroutine. Close it before its snapshot.
type TermReader struct {
	it  *pebble.Iterator
	key []byte
}

// Terms opens the index of logs.
func (s *Snapshot) Terms() (*TermReader, error) {
	it, err := s.snap.NewIter(&pebble.IterOptions{LowerBound: []byte{kindTerm}, UpperBound: []byte{kindTerm + 1}})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return &TermReader{it: it, key: make([]byte, 0, termKeyBytes)}, nil
}

// Seek gives the first height from a height on at which a block has a log with that term; found is false
// where there is none.
func (r *TermReader) Seek(t Term, from chain.Height) (h chain.Height, found bool, err error) {
	r.key = termKey(r.key[:0], t, from)
	if !r.it.SeekGE(r.key) {
		if err := r.it.Error(); err != nil {
			return 0, false, fmt.Errorf("database: %w", err)
		}
		return 0, false, nil
	}
	key := r.it.Key()
	if len(key) != termKeyBytes {
		return 0, false, damaged(key, errKey)
	}
	if Term(key[1:9]) != t {
		return 0, false, nil
	}
	return chain.Height(binary.BigEndian.Uint64(key[9:])), true, nil
}

// Close lets go of the index.
func (r *TermReader) Close() error { return r.it.Close() }

// HasTerm reports whether the index of logs names a block for a term.
func (s *Snapshot) HasTerm(t Term, h chain.Height) (bool, error) {
	_, err := get(s.reads, termKey(nil, t, h), copied)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

var errValue = errors.New("value where none belongs")

// CountTerms gives the number of rows in the index of logs, all of which have the right form.
func (s *Snapshot) CountTerms() (n uint64, err error) {
	err = s.each(kindTerm, func(key, value []byte) error {
		if len(key) != termKeyBytes {
			return damaged(key, errKey)
		}
		if len(value) > 0 {
			return damaged(key, errValue)
		}
		n++
		return nil
	})
	return n, err
}
