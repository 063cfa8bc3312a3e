package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/term"
)

func generateCommand() *cli.Command {
	return &cli.Command{
		Name:      "generate",
		Usage:     "let a language model continue a text, or answer with --chat",
		ArgsUsage: "MODEL|FILE.gguf",
		Flags: append(promptFlags(),
			&cli.IntFlag{Name: "threads", Usage: "how many processors to use", Value: runtime.NumCPU()},
			&cli.StringFlag{Name: "path", Usage: "instructions to use: go, avx2, avx512, avx512vnni or neon; default: the best of this machine"},
			&cli.BoolFlag{Name: "verify", Usage: "check the answer again in one pass, as an auditor does"},
			packedFlag(),
		),
		Action: modelGenerate,
	}
}

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "convert a model in the form of llama2.c to GGUF",
		ArgsUsage: "MODEL.bin FILE.gguf",
		Action:    modelConvert,
	}
}

func modelConvert(c *cli.Context) error {
	if err := want(c, 2, "MODEL.bin FILE.gguf"); err != nil {
		return err
	}
	from, to := c.Args().Get(0), c.Args().Get(1)
	raw, err := os.ReadFile(from)
	if err != nil {
		return usagef("%v", err)
	}
	var w gguf.Writer
	if err := llama2c.Convert(&w, strings.TrimSuffix(filepath.Base(from), filepath.Ext(from)), raw); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return usagef("%v", err)
	}
	_, err = w.WriteTo(out)
	return errors.Join(err, out.Close())
}

// An answer is what generate gives with --json.
type answer struct {
	Model          string  `json:"model"`
	Path           string  `json:"path"`
	Prompt         []int32 `json:"promptTokens"`
	Tokens         []int32 `json:"tokens"`
	Text           string  `json:"text"`
	End            string  `json:"end"`
	Seed           uint64  `json:"seed"`
	PrefillSeconds float64 `json:"prefillSeconds"`
	DecodeSeconds  float64 `json:"decodeSeconds"`
	Verified       *bool   `json:"verified,omitempty"`
	VerifySeconds  float64 `json:"verifySeconds,omitempty"` // of one pass over prompt and answer
}

func modelGenerate(c *cli.Context) error {
	if err := want(c, 1, "one MODEL or FILE.gguf"); err != nil {
		return err
	}
	file := c.Args().First()
	path, err := pathOf(c.String("path"))
	if err != nil {
		return err
	}
	how, err := promptOf(c)
	if err != nil {
		return err
	}
	f, id, err := languageFile(c, file)
	if err != nil {
		return err
	}
	defer f.Close()
	g := &generator{
		c: c, file: f, how: how.Sampling(), stops: how.StopTexts, out: printer(c), answer: answer{Model: file, Path: path.String(), Seed: how.Seed},
	}
	var shelf *packed.Shelf
	if g.model, shelf, err = language.Weights(f, path, packedOf(c, modelStore(c).Dir), id, func(text string) { g.out.Note("%s", text) }); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer shelf.Close()
	if err := g.readPrompt(); err != nil {
		return err
	}
	return g.run()
}

// languageFile opens a .gguf file, or the stored model that a text names, and gives the id under which its weights are packed.
func languageFile(c *cli.Context, text string) (f *gguf.File, id [32]byte, err error) {
	if strings.HasSuffix(text, ".gguf") {
		if f, err = gguf.Open(text); err != nil {
			return nil, id, err
		}
		if id, err = packed.FileID(text); err != nil {
			return nil, id, errors.Join(err, f.Close())
		}
		return f, id, nil
	}
	store := languageStore(c)
	if id, err = store.Find(text); err != nil {
		return nil, id, err
	}
	m, err := store.Open(id)
	if err != nil {
		return nil, id, err
	}
	return m.File, id, nil
}

// A generator is one run of the command.
type generator struct {
	c      *cli.Context
	file   *gguf.File
	model  *lm.Model
	how    lm.Sampling
	stops  []string
	texts  *token.Tokenizer // nil with --tokens and a model without texts
	out    *term.Printer
	answer answer
}

func (g *generator) readPrompt() (err error) {
	numbers, text := g.c.String("tokens"), g.c.String("prompt")
	if (numbers == "") == (text == "") {
		return usagef("want --prompt or --tokens: `%s --help` shows how", g.c.Command.HelpName)
	}
	g.texts, err = token.New(g.file)
	if numbers != "" {
		g.answer.Prompt, err = parseTokens(numbers)
		return err
	}
	if err != nil {
		return fmt.Errorf("the model's tokenizer: %w; --tokens takes numbers", err)
	}
	if text, err = promptText(g.c); err != nil {
		return err
	}
	parts := []token.Part{{Text: text}}
	if g.c.Bool("chat") {
		if parts, err = g.conversation(text); err != nil {
			return err
		}
	}
	if g.answer.Prompt = g.texts.EncodeAll(parts...); len(g.answer.Prompt) == 0 {
		return usagef("the prompt is empty")
	}
	return nil
}

