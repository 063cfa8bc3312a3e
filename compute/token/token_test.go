package token

// Splitters against the regular expressions themselves, run by another engine (testdata/words.json, tools/llamaref/words.mjs);
// both kinds of tokenizer by hand-made vocabularies whose results are worked out here, and by round trips.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
)

func TestSplittersEqualTheirExpressions(t *testing.T) {
	raw, err := os.ReadFile("testdata/words.json")
	if err != nil {
		t.Fatal(err)
	}
	var forms map[string][][]string
	if err := json.Unmarshal(raw, &forms); err != nil || len(forms) != 3 {
		t.Fatal(len(forms), err)
	}
	for name, texts := range forms {
		split, _, _, ok := splitterOf(name)
		if !ok {
			t.Fatalf("no splitter %s", name)
		}
		for _, want := range texts {
			var got []string
			for text := strings.Join(want, ""); text != ""; {
				n := split(text)
				got, text = append(got, text[:n]), text[n:]
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

func tokenizer(t testing.TB, w *gguf.Writer) *Tokenizer {
	t.Helper()
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	tok, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// sentencePieces is a vocabulary of unknown, begin, end, the bytes, and the pieces given, of which earlier ones score higher.
func sentencePieces(t testing.TB, list ...string) *Tokenizer {
	texts, kinds := []string{"<unk>", "<s>", "</s>"}, []int32{kindUnknown, kindControl, kindControl}
	for b := range 256 {
		texts, kinds = append(texts, fmt.Sprintf("<0x%02X>", b)), append(kinds, kindByte)
	}
	scores := make([]float32, len(texts), len(texts)+len(list))
	for i, p := range list {
		texts, kinds, scores = append(texts, p), append(kinds, kindNormal), append(scores, -float32(i))
	}
	var w gguf.Writer
	w.Text("tokenizer.ggml.model", "llama")
	w.Strings("tokenizer.ggml.tokens", texts)
	w.Floats("tokenizer.ggml.scores", scores)
	w.Int32s("tokenizer.ggml.token_type", kinds)
	w.Uint32("tokenizer.ggml.unknown_token_id", 0)
	w.Uint32("tokenizer.ggml.bos_token_id", 1)
	w.Uint32("tokenizer.ggml.eos_token_id", 2)
	return tokenizer(t, &w)
}

// bytePairs is a vocabulary of all signs, what the merges make, and two control tokens.
func bytePairs(t testing.TB, pre string, pairs ...string) *Tokenizer {
	m := &merges{bytes: map[rune]byte{}}
	m.makeSigns()
	texts := slices.Clone(m.signs[:])
	for _, p := range pairs {
		texts = append(texts, strings.ReplaceAll(p, " ", ""))
	}
	kinds := slices.Repeat([]int32{kindNormal}, len(texts))
	texts, kinds = append(texts, "<|im_start|>", "<|im_end|>"), append(kinds, kindControl, kindControl)
	var w gguf.Writer
	w.Text("tokenizer.ggml.model", "gpt2")
	w.Text("tokenizer.ggml.pre", pre)
	w.Strings("tokenizer.ggml.tokens", texts)
	w.Strings("tokenizer.ggml.merges", pairs)
	w.Int32s("tokenizer.ggml.token_type", kinds)
	w.Uint32("tokenizer.ggml.eos_token_id", uint32(len(texts)-1))
	return tokenizer(t, &w)
}

// names gives the texts of tokens.
func names(t *Tokenizer, ids []int32) []string {
	var list []string
	for _, id := range ids {
		list = append(list, t.Name(id))
	}
	return list
}

func TestSentencePieces(t *testing.T) {
	tok := sentencePieces(t, "he", "▁h", "ll", "llo", "hello", "▁hello", "▁", "o", "e", "h", "l", "▁w")
	for _, c := range []struct {
		text string
		want []string
	}{
		{"hello", []string{"▁hello"}},
		{"", nil},
		{"lll", []string{"▁", "ll", "l"}},
		{"é", []string{"▁", "<0xC3>", "<0xA9>"}},
		{"he</s>", []string{"▁", "he", "<0x3C>", "<0x2F>", "<0x73>", "<0x3E>"}},
	} {
		if got := names(tok, tok.Encode(c.text, Text)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := names(tok, tok.Encode("he</s>he", Special)); !slices.Equal(got, []string{"▁", "he", "</s>", "▁", "he"}) {
		t.Errorf("with control tokens: %q", got)
	}
	if got := tok.EncodeAll(Part{"he", Text}); !slices.Equal(got, append([]int32{tok.BOS}, tok.Encode("he", Text)...)) {
		t.Errorf("whole: %v", got)
	}
}

func TestBytePairs(t *testing.T) {
	tok := bytePairs(t, "qwen2", "h e", "l l", "Ġ h", "he ll", "hell o", "Ġ he", "Ã ©")
	for _, c := range []struct {
		text string
		want []string
	}{
		{"hello", []string{"hello"}},
		{" hello", []string{"Ġ", "hello"}}, // "h e" ranks above "Ġ h", and "hell o" above "Ġ he"
		{"é<|im_end|>", []string{"Ã©", "<", "|", "i", "m", "_", "e", "n", "d", "|", ">"}},
	} {
		if got := names(tok, tok.Encode(c.text, Text)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := names(tok, tok.Encode("<|im_start|>he", Special)); !slices.Equal(got, []string{"<|im_start|>", "he"}) {
		t.Errorf("with control tokens: %q", got)
	}
	if tok.EndOfTurn == None || !slices.Equal(tok.Ends(), []int32{tok.EOS}) {
		t.Errorf("the end of a turn is %d, ends %v", tok.EndOfTurn, tok.Ends())
	}
}

func tokenizers(t testing.TB) []*Tokenizer {
	pairs := []string{"h e", "l l", "he ll", "t h", "Ġ t", "Ġt he", "e r", "1 2", "Ð °"}
	return []*Tokenizer{
		sentencePieces(t, "he", "ll", "▁the", "th", "▁t", "▁", "e", "▁▁", "é"), bytePairs(t, "gpt-2", pairs...),
		bytePairs(t, "llama-bpe", pairs...), bytePairs(t, "qwen2", pairs...),
	}
}

// checkRoundTrip encodes, decodes at once, and decodes as a stream, which must give the same but for what is no UTF-8.
func checkRoundTrip(t *testing.T, tok *Tokenizer, text string) {
	t.Helper()
	ids := tok.Encode(text, Text)
	if got := tok.Decode(ids); got != text {
		t.Fatalf("%q becomes %q", text, got)
	}
	var b strings.Builder
	s := tok.Stream()
	for _, id := range ids {
		b.WriteString(s.Next(id))
	}
	b.WriteString(s.End())
	if got, want := b.String(), strings.ToValidUTF8(text, "\uFFFD"); strings.ReplaceAll(got, "\uFFFD", "") != strings.ReplaceAll(want, "\uFFFD", "") {
		t.Fatalf("%q streams as %q", text, got)
	}
}

func TestRoundTrips(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	pieces := []string{"the ", "hello", " ", "  ", "\n", "é", "漢", "👍🏽", "1234", "'ll", "<|im_end|>", "</s>", "<0x41>", "\xff", "\xe6\xbc", "а", "\u2581"}
	for _, tok := range tokenizers(t) {
		for range 300 {
			var b strings.Builder
			for range rnd.IntN(12) {
				b.WriteString(pieces[rnd.IntN(len(pieces)-1)]) // "▁" itself stands for a space and cannot come back
			}
			checkRoundTrip(t, tok, b.String())
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("Hello, world's 123\n\n x")
	f.Add("\xff\xfe é")
	list := tokenizers(f)
	f.Fuzz(func(t *testing.T, text string) {
		for i, tok := range list {
			if i == 0 && strings.Contains(text, space) {
				continue
			}
			checkRoundTrip(t, tok, text)
			tok.Encode(text, Special)
		}
	})
}

// A character comes out when its last byte has come.
func TestStreamWaitsForWholeCharacters(t *testing.T) {
	tok := bytePairs(t, "gpt-2")
	s := tok.Stream()
	var got []string
	for _, id := range tok.Encode("a👍\xe6b", Text) {
		got = append(got, s.Next(id))
	}
	if want := []string{"a", "", "", "", "👍", "", "\uFFFDb"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TOKEN-4: texts that merge in every place; were the work to grow with the square of their length, the test would not end.
func TestLongTextsTakeNotLong(t *testing.T) {
	for _, tok := range tokenizers(t) {
		for _, text := range []string{strings.Repeat("he", 200_000), strings.Repeat("l", 400_000), strings.Repeat(" ", 400_000)} {
			if got := tok.Decode(tok.Encode(text, Text)); got != text {
				t.Error("a long text does not come back")
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for what, fill := range map[string]func(*gguf.Writer){
		"nothing": func(*gguf.Writer) {},
		"kind":    func(w *gguf.Writer) { w.Text("tokenizer.ggml.model", "t5") },
		"scores": func(w *gguf.Writer) {
			w.Text("tokenizer.ggml.model", "llama")
			w.Floats("tokenizer.ggml.scores", []float32{1})
		},
		"merges": func(w *gguf.Writer) { w.Text("tokenizer.ggml.model", "gpt2") },
		"a merge": func(w *gguf.Writer) {
			w.Text("tokenizer.ggml.model", "gpt2")
			w.Strings("tokenizer.ggml.merges", []string{"x"})
		},
		"splitter": func(w *gguf.Writer) {
			w.Text("tokenizer.ggml.model", "gpt2")
			w.Strings("tokenizer.ggml.merges", nil)
			w.Text("tokenizer.ggml.pre", "other")
		},
		"token types": func(w *gguf.Writer) {
			w.Text("tokenizer.ggml.model", "gpt2")
			w.Int32s("tokenizer.ggml.token_type", []int32{1})
		},
		"eos": func(w *gguf.Writer) {
			w.Text("tokenizer.ggml.model", "gpt2")
			w.Strings("tokenizer.ggml.merges", nil)
			w.Uint32("tokenizer.ggml.eos_token_id", 2)
		},
	} {
		var w gguf.Writer
		if what != "nothing" {
			w.Strings("tokenizer.ggml.tokens", []string{"a", "b"})
		}
		fill(&w)
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		f, err := gguf.Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(f)
		if _, unsupported := errors.AsType[*gguf.Unsupported](err); err == nil || unsupported != (what == "kind" || what == "splitter") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	talk := []Message{{"system", "Be brief."}, {"user", "Hi <|im_end|>"}, {"assistant", "Hello."}, {"user", "Bye"}}
	for template, want := range map[Template]string{
		ChatML: "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
		Llama3: "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi <|im_end|><|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
		Llama2: "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi <|im_end|> [/INST] Hello. </s><s>[INST] Bye [/INST]",
		Zephyr: "<|system|>\nBe brief.</s>\n<|user|>\nHi <|im_end|></s>\n<|assistant|>\nHello.</s>\n<|user|>\nBye</s>\n<|assistant|>\n",
		Plain:  "system: Be brief.\nuser: Hi <|im_end|>\nassistant: Hello.\nuser: Bye\nassistant:",
	} {
		var got strings.Builder
		for _, p := range template.Format(talk) {
			got.WriteString(p.Text)
			if p.Mode == Special && strings.Contains(p.Text, "Hi") {
				t.Errorf("%s: a user's words are taken for control tokens", template)
			}
		}
		if got.String() != want {
			t.Errorf("%s:\n%q, want\n%q", template, got.String(), want)
		}
	}
	for source, want := range map[string]Template{
		"{{'<|im_start|>' + role}}": ChatML, "{{ '<|start_header_id|>' }}": Llama3, "{{ '[INST] ' }}": Llama2,
		"{{ '<|user|>' }}{{ '<|assistant|>' }}": Zephyr,
	} {
		if got, err := Recognise(source); got != want || err != nil {
			t.Errorf("%q: %v %v, want %v", source, got, err, want)
		}
	}
	for _, source := range []string{"", "{{ something else }}"} {
		if got, err := Recognise(source); got != Plain || err == nil {
			t.Errorf("%q: %v %v", source, got, err)
		}
	}
	tok := bytePairs(t, "qwen2")
	ids := tok.EncodeAll(ChatML.Format(talk)...)
	if n := slices.Index(ids, tok.EOS); n < 0 || strings.Count(strings.Join(names(tok, ids), " "), "<|im_end|>") != 4 {
		t.Errorf("a control token in a user's words counts: %q", names(tok, ids))
	}
}
