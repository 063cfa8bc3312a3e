package ledger

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/store"
)

// filled gives a ledger over a database that was written without executing anything, for tests that need
// more blocks than they could execute: heights 0 to head, each with the logs and changes of the state that
// the functions say. Nil functions say none.
func filled(tb testing.TB, head chain.Height, logs func(chain.Height) []chain.Log, diff func(chain.Height) state.Diff) *Ledger {
	tb.Helper()
	db, err := store.Open(store.Options{Dir: "db", FS: vfs.NewMem()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	l := &Ledger{db: db, hot: newHot(db), moved: make(chan struct{})}
	key, err := secp.ParsePrivateKey([32]byte{31: 7})
	if err != nil {
		tb.Fatal(err)
	}
	tx, err := chain.SignTx(&chain.Tx{Type: chain.TxTypeDynamicFee, ChainID: 5, Gas: 21_000, To: new(chain.Address)}, key, 5)
	if err != nil {
		tb.Fatal(err)
	}
	for h := chain.Height(0); h <= head; h++ {
		b := &chain.Block{Ext: chain.Extension{Version: 1, TimeMs: uint64(h)}}
		b.Header.Number, b.Header.ParentHash = h, l.head.Hash
		c := &store.Commit{Block: b, Beta: [32]byte{byte(h)}}
		if logs != nil {
			for _, x := range logs(h) { // each of a transaction of its own
				r := &chain.Receipt{TxType: 2, Status: 1, Logs: []chain.Log{x}}
				b.Header.Bloom.AddLogs(r.Logs)
				b.Txs, c.Receipts = append(b.Txs, tx), append(c.Receipts, r)
			}
		}
		if diff != nil {
			c.Diff = diff(h)
		}
		c.Hash = b.Hash()
		if err := db.Commit(c); err != nil {
			tb.Fatal(err)
		}
		l.head = headOf(b, c.Hash)
	}
	return l
}
