package token

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Kinds of tokens, by the numbers of the format.
const (
	kindNormal  = 1
	kindUnknown = 2
	kindControl = 3
	kindUser    = 4
	kindUnused  = 5
	kindByte    = 6
)

// None stands for a token that the model does not have.
const None int32 = -1

// A Tokenizer knows a vocabulary. It is not changed once made, and safe for concurrent use.
type Tokenizer struct {
	BOS, EOS, EndOfTurn int32 // None where there is none
	AddBOS, AddEOS      bool  // what the model wants around a text

	texts       []string
	kinds       []int32
	index       map[string]int32
	specials    map[byte][]int32 // control and user tokens by their first byte, the longest first
	spacePrefix bool
	unknown     int32
	rules       rules
}

// rules are what the two kinds of tokenizer do differently.
type rules interface {
	// encode appends the tokens of a text without control tokens; first says whether a control token or nothing stands before.
	encode(t *Tokenizer, out []int32, text string, first bool) []int32
	// piece gives the bytes of a normal token.
	piece(text string) string
	// canonical writes what the rules depend on beside the vocabulary.
	canonical(w *codec.Writer)
}

// New reads the tokenizer of a model.
func New(f *gguf.File) (*Tokenizer, error) {
	t := &Tokenizer{unknown: None}
	list, _ := f.Value("tokenizer.ggml.tokens")
	if t.texts, _ = list.Strings(); len(t.texts) == 0 {
		return nil, fmt.Errorf("tokenizer.ggml.tokens is missing")
	}
	if err := t.readKinds(f); err != nil {
		return nil, err
	}
	var err error
	switch model, _ := f.String("tokenizer.ggml.model"); model {
	case "llama":
		t.rules, err = newPieces(f, t)
		t.AddBOS, t.spacePrefix = true, true
	case "gpt2":
		t.rules, err = newMerges(f)
	default:
		err = &gguf.Unsupported{What: fmt.Sprintf("tokenizer %q (llama and gpt2 are)", model)}
	}
	if err != nil {
		return nil, err
	}
	return t, t.readSpecials(f)
}

func (t *Tokenizer) readKinds(f *gguf.File) error {
	t.kinds = slices.Repeat([]int32{kindNormal}, len(t.texts))
	if v, ok := f.Value("tokenizer.ggml.token_type"); ok {
		kinds, ok := v.Ints()
		if !ok || len(kinds) != len(t.texts) {
			return fmt.Errorf("tokenizer.ggml.token_type is no list of %d numbers", len(t.texts))
		}
		for i, k := range kinds {
			t.kinds[i] = int32(min(max(k, 0), math.MaxInt32))
		}
	}
	t.index, t.specials = make(map[string]int32, len(t.texts)), map[byte][]int32{}
	for i, text := range t.texts {
		if _, twice := t.index[text]; !twice {
			t.index[text] = int32(i)
		}
		if k := t.kinds[i]; (k == kindControl || k == kindUser) && text != "" {
			t.specials[text[0]] = append(t.specials[text[0]], int32(i))
		}
	}
	for _, list := range t.specials {
		slices.SortStableFunc(list, func(a, b int32) int { return len(t.texts[b]) - len(t.texts[a]) })
	}
	return nil
}

func (t *Tokenizer) readSpecials(f *gguf.File) error {
	for key, to := range map[string]*int32{"bos": &t.BOS, "eos": &t.EOS, "eot": &t.EndOfTurn, "unknown": &t.unknown} {
		*to = None
		key = "tokenizer.ggml." + key + "_token_id"
		v, found := f.Uint(key)
		if found && v < uint64(len(t.texts)) {
			*to = int32(v)
		} else if _, there := f.Value(key); there {
			return fmt.Errorf("%s is no token", key)
		}
	}
	for _, text := range []string{"<|eot_id|>", "<|im_end|>", "<end_of_turn>"} {
		if id, ok := t.index[text]; ok && t.EndOfTurn == None {
			t.EndOfTurn = id
		}
	}
	for key, to := range map[string]*bool{"add_bos_token": &t.AddBOS, "add_eos_token": &t.AddEOS, "add_space_prefix": &t.spacePrefix} {
		if v, ok := f.Bool("tokenizer.ggml." + key); ok {
			*to = v
		}
	}
	t.AddBOS, t.AddEOS = t.AddBOS && t.BOS != None, t.AddEOS && t.EOS != None
	return nil
}

