package packed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync/atomic"
)

// Limits of a file.
const (
	sectionsMax  = 1 << 16
	fileBytesMax = 64 << 30
)

const (
	magic       = "AIWPACKD"
	version     = 1
	headerBytes = 8 + 4 + 4 + 8 + 32 + 32 // magic, version, sections, bytes, key, digest of all this and the table
	digestAt    = headerBytes - 32
	entryBytes  = 32 + 8 + 8 + 8 + 32 // name, place, bytes, checksum, SHA-256
	pageBytes   = 4096
)

// A Name stands for a section. It is a digest of what its bytes depend on.
type Name = [32]byte

// An entry is what the table tells of a section.
type entry struct {
	name  Name
	at, n uint64
	crc   uint32
	sum   [32]byte
}

// A File is the content of a packed file.
type File struct {
	data    []byte
	table   []entry
	checked []atomic.Bool // sections whose checksum held
}

// Errors of files.
var (
	ErrDamaged = errors.New("the file is damaged")
	ErrStale   = errors.New("the file is for another build or another kind of processor") // it is not looked at
)

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

func pageEnd(n uint64) uint64 { return (n + pageBytes - 1) / pageBytes * pageBytes }

// Checksum is that of a section: CRC-32C, which processors compute about as fast as they read.
func Checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// Parse reads a file's header and table. Sections are views of data.
func Parse(data []byte, key [32]byte) (*File, error) {
	if len(data) < headerBytes || string(data[:8]) != magic {
		return nil, damaged("no header")
	}
	le := binary.LittleEndian
	if le.Uint32(data[8:]) != version || [32]byte(data[24:56]) != key {
		return nil, ErrStale
	}
	count := uint64(le.Uint32(data[12:]))
	end := headerBytes + entryBytes*count
	if count > sectionsMax || end > uint64(len(data)) || le.Uint64(data[16:]) != uint64(len(data)) {
		return nil, damaged("it is cut short")
	}
	h := sha256.New()
	h.Write(data[:digestAt])
	h.Write(data[headerBytes:end])
	if !bytes.Equal(h.Sum(nil), data[digestAt:headerBytes]) {
		return nil, damaged("its table does not match its digest")
	}
	f := &File{data: data, table: make([]entry, count), checked: make([]atomic.Bool, count)}
	at := pageEnd(end)
	for i := range f.table {
		e := decodeEntry(data[headerBytes+entryBytes*i:])
		if e.at != at || e.n > uint64(len(data)) || at+e.n > uint64(len(data)) || i > 0 && bytes.Compare(f.table[i-1].name[:], e.name[:]) >= 0 {
			return nil, damaged("sections out of place")
		}
		f.table[i] = e
		at = pageEnd(at + e.n)
	}
	if at != uint64(len(data)) {
		return nil, damaged("bytes behind the end")
	}
	return f, nil
}

func decodeEntry(b []byte) (e entry) {
	le := binary.LittleEndian
	copy(e.name[:], b)
	e.at, e.n, e.crc = le.Uint64(b[32:]), le.Uint64(b[40:]), uint32(le.Uint64(b[48:]))
	copy(e.sum[:], b[56:])
	return e
}

func (e *entry) append(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, e.name[:]...)
	b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, e.at), e.n), uint64(e.crc))
	return append(b, e.sum[:]...)
}

// Section gives the bytes under a name, nil if there are none. The first time they are held against their checksum.
func (f *File) Section(name Name) ([]byte, error) {
	i, ok := slices.BinarySearchFunc(f.table, name, func(e entry, n Name) int { return bytes.Compare(e.name[:], n[:]) })
	if !ok {
		return nil, nil
	}
	b := f.section(i)
	if !f.checked[i].Load() {
		if Checksum(b) != f.table[i].crc {
			return nil, damaged("a section does not match its checksum")
		}
		f.checked[i].Store(true)
	}
	return b, nil
}

func (f *File) section(i int) []byte {
	e := &f.table[i]
	return f.data[e.at : e.at+e.n : e.at+e.n]
}

// Verify holds every section against its SHA-256.
func (f *File) Verify() error {
	for i := range f.table {
		if sha256.Sum256(f.section(i)) != f.table[i].sum {
			return damaged(fmt.Sprintf("section %d of %d", i+1, len(f.table)))
		}
	}
	return nil
}

// Bytes is the size of the file.
func (f *File) Bytes() int64 { return int64(len(f.data)) }

// A section is one to be written.
type section struct {
	name Name
	data []byte
}

// sizeOf is the size of a file with sections of so many bytes each.
func sizeOf(sections []section) uint64 {
	at := pageEnd(headerBytes + entryBytes*uint64(len(sections)))
	for _, s := range sections {
		at = pageEnd(at + uint64(len(s.data)))
	}
	return at
}

// encode writes a file. Names must be different; the order of the sections does not matter.
func encode(w io.Writer, key [32]byte, sections []section) error {
	slices.SortFunc(sections, func(a, b section) int { return bytes.Compare(a.name[:], b.name[:]) })
	le := binary.LittleEndian
	head := append([]byte(magic), 0, 0, 0, 0, 0, 0, 0, 0)
	le.PutUint32(head[8:], version)
	le.PutUint32(head[12:], uint32(len(sections)))
	head = append(le.AppendUint64(head, sizeOf(sections)), key[:]...)
	var table []byte
	at := pageEnd(headerBytes + entryBytes*uint64(len(sections)))
	for _, s := range sections {
		e := entry{name: s.name, at: at, n: uint64(len(s.data)), crc: Checksum(s.data), sum: sha256.Sum256(s.data)}
		table = e.append(table)
		at = pageEnd(at + e.n)
	}
	digest := sha256.Sum256(slices.Concat(head, table))
	if err := writePages(w, slices.Concat(head, digest[:], table)); err != nil {
		return err
	}
	for _, s := range sections {
		if err := writePages(w, s.data); err != nil {
			return err
		}
	}
	return nil
}

// writePages writes b and zeros up to the end of the page.
func writePages(w io.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(make([]byte, pageEnd(uint64(len(b)))-uint64(len(b))))
	return err
}
