//go:build faulty

package engine

import (
	"encoding/binary"
	"os"
	"slices"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
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

// spoilAdvocate has an advocate stand by the false answer, which it may have given before. In the mode "operator" it claims that a value inside
// the last layer is another, and that the false token is drawn; otherwise its receipts are true, and do not bear the answer out.
func spoilAdvocate(a *language.Advocate, input []byte, before bool) error {
	result := a.Claim().Result
	if !spoils(input) {
		return nil
	}
	if !before {
		result = tamperAnswer(result, input)
	}
	if os.Getenv(modeEnv) != modeOperator {
		return a.StandBy(result, nil)
	}
	return a.StandBy(result, func(p *pass.Pass, v net.Value, b []byte) {
		_, layer := p.LayerAt(p.Shape.Layers - 1)
		_, end := p.EndAt()
		if v == layer.Gated.Float || v == end.Token {
			binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)^1)
		}
	})
}
