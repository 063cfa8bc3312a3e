// Known attacks on pools, from the papers that doc.go's rules answer. The attacker's aim is to get rid
// of others' transactions, or to hold its place, without paying. Each test fills a small pool with
// honest transactions, lets the attacker try, and counts who is left.
package mempool

import (
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	honest   = 50   // senders with one transaction each
	attacker = 1000 // the attacker's keys begin here
)

// fullPool holds one transaction of each honest sender at a fee of 10 gwei, and no room.
func fullPool(t *testing.T, l ledger) (*Pool, []*chain.Tx) {
	t.Helper()
	o := testOptions()
	o.TxsMax = honest
	p := newPool(t, o, l)
	var txs []*chain.Tx
	for k := range honest {
		l.set(k, 0, rich)
		txs = append(txs, add(t, p, spec{key: k, fee: 10}))
	}
	return p, txs
}

func wantAllHere(t *testing.T, p *Pool, txs []*chain.Tx) {
	t.Helper()
	check(t, p)
	for _, tx := range txs {
		if !p.Has(tx.Hash()) {
			t.Fatal("an honest transaction was pushed out")
		}
	}
}

// DETER-X: transactions ahead of their nonce, at any price, push nobody out.
func TestAttackFutureNonces(t *testing.T) {
	l := ledger{}
	p, txs := fullPool(t, l)
	for k := range 100 {
		l.set(attacker+k, 0, rich)
		refuse(t, p, spec{key: attacker + k, nonce: 1, fee: 100_000}, FaultFull)
	}
	wantAllHere(t, p, txs)
}

// DETER-Z: a chain whose first transaction takes all the money brings no unpayable followers in.
func TestAttackOverdraft(t *testing.T) {
	l := ledger{}
	p, txs := fullPool(t, l)
	const fee = 1000
	l.set(attacker, 0, 21_000*fee+5000)
	add(t, p, spec{key: attacker, fee: fee, value: 5000}) // honestly paid: one may leave for it
	for n := range uint64(40) {
		refuse(t, p, spec{key: attacker, nonce: n + 1, fee: fee}, FaultFunds)
	}
	left := 0
	for _, tx := range txs {
		if p.Has(tx.Hash()) {
			left++
		}
	}
	if left != honest-1 {
		t.Fatalf("honest transactions left: got %d, want %d", left, honest-1)
	}
}

// MemPurge: a chain that was payable is made void by replacing its first transaction with one that
// takes the money. The replacement is refused.
func TestAttackLatentOverdraft(t *testing.T) {
	l := ledger{}
	p, _ := fullPool(t, l)
	const fee, n = 1000, 20
	l.set(attacker, 0, n*21_000*fee)
	for i := range uint64(n) {
		add(t, p, spec{key: attacker, nonce: i, fee: fee})
	}
	refuse(t, p, spec{key: attacker, fee: 2 * fee}, FaultFunds)
	refuse(t, p, spec{key: attacker, fee: fee + fee/10, value: 21_000 * fee * (n - 1)}, FaultFunds)
}

// Locking: a first transaction that no block can include, followed by dear ones that are never paid for
// either. The chain is worth nothing, however dear its end: it pushes nobody out, and goes first.
func TestAttackLockedChain(t *testing.T) {
	l := ledger{}
	p, txs := fullPool(t, l)
	setHead(t, p, l, 5)
	l.set(attacker, 0, rich)
	refuse(t, p, spec{key: attacker, fee: 4}, FaultFull)

	p.opt.TxsMax += 10
	add(t, p, spec{key: attacker, fee: 4})
	for n := uint64(1); n < 10; n++ {
		add(t, p, spec{key: attacker, nonce: n, fee: 50_000})
	}
	for k := range 10 {
		l.set(honest+k, 0, rich)
		txs = append(txs, add(t, p, spec{key: honest + k, fee: 6, tip: 1}))
	}
	wantAllHere(t, p, txs)
	if got := p.ContentFrom(addrOf(attacker)); len(got.Pending) != 0 {
		t.Fatalf("the locked chain still holds %d places", len(got.Pending))
	}
}

// The same in a pool that is full already: a follower is worth no more than its first, so it pushes out
// nobody who is worth as much as that.
func TestAttackDearFollower(t *testing.T) {
	l := ledger{}
	p, txs := fullPool(t, l)
	p.opt.TxsMax++
	l.set(attacker, 0, rich)
	txs = append(txs, add(t, p, spec{key: attacker, fee: 10}))
	refuse(t, p, spec{key: attacker, nonce: 1, fee: 100_000}, FaultFull)
	wantAllHere(t, p, txs)
}

// One large transaction pushes out no more than EvictionsMax small ones, whatever it pays.
func TestAttackLargeTransaction(t *testing.T) {
	l := ledger{}
	p := newPool(t, testOptions(), l)
	var txs []*chain.Tx
	for k := range 3 * EvictionsMax {
		l.set(k, 0, rich)
		txs = append(txs, add(t, p, spec{key: k, fee: 10}))
	}
	p.opt.BytesMax = p.bytes
	l.set(attacker, 0, rich)
	room := EvictionsMax * txs[0].Size()
	refuse(t, p, spec{key: attacker, fee: 100_000, gas: 5_000_000, data: room + 100}, FaultFull)
	wantAllHere(t, p, txs)
	add(t, p, spec{key: attacker, fee: 100_000, gas: 5_000_000, data: room - 300})
}

