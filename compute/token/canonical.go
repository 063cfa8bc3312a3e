package token

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/internal/codec"
)

// Numbers of the kinds of tokenizers and of splitters in the canonical form. They are never reused.
const (
	formPieces = 1
	formMerges = 2

	splitterGPT2  = 1
	splitterLlama = 2
	splitterQwen2 = 3
)

// Canonical gives all that Encode and Decode depend on in one form (TOKEN-5), whatever else the file says.
func (t *Tokenizer) Canonical() []byte {
	w := codec.NewWriter(16 * len(t.texts))
	w.Count(len(t.texts))
	for i, text := range t.texts {
		w.Bytes([]byte(text))
		w.U32(uint32(t.kinds[i]))
	}
	for _, id := range []int32{t.BOS, t.EOS, t.EndOfTurn, t.unknown} {
		w.U32(uint32(id))
	}
	for _, v := range []bool{t.AddBOS, t.AddEOS, t.spacePrefix} {
		w.Bool(v)
	}
	t.rules.canonical(w)
	return w.Out()
}

func (p *pieces) canonical(w *codec.Writer) {
	w.U8(formPieces)
	for _, s := range p.scores {
		w.U32(math.Float32bits(s))
	}
}

func (m *merges) canonical(w *codec.Writer) {
	w.U8(formMerges)
	w.U8(m.splitter)
	pairs := slices.SortedFunc(maps.Keys(m.ranks), func(a, b [2]string) int { return cmp.Compare(m.ranks[a], m.ranks[b]) })
	w.Count(len(pairs))
	for _, p := range pairs {
		w.Bytes([]byte(p[0]))
		w.Bytes([]byte(p[1]))
	}
}
