package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/quant"
	"github.com/aiwork/aiwork-node/compute/token"
)

// merges is how many pairs the vocabularies are made of.
const merges = 400

// compareTokenizers makes vocabularies of each kind from the pages of docs/, and compares the tokens of their lines and of
// awkward texts.
func compareTokenizers(model string) error {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		return fmt.Errorf("no pages in docs/: %w", err)
	}
	var text strings.Builder
	for _, p := range pages {
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		text.Write(raw)
	}
	texts := slices.DeleteFunc(strings.Split(text.String(), "\n"), func(s string) bool { return s == "" })
	texts = append(texts, awkward()...)
	for _, kind := range []string{"llama", "gpt-2", "llama-bpe", "qwen2"} {
		var w gguf.Writer
		size := 0
		if kind == "llama" {
			size = pieceVocabulary(&w, text.String())
		} else {
			size = pairVocabulary(&w, text.String(), kind)
		}
		if err := tinyModel(&w, model, size); err != nil {
			return err
		}
		if err := compareTokens(model, kind, texts); err != nil {
			return err
		}
	}
	return nil
}

func awkward() []string {
	texts := []string{"  two  spaces ", "a\n\nb \r\n c\t\td", "naïve café 漢字 👍🏽 и кириллица", "I'LL don't we'Ve", "1234567.89 ½", "\u00a0x\u3000", "<s>not a token</s>", " "}
	alphabet := []string{" ", "\n", "\t", "a", "the", "É", "漢", "1", "23", "'s", "ll", ".", "!", "👍", "\u00a0", "_", "▁"}
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 500 {
		var b strings.Builder
		for range 1 + rnd.IntN(16) {
			b.WriteString(alphabet[rnd.IntN(len(alphabet))])
		}
		texts = append(texts, b.String())
	}
	return texts
}

// train gives the pairs of neighbours that occur most, each merged before the next is looked for.
func train(text, space string, sign func(byte) string) [][2]string {
	words := map[string]int{}
	for _, word := range strings.Fields(text) {
		words[word]++
	}
	type list struct {
		symbols []string
		times   int
	}
	var all []list
	for word, times := range words {
		symbols := []string{space}
		for i := range len(word) {
			symbols = append(symbols, sign(word[i]))
		}
		all = append(all, list{symbols, times})
	}
	var pairs [][2]string
	for range merges {
		counts := map[[2]string]int{}
		for _, l := range all {
			for i := 1; i < len(l.symbols); i++ {
				counts[[2]string{l.symbols[i-1], l.symbols[i]}] += l.times
			}
		}
		var best [2]string
		for p, n := range counts {
			if n > counts[best] || n == counts[best] && p[0]+" "+p[1] < best[0]+" "+best[1] {
				best = p
			}
		}
		pairs = append(pairs, best)
		for i := range all {
			s := all[i].symbols
			for j := 0; j+1 < len(s); j++ {
				if s[j] == best[0] && s[j+1] == best[1] {
					s = slices.Delete(s, j+1, j+2)
					s[j] = best[0] + best[1]
				}
			}
			all[i].symbols = s
		}
	}
	return pairs
}

// signs gives each byte the character by which byte pairs are written.
func signs() (list [256]string) {
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if b <= ' ' || b >= 0x7f && b <= 0xa0 || b == 0xad {
			r, next = next, next+1
		}
		list[b] = string(r)
	}
	return list
}

func pairVocabulary(w *gguf.Writer, text, pre string) (size int) {
	byByte := signs()
	texts := slices.Clone(byByte[:])
	var pairs []string
	for _, p := range train(text, byByte[' '], func(b byte) string { return byByte[b] }) {
		pairs = append(pairs, p[0]+" "+p[1])
		if !slices.Contains(texts, p[0]+p[1]) {
			texts = append(texts, p[0]+p[1])
		}
	}
	kinds := slices.Repeat([]int32{1}, len(texts))
	texts, kinds = append(texts, "<|end|>"), append(kinds, 3)
	w.Text("tokenizer.ggml.model", "gpt2")
	w.Text("tokenizer.ggml.pre", pre)
	w.Strings("tokenizer.ggml.tokens", texts)
	w.Strings("tokenizer.ggml.merges", pairs)
	w.Int32s("tokenizer.ggml.token_type", kinds)
	w.Uint32("tokenizer.ggml.bos_token_id", uint32(len(texts)-1))
	w.Uint32("tokenizer.ggml.eos_token_id", uint32(len(texts)-1))
	return len(texts)
}

