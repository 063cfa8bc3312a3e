package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A splitter gives the length of the word at the beginning of a text that is not empty. The words are those of regular
// expressions with look-ahead, which Go's do not have:
//
//	gpt-2      's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//	llama-bpe  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//	qwen2      the same with \p{N} alone
type splitter func(text string) int

// splitterOf finds a splitter by its name in the file, with its number in the canonical form, and says whether words that are
// tokens are left whole.
func splitterOf(name string) (s splitter, number uint8, whole, ok bool) {
	switch name {
	case "gpt-2", "gpt2", "default":
		return splitGPT2, splitterGPT2, false, true
	case "llama-bpe", "llama3", "llama-v3":
		return func(text string) int { return splitModern(text, 3) }, splitterLlama, true, true
	case "qwen2", "deepseek-r1-qwen":
		return func(text string) int { return splitModern(text, 1) }, splitterQwen2, false, true
	}
	return nil, 0, false, false
}

func isLetter(r rune) bool { return unicode.IsLetter(r) }

func isNumber(r rune) bool { return unicode.IsNumber(r) }

func isSpace(r rune) bool { return unicode.IsSpace(r) }

func isLineEnd(r rune) bool { return r == '\r' || r == '\n' }

// isOther says whether r is neither space, letter nor number; a byte that is no UTF-8 is one too.
func isOther(r rune) bool { return !isSpace(r) && !isLetter(r) && !isNumber(r) }

// run gives the length of the longest beginning of at most so many characters that are all of a kind.
func run(text string, most int, is func(rune) bool) int {
	n := 0
	for ; most > 0 && n < len(text); most-- {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !is(r) {
			break
		}
		n += size
	}
	return n
}

const endless = 1 << 62

// contraction gives the length of 's, 't and so on at the beginning.
func contraction(text string, anyCase bool) int {
	if text[0] != '\'' {
		return 0
	}
	for _, c := range []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if len(text) < len(c) {
			continue
		}
		if begin := text[:len(c)]; begin == c || anyCase && strings.EqualFold(begin, c) {
			return len(c)
		}
	}
	return 0
}

// spaces splits the white space that a text begins with: its last character goes to the word behind it.
func spaces(text string) int {
	n := run(text, endless, isSpace)
	if n == len(text) {
		return n
	}
	if _, last := utf8.DecodeLastRuneInString(text[:n]); n > last {
		return n - last
	}
	return n
}

func splitGPT2(text string) int {
	if n := contraction(text, false); n > 0 {
		return n
	}
	skip := 0
	if text[0] == ' ' {
		skip = 1
	}
	for _, is := range []func(rune) bool{isLetter, isNumber, isOther} {
		if n := run(text[skip:], endless, is); n > 0 {
			return skip + n
		}
	}
	return spaces(text)
}

func splitModern(text string, digits int) int {
	if n := contraction(text, true); n > 0 {
		return n
	}
	if n := run(text, endless, isLetter); n > 0 {
		return n
	}
	if r, size := utf8.DecodeRuneInString(text); !isLineEnd(r) && !isNumber(r) {
		if n := run(text[size:], endless, isLetter); n > 0 {
			return size + n
		}
	}
	if n := run(text, digits, isNumber); n > 0 {
		return n
	}
	skip := 0
	if text[0] == ' ' {
		skip = 1
	}
	if n := run(text[skip:], endless, isOther); n > 0 {
		n += skip
		return n + run(text[n:], endless, isLineEnd)
	}
	if n := strings.LastIndexAny(text[:run(text, endless, isSpace)], "\r\n"); n >= 0 {
		return n + 1
	}
	return spaces(text)
}
