package tree

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Reader gives the encoded pages of a tree as it stood after some block, nil where there is none.
// Callers do not change what they get. An error is a fault of this machine.
type Reader interface {
	Page(p Path) ([]byte, error)
}

// PageChange is a page after a block; a nil Page means that there is none any more.
type PageChange struct {
	Path Path
	Page []byte
}

// Update is what a block makes of a tree. Pages are sorted by path.
type Update struct {
	Root  chain.Hash
	Pages []PageChange
}

// Overlay shows an Update on top of another Reader, as state.Overlay does for a Diff.
type Overlay struct {
	base  Reader
	pages []PageChange
}

// NewOverlay puts u on top of base. It is safe for concurrent use if base is.
func NewOverlay(base Reader, u Update) *Overlay { return &Overlay{base, u.Pages} }

// Page gives the page after the Update.
func (o *Overlay) Page(p Path) ([]byte, error) {
	i, found := slices.BinarySearchFunc(o.pages, p, func(c PageChange, p Path) int { return c.Path.Compare(p) })
	if !found {
		return o.base.Page(p)
	}
	return o.pages[i].Page, nil
}

// Empty is the Reader of the tree without leaves.
type Empty struct{}

// Page finds nothing.
func (Empty) Page(Path) ([]byte, error) { return nil, nil }

// Apply changes leaves of the tree under r and gives what the tree becomes. Changes are sorted by key,
// each key once; a zero value takes a leaf away, whether it is there or not. An error means that r could
// not be read or that a stored page is damaged.
func Apply(r Reader, changes []Leaf) (Update, error) {
	for i := range changes {
		must.Hold(i == 0 || bytes.Compare(changes[i-1].Key[:], changes[i].Key[:]) < 0, "tree: changes not sorted")
	}
	w := writer{r: r}
	root, _, err := w.load(Path{})
	if err != nil {
		return Update{}, err
	}
	if err := w.apply(root, Path{}, changes); err != nil {
		return Update{}, err
	}
	if root.empty() {
		w.out = append(w.out, PageChange{})
	} else {
		w.out = append(w.out, PageChange{Page: root.encode()})
	}
	slices.SortFunc(w.out, func(a, b PageChange) int { return a.Path.Compare(b.Path) })
	return Update{Root: root.hash(), Pages: w.out}, nil
}

// RootOf gives the root of the tree under r.
func RootOf(r Reader) (chain.Hash, error) {
	w := writer{r: r}
	root, _, err := w.load(Path{})
	if err != nil {
		return chain.Hash{}, err
	}
	return root.hash(), nil
}

type writer struct {
	r   Reader
	out []PageChange
}

// load reads a page; where none is stored it gives an empty one and false.
func (w *writer) load(path Path) (*page, bool, error) {
	b, err := w.r.Page(path)
	if err != nil {
		return nil, false, err
	}
	if b == nil {
		return new(page), false, nil
	}
	p, err := decodePage(b, path)
	if err != nil {
		return nil, false, fmt.Errorf("page %x: %w", path.Append(nil), err)
	}
	return p, true, nil
}

// apply changes the leaves below p, which lies at path.
func (w *writer) apply(p *page, path Path, changes []Leaf) error {
	for len(changes) > 0 {
		c := nibble(&changes[0].Key, path.Depth())
		n := 1
		for n < len(changes) && nibble(&changes[n].Key, path.Depth()) == c {
			n++
		}
		if err := w.applyChild(&p[c], path.Child(c), changes[:n]); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// applyChild changes the leaves below one child, all of which share its path.
func (w *writer) applyChild(c *child, path Path, changes []Leaf) error {
	if c.kind == childPage {
		return w.applyPage(c, path, changes)
	}
	// Up to one leaf so far: it joins the changes, unless they speak of it.
	if c.kind == childLeaf {
		changes = withLeaf(changes, c.leaf)
	}
	first, more := livingLeaf(changes)
	if first < 0 {
		*c = child{}
		return nil
	}
	if !more {
		*c = child{childLeaf, changes[first]}
		return nil
	}
	p := new(page)
	if err := w.apply(p, path, changes); err != nil {
		return err
	}
	w.put(c, path, p)
	return nil
}

func (w *writer) applyPage(c *child, path Path, changes []Leaf) error {
	p, found, err := w.load(path)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("page %x: %w", path.Append(nil), FaultPageLost)
	}
	if err := w.apply(p, path, changes); err != nil {
		return err
	}
	if p.empty() {
		w.out = append(w.out, PageChange{Path: path})
		*c = child{}
		return nil
	}
	if leaf, single := p.only(); single {
		w.out = append(w.out, PageChange{Path: path})
		*c = child{childLeaf, leaf}
		return nil
	}
	w.put(c, path, p)
	return nil
}

func (w *writer) put(c *child, path Path, p *page) {
	w.out = append(w.out, PageChange{path, p.encode()})
	*c = child{childPage, Leaf{Value: p.hash()}}
}

// withLeaf gives changes with l in its place, unless there is a change of l's key.
func withLeaf(changes []Leaf, l Leaf) []Leaf {
	i, found := slices.BinarySearchFunc(changes, l.Key, func(c Leaf, k chain.Hash) int {
		return bytes.Compare(c.Key[:], k[:])
	})
	if found {
		return changes
	}
	return slices.Insert(slices.Clone(changes), i, l)
}

// livingLeaf gives the place of the first change that has a value, or -1, and whether another follows.
func livingLeaf(changes []Leaf) (first int, more bool) {
	first = -1
	for i := range changes {
		if changes[i].Value.IsZero() {
			continue
		}
		if first >= 0 {
			return first, true
		}
		first = i
	}
	return first, false
}