func pieceVocabulary(w *gguf.Writer, text string) (size int) {
	texts, kinds := []string{"<unk>", "<s>", "</s>"}, []int32{2, 3, 3}
	for b := range 256 {
		texts, kinds = append(texts, fmt.Sprintf("<0x%02X>", b)), append(kinds, 6)
	}
	scores := make([]float32, len(texts))
	ascii := strings.Map(func(r rune) rune {
		if r > 126 {
			return -1
		}
		return r
	}, text)
	add := func(piece string) {
		if !slices.Contains(texts, piece) {
			texts, kinds, scores = append(texts, piece), append(kinds, 1), append(scores, -float32(len(scores)))
		}
	}
	for _, p := range train(ascii, "▁", func(b byte) string { return string(rune(b)) }) {
		add(p[0] + p[1])
	}
	add("▁")
	for b := byte('!'); b <= '~'; b++ {
		add(string(rune(b)))
	}
	w.Text("tokenizer.ggml.model", "llama")
	w.Strings("tokenizer.ggml.tokens", texts)
	w.Floats("tokenizer.ggml.scores", scores)
	w.Int32s("tokenizer.ggml.token_type", kinds)
	w.Uint32("tokenizer.ggml.unknown_token_id", 0)
	w.Uint32("tokenizer.ggml.bos_token_id", 1)
	w.Uint32("tokenizer.ggml.eos_token_id", 2)
	return len(texts)
}

// tinyModel adds what llama.cpp wants of a file beside its vocabulary.
func tinyModel(w *gguf.Writer, path string, size int) error {
	const dim = 32
	w.Text("general.architecture", "llama")
	for key, n := range map[string]uint32{
		"context_length": 64, "embedding_length": dim, "block_count": 1, "feed_forward_length": dim, "attention.head_count": 1, "rope.dimension_count": dim,
	} {
		w.Uint32("llama."+key, n)
	}
	w.Float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	m := &maker{w: w, format: quant.F32, random: rand.New(rand.NewPCG(1, 1))}
	m.matrix("token_embd", dim, size)
	m.ones("output_norm", dim)
	m.ones("blk.0.attn_norm", dim)
	m.ones("blk.0.ffn_norm", dim)
	for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"} {
		m.matrix("blk.0."+name, dim, dim)
	}
	if m.err != nil {
		return m.err
	}
	return save(path, w)
}

func compareTokens(model, kind string, texts []string) error {
	f, err := gguf.Open(model)
	if err != nil {
		return err
	}
	defer f.Close()
	ours, err := token.New(f)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(model+".json", raw, 0o600); err != nil {
		return err
	}
	cmd := exec.Command("node", "tokens.mjs", model, model+".json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("tokens.mjs: %w", err)
	}
	var theirs [][]int32
	if err := json.Unmarshal(out, &theirs); err != nil || len(theirs) != len(texts) {
		return fmt.Errorf("%d lists of tokens for %d texts: %w", len(theirs), len(texts), err)
	}
	same, shown := 0, 0
	for i, text := range texts {
		if got := ours.Encode(text, token.Text); slices.Equal(got, theirs[i]) {
			same++
		} else if shown++; shown <= 5 {
			fmt.Printf("%s: %q\n  ours  %v\n  llama %v\n", kind, text, got, theirs[i])
		}
	}
	fmt.Printf("%-10s %d of %d texts have llama.cpp's tokens\n", kind, same, len(texts))
	return nil
}
