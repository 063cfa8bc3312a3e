package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Limits of a pipeline.
const (
	RolesMax      = 16
	FilesMax      = 16
	FileBytesMax  = 4 << 20
	nameBytesMax  = 64
	specBytesMax  = 16 << 20
	idTag         = "aiwork/pipeline/1"
	formatVersion = 1
)

// A Kind is what a pipeline does. Values stand in ids and are never reused.
type Kind uint8

// The kinds.
const (
	OCR    Kind = iota + 1 // a picture gives the lines of text in it
	Faces                  // a picture gives the faces in it with what tells persons apart
	Speech                 // a recording gives the times at which somebody speaks
	kindEnd
)

// version of what a kind does between its networks, and of the form of a result; see PIPE-1. Those of version 1 had no trace (PIPE-5), those
// of version 2 one of another shape.
func (k Kind) version() uint16 { return 3 }

// String names the kind as it stands in listings.
func (k Kind) String() string {
	names := [...]string{"none", "ocr", "faces", "speech"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Input says what items of the kind are.
func (k Kind) Input() string {
	if k == Speech {
		return "sound"
	}
	return "8-bit PNG"
}

// roles lists those that a kind needs, in order, and the files.
func (k Kind) needs() (roles, files []string) {
	switch k {
	case OCR:
		return []string{"detection", "direction", "recognition"}, []string{"keys"}
	case Faces:
		return []string{"descriptor", "detector", "landmarks"}, nil
	case Speech:
		return []string{"activity"}, nil
	}
	return nil, nil
}

// A Role is a network in a pipeline.
type Role struct {
	Name  string
	Model chain.Hash
}

// A File is what a pipeline needs beside networks.
type File struct {
	Name string
	Data []byte
}

// A Spec says what a pipeline consists of.
type Spec struct {
	Name  string // for people; no part of the id
	Kind  Kind
	Roles []Role
	Files []File
}

// Check makes sure that a Spec is complete and in order.
func (s *Spec) Check() error {
	if s.Name == "" || len(s.Name) > nameBytesMax || !utf8.ValidString(s.Name) {
		return errors.New("pipeline: want a name of 1 to 64 bytes")
	}
	if s.Kind == 0 || s.Kind >= kindEnd {
		return fmt.Errorf("pipeline: kind %d is not known", s.Kind)
	}
	roles, files := s.Kind.needs()
	var haveRoles, haveFiles []string
	for _, r := range s.Roles {
		haveRoles = append(haveRoles, r.Name)
	}
	for _, f := range s.Files {
		haveFiles = append(haveFiles, f.Name)
		if len(f.Data) > FileBytesMax {
			return fmt.Errorf("pipeline: file %s has %d bytes, at most %d are allowed", f.Name, len(f.Data), FileBytesMax)
		}
	}
	if !slices.Equal(haveRoles, roles) || !slices.Equal(haveFiles, files) {
		return fmt.Errorf("pipeline: %v has roles %v and files %v, want %v and %v", s.Kind, haveRoles, haveFiles, roles, files)
	}
	return nil
}

// Sort brings roles and files into order.
func (s *Spec) Sort() {
	slices.SortFunc(s.Roles, func(a, b Role) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
}

// Leaves gives what the id is the root of.
func (s *Spec) Leaves() [][]byte {
	w := codec.NewWriter(3)
	w.U8(uint8(s.Kind))
	w.U16(s.Kind.version())
	out := [][]byte{w.Out()}
	for _, r := range s.Roles {
		w := codec.NewWriter(64)
		w.Bytes([]byte(r.Name))
		w.Fixed(r.Model[:])
		out = append(out, w.Out())
	}
	for _, f := range s.Files {
		w := codec.NewWriter(64 + len(f.Data))
		w.Bytes([]byte(f.Name))
		w.Bytes(f.Data)
		out = append(out, w.Out())
	}
	return out
}

// ID is the pipeline's id (PIPE-1).
func (s *Spec) ID() chain.Hash { return merkle.Root(idTag, s.Leaves()) }

// Encode writes a Spec as a file.
func (s *Spec) Encode() []byte {
	w := codec.NewWriter(256)
	w.U8(formatVersion)
	w.Bytes([]byte(s.Name))
	w.U8(uint8(s.Kind))
	w.U32(uint32(len(s.Roles)))
	for _, r := range s.Roles {
		w.Bytes([]byte(r.Name))
		w.Fixed(r.Model[:])
	}
	w.U32(uint32(len(s.Files)))
	for _, f := range s.Files {
		w.Bytes([]byte(f.Name))
		w.Bytes(f.Data)
	}
	return w.Out()
}

// Decode reads a file that Encode wrote.
func Decode(b []byte) (*Spec, error) {
	if len(b) > specBytesMax {
		return nil, errors.New("pipeline: the file is too large")
	}
	r := codec.NewReader(b)
	version := r.U8()
	s := &Spec{Name: string(r.Bytes(nameBytesMax)), Kind: Kind(r.U8())}
	for range r.Count(RolesMax) {
		role := Role{Name: string(r.Bytes(nameBytesMax))}
		r.Fixed(role.Model[:])
		s.Roles = append(s.Roles, role)
	}
	for range r.Count(FilesMax) {
		s.Files = append(s.Files, File{string(r.Bytes(nameBytesMax)), slices.Clone(r.Bytes(FileBytesMax))})
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	if version != formatVersion {
		return nil, fmt.Errorf("pipeline: version %d of the format, want %d", version, formatVersion)
	}
	return s, s.Check()
}
