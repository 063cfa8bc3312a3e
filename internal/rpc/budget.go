package rpc

import (
	"errors"
	"io"
	"sync/atomic"
)

// budget bounds the bytes that requests and answers hold, over all callers: of bodies as far as they have
// come in, of answers until they are written. Policy when it is spent: refuse.
type budget struct {
	bytesMax int64
	used     atomic.Int64
}

// take reports whether n more bytes may be held, and counts them if so.
func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) <= b.bytesMax {
		return true
	}
	b.used.Add(-int64(n))
	return false
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

// errBudget ends the reading of a body for which there is no memory.
var errBudget = errors.New("the node is busy: requests and answers hold all the memory that they may, try again later")

// readAll reads a body to its end. What it gives has been taken from the budget, whether there was an error
// or not: the caller gives it back.
func (b *budget) readAll(r io.Reader) (body []byte, taken int, err error) {
	m := meter{from: r, budget: b}
	body, err = io.ReadAll(&m)
	return body, m.taken, err
}

// meter takes bytes from the budget as they come in, so that who sends slowly holds little.
type meter struct {
	from   io.Reader
	budget *budget
	taken  int
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if !m.budget.take(n) {
		return 0, errBudget
	}
	m.taken += n
	return n, err
}
