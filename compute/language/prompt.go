package language

import (
	"errors"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Limits of an item (LANG-3).
const (
	ItemBytesMax     = image.InputBytesMax
	PromptTokensMax  = 1 << 18
	PromptBytesMax   = 1 << 20 // of all parts
	PartsMax         = 1 << 14
	AnswerTokensMax  = 1 << 14
	StopTokensMax    = 16
	StopTextsMax     = 16
	StopTextBytesMax = 256
	TemperatureMax   = 16_000_000 // ppm: whole numbers up to 2^24 are exact as float32
	TemperatureLeast = 1_000      // ppm, if it is not 0
	PenaltyMax       = 16_000_000 // ppm
	PenaltyLeast     = 10_000     // ppm, if it is not 0
	shareMax         = 1_000_000  // ppm
	ReachMax         = 1 << 20    // of a penalty, tokens back
	TopMax           = 20         // likeliest tokens beside each
)

const (
	promptVersion = 2
	formTokens    = 1
	formParts     = 2
	ppm           = 1_000_000
)

// Wants say what a prompt asks for. Values stand in items and are never reused.
type Wants uint8

// The wants.
const (
	WantsAnswer      Wants = iota
	WantsLikelihoods       // an answer, and how likely its tokens were
	WantsMean              // no answer: the mean of the prompt's states, of length 1
	WantsLast              // no answer: the state of its last token, of length 1
	wantsEnd
)

// pool says what vector is wanted.
func (w Wants) pool() lm.Pool {
	switch w {
	case WantsMean:
		return lm.PoolMean
	case WantsLast:
		return lm.PoolLast
	}
	return lm.PoolNone
}

// A Prompt is an item (LANG-2). Either Tokens or Parts say what to continue. One that wants a vector has nothing else but these.
type Prompt struct {
	Wants Wants
	Top   uint8 // with WantsLikelihoods: how many of the likeliest tokens are told beside each

	Tokens []int32
	Parts  []token.Part

	TokensMax int // of the answer

	Seed           uint64
	TemperaturePpm uint32 // 0 takes the likeliest token
	TopK           uint32 // 0 for all
	TopPPpm        uint32 // 0 for all
	PenaltyPpm     uint32 // 0 for none
	PenaltyReach   uint32 // tokens back; 0 for all

	StopTokens []int32 // beside those that end every answer of the model
	StopTexts  []string
}

// Sampling says how the answer's tokens are drawn.
func (p *Prompt) Sampling() lm.Sampling {
	return lm.Sampling{
		Temperature: OfPpm(p.TemperaturePpm), TopK: int(p.TopK), TopPPpm: p.TopPPpm,
		Penalty: OfPpm(p.PenaltyPpm), PenaltyReach: int(p.PenaltyReach), Seed: p.Seed,
	}
}

// OfPpm gives a parameter of the number that stands for it, rounded once.
func OfPpm(n uint32) float32 { return float32(n) / ppm }

// ToPpm gives the number that stands for a parameter from 0 to 16, as people write it.
func ToPpm(v float64) (uint32, error) {
	if !(v >= 0 && v <= TemperatureMax/ppm) {
		return 0, fmt.Errorf("%g, want 0 to %d", v, TemperatureMax/ppm)
	}
	return uint32(math.Round(float64(v * ppm))), nil
}

// Check says what is wrong with a prompt, as far as that does not depend on the model.
func (p *Prompt) Check() error {
	bytes := 0
	for _, part := range p.Parts {
		bytes += len(part.Text)
		if part.Mode > token.Special {
			return errors.New("a part of the prompt of an unknown mode")
		}
	}
	switch {
	case (len(p.Tokens) > 0) == (len(p.Parts) > 0):
		return errors.New("want either tokens or parts of a text to continue")
	case len(p.Tokens) > PromptTokensMax || len(p.Parts) > PartsMax || bytes > PromptBytesMax:
		return fmt.Errorf("a prompt of %d tokens, or %d bytes in %d parts; at most %d, %d and %d are taken",
			len(p.Tokens), bytes, len(p.Parts), PromptTokensMax, PromptBytesMax, PartsMax)
	case p.Wants >= wantsEnd || p.Top > TopMax || p.Top > 0 && p.Wants != WantsLikelihoods:
		return fmt.Errorf("%d of the likeliest tokens with want %d: at most %d, and only with likelihoods", p.Top, p.Wants, TopMax)
	case p.Wants.pool() != lm.PoolNone:
		return p.checkVector()
	case p.TokensMax < 1 || p.TokensMax > AnswerTokensMax:
		return fmt.Errorf("an answer of at most %d tokens, want 1 to %d", p.TokensMax, AnswerTokensMax)
	}
	return errors.Join(p.checkSampling(), p.checkStops())
}

// checkVector holds what wants a vector to its one form.
func (p *Prompt) checkVector() error {
	if p.TokensMax != 0 || p.Seed != 0 || p.TemperaturePpm != 0 || p.TopK != 0 || p.TopPPpm != 0 || p.PenaltyPpm != 0 || p.PenaltyReach != 0 ||
		len(p.StopTokens) > 0 || len(p.StopTexts) > 0 {
		return errors.New("a vector is wanted: how an answer is drawn and ended has no place")
	}
	return nil
}

func (p *Prompt) checkSampling() error {
	switch {
	case p.TemperaturePpm > TemperatureMax || p.TemperaturePpm > 0 && p.TemperaturePpm < TemperatureLeast:
		return fmt.Errorf("a temperature of %d ppm, want 0, or %d to %d", p.TemperaturePpm, TemperatureLeast, TemperatureMax)
	case p.TopK > lm.VocabMax || p.TopPPpm > shareMax || p.PenaltyReach > ReachMax:
		return fmt.Errorf("top-k %d, top-p %d ppm, reach of the penalty %d; at most %d, %d and %d", p.TopK, p.TopPPpm, p.PenaltyReach, lm.VocabMax, shareMax, ReachMax)
	case p.PenaltyPpm > PenaltyMax || p.PenaltyPpm > 0 && p.PenaltyPpm < PenaltyLeast:
		return fmt.Errorf("a penalty of %d ppm, want 0, or %d to %d", p.PenaltyPpm, PenaltyLeast, PenaltyMax)
	}
	return nil
}

func (p *Prompt) checkStops() error {
	if len(p.StopTokens) > StopTokensMax || len(p.StopTexts) > StopTextsMax {
		return fmt.Errorf("%d stop tokens and %d stop texts, at most %d and %d are taken", len(p.StopTokens), len(p.StopTexts), StopTokensMax, StopTextsMax)
	}
	for _, t := range p.StopTexts {
		if t == "" || len(t) > StopTextBytesMax {
			return fmt.Errorf("a stop text of %d bytes, want 1 to %d", len(t), StopTextBytesMax)
		}
	}
	return nil
}

// Encode writes a prompt that Check finds in order.
func (p *Prompt) Encode() []byte {
	w := codec.NewWriter(64 + 4*len(p.Tokens))
	w.U8(promptVersion)
	w.U8(uint8(p.Wants))
	w.U8(p.Top)
	if len(p.Parts) == 0 {
		w.U8(formTokens)
		writeTokens(w, p.Tokens)
	} else {
		w.U8(formParts)
		w.Count(len(p.Parts))
		for _, part := range p.Parts {
			w.U8(uint8(part.Mode))
			w.Bytes([]byte(part.Text))
		}
	}
	w.U32(uint32(p.TokensMax))
	w.U64(p.Seed)
	for _, n := range []uint32{p.TemperaturePpm, p.TopK, p.TopPPpm, p.PenaltyPpm, p.PenaltyReach} {
		w.U32(n)
	}
	writeTokens(w, p.StopTokens)
	w.Count(len(p.StopTexts))
	for _, t := range p.StopTexts {
		w.Bytes([]byte(t))
	}
	return w.Out()
}

func writeTokens(w *codec.Writer, tokens []int32) {
	w.Count(len(tokens))
	for _, t := range tokens {
		w.U32(uint32(t))
	}
}

func readTokens(r *codec.Reader, most int) (tokens []int32) {
	for range r.Count(most) {
		tokens = append(tokens, int32(r.U32()))
	}
	return tokens
}

// DecodePrompt reads an item. Its error is an image.Fault.
func DecodePrompt(item []byte) (*Prompt, error) {
	if len(item) > ItemBytesMax {
		return nil, image.FaultBytes
	}
	r := codec.NewReader(item)
	p := &Prompt{}
	version := r.U8()
	p.Wants, p.Top = Wants(r.U8()), r.U8()
	form := r.U8()
	switch form {
	case formTokens:
		p.Tokens = readTokens(r, PromptTokensMax)
	case formParts:
		for range r.Count(PartsMax) {
			p.Parts = append(p.Parts, token.Part{Mode: token.Mode(r.U8()), Text: string(r.Bytes(PromptBytesMax))})
		}
	}
	p.TokensMax = int(r.U32())
	p.Seed = r.U64()
	for _, n := range []*uint32{&p.TemperaturePpm, &p.TopK, &p.TopPPpm, &p.PenaltyPpm, &p.PenaltyReach} {
		*n = r.U32()
	}
	p.StopTokens = readTokens(r, StopTokensMax)
	for range r.Count(StopTextsMax) {
		p.StopTexts = append(p.StopTexts, string(r.Bytes(StopTextBytesMax)))
	}
	if r.End() != nil || version != promptVersion || form != formTokens && form != formParts || p.Check() != nil {
		return nil, image.FaultPrompt
	}
	return p, nil
}
