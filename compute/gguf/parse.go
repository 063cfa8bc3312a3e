package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

const magic = "GGUF"

// A Tensor is one entry of the list of tensors. Dims counts the fastest dimension first, as the format does.
type Tensor struct {
	Name string
	Type TensorType
	Dims []int
	Data []byte // a view of the file
}

// Elements is the number of elements of t.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// A File is what a GGUF file holds.
type File struct {
	Version uint32
	Entries []Entry // of metadata, in the order of the file
	Tensors []Tensor

	entries map[string]int
	tensors map[string]int
	data    []byte
	close   func() error
}

// Content is all of the file, which must not be changed.
func (f *File) Content() []byte { return f.data }

// An Entry is a named value of metadata.
type Entry struct {
	Key   string
	Value Value
}

// Tensor finds a tensor by name.
func (f *File) Tensor(name string) (*Tensor, bool) {
	i, ok := f.tensors[name]
	if !ok {
		return nil, false
	}
	return &f.Tensors[i], true
}

// Parse reads a file that lies in memory (GGUF-3). The File keeps data, which must not change.
func Parse(data []byte) (*File, error) {
	c := &cursor{data: data}
	f := c.file()
	if c.err != nil {
		return nil, c.err
	}
	f.data = data
	return f, nil
}

// A cursor reads forward; after its first error it stands still and gives zeros.
type cursor struct {
	data []byte
	at   int
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = &Malformed{Offset: int64(c.at), What: fmt.Sprintf(format, args...)}
		c.at = len(c.data)
	}
}

func (c *cursor) unsupported(format string, args ...any) {
	if c.err == nil {
		c.err = &Unsupported{What: fmt.Sprintf(format, args...)}
		c.at = len(c.data)
	}
}

func (c *cursor) left() int { return len(c.data) - c.at }

