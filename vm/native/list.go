package native

import "github.com/aiwork/aiwork-node/internal/chain"

// List is a set of words in slots that can be enumerated. Add and Remove touch a fixed number of slots;
// Remove moves the last element into the gap, so the order is that of the changes and equal everywhere.
type List struct{ table string }

// NewList gives the list that lives under a table's name, whose keys must not be used otherwise.
func NewList(table string) List { return List{table} }

func (l List) base() chain.Hash { return Key(l.table) }

// place is where the index of an element is kept, plus one.
func (l List) place(element chain.Hash) chain.Hash { return Key(l.table+"/at", element[:]) }

// Len gives the number of elements.
func (l List) Len(c *Call) uint64 { return c.Uint64(l.base()) }

// At gives the element at place i, which must be below Len.
func (l List) At(c *Call, i uint64) chain.Hash { return c.Get(At(l.base(), 1+i)) }

// Has reports whether element is in the list.
func (l List) Has(c *Call, element chain.Hash) bool { return c.Uint64(l.place(element)) != 0 }

// Add appends element unless it is there.
func (l List) Add(c *Call, element chain.Hash) {
	if l.Has(c, element) {
		return
	}
	n := l.Len(c)
	c.Set(At(l.base(), 1+n), element)
	c.SetUint64(l.place(element), n+1)
	c.SetUint64(l.base(), n+1)
}

// Remove takes element out if it is there.
func (l List) Remove(c *Call, element chain.Hash) {
	at := c.Uint64(l.place(element))
	if at == 0 || c.Failed() {
		return
	}
	n := l.Len(c)
	last := l.At(c, n-1)
	if last != element {
		c.Set(At(l.base(), at), last)
		c.SetUint64(l.place(last), at)
	}
	c.Set(At(l.base(), n), chain.Hash{})
	c.SetUint64(l.place(element), 0)
	c.SetUint64(l.base(), n-1)
}