func parseTokens(list string) ([]int32, error) {
	var ids []int32
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(field), 10, 32)
		if err != nil {
			return nil, usagef("--tokens: %q is no number of a token", field)
		}
		ids = append(ids, int32(n))
	}
	return ids, nil
}

// conversation puts the prompt into the model's form.
func (g *generator) conversation(text string) ([]token.Part, error) {
	var template token.Template
	var err error
	if name := g.c.String("template"); name != "" {
		if template, err = token.TemplateByName(name); err != nil {
			return nil, usagef("--template: %v", err)
		}
	} else {
		source, _ := g.file.String("tokenizer.chat_template")
		if template, err = token.Recognise(source); err != nil {
			return nil, usagef("%v, by --template", err)
		}
	}
	return conversation(g.c, template, text), nil
}

func (g *generator) run() error {
	request := lm.Request{Prompt: g.answer.Prompt, TokensMax: g.c.Int("max-tokens"), Sampling: g.how}
	length := min(len(request.Prompt)+request.TokensMax, g.model.Context)
	pages := (length + lm.PageLen - 1) / lm.PageLen
	b := lm.NewBatch(g.model, lm.BatchOptions{Threads: g.c.Int("threads"), Pages: pages, Requests: 1, StepTokens: 256})
	var teller *language.Teller
	if g.texts != nil {
		request.Stop = g.texts.Ends()
		teller = language.NewTeller(g.texts, request.Stop, g.stops)
	} else if g.stops != nil {
		return usagef("--stop: the model has no texts")
	}
	if _, err := b.Add(request); err != nil {
		return usagef("%v", err)
	}
	start := time.Now()
	for g.answer.End == "" {
		if err := g.c.Context.Err(); err != nil {
			return err
		}
		events, err := b.Step()
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Err != nil {
				return e.Err
			}
			g.take(e, teller, start)
		}
	}
	g.answer.DecodeSeconds = time.Since(start).Seconds() - g.answer.PrefillSeconds
	return g.finish()
}

// take shows one token.
func (g *generator) take(e lm.Event, teller *language.Teller, start time.Time) {
	if len(g.answer.Tokens) == 0 {
		g.answer.PrefillSeconds = time.Since(start).Seconds()
	}
	g.answer.Tokens = append(g.answer.Tokens, e.Token)
	g.answer.End = [...]string{"", "stop", "length", "context", "fault"}[e.End]
	if teller == nil {
		g.show(fmt.Sprint(e.Token, " "))
		return
	}
	text, end := teller.Next(e.Token)
	g.show(text)
	if end == language.Goes && g.answer.End == "" {
		return
	}
	if end == language.Goes {
		end = language.EndLength
	}
	text, end = teller.Rest(end)
	g.show(text)
	if end != language.EndLength {
		g.answer.End = "stop"
	}
}

func (g *generator) show(text string) {
	g.answer.Text += text
	if !g.out.JSON {
		fmt.Fprint(g.out.Out, text)
	}
}

// finish checks the answer if asked to, and prints what is left to print.
func (g *generator) finish() error {
	if g.c.Bool("verify") {
		if !g.out.JSON {
			fmt.Fprintln(g.out.Out)
		}
		if err := g.verify(); err != nil {
			return err
		}
	}
	a := &g.answer
	err := g.out.Result(a, func(w io.Writer) {
		if a.Verified == nil {
			fmt.Fprintln(w)
		}
	})
	g.out.Note("prompt: %d tokens in %.2f s; answer: %d tokens in %.2f s; ended by %s", len(a.Prompt), a.PrefillSeconds, len(a.Tokens), a.DecodeSeconds, a.End)
	return err
}

func (g *generator) verify() error {
	cache := lm.NewCache(g.model.Config, 1+(len(g.answer.Prompt)+len(g.answer.Tokens))/lm.PageLen)
	start := time.Now()
	n, err := lm.Verify(g.c.Context, lm.NewRunner(g.model, g.c.Int("threads")), cache.NewSequence(), g.answer.Prompt, g.answer.Tokens, g.how)
	if err != nil {
		return err
	}
	g.answer.VerifySeconds = time.Since(start).Seconds()
	follows := n == len(g.answer.Tokens)
	g.answer.Verified = &follows
	if !follows {
		return faultError{fmt.Errorf("token %d of the answer does not follow", n)}
	}
	g.out.Note("verified: all %d tokens follow, in one pass of %.2f s", n, g.answer.VerifySeconds)
	return nil
}