// Len is the size of the vocabulary.
func (t *Tokenizer) Len() int { return len(t.texts) }

// Ends lists the tokens that end an answer.
func (t *Tokenizer) Ends() []int32 {
	var ends []int32
	for _, id := range []int32{t.EOS, t.EndOfTurn} {
		if id != None && !slices.Contains(ends, id) {
			ends = append(ends, id)
		}
	}
	return ends
}

// A Mode says what a text is.
type Mode uint8

// The modes.
const (
	Text    Mode = iota // letters only (TOKEN-3)
	Special             // texts of control tokens are those tokens
)

// Encode gives the tokens of a text alone, without those that AddBOS and AddEOS ask for.
func (t *Tokenizer) Encode(text string, mode Mode) []int32 {
	return t.append(nil, text, mode, true)
}

// EncodeAll gives the tokens of a whole text, with what AddBOS and AddEOS ask for.
func (t *Tokenizer) EncodeAll(parts ...Part) []int32 {
	var out []int32
	if t.AddBOS {
		out = append(out, t.BOS)
	}
	first := true
	for _, p := range parts {
		if p.Mode == Special {
			n := len(out)
			out = t.append(out, p.Text, Special, first)
			first = len(out) > n && t.isSpecial(out[len(out)-1])
			continue
		}
		out = t.append(out, p.Text, Text, first)
		first = first && p.Text == ""
	}
	if t.AddEOS {
		out = append(out, t.EOS)
	}
	return out
}

// A Part is a piece of a text.
type Part struct {
	Text string
	Mode Mode
}

func (t *Tokenizer) isSpecial(id int32) bool {
	return t.kinds[id] == kindControl || t.kinds[id] == kindUser
}

func (t *Tokenizer) append(out []int32, text string, mode Mode, first bool) []int32 {
	start := 0
	for i := 0; mode == Special && i < len(text); {
		id, ok := t.specialAt(text[i:])
		if !ok {
			i++
			continue
		}
		if start < i {
			out = t.rules.encode(t, out, text[start:i], first)
		}
		out, first = append(out, id), true
		i += len(t.texts[id])
		start = i
	}
	if start < len(text) {
		out = t.rules.encode(t, out, text[start:], first)
	}
	return out
}

// specialAt gives the longest control token that the text begins with.
func (t *Tokenizer) specialAt(text string) (int32, bool) {
	for _, id := range t.specials[text[0]] {
		if strings.HasPrefix(text, t.texts[id]) {
			return id, true
		}
	}
	return 0, false
}

// bytesOf gives the bytes of a token; control tokens have none.
func (t *Tokenizer) bytesOf(id int32) string {
	if id < 0 || int(id) >= len(t.texts) {
		return ""
	}
	text := t.texts[id]
	switch t.kinds[id] {
	case kindControl, kindUnused:
		return ""
	case kindUnknown:
		return "\uFFFD"
	case kindUser:
		return text
	case kindByte:
		if b, ok := byteOf(text); ok {
			return string([]byte{b})
		}
	}
	return t.rules.piece(text)
}

// Piece gives the bytes of a token as they stand in a text; a control token has none.
func (t *Tokenizer) Piece(id int32) string { return t.bytesOf(id) }

// Name gives a token as it stands in the vocabulary.
func (t *Tokenizer) Name(id int32) string {
	if id < 0 || int(id) >= len(t.texts) {
		return fmt.Sprintf("<%d>", id)
	}
	return t.texts[id]
}

// Decode gives the text of tokens; bytes that are no UTF-8 stay as they are.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(t.bytesOf(id))
	}
	if t.spacePrefix {
		return strings.TrimPrefix(b.String(), " ")
	}
	return b.String()
}
