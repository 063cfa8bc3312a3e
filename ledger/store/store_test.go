package store

// What is tested: every stored form refuses what it did not write and gives the same bytes again; a
// snapshot stays what it was; damage is an error that names the row; keys do not collide.

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

func open(t testing.TB) *DB {
	t.Helper()
	d, err := Open(Options{Dir: "db", Genesis: chain.Hash{1}, FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func someTx(t testing.TB, nonce uint64) *chain.Tx {
	t.Helper()
	k, err := secp.ParsePrivateKey([32]byte{31: 7})
	if err != nil {
		t.Fatal(err)
	}
	to := chain.Address{3}
	tx, err := chain.SignTx(&chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: 5, Nonce: nonce, Gas: 21_000, To: &to, Data: []byte{1},
	}, k, 5)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func someReceipts() []*chain.Receipt {
	return []*chain.Receipt{
		{TxType: 2, Status: 1, CumulativeGas: 5, GasUsed: 5, EffectivePrice: *uint256.NewInt(9)},
		{TxType: 0, CumulativeGas: 8, GasUsed: 3, Reason: "no", ContractAddress: &chain.Address{4}},
		{TxType: 2, Status: 1, Logs: []chain.Log{{Address: chain.Address{1}, Topics: []chain.Hash{{2}, {3}}, Data: []byte("x")}}},
	}
}

func commit(t testing.TB, h chain.Height, nonce uint64) *Commit {
	b := &chain.Block{Ext: chain.Extension{Version: 1, TimeMs: uint64(h) * 1000}, Txs: []*chain.Tx{someTx(t, nonce)}}
	b.Header.Number = h
	acct := state.Account{Nonce: nonce + 1, Balance: *uint256.NewInt(uint64(h))}
	return &Commit{
		Block: b, Hash: b.Hash(), Receipts: someReceipts()[:1], Supply: *uint256.NewInt(100 - uint64(h)),
		Diff: state.Diff{
			Accounts: []state.AccountChange{{Address: chain.Address{1}, New: acct}},
			Slots:    []state.SlotChange{{Address: chain.Address{1}, Key: chain.Hash{2}, New: chain.Hash{byte(h)}}},
			Codes:    []state.CodeChange{{Hash: chain.Hash{byte(h)}, Code: []byte{byte(h)}}},
		},
		Pages: []tree.PageChange{{Page: []byte{byte(h)}}},
	}
}

func TestSnapshotStays(t *testing.T) {
	d := open(t)
	if err := d.Commit(commit(t, 1, 0)); err != nil {
		t.Fatal(err)
	}
	snap := d.Snapshot()
	defer snap.Close()
	second := commit(t, 2, 1)
	second.Diff.Accounts[0].New = state.Account{} // the account goes
	second.Diff.Slots[0].New = chain.Hash{}       // the slot goes
	second.Pages = []tree.PageChange{{}}          // the page goes
	if err := d.Commit(second); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		r    reads
		want chain.Height
	}{{"snapshot", snap.reads, 1}, {"database", d.reads, 2}} {
		pos, err := tc.r.Position()
		if err != nil || pos.Height != tc.want || pos.Supply != *uint256.NewInt(100 - uint64(tc.want)) {
			t.Errorf("%s: position %+v, %v", tc.name, pos, err)
		}
		there := tc.want == 1
		if _, ok, err := tc.r.Account(chain.Address{1}); err != nil || ok != there {
			t.Errorf("%s: account there %v, %v, want %v", tc.name, ok, err, there)
		}
		if v, err := tc.r.Slot(chain.Address{1}, chain.Hash{2}); err != nil || v.IsZero() == there {
			t.Errorf("%s: slot %v, %v, want there %v", tc.name, v, err, there)
		}
		if p, err := tc.r.Page(tree.Path{}); err != nil || (p == nil) == there {
			t.Errorf("%s: page %x, %v, want there %v", tc.name, p, err, there)
		}
		if _, err := tc.r.Block(2); errors.Is(err, ErrNotFound) != there {
			t.Errorf("%s: block 2: %v", tc.name, err)
		}
	}
	place, err := d.Tx(someTx(t, 1).Hash())
	if err != nil || place != (TxPlace{2, 0}) {
		t.Errorf("transaction: got %+v, %v", place, err)
	}
	n := 0
	err = snap.EachAccount(func(a chain.Address, acct state.Account) error { n++; return nil })
	if err != nil || n != 1 {
		t.Errorf("accounts: got %d, %v, want 1", n, err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	d := open(t)
	if err := d.Commit(commit(t, 1, 0)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		key  []byte
		read func() error
	}{
		{"account", accountKey(chain.Address{1}), func() error { _, _, err := d.Account(chain.Address{1}); return err }},
		{"slot", slotKey(chain.Address{1}, chain.Hash{2}), func() error { _, err := d.Slot(chain.Address{1}, chain.Hash{2}); return err }},
		{"header", heightKey(kindHeader, 1), func() error { _, err := d.Header(1); return err }},
		{"body", heightKey(kindBody, 1), func() error { _, err := d.Txs(1); return err }},
		{"receipts", heightKey(kindReceipts, 1), func() error { _, err := d.Receipts(1); return err }},
		{"seal", heightKey(kindSeal, 1), func() error { _, err := d.Seal(1); return err }},
		{"position", []byte{kindPosition}, func() error { _, err := d.Position(); return err }},
		{"transaction", hashKey(kindTx, someTx(t, 0).Hash()), func() error { _, err := d.Tx(someTx(t, 0).Hash()); return err }},
	} {
		if err := tc.read(); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err := d.db.Set(tc.key, []byte{1, 2, 3}, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := tc.read(); err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), "db verify") {
			t.Errorf("%s: got %v, want it to name the damage", tc.name, err)
		}
	}
}

func TestKeysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range [][]byte{
		{kindMeta},
		{kindPosition},
		accountKey(chain.Address{1}), slotKey(chain.Address{1}, chain.Hash{}),
		hashKey(kindCode, chain.Hash{1}), hashKey(kindHeight, chain.Hash{1}), hashKey(kindTx, chain.Hash{1}),
		heightKey(kindHeader, 1), heightKey(kindBody, 1), heightKey(kindReceipts, 1), heightKey(kindSeal, 1),
		pageKey(tree.Path{}), pageKey(tree.Path{}.Child(0)), pageKey(tree.Path{}.Child(0).Child(0)), pageKey(tree.Path{}.Child(1)),
		termKey(nil, Term{1}, 1), termKey(nil, Term{1}, 2), termKey(nil, AddressTerm(chain.Address{}), 1),
		termKey(nil, TopicTerm(0, chain.Hash{}), 1), termKey(nil, TopicTerm(1, chain.Hash{}), 1),
		pastKey(nil, kindPastAccount, 0, make([]byte, 20), 1), pastKey(nil, kindPastAccount, 0, make([]byte, 20), 2),
		appearanceKey(nil, chain.Address{1}, 1, 0), appearanceKey(nil, chain.Address{1}, 1, 1), appearanceKey(nil, chain.Address{1}, 0, 1),
		sentKey(nil, chain.Address{1}, 0), createdKey(chain.Address{1}),
		pastKey(nil, kindPastAccount, 1, make([]byte, 20), 1), pastKey(nil, kindPastSlot, 0, make([]byte, 52), 1),
	} {
		if seen[string(k)] {
			t.Errorf("key %x stands for two rows", k)
		}
		seen[string(k)] = true
	}
}

// forms are all stored forms that Pebble gives back to us, each decoded and encoded again.
func forms() map[byte]func([]byte) ([]byte, error) {
	return map[byte]func([]byte) ([]byte, error){
		kindMeta: func(b []byte) ([]byte, error) {
			m, err := decodeMeta(b)
			if err == nil && m.format != Format { // of another format only the number is read
				return b, nil
			}
			return m.encode(), err
		},
		kindPosition: func(b []byte) ([]byte, error) { v, err := decodePosition(b); return v.encode(), err },
		kindAccount:  func(b []byte) ([]byte, error) { v, err := decodeAccount(b); return encodeAccount(&v), err },
		kindSlot:     func(b []byte) ([]byte, error) { v, err := decodeSlot(b); return v[:], err },
		kindHeader: func(b []byte) ([]byte, error) {
			v, err := decodeHeaderRow(b)
			if err != nil {
				return nil, err
			}
			return v.encode(), nil
		},
		kindBody:     func(b []byte) ([]byte, error) { v, err := decodeBody(b); return encodeBody(v), err },
		kindReceipts: func(b []byte) ([]byte, error) { v, err := decodeReceipts(b); return encodeReceipts(v), err },
		kindHeight:   func(b []byte) ([]byte, error) { v, err := decodeHeight(b); return encodeHeight(v), err },
		kindTx:       func(b []byte) ([]byte, error) { v, err := decodeTxPlace(b); return v.encode(), err },
		kindPastAccount: func(b []byte) ([]byte, error) {
			v, err := decodePastAccount(b)
			return encodePastAccount(&v), err
		},
		kindPastSlot: func(b []byte) ([]byte, error) { v, err := decodePastSlot(b); return encodePastSlot(&v), err },
	}
}

func FuzzRows(f *testing.F) {
	c := commit(f, 3, 2)
	row := HeaderRow{c.Block.Header, c.Block.Ext, [32]byte{5}}
	pos := Position{7, chain.Hash{8}, *uint256.NewInt(9)}
	m := meta{Format, chain.Hash{1}}
	place := TxPlace{3, 4}
	for kind, b := range map[byte][]byte{
		kindMeta: m.encode(), kindPosition: pos.encode(), kindAccount: encodeAccount(&c.Diff.Accounts[0].New),
		kindSlot: bytes.Repeat([]byte{1}, 32), kindHeader: row.encode(), kindBody: encodeBody(c.Block.Txs),
		kindReceipts: encodeReceipts(someReceipts()), kindHeight: encodeHeight(9), kindTx: place.encode(),
		kindPastAccount: encodePastAccount(&c.Diff.Accounts[0].New), kindPastSlot: bytes.Repeat([]byte{1}, 32),
	} {
		f.Add(kind, b)
		f.Add(kind, append(bytes.Clone(b), 0))
		f.Add(kind, b[:len(b)-1])
	}
	all := forms()
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		form := all[kind]
		if form == nil {
			return
		}
		again, err := form(b)
		if err == nil && !bytes.Equal(again, b) {
			t.Fatalf("kind %c: %x is accepted and written as %x", kind, b, again)
		}
	})
}

