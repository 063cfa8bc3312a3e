// The rules of the pool one by one, each on a pool of a few accounts whose balances and nonces stand in
// a map. Helpers here serve the other tests too: check holds every invariant after each step.
package mempool

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

const (
	testChain = 7357
	gwei      = 1_000_000_000
)

// ledger is a state of accounts by the number of their key.
type ledger map[chain.Address]Record

func (l ledger) Account(a chain.Address) (Record, error) {
	return l[a], nil
}

func (l ledger) set(key int, nonce, balanceGwei uint64) {
	var b uint256.Int
	b.Mul(uint256.NewInt(balanceGwei), uint256.NewInt(gwei))
	l[addrOf(key)] = Record{Nonce: nonce, Balance: b}
}

func keyOf(i int) secp.PrivateKey {
	var b [32]byte
	binary.BigEndian.PutUint32(b[28:], uint32(i+1))
	k, err := secp.ParsePrivateKey(b)
	if err != nil {
		panic(err)
	}
	return k
}

func addrOf(i int) chain.Address { return keyOf(i).Public().Address() }

// spec is a transfer in gwei.
type spec struct {
	key           int
	nonce         uint64
	fee, tip      uint64 // tip 0: equal to fee
	value         uint64
	gas           uint64 // 0: 21000
	data          int
	chain         uint64
	withoutTarget bool
}

