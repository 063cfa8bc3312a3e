package language

import (
	"testing"

	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/crypto/merkle"
)

// What an id costs for each byte of weights: tiles of 512 bytes, beside rows of a matrix of 4,096 columns in Q8_0 as it would be without disputes.
func BenchmarkRoot(b *testing.B) {
	const row = 4096 / 32 * 34
	data := make([]byte, 4096*row)
	b.Run("leaf=tile", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			pass.Root(data)
		}
	})
	b.Run("leaf=row", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			merkle.RootOfPieces("rows", data, row)
		}
	})
}
