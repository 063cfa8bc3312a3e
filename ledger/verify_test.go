package ledger_test

// What is tested: whatever row of the database is changed behind the node's back, Verify finds it; and a
// log query that finds too much names a range that does not.

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/vm/native"
)

func TestVerifyFindsEveryChange(t *testing.T) {
	disk := vfs.NewCrashableMem()
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2, FS: disk})
	for range 3 {
		c.Block(
			c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil),
			c.Tx(c.Accounts[1], chain.AddrStake, ledgertest.Tokens(1), stake.PackTopUp(c.Validators[0].Address)),
		)
	}
	// The last byte of every kind of row is changed in turn, or the row is taken away.
	for _, kind := range "pasthbrfnxliykAS" {
		for _, remove := range []bool{false, true} {
			o := ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: disk.CrashClone(vfs.CrashCloneCfg{})}
			if !spoil(t, o.FS, byte(kind), remove) {
				t.Errorf("no row of kind %c", kind)
				continue
			}
			l, err := ledger.Open(t.Context(), o)
			if err == nil {
				err = errors.Join(l.Verify(t.Context(), nil), l.Close())
			}
			if err == nil {
				t.Errorf("kind %c, removed %v: not found", kind, remove)
			}
		}
	}
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	// A row too much in the index of logs.
	o := ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: disk.CrashClone(vfs.CrashCloneCfg{})}
	db := openRaw(t, o.FS, store.Comparer())
	if err := errors.Join(db.Set([]byte("lterm....\x00\x00\x00\x00\x00\x00\x00\x02"), nil, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Verify(t.Context(), nil), l.Close()); err == nil || !strings.Contains(err.Error(), "index of logs") {
		t.Errorf("a term that no log has: got %v", err)
	}
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(format)
}

// openRaw opens a database behind the ledger's back.
func openRaw(t *testing.T, fs vfs.FS, c *pebble.Comparer) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("chain", &pebble.Options{
		FS: fs, Comparer: c, FormatMajorVersion: pebble.FormatTableFormatV6, Logger: quiet{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// spoil changes or removes the first row of a kind and reports whether there is one.
func spoil(t *testing.T, fs vfs.FS, kind byte, remove bool) bool {
	t.Helper()
	db := openRaw(t, fs, store.Comparer())
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		t.Fatal(err)
	}
	found := it.First()
	if found {
		key, value := append([]byte(nil), it.Key()...), append([]byte(nil), it.Value()...)
		if len(value) == 0 {
			value = []byte{0}
		}
		value[len(value)-1] ^= 1
		if remove {
			err = db.Delete(key, pebble.Sync)
		} else {
			err = db.Set(key, value, pebble.Sync)
		}
	}
	if err := errors.Join(err, it.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return found
}

// loud is a contract that emits as many logs as it is asked for.
func loud() native.Module {
	event := native.Event{Signature: "Said(uint64)", Indexed: 1}
	return native.Module{Name: "loud", Address: chain.AddrJobs, Methods: []native.Method{{
		Signature: "say(uint64)", Returns: "()", Mutability: native.NonPayable, Run: func(c *native.Call) {
			n := c.Args.Uint64()
			if !c.Ready() {
				return
			}
			for i := range min(n, 5000) {
				c.Emit(event, []chain.Hash{native.At(chain.Hash{}, i)}, event.Data())
			}
		},
	}}}
}

func TestTooManyLogs(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Modules: native.NewSet(stake.Module(), beacon.Module(), loud())})
	say := native.NewInput("say(uint64)")
	say.Uint64(3000)
	for range 5 {
		c.MustSend(c.Accounts[0], chain.AddrJobs, nil, say.Out())
	}
	_, err := c.Logs(t.Context(), ledger.LogQuery{From: 1, To: 5})
	r, ok := errors.AsType[*ledger.RangeError](err)
	if !ok || r.From != 1 || r.To != 3 {
		t.Fatalf("15,000 logs: got %v, want blocks 1 to 3 named", err)
	}
	got, err := c.Logs(t.Context(), ledger.LogQuery{From: r.From, To: r.To})
	if err != nil || len(got) != 9000 {
		t.Errorf("the named range: got %d, %v, want 9000", len(got), err)
	}
	some := native.At(chain.Hash{}, 7)
	got, err = c.Logs(t.Context(), ledger.LogQuery{From: 1, To: 5, Topics: [][]chain.Hash{{}, {some}}})
	if err != nil || len(got) != 5 {
		t.Errorf("one topic over all: got %d, %v, want 5", len(got), err)
	}
}