func (s spec) tx(t testing.TB) *chain.Tx {
	t.Helper()
	if s.tip == 0 {
		s.tip = s.fee
	}
	if s.gas == 0 {
		s.gas = 21_000
	}
	if s.chain == 0 {
		s.chain = testChain
	}
	u := func(g uint64) (v uint256.Int) {
		v.Mul(uint256.NewInt(g), uint256.NewInt(gwei))
		return v
	}
	tx := &chain.Tx{
		Type: 2, Nonce: s.nonce, GasFeeCap: u(s.fee), GasTipCap: u(s.tip), Gas: s.gas,
		To: &chain.Address{1}, Value: u(s.value), Data: make([]byte, s.data),
	}
	if s.withoutTarget {
		tx.To = nil
	}
	signed, err := chain.SignTx(tx, keyOf(s.key), s.chain)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func testOptions() Options {
	o := Default(testChain)
	o.FeeCapMin = *uint256.NewInt(gwei)
	return o
}

// rich is a balance in gwei that covers anything in these tests.
const rich = 1 << 50

func newPool(t testing.TB, o Options, l ledger) *Pool {
	t.Helper()
	p := New(o)
	setHead(t, p, l, 1)
	return p
}

// setHead moves to the next height at a base fee in gwei.
func setHead(t testing.TB, p *Pool, l ledger, feeGwei uint64, txs ...*chain.Tx) {
	t.Helper()
	h := Head{
		Height: p.head.Height + 1, TimeMs: p.head.TimeMs + 1000,
		BaseFee: *uint256.NewInt(feeGwei * gwei), GasLimit: 30_000_000, Txs: txs,
	}
	if err := p.SetHead(h, l, nil); err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, p *Pool, s spec) *chain.Tx {
	t.Helper()
	tx := s.tx(t)
	if err := p.Add(tx, false); err != nil {
		t.Fatalf("add %+v: %v", s, err)
	}
	check(t, p)
	return tx
}

func refuse(t testing.TB, p *Pool, s spec, want error) {
	t.Helper()
	before := p.Stats()
	if err := p.Add(s.tx(t), false); !errors.Is(err, want) {
		t.Fatalf("add %+v: got %v, want %v", s, err, want)
	}
	if after := p.Stats(); after != before {
		t.Fatalf("a refused transaction changed the pool: %+v to %+v", before, after)
	}
	check(t, p)
}

func wantReason(t testing.TB, p *Pool, tx *chain.Tx, want Fault) {
	t.Helper()
	if got, ok := p.ReasonFor(tx.Hash()); !ok || got != want {
		t.Fatalf("reason: got %v (%v), want %v", got, ok, want)
	}
	if p.Has(tx.Hash()) {
		t.Fatal("dropped, yet in the pool")
	}
}

// check holds the pool against its invariants, each computed from the entries alone.
func check(t testing.TB, p *Pool) {
	t.Helper()
	txs, size, queued := 0, 0, 0
	for _, a := range p.worst.nodes {
		checkAccount(t, p, a)
		txs += len(a.txs)
		size += a.bytes
		queued += a.queued()
	}
	if txs != len(p.byHash) || size != p.bytes || queued != p.queued || len(p.worst.nodes) != len(p.accounts) {
		t.Fatalf("sums: %d/%d txs, %d/%d bytes, %d/%d queued, %d/%d accounts", txs, len(p.byHash),
			size, p.bytes, queued, p.queued, len(p.worst.nodes), len(p.accounts))
	}
	if txs > p.opt.TxsMax || size > p.opt.BytesMax {
		t.Fatalf("above limits: %d txs, %d bytes", txs, size)
	}
	lent := map[chain.Address]int{}
	for _, e := range p.byHash {
		for _, signer := range e.signers {
			lent[signer]++
		}
	}
	if !maps.Equal(lent, p.lent) {
		t.Fatalf("lent: got %v, want %v", p.lent, lent)
	}
	checkHeap(t, &p.best)
	checkHeap(t, &p.worst)
}

func checkAccount(t testing.TB, p *Pool, a *account) {
	t.Helper()
	var total uint256.Int
	size, pending := 0, 0
	for i, e := range a.txs {
		total.Add(&total, &e.cost)
		size += e.tx.Size()
		if i > 0 && a.txs[i-1].tx.Nonce >= e.tx.Nonce {
			t.Fatal("nonces out of order")
		}
		if pending == i && e.tx.Nonce == a.nonce+uint64(i) {
			pending++
		}
		if p.byHash[e.tx.Hash()] != e || e.acct != a {
			t.Fatal("entry not found by hash")
		}
	}
	if total != a.total || size != a.bytes || pending != a.pending || total.Gt(&a.balance) || len(a.txs) == 0 {
		t.Fatalf("account: total %s/%s, bytes %d/%d, pending %d/%d, balance %s", total.Dec(),
			a.total.Dec(), size, a.bytes, pending, a.pending, a.balance.Dec())
	}
	if len(a.txs) > p.opt.PerSenderMax || a.bytes > p.opt.SenderBytesMax || a.queued() > p.opt.SenderQueueMax {
		t.Fatal("account above its limits")
	}
	if (a.spots[headHeap].place >= 0) != (pending > 0) || p.accounts[a.addr] != a {
		t.Fatal("account not where it belongs")
	}
	if a.spots[tailHeap].rank != a.tailRank(p.baseFee) ||
		pending > 0 && a.spots[headHeap].rank != a.txs[0].rank(p.baseFee) {
		t.Fatal("stale rank")
	}
	worth := uint64(1<<64 - 1)
	for i, e := range a.txs {
		worth = min(worth, tip(e.feeCap, e.tipCap, p.baseFee))
		if i >= pending {
			worth = 0
		}
		if got := e.worth(p.baseFee); got != worth {
			t.Fatalf("worth: got %d, want %d", got, worth)
		}
	}
}

func checkHeap(t testing.TB, h *accountHeap) {
	t.Helper()
	for i, a := range h.nodes {
		if a.spots[h.which].place != i {
			t.Fatal("node does not know its place")
		}
		if i > 0 && h.rankAt(i).before(h.rankAt((i-1)/2)) {
			t.Fatal("heap out of order")
		}
	}
}

// Each refusal that needs no other transaction.
func TestRefusals(t *testing.T) {
	l := ledger{}
	l.set(0, 5, rich)
	l.set(1, 0, 21_000*10-1)
	p := newPool(t, testOptions(), l)
	for name, c := range map[string]struct {
		s    spec
		want error
	}{
		"nonce low":       {spec{nonce: 4, fee: 10}, FaultNonceLow},
		"underpriced":     {spec{nonce: 5, fee: 0, tip: 0}, FaultUnderpriced},
		"funds":           {spec{key: 1, fee: 10}, FaultFunds},
		"no account":      {spec{key: 2, fee: 10}, FaultFunds},
		"transaction gas": {spec{nonce: 5, fee: 10, gas: 1<<24 + 1}, chain.TxGasMax},
		"intrinsic gas":   {spec{nonce: 5, fee: 10, gas: 20_999}, chain.TxGasLow},
		"wrong chain":     {spec{nonce: 5, fee: 10, chain: 1}, chain.TxChainID},
		"creation":        {spec{nonce: 5, fee: 10, withoutTarget: true}, chain.TxGasLow},
		"tip above fee":   {spec{nonce: 5, fee: 10, tip: 11}, chain.TxFeeOrder},
		"too large":       {spec{nonce: 5, fee: 10, gas: 1 << 23, data: 128 << 10}, chain.TxSize},
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, p, c.s, c.want)
		})
	}
	tx := add(t, p, spec{nonce: 5, fee: 10})
	if err := p.Add(tx, true); !errors.Is(err, FaultKnown) {
		t.Fatalf("got %v, want %v", err, FaultKnown)
	}
	bad := spec{nonce: 6, fee: 10}.tx(t)
	forged := &chain.Tx{
		Type: 2, ChainID: testChain, Nonce: 6, GasFeeCap: bad.GasFeeCap, GasTipCap: bad.GasTipCap,
		Gas: 21_000, To: bad.To, V: bad.V, R: *uint256.NewInt(5), S: *uint256.NewInt(5),
	}
	if err := p.Add(forged, false); !errors.Is(err, chain.TxSignature) {
		t.Fatalf("got %v, want %v", err, chain.TxSignature)
	}
	if err := New(testOptions()).Add(tx, false); !errors.Is(err, FaultNotReady) {
		t.Fatalf("got %v, want %v", err, FaultNotReady)
	}
}