// Only the ends of chains leave: pushing out a cheap first transaction must not void dear followers.
func TestEvictionLeavesNoOrphans(t *testing.T) {
	l := ledger{}
	o := testOptions()
	o.TxsMax = 4
	p := newPool(t, o, l)
	l.set(0, 0, rich)
	l.set(1, 0, rich)
	first := add(t, p, spec{key: 0, fee: 2})
	add(t, p, spec{key: 0, nonce: 1, fee: 90})
	last := add(t, p, spec{key: 0, nonce: 2, fee: 90})
	add(t, p, spec{key: 1, fee: 50})
	add(t, p, spec{key: 1, nonce: 1, fee: 50})
	wantReason(t, p, last, FaultEvicted)
	if !p.Has(first.Hash()) || p.Stats().Queued != 0 {
		t.Fatal("the end of a chain did not leave first")
	}
}

// A newcomer worth no more than the least one in a full pool is refused, and equal worth is no more.
func TestFullPoolKeepsTheOlder(t *testing.T) {
	l := ledger{}
	p, txs := fullPool(t, l)
	l.set(attacker, 0, rich)
	refuse(t, p, spec{key: attacker, fee: 10}, FaultFull)
	wantAllHere(t, p, txs)
	add(t, p, spec{key: attacker, fee: 11})
	wantReason(t, p, txs[honest-1], FaultEvicted)
}

// A large transaction that would need too many to leave gets none to leave.
func TestEvictionIsAllOrNothing(t *testing.T) {
	l := ledger{}
	o := testOptions()
	o.BytesMax = 1 << 20
	o.PerSenderMax, o.SenderBytesMax = 1<<20, 1<<20
	p := newPool(t, o, l)
	var txs []*chain.Tx
	for k := 0; ; k++ {
		l.set(k, 0, rich)
		s := spec{key: k, fee: 10, gas: 500_000, data: 6000}
		tx := s.tx(t)
		if !p.fits(1, tx.Size()) {
			refuse(t, p, s, FaultFull)
			break
		}
		txs = append(txs, add(t, p, s))
	}
	// Of 6 KB each, EvictionsMax make room for 120 KB when all are cheap, but here most are dearer.
	l.set(attacker, 0, rich)
	cheap := len(txs) - 3
	for k := range cheap {
		add(t, p, spec{key: k, fee: 20, gas: 500_000, data: 6000})
	}
	refuse(t, p, spec{key: attacker, fee: 15, gas: 2_000_000, data: 40_000}, FaultFull)
	for _, tx := range txs[cheap:] {
		if !p.Has(tx.Hash()) {
			t.Fatal("a transaction left for one that was refused")
		}
	}
	add(t, p, spec{key: attacker, fee: 15, gas: 500_000, data: 6000})
}

// A sender has bounded transactions and bytes, whatever it pays.
func TestAttackOneSender(t *testing.T) {
	l := ledger{}
	o := testOptions()
	o.PerSenderMax, o.SenderBytesMax = 5, 128<<10
	p := newPool(t, o, l)
	l.set(0, 0, rich)
	l.set(1, 0, rich)
	for n := range uint64(5) {
		add(t, p, spec{nonce: n, fee: 10})
	}
	refuse(t, p, spec{nonce: 5, fee: 1000}, FaultSenderMax)
	add(t, p, spec{key: 1, fee: 10, gas: 5_000_000, data: 100_000})
	refuse(t, p, spec{key: 1, nonce: 1, fee: 10, gas: 5_000_000, data: 100_000}, FaultSenderMax)
}

// The queue of all senders is bounded, so many senders with gaps fill nothing else.
func TestAttackManyQueues(t *testing.T) {
	l := ledger{}
	o := testOptions()
	o.QueuedMax = 10
	p := newPool(t, o, l)
	for k := range 10 {
		l.set(k, 0, rich)
		add(t, p, spec{key: k, nonce: 7, fee: 100})
	}
	l.set(10, 0, rich)
	refuse(t, p, spec{key: 10, nonce: 7, fee: 100}, FaultQueueFull)
	add(t, p, spec{key: 10, fee: 1})
}

// A sender that fills the gap in front of its own queue in a full pool does not push its queue out and
// lose the place it was to take.
func TestFillingAGapInAFullPool(t *testing.T) {
	l := ledger{}
	o := testOptions()
	o.TxsMax = 3
	p := newPool(t, o, l)
	l.set(0, 0, rich)
	l.set(1, 0, rich)
	add(t, p, spec{key: 0, nonce: 1, fee: 50})
	add(t, p, spec{key: 0, nonce: 2, fee: 50})
	victim := add(t, p, spec{key: 1, fee: 10})
	add(t, p, spec{key: 0, nonce: 0, fee: 50})
	wantReason(t, p, victim, FaultEvicted)
	if got := p.Stats(); got.Pending != 3 || got.Queued != 0 {
		t.Fatalf("stats: got %+v, want 3 pending", got)
	}
	// With nobody else to leave, it is refused and keeps what it has.
	refuse(t, p, spec{key: 0, nonce: 3, fee: 60}, FaultFull)
}

// A transaction may ask for much gas and use little. Such ones, at a good price, must not keep others out of a
// block that they do not fill.
func TestAttackHollowGas(t *testing.T) {
	l := ledger{}
	p := newPool(t, testOptions(), l)
	for k := range 2 {
		l.set(attacker+k, 0, 1<<60)
		add(t, p, spec{key: attacker + k, fee: 20, gas: 15_000_000})
	}
	var txs []*chain.Tx
	for k := range honest {
		l.set(k, 0, rich)
		txs = append(txs, add(t, p, spec{key: k, fee: 10}))
	}
	if got := p.Best(30_000_000, 1e9); len(got) != len(txs)+2 {
		t.Errorf("got %d transactions for a block, want the %d honest ones and the attacker's 2", len(got), len(txs))
	}
}
