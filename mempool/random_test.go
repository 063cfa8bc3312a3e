// Random steps on a small pool under tight limits: additions, replacements, blocks, falling balances,
// changing base fees, drops. After each step every invariant holds, and Best gives what a plain search
// over all transactions gives.
package mempool

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

func TestRandomSteps(t *testing.T) {
	const steps = 1000
	for seed := range int64(12) {
		w := newWorld(t, seed)
		for range steps {
			w.step()
			check(t, w.pool)
			w.compareBest()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		if w.taken < steps/20 || w.evicted == 0 {
			t.Fatalf("seed %d: only %d taken in, %d evicted: the test reaches too little", seed, w.taken, w.evicted)
		}
	}
}

type world struct {
	t       *testing.T
	rng     *rand.Rand
	pool    *Pool
	ledger  ledger
	base    uint64
	taken   int
	evicted int
}

const worldSenders = 8

func newWorld(t *testing.T, seed int64) *world {
	o := testOptions()
	o.TxsMax, o.PerSenderMax, o.SenderQueueMax, o.QueuedMax = 24, 8, 3, 9
	w := &world{t: t, rng: rand.New(rand.NewSource(seed)), ledger: ledger{}, base: 1}
	for k := range worldSenders {
		w.ledger.set(k, 0, 21_000*400)
	}
	w.pool = newPool(t, o, w.ledger)
	return w
}

func (w *world) step() {
	switch n := w.rng.Intn(100); {
	case n < 80:
		w.add()
	case n < 90:
		w.block()
	case n < 94:
		// Nobody is touched, so that ranks change by the base fee alone.
		w.base = 1 + uint64(w.rng.Intn(40))
		h := w.pool.head
		h.BaseFee.SetUint64(w.base * gwei)
		if err := w.pool.SetHead(h, w.ledger, []chain.Address{}); err != nil {
			w.t.Fatal(err)
		}
	case n < 97:
		k := w.rng.Intn(worldSenders)
		w.ledger.set(k, w.ledger[addrOf(k)].Nonce, uint64(w.rng.Intn(21_000*600)))
		setHead(w.t, w.pool, w.ledger, w.base)
	default:
		if best := w.pool.Best(1e9, 1e9); len(best) > 0 {
			w.pool.Drop(best[w.rng.Intn(len(best))].Hash())
		}
	}
}

func (w *world) add() {
	k := w.rng.Intn(worldSenders)
	next := w.ledger[addrOf(k)].Nonce
	if n, ok := w.pool.NonceOf(addrOf(k)); ok {
		next = n
	}
	shift := []int{0, 0, 0, 0, -1, -2, 1, 2, 5}[w.rng.Intn(9)]
	if shift < 0 && next < uint64(-shift) {
		shift = 0
	}
	before := w.pool.Stats()
	s := spec{
		key: k, nonce: next + uint64(shift), fee: 1 + uint64(w.rng.Intn(80)),
		value: uint64(w.rng.Intn(5)), data: w.rng.Intn(50), gas: 40_000,
	}
	s.tip = 1 + uint64(w.rng.Intn(int(s.fee)))
	if w.pool.Add(s.tx(w.t), false) != nil {
		if after := w.pool.Stats(); after != before {
			w.t.Errorf("refused, yet %+v became %+v", before, after)
		}
		return
	}
	w.taken++
	if after := w.pool.Stats(); after.Pending+after.Queued == before.Pending+before.Queued && shift >= 0 {
		w.evicted++
	}
}

// block includes some of the best and charges their full cost.
func (w *world) block() {
	txs := w.pool.Best(1e9, 1e9)
	txs = txs[:min(len(txs), w.rng.Intn(6))]
	for _, tx := range txs {
		sender, err := tx.Sender()
		if err != nil {
			w.t.Fatal(err)
		}
		r := w.ledger[sender]
		cost, _ := tx.Cost()
		r.Nonce++
		r.Balance.Sub(&r.Balance, &cost)
		w.ledger[sender] = r
	}
	h := w.pool.head
	h.Height++
	h.TimeMs += 1000
	h.Txs = txs
	if err := w.pool.SetHead(h, w.ledger, []chain.Address{}); err != nil {
		w.t.Fatal(err)
	}
	for k := range worldSenders {
		if r := w.ledger[addrOf(k)]; r.Balance.LtUint64(21_000 * gwei) {
			w.ledger.set(k, r.Nonce, 21_000*400)
			setHead(w.t, w.pool, w.ledger, w.base)
		}
	}
}

func (w *world) compareBest() {
	gas, size := uint64(w.rng.Intn(10*40_000)), w.rng.Intn(3000)
	got, want := w.pool.Best(gas, size), plainBest(w.pool, gas, size)
	if !slices.Equal(got, want) {
		w.t.Errorf("best: got %d transactions, want %d", len(got), len(want))
	}
}

// plainBest looks at the next transaction of every sender, each time anew.
func plainBest(p *Pool, gas uint64, size int) (out []*chain.Tx) {
	done := map[*account]int{}
	limit := gas
	for gas >= 21_000 {
		var best *entry
		for _, a := range p.worst.nodes {
			i := done[a]
			if i >= a.pending || a.txs[i].tx.GasFeeCap.Lt(&p.head.BaseFee) {
				continue
			}
			if e := a.txs[i]; best == nil || better(e, best, &p.head.BaseFee) {
				best = e
			}
		}
		if best == nil {
			return out
		}
		if best.tx.Gas > limit || best.tx.FloorGas() > gas || best.tx.Size()+txFraming > size {
			done[best.acct] = 1 << 30
			continue
		}
		gas -= best.tx.FloorGas() // above the intrinsic gas, with data that is zero
		size -= best.tx.Size() + txFraming
		out = append(out, best.tx)
		done[best.acct]++
	}
	return out
}

func better(a, b *entry, base *uint256.Int) bool {
	x, y := a.tx.EffectiveTip(base), b.tx.EffectiveTip(base)
	if c := x.Cmp(&y); c != 0 {
		return c > 0
	}
	return a.seq < b.seq
}
