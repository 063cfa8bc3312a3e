package engine

import (
	"io"
	"strings"
)

// A NoteKind says what a Note is about.
type NoteKind byte

// The kinds of notes.
const (
	NotePacked        NoteKind = iota + 1 // packed weights are not as they should be
	NoteDeviceReady                       // a device is used from now on
	NoteDeviceTrouble                     // it failed at something, which the processor did
	NoteDeviceGone                        // it is not used any more
)

// String names a kind as metrics and logs do.
func (k NoteKind) String() string {
	switch k {
	case NotePacked:
		return "packed"
	case NoteDeviceReady:
		return "device_ready"
	case NoteDeviceTrouble:
		return "device_trouble"
	case NoteDeviceGone:
		return "device_gone"
	}
	return "unknown"
}

// A Note is what a child tells that its operator may want to know. It changes no result.
type Note struct {
	Kind NoteKind
	Text string
}

// Limits of notes; a child that says more is broken.
const (
	noteBytesMax = 512
	notesMax     = 16 // before one answer
)

// note is what the child's parts tell; the parent hears of it with the next answer.
func (s *shop) note(kind NoteKind, text string) {
	if len(s.notes) < notesMax {
		s.notes = append(s.notes, Note{kind, text[:min(len(text), noteBytesMax)]})
	}
}

// tell sends what was noted.
func (s *shop) tell(out io.Writer) error {
	for _, n := range s.notes {
		if err := writeFrame(out, kindNote, append([]byte{byte(n.Kind)}, n.Text...)); err != nil {
			return err
		}
	}
	s.notes = nil
	return nil
}

// readAnswer reads the frame that answers, and passes the notes before it on.
func readAnswer(r io.Reader, note func(Note)) (kind byte, body []byte, err error) {
	for range notesMax + 1 {
		kind, body, err = readFrame(r)
		if err != nil || kind != kindNote {
			return kind, body, err
		}
		if len(body) < 1 || len(body) > 1+noteBytesMax || NoteKind(body[0]).String() == "unknown" {
			break
		}
		if note != nil {
			note(Note{NoteKind(body[0]), strings.ToValidUTF8(string(body[1:]), "")})
		}
	}
	return 0, nil, errFrame
}
