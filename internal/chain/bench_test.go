package chain

import (
	"fmt"
	"testing"

	"github.com/holiman/uint256"
)

func transfer(b *testing.B, nonce uint64) *Tx {
	b.Helper()
	tx, err := SignTx(&Tx{
		Type: 2, Nonce: nonce, Gas: 21_000, GasTipCap: *uint256.NewInt(1e9), GasFeeCap: *uint256.NewInt(3e9),
		To: &Address{1, 19: 2}, Value: *uint256.NewInt(1e18),
	}, testKey(b), 7357)
	if err != nil {
		b.Fatal(err)
	}
	return tx
}

// BenchmarkDecodeTx includes the hash.
func BenchmarkDecodeTx(b *testing.B) {
	enc := transfer(b, 1000).Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeTx(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeTx(b *testing.B) {
	tx := transfer(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		tx.appendEnvelope(nil, true)
	}
}

func BenchmarkCheckTx(b *testing.B) {
	tx := transfer(b, 1000)
	for b.Loop() {
		if err := tx.Check(7357); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecoverSender(b *testing.B) {
	tx := transfer(b, 1000)
	for b.Loop() {
		tx.sender.Store(nil)
		if _, err := tx.Sender(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeaderHash(b *testing.B) {
	h := sampleBlock(b).Header
	b.ReportAllocs()
	for b.Loop() {
		h.Hash()
	}
}

func BenchmarkBlock(b *testing.B) {
	for _, n := range []int{100, 1428} {
		block := sampleBlock(b)
		block.Txs = nil
		for i := range n {
			block.Txs = append(block.Txs, transfer(b, uint64(i)))
		}
		enc := block.Encode()
		b.Run(fmt.Sprintf("decode/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeBlock(enc); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("encode/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				block.Encode()
			}
		})
		b.Run(fmt.Sprintf("txroot/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				TxRoot(block.Txs)
			}
		})
	}
}

func BenchmarkVote(b *testing.B) {
	v := sampleVote(VoteNotarize)
	for b.Loop() {
		if _, err := DecodeVote(v.Encode()); err != nil {
			b.Fatal(err)
		}
	}
}
