package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
)

// languageStore is where language models lie, among the others.
func languageStore(c *cli.Context) language.Store { return language.Store{Dir: modelStore(c).Dir} }

// isLanguage says whether an argument names a language model: a stored one, or a file.
func isLanguage(c *cli.Context, text string) bool {
	if strings.HasSuffix(text, ".gguf") {
		return true
	}
	_, err := languageStore(c).Find(text)
	return err == nil
}

// listLanguages gives the lines of `model list`.
func listLanguages(c *cli.Context) (list []listed, err error) {
	entries, err := languageStore(c).List()
	for _, e := range entries {
		l := listed{ID: e.ID, Name: e.Name, Bytes: e.Bytes, Source: "language model"}
		if e.Err != nil {
			l.Error = e.Err.Error()
		}
		list = append(list, l)
	}
	return list, err
}

// An inspectedLanguage is what `model inspect` prints of a language model.
type inspectedLanguage struct {
	ID          chain.Hash `json:"id"`
	Name        string     `json:"name"`
	Licence     string     `json:"licence"`
	Arch        string     `json:"architecture"`
	Layers      int        `json:"layers"`
	Dim         int        `json:"dimensions"`
	Hidden      int        `json:"hidden"`
	Heads       int        `json:"heads"`
	KeyHeads    int        `json:"keyHeads"`
	Vocab       int        `json:"vocabulary"`
	Context     int        `json:"context"`
	Tensors     int        `json:"tensors"`
	WeightBytes int64      `json:"weightBytes"`
	PageBytes   int        `json:"cacheBytesOf256Tokens"`
	Template    string     `json:"template,omitempty"`
}

func inspectLanguage(c *cli.Context) error {
	m, err := openLanguage(languageStore(c), c.Args().First())
	if err != nil {
		return err
	}
	defer m.Close()
	s := m.Shape
	out := inspectedLanguage{
		Name: m.Name, Licence: m.Licence, Arch: s.Arch, Layers: s.Layers, Dim: s.Dim, Hidden: s.Hidden, Heads: s.Heads, KeyHeads: s.KeyHeads, Vocab: s.Vocab,
		Context: s.Context, Tensors: len(lm.TensorNames(m.File, s)), WeightBytes: m.WeightBytes(), PageBytes: lm.NewCache(s, 1).PageBytes(),
	}
	if out.ID, err = m.ID(); err != nil {
		return err
	}
	template, err := m.Template()
	if err == nil {
		out.Template = string(template)
	}
	return printer(c).Result(out, func(w io.Writer) {
		term.Pairs(w,
			[2]string{"id", out.ID.String()}, [2]string{"name", out.Name}, [2]string{"licence", out.Licence}, [2]string{"architecture", out.Arch},
			[2]string{"layers", fmt.Sprintf("%d of %d dimensions, %d hidden", out.Layers, out.Dim, out.Hidden)},
			[2]string{"heads", fmt.Sprintf("%d, of keys %d", out.Heads, out.KeyHeads)},
			[2]string{"vocabulary", fmt.Sprint(out.Vocab)}, [2]string{"context", fmt.Sprintf("%d tokens", out.Context)},
			[2]string{"weights", fmt.Sprintf("%d tensors, %s MiB", out.Tensors, mebibytes(uint64(out.WeightBytes)))},
			[2]string{"keys and values", fmt.Sprintf("%s MiB for each 256 tokens", mebibytes(uint64(out.PageBytes)))},
			[2]string{"conversations", out.Template},
		)
	})
}

// A benchedLanguage is what `model bench` prints of a language model.
type benchedLanguage struct {
	Model         string  `json:"model"`
	PrefillTokens int     `json:"prefillTokens"`
	DecodeTokens  int     `json:"decodeTokens"`
	PrefillPerSec float64 `json:"prefillTokensPerSecond"`
	DecodePerSec  float64 `json:"decodeTokensPerSecond"`
	CheckShare    float64 `json:"checkShare"` // time of checking the answer in one pass, of the time of answering
	RSSMiB        float64 `json:"peakRSSMiB"`
}

// benchLanguage times a prompt of up to 256 tokens, an answer of as many, and the check of it.
func benchLanguage(c *cli.Context) error {
	m, err := openLanguage(languageStore(c), c.Args().First())
	if err != nil {
		return err
	}
	ready, err := m.Load(language.Options{Threads: c.Int("threads")})
	if err != nil {
		return errors.Join(err, m.Close())
	}
	defer ready.Close()
	n := min(benchTokens, m.Shape.Context/2)
	p := language.Prompt{TokensMax: 1}
	for i := range n {
		p.Tokens = append(p.Tokens, int32((i*7919+3)%m.Shape.Vocab))
	}
	b := benchedLanguage{Model: m.Name, PrefillTokens: n, DecodeTokens: n - 1}
	prefill, _, err := timed(c, ready, &p)
	if err != nil {
		return err
	}
	p.TokensMax, p.TemperaturePpm = n, 1_000_000
	whole, result, err := timed(c, ready, &p)
	if err != nil {
		return err
	}
	a, err := language.DecodeAnswer(result)
	if err != nil {
		return err
	}
	start := time.Now()
	if ok, err := ready.Follows(c.Context, p.Encode(), result); err != nil || !ok {
		return faultError{fmt.Errorf("the answer does not follow in one pass: %w", err)}
	}
	b.CheckShare = time.Since(start).Seconds() / whole
	b.DecodeTokens = len(a.Tokens) - 1
	b.PrefillPerSec, b.DecodePerSec, b.RSSMiB = float64(n)/prefill, float64(b.DecodeTokens)/max(whole-prefill, 1e-9), peakRSS()
	return printer(c).Result(b, func(w io.Writer) {
		term.Table(w, []string{"model", "prefill", "tokens/s", "decode", "tokens/s", "check, of all", "peak MiB"}, [][]string{{
			b.Model, fmt.Sprint(b.PrefillTokens), fmt.Sprintf("%.1f", b.PrefillPerSec), fmt.Sprint(b.DecodeTokens), fmt.Sprintf("%.1f", b.DecodePerSec),
			fmt.Sprintf("%.2f", b.CheckShare), fmt.Sprintf("%.0f", b.RSSMiB),
		}})
	})
}

const benchTokens = 256

func timed(c *cli.Context, r *language.Ready, p *language.Prompt) (seconds float64, result []byte, err error) {
	start := time.Now()
	result, err = r.Run(c.Context, p.Encode())
	return time.Since(start).Seconds(), result, err
}

// removeLanguage removes a language model, or says model.ErrNoModel.
func removeLanguage(c *cli.Context, text string) error {
	store := languageStore(c)
	id, err := store.Find(text)
	if err != nil {
		return err
	}
	if err := store.Remove(id); err != nil {
		return err
	}
	return packedOf(c, store.Dir).Remove(id)
}

// noLanguage refuses a language model where a network is wanted.
func noLanguage(c *cli.Context, text string) error {
	if isLanguage(c, text) {
		return usagef("%s is a language model: `aiwork-node model generate` runs it", text)
	}
	return nil
}
