package grammar

import (
	"cmp"
	"math"
	"slices"
)

// A Vocabulary is the texts of a model's tokens. It is safe for concurrent use.
type Vocabulary struct {
	tokens []piece // sorted by their texts
	plain  []int32 // those that leave a string as it is
	others []piece // the rest, sorted
	size   int
}

type piece struct {
	text   string
	token  int32
	shared int // bytes that it begins with like the one before it
}

// NewVocabulary takes the texts of tokens 0 to size-1. One without a text, such as a control token, is never part of a form.
func NewVocabulary(size int, text func(token int32) string) *Vocabulary {
	v := &Vocabulary{size: size}
	for t := range int32(size) {
		if s := text(t); s != "" {
			v.tokens = append(v.tokens, piece{text: s, token: t})
		}
	}
	slices.SortFunc(v.tokens, func(a, b piece) int { return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.token, b.token)) })
	for _, p := range v.tokens {
		if isPlain(p.text) {
			v.plain = append(v.plain, p.token)
		} else {
			v.others = append(v.others, p)
		}
	}
	share(v.tokens)
	share(v.others)
	return v
}

// share notes what each has in common with the one before it.
func share(list []piece) {
	for i := 1; i < len(list); i++ {
		a, b := list[i-1].text, list[i].text
		n := 0
		for n < min(len(a), len(b)) && a[n] == b[n] {
			n++
		}
		list[i].shared = n
	}
}

// isPlain says whether a string that a text stands in goes on behind it as before.
func isPlain(s string) bool {
	j := JSON{state: text}
	for _, b := range []byte(s) {
		if !j.Next(b) {
			return false
		}
	}
	return j == JSON{state: text}
}

// An Answer is a JSON object on its way, token by token. It is for one caller at a time.
type Answer struct {
	of     *Vocabulary
	ends   []int32
	so     JSON
	states []JSON // behind each byte of the token that was looked at last
	allows []bool
}

// Answer begins an answer, which may end with one of these tokens when its object is whole.
func (v *Vocabulary) Answer(ends []int32) *Answer {
	return &Answer{of: v, ends: ends, allows: make([]bool, v.size)}
}

// Mask takes the tokens that may not come next out of logits, and says whether any is left.
func (a *Answer) Mask(logits []float32) (left bool) {
	clear(a.allows)
	if a.so.Complete() {
		for _, t := range a.ends {
			if int(t) < len(a.allows) {
				a.allows[t], left = true, true
			}
		}
	} else {
		left = a.look()
	}
	out := float32(math.Inf(-1))
	for i := range logits {
		if i >= len(a.allows) || !a.allows[i] {
			logits[i] = out
		}
	}
	return left
}

// look finds the tokens that the object can go on with. What tokens begin with alike is read once.
func (a *Answer) look() (left bool) {
	list := a.of.tokens
	if a.so.state == text {
		for _, t := range a.of.plain {
			a.allows[t], left = true, true
		}
		list = a.of.others
	}
	a.states = append(a.states[:0], a.so)
	for i := range list {
		p := &list[i]
		if len(a.states)-1 > p.shared {
			a.states = a.states[:p.shared+1]
		}
		if len(a.states)-1 < p.shared {
			continue // the beginning that it shares goes nowhere
		}
		ok := true
		for k := p.shared; k < len(p.text) && ok; k++ {
			next := a.states[k]
			if ok = next.Next(p.text[k]); ok {
				a.states = append(a.states, next)
			}
		}
		if ok {
			a.allows[p.token], left = true, true
		}
	}
	return left
}

// Take reads a token that was drawn from what Mask has left.
func (a *Answer) Take(token int32) {
	if a.so.Complete() {
		return
	}
	i := slices.IndexFunc(a.of.tokens, func(p piece) bool { return p.token == token })
	if i < 0 {
		return
	}
	for _, b := range []byte(a.of.tokens[i].text) {
		a.so.Next(b)
	}
}
