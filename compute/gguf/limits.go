package gguf

import "fmt"

// Limits of a file (GGUF-1).
const (
	FileBytesMax     = 1 << 42
	EntriesMax       = 1 << 16 // of metadata
	TensorsMax       = 1 << 17
	NameBytesMax     = 1 << 16 // of a key or a tensor's name
	StringBytesMax   = 1 << 24 // of a value
	ArrayElementsMax = 1 << 24
	NestingMax       = 4 // of arrays within arrays
	DimsMax          = 4
	ElementsMax      = 1 << 40 // of one tensor
	AlignmentMax     = 1 << 20
)

// An Unsupported error says that a file may be well formed but needs what is not provided.
type Unsupported struct {
	What string // a short noun phrase, such as "version 1"
}

func (u *Unsupported) Error() string { return "gguf: " + u.What + " is not supported" }

// A Malformed error says where in the file something is wrong, and what.
type Malformed struct {
	Offset int64
	What   string
}

func (m *Malformed) Error() string { return fmt.Sprintf("gguf: at byte %d: %s", m.Offset, m.What) }
