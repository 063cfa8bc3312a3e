package store

// What is tested: the indexes of addresses hold who appears where, once a transaction, whatever the order
// of asking; delegations are no contracts; and what the indexes cost is measured.

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// sent makes a signed transaction of the i-th sender.
func sent(tb testing.TB, i int, nonce uint64, to *chain.Address) *chain.Tx {
	var raw [32]byte
	binary.BigEndian.PutUint64(raw[24:], uint64(i)+1)
	key, err := secp.ParsePrivateKey(raw)
	if err != nil {
		tb.Fatal(err)
	}
	tx, err := chain.SignTx(&chain.Tx{Type: chain.TxTypeDynamicFee, ChainID: 1, Nonce: nonce, Gas: 21_000, To: to}, key, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return tx
}

func senderOf(tb testing.TB, tx *chain.Tx) chain.Address {
	from, err := tx.Sender()
	if err != nil {
		tb.Fatal(err)
	}
	return from
}

func TestAppearances(t *testing.T) {
	d := open(t)
	token, made, delegate := chain.Address{7}, chain.Address{8}, chain.Address{9}
	code, delegation := []byte{1}, append([]byte("\xef\x01\x00"), token[:]...)
	for h := range chain.Height(4) {
		b := &chain.Block{}
		b.Header.Number = h
		c := &Commit{Block: b, Hash: b.Hash()}
		if h > 0 {
			// One who sends to himself, one who has a token log twice, and one who creates.
			first := sent(t, 0, uint64(h), nil)
			self := senderOf(t, first)
			first = sent(t, 0, uint64(h), &self)
			b.Txs = []*chain.Tx{first, sent(t, 1, uint64(h), &token), sent(t, 2, uint64(h), nil)}
			c.Receipts = []*chain.Receipt{
				{}, {Logs: []chain.Log{{Address: token}, {Address: token}}}, {ContractAddress: &made},
			}
		}
		if h == 2 {
			c.Diff = state.Diff{
				Accounts: []state.AccountChange{
					{Address: made, New: state.Account{Nonce: 1, CodeHash: keccak.Sum256(code)}},
					{Address: delegate, New: state.Account{Nonce: 1, CodeHash: keccak.Sum256(delegation)}},
				},
				Codes: []state.CodeChange{{Hash: keccak.Sum256(code), Code: code}, {Hash: keccak.Sum256(delegation), Code: delegation}},
			}
		}
		if err := d.Commit(c); err != nil {
			t.Fatal(err)
		}
	}
	snap := d.Snapshot()
	defer snap.Close()
	self := senderOf(t, sent(t, 0, 1, nil))
	for _, c := range []struct {
		addr     chain.Address
		from, to chain.Height
		back     bool
		want     []TxPlace
	}{
		{self, 0, 9, false, []TxPlace{{1, 0}, {2, 0}, {3, 0}}},
		{self, 0, 9, true, []TxPlace{{3, 0}, {2, 0}, {1, 0}}},
		{token, 2, 2, false, []TxPlace{{2, 1}}},
		{made, 2, 9, true, []TxPlace{{3, 2}, {2, 2}}},
		{made, 3, 2, false, nil},
		{delegate, 0, 9, false, nil},
	} {
		var got []TxPlace
		err := snap.Appearances(c.addr, c.from, c.to, c.back, func(p TxPlace) (bool, error) {
			got = append(got, p)
			return true, nil
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s, %d to %d, back %v: got %v, %v, want %v", c.addr, c.from, c.to, c.back, got, err, c.want)
		}
	}
	if p, err := snap.Sent(self, 2); err != nil || p != (TxPlace{2, 0}) {
		t.Errorf("sent: %v, %v", p, err)
	}
	if h, err := snap.Created(made); err != nil || h != 2 {
		t.Errorf("created: %d, %v", h, err)
	}
	if _, err := snap.Created(delegate); !errors.Is(err, ErrNotFound) {
		t.Errorf("a delegation: %v", err)
	}
	want := AddressRows{Appearances: 3 * 5, Sent: 9, Created: 1}
	if n, err := snap.CountAddressRows(); err != nil || n != want {
		t.Errorf("rows: got %+v, %v, want %+v", n, err, want)
	}
}

// BenchmarkAddressIndex writes the indexes of addresses of blocks with 1,000 token transfers by 1,000 of
// 20,000 accounts.
func BenchmarkAddressIndex(b *testing.B) {
	d := openDisk(b)
	rng := rand.New(rand.NewPCG(1, 2))
	blocks, written, cpu := 0, 0, int64(0)
	token := chain.Address{7}
	for b.Loop() {
		b.StopTimer()
		c := &Commit{Block: &chain.Block{}}
		blocks++
		c.Block.Header.Number = chain.Height(blocks)
		log := chain.Log{Address: token, Topics: []chain.Hash{{1}, {2}, {3}}, Data: uint256.NewInt(1).PaddedBytes(32)}
		for _, i := range rng.Perm(20_000)[:1000] {
			tx := sent(b, i, uint64(blocks), &token)
			senderOf(b, tx)
			c.Block.Txs = append(c.Block.Txs, tx)
			c.Receipts = append(c.Receipts, &chain.Receipt{Logs: []chain.Log{log}})
		}
		before := cpuNanos(b)
		b.StartTimer()
		batch := d.db.NewBatch()
		if err := c.putAppearances(batch); err != nil {
			b.Fatal(err)
		}
		written += batch.Len()
		if err := batch.Commit(pebble.Sync); err != nil {
			b.Fatal(err)
		}
		cpu += cpuNanos(b) - before
	}
	if err := d.db.Compact(b.Context(), []byte{0}, []byte{0xff}, true); err != nil {
		b.Fatal(err)
	}
	size := uint64(0)
	for _, kind := range []byte{kindAppearance, kindSent, kindCreated} {
		n, err := d.db.EstimateDiskUsage([]byte{kind}, []byte{kind + 1})
		if err != nil {
			b.Fatal(err)
		}
		size += n
	}
	b.ReportMetric(float64(written)/float64(blocks), "written-B/block")
	b.ReportMetric(float64(cpu)/float64(blocks), "cpu-ns/block")
	b.ReportMetric(float64(size)/float64(blocks), "addresses-B/block")
}
