package language

import (
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/token"
)

// A Teller makes text of an answer's tokens as they come, and finds where it ends (LANG-5). What may be the beginning of a
// character or of a stop text is kept back until it is known. How the tokens arrive changes no piece's text.
type Teller struct {
	stream *token.Stream
	ends   []int32
	stops  stops
}

// NewTeller begins an answer, which one of the tokens, or the first of the texts that comes, ends.
func NewTeller(t *token.Tokenizer, ends []int32, stopTexts []string) *Teller {
	return &Teller{stream: t.Continue(), ends: ends, stops: stops{texts: stopTexts}}
}

// Next takes a token and gives what can be told with it. Unless the answer goes on, that is all but what Rest gives.
func (t *Teller) Next(id int32) (text string, end End) {
	if slices.Contains(t.ends, id) {
		return "", EndToken
	}
	text, found := t.stops.next(t.stream.Next(id))
	if found {
		return text, EndText
	}
	return text, Goes
}

// Rest gives what was kept back of an answer that has ended, and how it did: the bytes of a last character that is not whole
// may end it otherwise.
func (t *Teller) Rest(end End) (string, End) {
	if end == EndText {
		return "", end
	}
	text, found := t.stops.next(t.stream.End())
	if found {
		return text, EndText
	}
	return text + t.stops.kept, end
}

// stops finds the first text that ends an answer. What may be the beginning of one is kept back.
type stops struct {
	texts []string
	kept  string
}

// next takes more of the answer and gives what can be told of it; found says that a stop text has come, which is no
// part of the answer.
func (s *stops) next(piece string) (told string, found bool) {
	s.kept += piece
	first := -1
	for _, t := range s.texts {
		if at := strings.Index(s.kept, t); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	if first >= 0 {
		told, s.kept = s.kept[:first], ""
		return told, true
	}
	told = s.kept[:len(s.kept)-s.begun()]
	s.kept = s.kept[len(told):]
	return told, false
}

// begun is the length of the longest end of what is kept that a stop text begins with.
func (s *stops) begun() (longest int) {
	for _, t := range s.texts {
		for n := min(len(t)-1, len(s.kept)); n > longest; n-- {
			if strings.HasSuffix(s.kept, t[:n]) {
				longest = n
				break
			}
		}
	}
	return longest
}
