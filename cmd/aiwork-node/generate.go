package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/term"
)

func generateCommand() *cli.Command {
	return &cli.Command{
		Name:      "generate",
		Usage:     "let a language model continue a text, or answer with --chat",
		ArgsUsage: "FILE.gguf",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prompt", Usage: "`TEXT` to continue; - reads standard input"},
			&cli.StringFlag{Name: "tokens", Usage: "the prompt as numbers of tokens, 1,403,407, instead of a text"},
			&cli.BoolFlag{Name: "chat", Usage: "take the prompt for a user's words, in the model's form of conversations"},
			&cli.StringFlag{Name: "system", Usage: "`TEXT` that goes before, with --chat"},
			&cli.StringFlag{Name: "template", Usage: "form of conversations: chatml, llama2, llama3, zephyr or plain; default: the model's own"},
			&cli.IntFlag{Name: "max-tokens", Usage: "of the answer", Value: 256},
			&cli.Uint64Flag{Name: "seed", Usage: "of the draws; equal seeds give equal answers, on every machine"},
			&cli.Float64Flag{Name: "temp", Usage: "temperature; 0 takes the likeliest token each time"},
			&cli.IntFlag{Name: "top-k", Usage: "draw among so many of the likeliest; 0 for all"},
			&cli.Float64Flag{Name: "top-p", Usage: "draw among the fewest that hold this share of the weight", Value: 1},
			&cli.Float64Flag{Name: "penalty", Usage: "makes tokens of the text so far less likely if above 1", Value: 1},
			&cli.IntFlag{Name: "threads", Usage: "how many processors to use", Value: runtime.NumCPU()},
			&cli.StringFlag{Name: "path", Usage: "instructions to use: go, avx2, avx512, avx512vnni or neon; default: the best of this machine"},
			&cli.BoolFlag{Name: "verify", Usage: "check the answer again in one pass, as an auditor does"},
		},
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
}

func modelGenerate(c *cli.Context) error {
	if err := want(c, 1, "one FILE.gguf"); err != nil {
		return err
	}
	file := c.Args().First()
	path, err := pathOf(c.String("path"))
	if err != nil {
		return err
	}
	how, err := sampling(c)
	if err != nil {
		return err
	}
	f, err := gguf.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	g := &generator{c: c, file: f, how: how, out: printer(c), answer: answer{Model: file, Path: path.String(), Seed: how.Seed}}
	if g.model, err = lm.Load(f, path); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := g.readPrompt(); err != nil {
		return err
	}
	return g.run()
}

func sampling(c *cli.Context) (lm.Sampling, error) {
	share, err := lm.ShareOf(c.Float64("top-p"))
	if err != nil {
		return lm.Sampling{}, usagef("--top-p: %v", err)
	}
	s := lm.Sampling{
		Temperature: float32(c.Float64("temp")), TopK: c.Int("top-k"), TopPPpm: share,
		Penalty: float32(c.Float64("penalty")), Seed: c.Uint64("seed"),
	}
	if err := s.Check(); err != nil {
		return lm.Sampling{}, usagef("%v", err)
	}
	if c.Int("max-tokens") < 1 {
		return lm.Sampling{}, usagef("--max-tokens %d: want at least 1", c.Int("max-tokens"))
	}
	return s, nil
}

// A generator is one run of the command.
type generator struct {
	c      *cli.Context
	file   *gguf.File
	model  *lm.Model
	how    lm.Sampling
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
	if text == "-" {
		raw, err := io.ReadAll(io.LimitReader(os.Stdin, promptBytesMax))
		if err != nil {
			return err
		}
		text = string(raw)
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

const promptBytesMax = 8 << 20

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
	var talk []token.Message
	if system := g.c.String("system"); system != "" {
		talk = append(talk, token.Message{Role: "system", Text: system})
	}
	return template.Format(append(talk, token.Message{Role: "user", Text: text})), nil
}

func (g *generator) run() error {
	request := lm.Request{Prompt: g.answer.Prompt, TokensMax: g.c.Int("max-tokens"), Sampling: g.how}
	length := min(len(request.Prompt)+request.TokensMax, g.model.Context)
	pages := (length + lm.PageLen - 1) / lm.PageLen
	b := lm.NewBatch(g.model, lm.BatchOptions{Threads: g.c.Int("threads"), Pages: pages, Requests: 1, StepTokens: 256})
	var stream *token.Stream
	if g.texts != nil {
		request.Stop, stream = g.texts.Ends(), g.texts.Continue()
	}
	if _, err := b.Add(request); err != nil {
		return usagef("%v", err)
	}
	start, last := time.Now(), lm.Event{}
	for b.Busy() {
		if err := g.c.Context.Err(); err != nil {
			return err
		}
		events, err := b.Step()
		if err != nil {
			return err
		}
		for _, last = range events {
			if last.Err != nil {
				return last.Err
			}
			g.take(last, stream, start)
		}
	}
	if stream != nil {
		g.show(stream.End())
	}
	g.answer.DecodeSeconds = time.Since(start).Seconds() - g.answer.PrefillSeconds
	g.answer.End = [...]string{"", "stop", "length", "context", "fault"}[last.End]
	return g.finish()
}

// take shows one token.
func (g *generator) take(e lm.Event, stream *token.Stream, start time.Time) {
	if len(g.answer.Tokens) == 0 {
		g.answer.PrefillSeconds = time.Since(start).Seconds()
	}
	g.answer.Tokens = append(g.answer.Tokens, e.Token)
	switch {
	case stream == nil:
		g.show(fmt.Sprint(e.Token, " "))
	case !slices.Contains(g.texts.Ends(), e.Token):
		g.show(stream.Next(e.Token))
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
	n, err := lm.Verify(lm.NewRunner(g.model, g.c.Int("threads")), cache.NewSequence(), g.answer.Prompt, g.answer.Tokens, g.how)
	if err != nil {
		return err
	}
	follows := n == len(g.answer.Tokens)
	g.answer.Verified = &follows
	if !follows {
		return faultError{fmt.Errorf("token %d of the answer does not follow", n)}
	}
	g.out.Note("verified: all %d tokens follow, in one pass of %.2f s", n, time.Since(start).Seconds())
	return nil
}