// A block's gas limit below the transaction's gas refuses it.
func TestBlockGasLimit(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	p := New(testOptions())
	if err := p.SetHead(Head{GasLimit: 50_000}, l, nil); err != nil {
		t.Fatal(err)
	}
	refuse(t, p, spec{fee: 10, gas: 50_001}, FaultGasLimit)
	add(t, p, spec{fee: 10, gas: 50_000})
}

// Wallets and libraries look for these words.
func TestTextsForWallets(t *testing.T) {
	for want, f := range map[string]Fault{
		"nonce too low":                              FaultNonceLow,
		"already known":                              FaultKnown,
		"transaction underpriced":                    FaultUnderpriced,
		"replacement transaction underpriced":        FaultReplacement,
		"insufficient funds for gas * price + value": FaultFunds,
		"txpool is full":                             FaultFull,
		"exceeds block gas limit":                    FaultGasLimit,
	} {
		if got := f.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Transactions behind a gap wait, and become pending when it is filled.
func TestNonceChain(t *testing.T) {
	l := ledger{}
	l.set(0, 3, rich)
	o := testOptions()
	o.SenderQueueMax = 2
	p := newPool(t, o, l)
	five := add(t, p, spec{nonce: 5, fee: 10})
	if next, ok := p.NonceOf(addrOf(0)); !ok || next != 3 {
		t.Fatalf("next nonce: got %d %v, want 3", next, ok)
	}
	add(t, p, spec{nonce: 9, fee: 10})
	refuse(t, p, spec{nonce: 7, fee: 10}, FaultNonceGap)
	three := add(t, p, spec{nonce: 3, fee: 10})
	four := add(t, p, spec{nonce: 4, fee: 10})
	if got := p.Stats(); got.Pending != 3 || got.Queued != 1 {
		t.Fatalf("stats: got %+v, want 3 pending, 1 queued", got)
	}
	if next, _ := p.NonceOf(addrOf(0)); next != 6 {
		t.Fatalf("next nonce: got %d, want 6", next)
	}
	got, _ := p.Since(0, 10)
	if want := []*chain.Tx{three, four, five}; !slices.Equal(got, want) {
		t.Fatalf("since: got %d transactions, want nonces 3, 4, 5", len(got))
	}
	if got := p.Best(1e9, 1e9); !slices.Equal(got, []*chain.Tx{three, four, five}) {
		t.Fatalf("best: got %d transactions", len(got))
	}
	if c := p.ContentFrom(addrOf(0)); len(c.Pending) != 3 || len(c.Queued) != 1 {
		t.Fatalf("content: got %d and %d", len(c.Pending), len(c.Queued))
	}
}

// The balance covers all of a sender's transactions together, queued ones too.
func TestCumulativeFunds(t *testing.T) {
	l := ledger{}
	cost := uint64(21_000*10 + 100)
	l.set(0, 0, 3*cost)
	p := newPool(t, testOptions(), l)
	add(t, p, spec{nonce: 0, fee: 10, value: 100})
	add(t, p, spec{nonce: 1, fee: 10, value: 100})
	refuse(t, p, spec{nonce: 2, fee: 10, value: 101}, FaultFunds)
	refuse(t, p, spec{nonce: 5, fee: 10, value: 101}, FaultFunds)
	add(t, p, spec{nonce: 5, fee: 10, value: 100})
	refuse(t, p, spec{nonce: 2, fee: 10, value: 0}, FaultFunds)
	// A replacement counts without what it replaces, but with the whole tail.
	refuse(t, p, spec{nonce: 0, fee: 11, value: 100}, FaultFunds)
	l.set(0, 0, 3*cost+21_000)
	setHead(t, p, l, 1)
	check(t, p)
	add(t, p, spec{nonce: 0, fee: 11, value: 100})
}

// Both caps rise by a tenth, rounded up.
func TestReplacement(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	p := newPool(t, testOptions(), l)
	old := add(t, p, spec{fee: 100, tip: 50})
	next := add(t, p, spec{nonce: 1, fee: 100, tip: 50})
	refuse(t, p, spec{fee: 109, tip: 60}, FaultReplacement)
	refuse(t, p, spec{fee: 200, tip: 54}, FaultReplacement)
	refuse(t, p, spec{fee: 100, tip: 50, value: 1}, FaultReplacement)
	newer := add(t, p, spec{fee: 110, tip: 55})
	wantReason(t, p, old, FaultReplaced)
	if got := p.Best(1e9, 1e9); !slices.Equal(got, []*chain.Tx{newer, next}) {
		t.Fatalf("best: got %d transactions", len(got))
	}
}

// A new head takes out what it includes and what it makes stale or unpayable.
func TestSetHead(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	l.set(1, 0, rich)
	p := newPool(t, testOptions(), l)
	var own []*chain.Tx
	for n := range uint64(4) {
		own = append(own, add(t, p, spec{nonce: n, fee: 10}))
	}
	other := add(t, p, spec{key: 1, fee: 20})
	changed := p.Changed()

	l.set(0, 2, 21_000*10)
	setHead(t, p, l, 2, own[0])
	check(t, p)
	select {
	case <-changed:
	default:
		t.Fatal("no news of the head")
	}
	if _, ok := p.ReasonFor(own[0].Hash()); ok || p.Has(own[0].Hash()) {
		t.Fatal("an included transaction is remembered as dropped, or still here")
	}
	wantReason(t, p, own[1], FaultStale)
	wantReason(t, p, own[3], FaultUncover)
	if got := p.Best(1e9, 1e9); !slices.Equal(got, []*chain.Tx{other, own[2]}) {
		t.Fatalf("best: got %d transactions", len(got))
	}
	refuse(t, p, spec{nonce: 1, fee: 10}, FaultNonceLow)
}

// Only touched accounts are read again.
func TestSetHeadTouched(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	l.set(1, 0, rich)
	p := newPool(t, testOptions(), l)
	a, b := add(t, p, spec{fee: 10}), add(t, p, spec{key: 1, fee: 10})
	l.set(0, 0, 0)
	l.set(1, 0, 0)
	h := p.head
	h.Height++
	if err := p.SetHead(h, l, []chain.Address{addrOf(1), addrOf(9)}); err != nil {
		t.Fatal(err)
	}
	check(t, p)
	wantReason(t, p, b, FaultUncover)
	if !p.Has(a.Hash()) {
		t.Fatal("an account that was not touched was read")
	}
	l.set(0, 1, 0)
	h.Txs = []*chain.Tx{a}
	if err := p.SetHead(h, l, []chain.Address{}); err != nil {
		t.Fatal(err)
	}
	check(t, p)
	if p.Has(a.Hash()) {
		t.Fatal("the sender of an included transaction counts as touched")
	}
}

// A sender whose first transaction waits longer than the lifetime loses all; a local one stays.
func TestLifetime(t *testing.T) {
	l := ledger{}
	for k := range 3 {
		l.set(k, 0, rich)
	}
	p := newPool(t, testOptions(), l)
	old := add(t, p, spec{fee: 10})
	follower := add(t, p, spec{nonce: 1, fee: 10})
	local := spec{key: 1, fee: 10}.tx(t)
	if err := p.Add(local, true); err != nil {
		t.Fatal(err)
	}
	h := p.head
	h.TimeMs += p.opt.LifetimeMs
	if err := p.SetHead(h, l, nil); err != nil {
		t.Fatal(err)
	}
	young := add(t, p, spec{key: 2, fee: 10})
	h.TimeMs += sweepEveryMs
	if err := p.SetHead(h, l, nil); err != nil {
		t.Fatal(err)
	}
	check(t, p)
	wantReason(t, p, old, FaultExpired)
	wantReason(t, p, follower, FaultExpired)
	if !p.Has(local.Hash()) || !p.Has(young.Hash()) {
		t.Fatal("a local or young transaction expired")
	}
}

// What waits behind a gap is told of when the state closes it.
func TestHeadClosesAGap(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	p := newPool(t, testOptions(), l)
	two := add(t, p, spec{nonce: 2, fee: 10})
	if got, _ := p.Since(0, 10); len(got) != 0 {
		t.Fatalf("got %d transactions, want none", len(got))
	}
	l.set(0, 2, rich)
	setHead(t, p, l, 1)
	check(t, p)
	if got, _ := p.Since(0, 10); !slices.Equal(got, []*chain.Tx{two}) {
		t.Fatalf("got %d transactions, want the one behind the gap", len(got))
	}
}

// Sums beyond 256 bits cover nothing, and a bump is rounded up.
func TestEdgesOfArithmetic(t *testing.T) {
	n := uint256.NewInt
	a := &account{}
	a.balance.SetAllOne()
	a.total.Sub(&a.balance, n(9))
	for _, c := range []struct {
		cost, leaving *uint256.Int
		want          error
	}{
		{n(9), nil, nil},
		{n(10), nil, FaultFunds},
		{n(20), n(11), nil},
		{n(20), n(10), FaultFunds},
		{n(20), n(5), FaultFunds},
	} {
		if got := a.covers(c.cost, c.leaving); !errors.Is(got, c.want) {
			t.Errorf("cost %s for %v: got %v, want %v", c.cost.Dec(), c.leaving, got, c.want)
		}
	}
	p := New(testOptions())
	most := new(uint256.Int).SetAllOne()
	for _, c := range []struct {
		fee, old *uint256.Int
		want     bool
	}{
		{n(16), n(15), false},
		{n(17), n(15), true},
		{n(1), n(1), false},
		{n(2), n(1), true},
		{n(0), n(0), true},
		{n(1), n(0), true},
		{n(110), n(100), true},
		{n(109), n(100), false},
		{most, most, false},
	} {
		if got := p.raised(c.fee, c.old); got != c.want {
			t.Errorf("%s over %s: got %v, want %v", c.fee.Dec(), c.old.Dec(), got, c.want)
		}
	}
}

// Drop takes one out and leaves its followers queued.
func TestDrop(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	p := newPool(t, testOptions(), l)
	add(t, p, spec{fee: 10})
	bad := add(t, p, spec{nonce: 1, fee: 10})
	add(t, p, spec{nonce: 2, fee: 10})
	p.Drop(bad.Hash())
	check(t, p)
	wantReason(t, p, bad, FaultInvalid)
	if got := p.Stats(); got.Pending != 1 || got.Queued != 1 {
		t.Fatalf("stats: got %+v, want 1 pending, 1 queued", got)
	}
	// A queue that grows by it is held to its limit, from the end.
	p.opt.SenderQueueMax = 0
	p.Drop(p.Best(1e9, 1e9)[0].Hash())
	check(t, p)
	if got := p.Stats(); got != (Stats{}) {
		t.Fatalf("stats: got %+v, want an empty pool", got)
	}
}

// Best fills gas and bytes, passing over what is too large, and never a sender's forerunner.
func TestBestLimits(t *testing.T) {
	l := ledger{}
	for k := range 3 {
		l.set(k, 0, rich)
	}
	p := newPool(t, testOptions(), l)
	add(t, p, spec{key: 0, fee: 90, gas: 100_000})
	add(t, p, spec{key: 0, nonce: 1, fee: 90})
	second := add(t, p, spec{key: 1, fee: 50})
	third := add(t, p, spec{key: 2, fee: 50})
	add(t, p, spec{key: 2, nonce: 1, fee: 1, tip: 1})
	if got := p.Best(50_000, 1e9); !slices.Equal(got, []*chain.Tx{second, third}) {
		t.Fatalf("got %d transactions, want the second and third sender's first", len(got))
	}
	if got := p.Best(50_000, second.Size()+txFraming); !slices.Equal(got, []*chain.Tx{second}) {
		t.Fatalf("got %d transactions, want the second sender's", len(got))
	}
	// At a base fee of 2 the last sender's second transaction cannot be included.
	setHead(t, p, l, 2)
	check(t, p)
	if got := p.Best(1e9, 1e9); len(got) != 4 {
		t.Fatalf("got %d transactions, want 4", len(got))
	}
}

// Dropped transactions are remembered up to a limit, and a second drop counts anew.
func TestReasonsAreBounded(t *testing.T) {
	r := newReasons()
	name := func(i int) (h chain.Hash) {
		binary.BigEndian.PutUint32(h[:], uint32(i))
		return h
	}
	for i := range 2 * reasonsMax {
		r.put(name(i), FaultEvicted)
		r.put(name(0), FaultStale)
	}
	if len(r.why) > reasonsMax || len(r.ring) > reasonsMax {
		t.Fatalf("%d reasons, %d in the ring, want at most %d", len(r.why), len(r.ring), reasonsMax)
	}
	if got, ok := r.of(name(0)); !ok || got != FaultStale {
		t.Fatalf("got %v %v, want the latest reason", got, ok)
	}
	if _, ok := r.of(name(5)); ok {
		t.Fatal("an old reason is remembered")
	}
	if _, ok := r.of(name(2*reasonsMax - 1)); !ok {
		t.Fatal("a new reason is forgotten")
	}
}

// A transaction that is in a block before anybody asked is seen, and not given as one that waits.
func TestSeenKeepsWhatHasLeft(t *testing.T) {
	l := ledger{}
	l.set(0, 0, rich)
	p := newPool(t, testOptions(), l)
	one := add(t, p, spec{fee: 10})
	l.set(0, 1, rich)
	setHead(t, p, l, 1)
	if got, _ := p.Since(0, 10); len(got) != 0 {
		t.Errorf("since: got %d transactions, want none", len(got))
	}
	if got, cursor := p.Seen(0, 10); !slices.Equal(got, []*chain.Tx{one}) || cursor != 1 {
		t.Errorf("seen: got %d transactions and cursor %d, want the one", len(got), cursor)
	}
}

// A reader that is too late skips what the ring has lost.
func TestSinceGoesBackOnlySoFar(t *testing.T) {
	var n news
	tx := spec{fee: 10}.tx(t)
	for range newsMax + 10 {
		n.add(tx)
	}
	all := func(chain.Hash) bool { return true }
	got, cursor := n.since(0, 1<<30, all)
	if len(got) != newsMax || cursor != newsMax+10 {
		t.Fatalf("got %d transactions, cursor %d", len(got), cursor)
	}
	if got, next := n.since(cursor, 10, all); len(got) != 0 || next != cursor {
		t.Fatalf("got %d more", len(got))
	}
}
