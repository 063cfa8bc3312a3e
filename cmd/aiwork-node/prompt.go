package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/requester"
)

// promptFlags say what a language model is asked, and how it answers.
func promptFlags() []cli.Flag {
	return []cli.Flag{
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
		&cli.StringFlag{Name: "stop", Usage: "`TEXT` that ends the answer and is no part of it"},
	}
}

// promptOf reads how an answer is drawn and what ends it. What is to be continued is for the caller to fill in.
func promptOf(c *cli.Context) (p *language.Prompt, err error) {
	p = &language.Prompt{TokensMax: c.Int("max-tokens"), Seed: c.Uint64("seed")}
	if c.Int("top-k") < 0 {
		return nil, usagef("--top-k %d: want 0 or more", c.Int("top-k"))
	}
	p.TopK = uint32(min(c.Int("top-k"), 1<<31))
	for name, to := range map[string]*uint32{"temp": &p.TemperaturePpm, "top-p": &p.TopPPpm, "penalty": &p.PenaltyPpm} {
		if *to, err = language.ToPpm(c.Float64(name)); err != nil {
			return nil, usagef("--%s: %v", name, err)
		}
	}
	if stop := c.String("stop"); stop != "" {
		p.StopTexts = []string{stop}
	}
	switch {
	case p.TokensMax < 1 || p.TokensMax > language.AnswerTokensMax:
		return nil, usagef("--max-tokens %d: want 1 to %d", p.TokensMax, language.AnswerTokensMax)
	case c.Float64("top-p") > 1:
		return nil, usagef("--top-p %g: want 0 to 1", c.Float64("top-p"))
	}
	probe := *p
	probe.Tokens = []int32{0}
	if err := probe.Check(); err != nil {
		return nil, usagef("%v", err)
	}
	return p, nil
}

const promptBytesMax = 8 << 20

// promptText is the text of --prompt, or of standard input.
func promptText(c *cli.Context) (string, error) {
	text := c.String("prompt")
	if text != "-" {
		return text, nil
	}
	raw, err := io.ReadAll(io.LimitReader(os.Stdin, promptBytesMax))
	return string(raw), err
}

// conversation puts a user's words into a form of conversations.
func conversation(c *cli.Context, template token.Template, text string) []token.Part {
	var talk []token.Message
	if system := c.String("system"); system != "" {
		talk = append(talk, token.Message{Role: "system", Text: system})
	}
	return template.Format(append(talk, token.Message{Role: "user", Text: text}))
}

// jobPromptFlags are those of prompts that are ordered.
func jobPromptFlags() []cli.Flag {
	return append(promptFlags(),
		&cli.IntFlag{Name: "logprobs", Usage: "tell how likely each token of the answer was, and so many of the likeliest in its place, 0 to 20", Value: -1},
		&cli.StringFlag{Name: "embed", Usage: "no answer, but the prompt's vector: `mean` of its tokens' states, or that of the last"},
	)
}

// wantsOf reads what is wanted of a prompt beside or instead of an answer.
func wantsOf(c *cli.Context, p *language.Prompt) error {
	n, embed := c.Int("logprobs"), c.String("embed")
	if embed != "" {
		for _, name := range []string{"max-tokens", "seed", "temp", "top-k", "top-p", "penalty", "stop", "logprobs"} {
			if c.IsSet(name) {
				return usagef("--embed gives no answer: leave out --%s", name)
			}
		}
		*p = language.Prompt{Wants: language.WantsMean}
	}
	switch {
	case embed == "last":
		p.Wants = language.WantsLast
	case embed != "" && embed != "mean":
		return usagef("--embed %s: want mean or last", embed)
	case n < -1 || n > language.TopMax:
		return usagef("--logprobs %d: want 0 to %d", n, language.TopMax)
	case embed == "" && n >= 0:
		p.Wants, p.Top = language.WantsLikelihoods, uint8(n)
	}
	return nil
}

// wantsPrompt says whether the command line asks a language model.
func wantsPrompt(c *cli.Context) bool {
	if c.String("prompt") != "" || c.String("tokens") != "" {
		return true
	}
	return c.NArg() > 0 && filepath.Ext(c.Args().First()) == ".txt"
}

// readPrompts makes inputs of --prompt or --tokens, and of text files, each of which is a prompt; for the model by is, which has made
// tokens of texts, if it is on this machine.
func readPrompts(c *cli.Context) (inputs []requester.Input, by chain.Hash, err error) {
	how, err := promptOf(c)
	if err == nil {
		err = wantsOf(c, how)
	}
	if err != nil {
		return nil, by, err
	}
	store := language.Store{Dir: nodeHome(c).Models()}
	var m *language.Model // nil: not here
	if by, err = store.Find(c.String("model")); err == nil {
		if m, err = store.Open(by); err == nil {
			defer m.Close()
		}
	}
	if err != nil && !errors.Is(err, model.ErrNoModel) {
		return nil, by, err
	}
	add := func(name string, tokens []int32, text string) error {
		p := *how
		p.Tokens = tokens
		if tokens == nil {
			if p.Parts, err = partsOf(c, m, text); err != nil {
				return err
			}
			if m != nil { // as tokens, so that it takes no tokenizer to judge it
				p.Tokens, p.Parts = m.Texts.EncodeAll(p.Parts...), nil
			}
		}
		in, err := requester.NewPrompt(name, &p)
		if err == nil {
			inputs = append(inputs, in)
		}
		return err
	}
	if list := c.String("tokens"); list != "" {
		tokens, err := parseTokens(list)
		if err == nil {
			err = add("tokens", tokens, "")
		}
		if err != nil {
			return nil, by, err
		}
	}
	if c.String("prompt") != "" {
		text, err := promptText(c)
		if err == nil {
			err = add("prompt", nil, text)
		}
		if err != nil {
			return nil, by, err
		}
	}
	for _, path := range c.Args().Slice() {
		if filepath.Ext(path) != ".txt" {
			return nil, by, usagef("%s: with a prompt, other inputs are prompts too, in .txt files", path)
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = add(filepath.Base(path), nil, string(text))
		}
		if err != nil {
			return nil, by, err
		}
	}
	return inputs, by, nil
}

// partsOf gives the parts of a prompt, for a conversation in the form that --template names, or that of the model, which is nil where it is
// not on this machine.
func partsOf(c *cli.Context, m *language.Model, text string) ([]token.Part, error) {
	if !c.Bool("chat") {
		return []token.Part{{Text: text}}, nil
	}
	var template token.Template
	var err error
	switch name := c.String("template"); {
	case name != "":
		if template, err = token.TemplateByName(name); err != nil {
			return nil, usagef("--template: %v", err)
		}
	case m == nil:
		return nil, usagef("the model is not on this machine, which would tell its form of conversations: name it by --template")
	default:
		if template, err = m.Template(); err != nil {
			return nil, usagef("%v, by --template", err)
		}
	}
	return conversation(c, template, text), nil
}

// openLanguage opens the language model that a text names: a stored one, or a file.
func openLanguage(store language.Store, text string) (*language.Model, error) {
	if strings.HasSuffix(text, ".gguf") {
		m, err := language.Open(text)
		if errors.Is(err, os.ErrNotExist) {
			return nil, usagef("%s: no such file", text)
		}
		return m, err
	}
	id, err := store.Find(text)
	if err != nil {
		return nil, err
	}
	m, err := store.Open(id)
	if err != nil {
		return nil, fmt.Errorf("language model %s: %w", text, err)
	}
	return m, nil
}
