//go:build faulty

package engine

import (
	"encoding/binary"
	"os"
	"slices"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/net"
)

// falseToken is the number of the token about which a liar lies: where an answer has fewer, the last one.
const falseToken = 3

// tamperAnswer puts another token into an answer. Its text is that of the true one.
func tamperAnswer(result, input []byte) []byte {
	a, err := language.DecodeAnswer(result)
	if err != nil || len(a.Tokens) == 0 || !spoils(input) {
		return result
	}
	at := min(falseToken, len(a.Tokens)-1)
	a.Tokens = slices.Clone(a.Tokens)
	a.Tokens[at] ^= 1
	return a.Encode()
}

// spoilAdvocate has an advocate stand by the false answer. In the mode "operator" it claims that a value inside the last layer is another, and
// that the false token is drawn; otherwise its receipts are true, and do not bear the answer out.
func spoilAdvocate(a *language.Advocate, input []byte) error {
	result := a.Claim().Result
	lied := tamperAnswer(result, input)
	if string(lied) == string(result) {
		return nil
	}
	if os.Getenv(modeEnv) != modeOperator {
		return a.StandBy(lied, nil)
	}
	return a.StandBy(lied, func(t *lm.Trace) {
		_, layer := t.Pass.LayerAt(t.Pass.Shape.Layers - 1)
		_, end := t.Pass.EndAt()
		flip(t, layer.Gated.Float)
		flip(t, end.Token)
	})
}

// flip changes the lowest bit of a value.
func flip(t *lm.Trace, v net.Value) {
	b := t.Of(v)
	binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)^1)
}
