package token

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/compute/gguf"
)

// pieces are the rules of SentencePiece: pieces with scores, the highest merged first.
type pieces struct {
	scores []float32
	bytes  [256]int32 // token of each byte, or None
}

// space is how a space stands in the vocabulary.
const space = "\u2581"

func newPieces(f *gguf.File, t *Tokenizer) (*pieces, error) {
	v, _ := f.Value("tokenizer.ggml.scores")
	scores, ok := v.Floats()
	if !ok || len(scores) != len(t.texts) {
		return nil, fmt.Errorf("tokenizer.ggml.scores is no list of %d floats", len(t.texts))
	}
	p := &pieces{scores: scores}
	for i := range p.bytes {
		p.bytes[i] = None
	}
	for id, kind := range t.kinds {
		if b, ok := byteOf(t.texts[id]); ok && kind == kindByte {
			p.bytes[b] = int32(id)
		}
	}
	return p, nil
}

// byteOf reads a text like <0x0A>.
func byteOf(text string) (byte, bool) {
	if len(text) != 6 || !strings.HasPrefix(text, "<0x") || text[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[3:5], 16, 8)
	return byte(n), err == nil
}

func (p *pieces) encode(t *Tokenizer, out []int32, text string, first bool) []int32 {
	if first && t.spacePrefix {
		text = " " + text
	}
	text = strings.ReplaceAll(text, " ", space)
	var starts []int
	for i := 0; i < len(text); {
		starts = append(starts, i)
		_, size := utf8.DecodeRuneInString(text[i:])
		i += size
	}
	rank := func(left, right string) (float64, bool) {
		id, ok := t.index[left+right]
		if !ok || t.kinds[id] != kindNormal && t.kinds[id] != kindUser {
			return 0, false
		}
		return -float64(p.scores[id]), true
	}
	merge(text, starts, rank, func(piece string) { out = p.appendPiece(t, out, piece) })
	return out
}

// appendPiece appends a piece's token, or tokens of its bytes where there is none.
func (p *pieces) appendPiece(t *Tokenizer, out []int32, piece string) []int32 {
	if id, ok := t.index[piece]; ok && (t.kinds[id] == kindNormal || t.kinds[id] == kindUser) {
		return append(out, id)
	}
	if piece == space && p.bytes[' '] != None { // a vocabulary without the sign for it
		return append(out, p.bytes[' '])
	}
	for i := range len(piece) {
		switch id := p.bytes[piece[i]]; {
		case id != None:
			out = append(out, id)
		case t.unknown != None:
			return append(out, t.unknown)
		}
	}
	return out
}

func (p *pieces) piece(text string) string { return strings.ReplaceAll(text, space, " ") }