// take gives the next n bytes, nil after an error.
func (c *cursor) take(n int) []byte {
	if n > c.left() {
		c.fail("the file ends")
	}
	if c.err != nil {
		return nil
	}
	c.at += n
	return c.data[c.at-n : c.at : c.at]
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads a number of things, each of which takes at least so many bytes of the file.
func (c *cursor) count(what string, most, bytesEach int) int {
	n := c.u64()
	if n > uint64(most) {
		c.fail("%d %s, the limit is %d", n, what, most)
		return 0
	}
	if int(n) > c.left()/bytesEach {
		c.fail("%d %s in %d bytes", n, what, c.left())
		return 0
	}
	return int(n)
}

func (c *cursor) text(what string, most int) string { return string(c.take(c.count(what, most, 1))) }

func (c *cursor) file() *File {
	if len(c.data) > FileBytesMax {
		c.fail("more than %d bytes", FileBytesMax)
	}
	if string(c.take(len(magic))) != magic {
		c.at = 0
		c.fail("not a GGUF file: it does not begin with %q", magic)
	}
	f := &File{Version: c.u32(), entries: map[string]int{}, tensors: map[string]int{}}
	switch {
	case c.err != nil:
	case f.Version&0xffff == 0:
		c.unsupported("a big-endian file")
	case f.Version != 2 && f.Version != 3:
		c.unsupported("version %d", f.Version)
	}
	tensors := c.count("tensors", TensorsMax, tensorBytesMin)
	entries := c.count("entries of metadata", EntriesMax, entryBytesMin)
	for range entries {
		c.entry(f)
	}
	alignment := c.alignment(f)
	offsets := make([]uint64, 0, tensors)
	for range tensors {
		offsets = append(offsets, c.tensor(f))
	}
	if c.err != nil {
		return nil
	}
	c.place(f, offsets, alignment)
	return f
}

const (
	entryBytesMin  = 8 + 4 + 1
	tensorBytesMin = 8 + 4 + 8 + 4 + 8
)

func (c *cursor) entry(f *File) {
	key := c.text("bytes of a key", NameBytesMax)
	kind := Kind(c.u32())
	v := c.value(kind, 0)
	if c.err != nil {
		return
	}
	if _, twice := f.entries[key]; twice {
		c.fail("key %q stands there twice", key)
		return
	}
	f.entries[key] = len(f.Entries)
	f.Entries = append(f.Entries, Entry{key, v})
}

// value reads a value of a kind and checks all of it; raw is a view.
func (c *cursor) value(kind Kind, depth int) Value {
	v := Value{Kind: kind}
	switch {
	case kind.size() > 0:
		v.raw = c.take(kind.size())
		if kind == KindBool && c.err == nil && v.raw[0] > 1 {
			c.fail("a bool of %d", v.raw[0])
		}
	case kind == KindString:
		v.raw = c.take(c.count("bytes of a string", StringBytesMax, 1))
	case kind == KindArray:
		return c.array(depth)
	default:
		c.fail("a value of %v", kind)
	}
	return v
}

func (c *cursor) array(depth int) Value {
	v := Value{Kind: KindArray, Elem: Kind(c.u32())}
	if depth == NestingMax {
		c.fail("arrays nested deeper than %d", NestingMax)
	}
	switch size := v.Elem.size(); {
	case size > 0:
		v.Len = c.count("elements of an array", ArrayElementsMax, size)
		v.raw = c.take(v.Len * size)
	case v.Elem == KindString || v.Elem == KindArray:
		v.Len = c.count("elements of an array", ArrayElementsMax, 8)
		first := c.at
		for i := 0; i < v.Len && c.err == nil; i++ {
			c.value(v.Elem, depth+1)
		}
		if c.err == nil {
			v.raw = c.data[first:c.at:c.at]
		}
	default:
		c.fail("an array of %v", v.Elem)
	}
	return v
}

const defaultAlignment = 32

func (c *cursor) alignment(f *File) int {
	v, ok := f.Value("general.alignment")
	if !ok || c.err != nil {
		return defaultAlignment
	}
	n, ok := v.Uint()
	if !ok || n == 0 || n > AlignmentMax || n&(n-1) != 0 {
		c.fail("general.alignment is no power of two up to %d", AlignmentMax)
		return defaultAlignment
	}
	return int(n)
}

// tensor reads an entry of the list of tensors and gives its offset; place finds its bytes.
func (c *cursor) tensor(f *File) uint64 {
	t := Tensor{Name: c.text("bytes of a name", NameBytesMax)}
	dims := c.u32()
	if dims == 0 || dims > DimsMax {
		c.fail("tensor %q: %d dimensions", t.Name, dims)
		return 0
	}
	elements := uint64(1)
	for range dims {
		d := c.u64()
		over, product := bits.Mul64(elements, d)
		if c.err == nil && (d == 0 || over > 0 || product > ElementsMax) {
			c.fail("tensor %q: a dimension of %d; it may have 1 to %d elements", t.Name, d, ElementsMax)
		}
		if c.err != nil {
			return 0
		}
		elements = product
		t.Dims = append(t.Dims, int(d))
	}
	t.Type = TensorType(c.u32())
	offset := c.u64()
	if c.err != nil {
		return 0
	}
	if _, twice := f.tensors[t.Name]; twice {
		c.fail("tensor %q stands there twice", t.Name)
		return 0
	}
	f.tensors[t.Name] = len(f.Tensors)
	f.Tensors = append(f.Tensors, t)
	return offset
}

// place gives each tensor its bytes.
func (c *cursor) place(f *File, offsets []uint64, alignment int) {
	start := uint64(c.at+alignment-1) / uint64(alignment) * uint64(alignment)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		elements, bytes, known := t.Type.Block()
		switch {
		case !known:
			c.unsupported("tensor %q: %v", t.Name, t.Type)
		case t.Dims[0]%elements != 0:
			c.fail("tensor %q: rows of %d elements, %v has blocks of %d", t.Name, t.Dims[0], t.Type, elements)
		case offsets[i]%uint64(alignment) != 0:
			c.fail("tensor %q: offset %d is not aligned to %d", t.Name, offsets[i], alignment)
		case offsets[i] > math.MaxInt64/2:
			c.fail("tensor %q: offset %d", t.Name, offsets[i])
		}
		if c.err != nil {
			return
		}
		first, size := start+offsets[i], uint64(t.Elements()/elements*bytes)
		if first > uint64(len(c.data)) || size > uint64(len(c.data))-first {
			c.at = len(c.data)
			c.fail("tensor %q: needs bytes %d to %d", t.Name, first, first+size)
			return
		}
		t.Data = c.data[first : first+size : first+size]
	}
}
