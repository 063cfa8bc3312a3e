// All senders are found, whatever the number of transactions; bad signatures do no harm.
package recover

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/holiman/uint256"
)

// fresh gives n transactions whose senders are not known, the third one with a bad signature.
func fresh(t testing.TB, n int) ([]*chain.Tx, chain.Address) {
	t.Helper()
	key, err := secp.ParsePrivateKey([32]byte{31: 9})
	if err != nil {
		t.Fatal(err)
	}
	txs := make([]*chain.Tx, n)
	for i := range txs {
		tx, err := chain.SignTx(&chain.Tx{
			Type: 2, Nonce: uint64(i), Gas: 21_000, GasFeeCap: *uint256.NewInt(1), To: &chain.Address{1},
		}, key, 1)
		if err != nil {
			t.Fatal(err)
		}
		if txs[i], err = chain.DecodeTx(tx.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	if n > 2 {
		bad := txs[2]
		txs[2] = &chain.Tx{
			Type: 2, ChainID: 1, Nonce: bad.Nonce, Gas: bad.Gas, GasFeeCap: bad.GasFeeCap, To: bad.To,
			R: *uint256.NewInt(5), S: *uint256.NewInt(7),
		}
	}
	return txs, key.Public().Address()
}

func TestSenders(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 50} {
		txs, want := fresh(t, n)
		Senders(txs)
		for i, tx := range txs {
			got, ok := tx.CachedSender()
			if i == 2 {
				if ok {
					t.Errorf("n=%d: a bad signature has the sender %s", n, got)
				}
				continue
			}
			if !ok || got != want {
				t.Errorf("n=%d: transaction %d: got %s (%v), want %s", n, i, got, ok, want)
			}
		}
	}
}

type rich struct{}

func (rich) Account(chain.Address) (mempool.Record, error) {
	return mempool.Record{Balance: *uint256.NewInt(1 << 60)}, nil
}

// Add gives each transaction its own answer, and recovers none that is refused at first sight.
func TestAdd(t *testing.T) {
	txs, _ := fresh(t, 6)
	p := mempool.New(mempool.Default(1))
	if err := p.SetHead(mempool.Head{GasLimit: 1e6}, rich{}, nil); err != nil {
		t.Fatal(err)
	}
	stranger, _ := fresh(t, 1)
	stranger[0].ChainID = 2
	all := append(txs, stranger[0], txs[0])
	got := Add(p, all, false)
	want := []error{nil, nil, chain.TxSignature, nil, nil, nil, chain.TxChainID, mempool.FaultKnown}
	for i := range want {
		if !errors.Is(got[i], want[i]) {
			t.Errorf("transaction %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if s := p.Stats(); s.Pending != 2 || s.Queued != 3 {
		t.Errorf("stats: got %+v, want 2 pending, 3 queued", s)
	}
	if _, known := stranger[0].CachedSender(); known {
		t.Error("a transaction of another chain was recovered")
	}
}

func BenchmarkSenders(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				txs, _ := fresh(b, n)
				b.StartTimer()
				Senders(txs)
			}
		})
	}
}
