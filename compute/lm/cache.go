package lm

import (
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/internal/must"
)

// PageLen is the number of positions of a page: a segment of AIW-2, so that no chain crosses a page.
const PageLen = kernel.SegmentLen

// ErrCacheFull says that no page is free: the caller ends a sequence, or waits until one has ended.
var ErrCacheFull = errors.New("no page of the cache of keys and values is free")

// A Cache holds the keys and values of sequences in pages that they share. It is not safe for concurrent use.
//
// A page has, for each layer and head, keys as panels of 32 positions and values as panels of 32 dimensions.
type Cache struct {
	pagesMax             int
	made                 int
	free                 []page
	layers, heads        int
	keyFloats, valFloats int // of one head in one page
	headDim              int
}

type page []float32

// NewCache makes a cache of at most pagesMax pages; they are made when they are first needed.
func NewCache(c Config, pagesMax int) *Cache {
	wide := (c.HeadDim + kernel.PanelWidth - 1) / kernel.PanelWidth * kernel.PanelWidth
	return &Cache{
		pagesMax: pagesMax, layers: c.Layers, heads: c.KeyHeads, headDim: c.HeadDim,
		keyFloats: PageLen * c.HeadDim, valFloats: PageLen * wide,
	}
}

// PageBytes is the memory that one page takes.
func (c *Cache) PageBytes() int { return 4 * c.layers * c.heads * (c.keyFloats + c.valFloats) }

// FreePages is the number of pages that can still be taken.
func (c *Cache) FreePages() int { return c.pagesMax - c.made + len(c.free) }

// A Sequence is the positions that a text has taken so far. Make it with NewSequence and give its pages back with
// Release.
type Sequence struct {
	cache  *Cache
	pages  []page
	length int
}

// NewSequence begins an empty sequence.
func (c *Cache) NewSequence() *Sequence { return &Sequence{cache: c} }

// Len is the number of positions taken.
func (s *Sequence) Len() int { return s.length }

// Release gives all pages back; the sequence is empty then.
func (s *Sequence) Release() { s.Truncate(0) }

// Truncate forgets the positions from n on.
func (s *Sequence) Truncate(n int) {
	must.Hold(n >= 0 && n <= s.length, "truncated to more than there is")
	s.length = n
	keep := (n + PageLen - 1) / PageLen
	s.cache.free = append(s.cache.free, s.pages[keep:]...)
	clear(s.pages[keep:])
	s.pages = s.pages[:keep]
}

// reserve makes room for n more positions, or takes nothing.
func (s *Sequence) reserve(n int) error {
	need := (s.length+n+PageLen-1)/PageLen - len(s.pages)
	if free := s.cache.FreePages(); need > free {
		return fmt.Errorf("%w: %d needed, %d free of %d", ErrCacheFull, need, free, s.cache.pagesMax)
	}
	for range need {
		s.pages = append(s.pages, s.cache.take())
	}
	return nil
}

func (c *Cache) take() page {
	if n := len(c.free); n > 0 {
		p := c.free[n-1]
		c.free = c.free[:n-1]
		return p
	}
	c.made++
	return make(page, c.PageBytes()/4)
}

// keys gives the panels of a head's keys in page p: keys[panel][dimension][position].
func (s *Sequence) keys(p, layer, head int) []float32 {
	c := s.cache
	return s.pages[p][(layer*c.heads+head)*(c.keyFloats+c.valFloats):][:c.keyFloats]
}

// values gives the panels of a head's values in page p: values[panel][position][dimension].
func (s *Sequence) values(p, layer, head int) []float32 {
	c := s.cache
	return s.pages[p][(layer*c.heads+head)*(c.keyFloats+c.valFloats)+c.keyFloats:][:c.valFloats]
}

// store writes the key and value of one head at a position.
func (s *Sequence) store(layer, head, position int, key, value []float32) {
	const width = kernel.PanelWidth
	p, at := position/PageLen, position%PageLen
	keys := s.keys(p, layer, head)[at/width*width*len(key)+at%width:]
	for d, v := range key {
		keys[d*width] = v
	}
	values := s.values(p, layer, head)
	for d := 0; d < len(value); d += width {
		copy(values[d*PageLen+at*width:][:width], value[d:])
	}
}