// The seeds of the fuzz test say what must be accepted and what refused.
func TestRowsAreStrict(t *testing.T) {
	c := commit(t, 3, 2)
	row := HeaderRow{c.Block.Header, c.Block.Ext, [32]byte{5}}
	pos := Position{7, chain.Hash{8}, *uint256.NewInt(9)}
	m := meta{Format, chain.Hash{1}}
	place := TxPlace{3, 4}
	all := forms()
	for kind, b := range map[byte][]byte{
		kindMeta: m.encode(), kindPosition: pos.encode(), kindAccount: encodeAccount(&c.Diff.Accounts[0].New),
		kindSlot: bytes.Repeat([]byte{1}, 32), kindHeader: row.encode(), kindBody: encodeBody(c.Block.Txs),
		kindReceipts: encodeReceipts(someReceipts()), kindHeight: encodeHeight(9), kindTx: place.encode(),
		kindPastAccount: encodePastAccount(&c.Diff.Accounts[0].New), kindPastSlot: bytes.Repeat([]byte{1}, 32),
	} {
		if again, err := all[kind](b); err != nil || !bytes.Equal(again, b) {
			t.Errorf("kind %c: got %x, %v, want %x", kind, again, err, b)
		}
		if _, err := all[kind](append(bytes.Clone(b), 0)); err == nil {
			t.Errorf("kind %c: a byte too much is accepted", kind)
		}
		for n := range b {
			_, err := all[kind](b[:n])
			if past := kind == kindPastAccount || kind == kindPastSlot; past && n == 0 { // it did not exist
				continue
			}
			if err == nil {
				t.Errorf("kind %c: %d bytes of %d are accepted", kind, n, len(b))
			}
		}
	}
	empty := state.Account{}
	if _, err := decodeAccount(encodeAccount(&empty)); err == nil {
		t.Error("an empty account is accepted")
	}
	if _, err := decodeSlot(make([]byte, 32)); err == nil {
		t.Error("a slot holding zero is accepted")
	}
}
