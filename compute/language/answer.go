package language

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// An End says why an answer has ended (LANG-5). Values stand in results and are never reused.
type End uint8

// The ends.
const (
	Goes      End = iota // it has not
	EndToken             // with a token that ends answers
	EndText              // with a stop text
	EndLength            // it is as long as it may be
	EndVector            // there is none: the prompt wants a vector
	endEnd
)

// String names an end for programs.
func (e End) String() string {
	names := [...]string{"", "token", "text", "length", "vector"}
	if e < endEnd {
		return names[e]
	}
	return "unknown"
}

// An Answer is the result of an item (LANG-4).
type Answer struct {
	End          End
	PromptTokens int
	Tokens       []int32 // all that were drawn, the one that ended it too
	Text         string  // of them, up to what ended it

	Likelihoods []Likelihood // of Tokens, where the prompt wants them
	Vector      []float32    // with EndVector, and nothing of the above
}

// A Likelihood is the logarithm of a token's likelihood, beside those of the likeliest in its place (LM-9).
type Likelihood struct {
	Logprob float32
	Top     []lm.Likely
}

// equal compares bits.
func (l *Likelihood) equal(o *Likelihood) bool {
	return math.Float32bits(l.Logprob) == math.Float32bits(o.Logprob) && slices.EqualFunc(l.Top, o.Top, func(a, b lm.Likely) bool {
		return a.Token == b.Token && math.Float32bits(a.Logprob) == math.Float32bits(b.Logprob)
	})
}

const (
	answerVersion  = 2
	answerBytesMax = 4 << 20
	vectorMax      = 1 << 16 // numbers of a vector
)

// Encode writes an answer.
func (a *Answer) Encode() []byte {
	w := codec.NewWriter(48 + 4*len(a.Tokens) + len(a.Text) + 4*len(a.Vector))
	w.U8(answerVersion)
	w.U8(uint8(a.End))
	w.U32(uint32(a.PromptTokens))
	writeTokens(w, a.Tokens)
	w.Bytes([]byte(a.Text))
	w.Count(len(a.Likelihoods))
	for _, l := range a.Likelihoods {
		w.U32(math.Float32bits(l.Logprob))
		w.Count(len(l.Top))
		for _, t := range l.Top {
			w.U32(uint32(t.Token))
			w.U32(math.Float32bits(t.Logprob))
		}
	}
	w.Count(len(a.Vector))
	for _, v := range a.Vector {
		w.U32(math.Float32bits(v))
	}
	return w.Out()
}

var errAnswer = errors.New("not an answer of a language model")

// DecodeAnswer reads a result. That it can be read does not say that it follows from anything.
func DecodeAnswer(result []byte) (*Answer, error) {
	if len(result) > answerBytesMax {
		return nil, fmt.Errorf("%w: %d bytes", errAnswer, len(result))
	}
	r := codec.NewReader(result)
	version := r.U8()
	a := &Answer{End: End(r.U8()), PromptTokens: int(r.U32()), Tokens: readTokens(r, AnswerTokensMax), Text: string(r.Bytes(answerBytesMax))}
	a.Likelihoods = readLikelihoods(r)
	for range r.Count(vectorMax) {
		a.Vector = append(a.Vector, math.Float32frombits(r.U32()))
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %v", errAnswer, err)
	}
	if version != answerVersion || a.End == Goes || a.End >= endEnd || !a.whole() {
		return nil, errAnswer
	}
	return a, nil
}

func readLikelihoods(r *codec.Reader) (list []Likelihood) {
	for range r.Count(AnswerTokensMax) {
		l := Likelihood{Logprob: math.Float32frombits(r.U32())}
		for range r.Count(TopMax) {
			l.Top = append(l.Top, lm.Likely{Token: int32(r.U32()), Logprob: math.Float32frombits(r.U32())})
		}
		list = append(list, l)
	}
	return list
}

// whole says whether an answer has the parts that its end says.
func (a *Answer) whole() bool {
	if a.End == EndVector {
		return len(a.Vector) > 0 && len(a.Tokens) == 0 && a.Text == "" && len(a.Likelihoods) == 0
	}
	return len(a.Tokens) > 0 && len(a.Vector) == 0 && (len(a.Likelihoods) == 0 || len(a.Likelihoods) == len(a.Tokens))
}
