package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/internal/term"
)

// A benchedLanguage is what `model bench` prints of a language model.
type benchedLanguage struct {
	Model         string  `json:"model"`
	PrefillTokens int     `json:"prefillTokens"`
	DecodeTokens  int     `json:"decodeTokens"`
	PrefillPerSec float64 `json:"prefillTokensPerSecond"`
	DecodePerSec  float64 `json:"decodeTokensPerSecond"`
	CheckShare    float64 `json:"checkShare"` // time of checking the answer in one pass, of the time of answering
	Together      int     `json:"together"`   // answers at once
	OnePerSec     float64 `json:"oneAtATime"` // tokens a second of so many short prompts and answers, one after the other
	AllPerSec     float64 `json:"allTogether"`
	OneCPUMs      float64 `json:"oneAtATimeMsPerToken"` // of processors
	AllCPUMs      float64 `json:"allTogetherMsPerToken"`
	RSSMiB        float64 `json:"peakRSSMiB"`
}

// benchLanguage times a prompt of up to 256 tokens, an answer of as many, and the check of it; then many short ones, in turn and together.
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
	if err := b.together(c, ready); err != nil {
		return err
	}
	b.PrefillPerSec, b.DecodePerSec, b.RSSMiB = float64(n)/prefill, float64(b.DecodeTokens)/max(whole-prefill, 1e-9), peakRSS()
	return printer(c).Result(b, func(w io.Writer) {
		term.Table(w, []string{"model", "prefill", "tokens/s", "decode", "tokens/s", "check, of all", "16 in turn", "together", "peak MiB"}, [][]string{{
			b.Model, fmt.Sprint(b.PrefillTokens), fmt.Sprintf("%.1f", b.PrefillPerSec), fmt.Sprint(b.DecodeTokens), fmt.Sprintf("%.1f", b.DecodePerSec),
			fmt.Sprintf("%.2f", b.CheckShare), fmt.Sprintf("%.1f", b.OnePerSec), fmt.Sprintf("%.1f", b.AllPerSec), fmt.Sprintf("%.0f", b.RSSMiB),
		}})
	})
}

const (
	benchTokens = 256
	shortTokens = 32 // of each of many prompts, and of each answer
)

// together times items of a job one after the other and together, and holds the results against each other.
func (b *benchedLanguage) together(c *cli.Context, r *language.Ready) error {
	b.Together = language.TogetherMax
	n := min(shortTokens, r.Shape.Context/2)
	var items, alone [][]byte
	for i := range b.Together {
		p := language.Prompt{TokensMax: n, Seed: uint64(i), TemperaturePpm: 1_000_000}
		for k := range n {
			p.Tokens = append(p.Tokens, int32((i*31+k*7919+3)%r.Shape.Vocab))
		}
		items = append(items, p.Encode())
	}
	tokens := 0
	began, cpu := time.Now(), cpuTime()
	for _, item := range items {
		result, err := r.Run(c.Context, item)
		if err != nil {
			return err
		}
		a, err := language.DecodeAnswer(result)
		if err != nil {
			return err
		}
		tokens += len(a.Tokens)
		alone = append(alone, result)
	}
	b.OnePerSec, b.OneCPUMs = float64(tokens)/time.Since(began).Seconds(), (cpuTime()-cpu).Seconds()*1000/float64(tokens)
	began, cpu = time.Now(), cpuTime()
	place := map[int]int{}
	for i, item := range items {
		id, err := r.Begin(item)
		if err != nil {
			return err
		}
		place[id] = i
	}
	for r.Begun() > 0 {
		done, err := r.Step()
		if err != nil {
			return err
		}
		for _, d := range done {
			if d.Err != nil || !bytes.Equal(d.Result, alone[place[d.ID]]) {
				return faultError{fmt.Errorf("prompt %d is answered otherwise in company: %w", place[d.ID], d.Err)}
			}
		}
	}
	b.AllPerSec, b.AllCPUMs = float64(tokens)/time.Since(began).Seconds(), (cpuTime()-cpu).Seconds()*1000/float64(tokens)
	return nil
}

func timed(c *cli.Context, r *language.Ready, p *language.Prompt) (seconds float64, result []byte, err error) {
	start := time.Now()
	result, err = r.Run(c.Context, p.Encode())
	return time.Since(start).Seconds(), result, err
}
