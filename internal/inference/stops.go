package inference

import "strings"

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

// end gives what was kept back.
func (s *stops) end() string { return s.kept }

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
