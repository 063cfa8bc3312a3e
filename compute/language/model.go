package language

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/token"
)

// A Model is a file with what is known of it before its weights are laid out. It is safe for concurrent use until it is
// closed.
type Model struct {
	Name    string // what its file calls it
	Licence string
	Shape   lm.Config // Vocab is that of the tokenizer
	Texts   *token.Tokenizer
	File    *gguf.File
}

const nameBytesMax = 64

// Open reads a model from a file, which stays open until Close. Its id is not looked at.
func Open(path string) (*Model, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := read(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Parse reads a model that lies in memory, which must not change.
func Parse(data []byte) (*Model, error) {
	f, err := gguf.Parse(data)
	if err != nil {
		return nil, err
	}
	return read(f)
}

func read(f *gguf.File) (m *Model, err error) {
	m = &Model{File: f, Name: short(f, "general.name"), Licence: short(f, "general.license")}
	if m.Shape, err = lm.ReadConfig(f); err != nil {
		return nil, err
	}
	if m.Texts, err = token.New(f); err != nil {
		return nil, err
	}
	m.Shape.Vocab = m.Texts.Len()
	if t, ok := f.Tensor("token_embd.weight"); ok && len(t.Dims) == 2 {
		m.Shape.Vocab = t.Dims[1]
	}
	return m, nil
}

func short(f *gguf.File, key string) string {
	text, _ := f.String(key)
	return text[:min(len(text), nameBytesMax)]
}

// Template is the model's form of conversations, if it has one that is known.
func (m *Model) Template() (token.Template, error) {
	source, _ := m.File.String("tokenizer.chat_template")
	return token.Recognise(source)
}

// WeightBytes is what the tensors that it computes with take in the file.
func (m *Model) WeightBytes() (n int64) {
	for _, name := range lm.TensorNames(m.File, m.Shape) {
		t, _ := m.File.Tensor(name)
		n += int64(len(t.Data))
	}
	return n
}

// Tokens gives the tokens of a prompt. Its error is an image.Fault (LANG-3).
func (m *Model) Tokens(p *Prompt) ([]int32, error) {
	tokens := p.Tokens
	if len(p.Parts) > 0 {
		tokens = m.Texts.EncodeAll(p.Parts...)
	}
	if len(tokens) == 0 || len(tokens)+p.TokensMax > m.Shape.Context || !m.has(tokens) || !m.has(p.StopTokens) {
		return nil, image.FaultShape
	}
	return tokens, nil
}

func (m *Model) has(tokens []int32) bool {
	for _, t := range tokens {
		if t < 0 || int(t) >= m.Shape.Vocab {
			return false
		}
	}
	return true
}

// ends lists the tokens that end an answer to a prompt.
func (m *Model) ends(p *Prompt) []int32 { return append(m.Texts.Ends(), p.StopTokens...) }

// Close gives the file back. Nothing of the model must be used any more.
func (m *Model) Close() error { return m.File.Close() }
