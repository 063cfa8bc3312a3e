package main

import (
	"fmt"
	"io"
	"strings"

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
