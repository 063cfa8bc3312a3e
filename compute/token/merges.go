package token

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/compute/gguf"
)

// merges are the rules of byte-level pair encoding: a text is cut into words, each byte of a word is a sign, and pairs of
// signs are merged, the lowest rank first.
type merges struct {
	ranks map[[2]string]int32
	split splitter

	splitter uint8         // its number
	whole    bool          // a word that is a token is not taken apart
	signs    [256]string   // of each byte
	bytes    map[rune]byte // of each sign
}

func newMerges(f *gguf.File) (*merges, error) {
	v, _ := f.Value("tokenizer.ggml.merges")
	list, ok := v.Strings()
	if !ok {
		return nil, fmt.Errorf("tokenizer.ggml.merges is missing")
	}
	m := &merges{ranks: make(map[[2]string]int32, len(list)), bytes: map[rune]byte{}}
	for i, pair := range list {
		left, right, ok := strings.Cut(pair, " ")
		if !ok {
			return nil, fmt.Errorf("merge %d is no pair: %q", i, pair)
		}
		if _, twice := m.ranks[[2]string{left, right}]; !twice {
			m.ranks[[2]string{left, right}] = int32(i)
		}
	}
	m.makeSigns()
	pre, found := f.String("tokenizer.ggml.pre")
	if !found {
		pre = "gpt-2"
	}
	m.split, m.splitter, m.whole, ok = splitterOf(pre)
	if !ok {
		return nil, &gguf.Unsupported{What: fmt.Sprintf("a splitter of words %q (gpt-2, llama-bpe and qwen2 are)", pre)}
	}
	return m, nil
}

// makeSigns gives each byte a character that can be seen: itself where it can, else one from U+0100 on.
func (m *merges) makeSigns() {
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if b <= ' ' || b >= 0x7f && b <= 0xa0 || b == 0xad {
			r = next
			next++
		}
		m.signs[b], m.bytes[r] = string(r), byte(b)
	}
}

func (m *merges) encode(t *Tokenizer, out []int32, text string, _ bool) []int32 {
	var word strings.Builder
	for len(text) > 0 {
		n := m.split(text)
		word.Reset()
		var starts []int
		for i := range n {
			starts = append(starts, word.Len())
			word.WriteString(m.signs[text[i]])
		}
		out, text = m.appendWord(t, out, word.String(), starts), text[n:]
	}
	return out
}

func (m *merges) appendWord(t *Tokenizer, out []int32, word string, starts []int) []int32 {
	if id, ok := t.index[word]; ok && m.whole {
		return append(out, id)
	}
	rank := func(left, right string) (float64, bool) {
		r, ok := m.ranks[[2]string{left, right}]
		return float64(r), ok
	}
	merge(word, starts, rank, func(piece string) {
		if id, ok := t.index[piece]; ok {
			out = append(out, id)
			return
		}
		for _, r := range piece { // a merge without a token
			if id, ok := t.index[string(r)]; ok {
				out = append(out, id)
			} else if t.unknown != None {
				out = append(out, t.unknown)
			}
		}
	})
	return out
}

func (m *merges) piece(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if b, ok := m.bytes[r]; ok {
			out = append(out, b)
		} else {
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	return string(out)
}
