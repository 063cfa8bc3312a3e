package token

import (
	"strings"
	"unicode/utf8"
)

// A Stream decodes token by token. Make it with Tokenizer.Stream.
type Stream struct {
	t       *Tokenizer
	pending []byte // the beginning of a character
	trim    bool   // a space in front is the tokenizer's
}

// Stream begins a text whose first token is the first of a whole text. Continue begins one that goes on.
func (t *Tokenizer) Stream() *Stream { return &Stream{t: t, trim: t.spacePrefix} }

// Continue begins a text that follows another, so that a space in front belongs to it.
func (t *Tokenizer) Continue() *Stream { return &Stream{t: t} }

// Next gives the text that is whole with one more token; bytes that cannot become UTF-8 become U+FFFD.
func (s *Stream) Next(id int32) string {
	piece := s.t.bytesOf(id)
	if s.trim && piece != "" {
		piece, s.trim = strings.TrimPrefix(piece, " "), false
	}
	s.pending = append(s.pending, piece...)
	n := whole(s.pending)
	text := strings.ToValidUTF8(string(s.pending[:n]), "\uFFFD")
	s.pending = append(s.pending[:0], s.pending[n:]...)
	return text
}

// End gives what was kept back.
func (s *Stream) End() string {
	text := strings.ToValidUTF8(string(s.pending), "\uFFFD")
	s.pending = s.pending[:0]
	return text
}

// whole gives the length of b without a character at its end that is not whole yet.
func whole(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		at := len(b) - back
		if utf8.RuneStart(b[at]) {
			if utf8.FullRune(b[at:]) {
				break
			}
			return at
		}
	}
	return len(b)
}
