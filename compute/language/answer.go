package language

import (
	"errors"
	"fmt"

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
	endEnd
)

// String names an end for programs.
func (e End) String() string {
	names := [...]string{"", "token", "text", "length"}
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
}

const (
	answerVersion  = 1
	answerBytesMax = 4 << 20
)

// Encode writes an answer.
func (a *Answer) Encode() []byte {
	w := codec.NewWriter(32 + 4*len(a.Tokens) + len(a.Text))
	w.U8(answerVersion)
	w.U8(uint8(a.End))
	w.U32(uint32(a.PromptTokens))
	writeTokens(w, a.Tokens)
	w.Bytes([]byte(a.Text))
	return w.Out()
}

var errAnswer = errors.New("not an answer of a language model")

// DecodeAnswer reads a result. That it can be read does not say that it follows from anything.
func DecodeAnswer(result []byte) (*Answer, error) {
	r := codec.NewReader(result)
	version := r.U8()
	a := &Answer{End: End(r.U8()), PromptTokens: int(r.U32()), Tokens: readTokens(r, AnswerTokensMax), Text: string(r.Bytes(answerBytesMax))}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %v", errAnswer, err)
	}
	if version != answerVersion || a.End == Goes || a.End >= endEnd || len(a.Tokens) == 0 {
		return nil, errAnswer
	}
	return a, nil
}
