package engine

import (
	"io"
	"strings"
)

// Limits of notes; a child that says more is broken.
const (
	noteBytesMax = 512
	notesMax     = 16 // before one answer
)

// note is what the child's parts tell; the parent hears of it with the next answer.
func (s *shop) note(text string) {
	if len(s.notes) < notesMax {
		s.notes = append(s.notes, strings.ToValidUTF8(text[:min(len(text), noteBytesMax)], ""))
	}
}

// tell sends what was noted.
func (s *shop) tell(out io.Writer) error {
	for _, text := range s.notes {
		if err := writeFrame(out, kindNote, []byte(text)); err != nil {
			return err
		}
	}
	s.notes = nil
	return nil
}

// readAnswer reads the frame that answers, and passes the notes before it on.
func readAnswer(r io.Reader, note func(text string)) (kind byte, body []byte, err error) {
	for range notesMax + 1 {
		kind, body, err = readFrame(r)
		if err != nil || kind != kindNote {
			return kind, body, err
		}
		if len(body) > noteBytesMax {
			break
		}
		if note != nil {
			note(strings.ToValidUTF8(string(body), ""))
		}
	}
	return 0, nil, errFrame
}
