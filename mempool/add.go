package mempool

import (
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

const (
	// EvictionsMax bounds how many transactions leave for one newcomer, so that a large one cannot
	// clear the pool of small ones.
	EvictionsMax = 64
	// headRetriesMax bounds how often Add starts over because the head moved.
	headRetriesMax = 16
)

// Add takes in a transaction, or says with a Fault or chain.TxFault why not. Local ones, from the
// node's own users, do not expire. It recovers the sender, unless that is remembered, outside the lock.
func (p *Pool) Add(tx *chain.Tx, local bool) error {
	if err := p.Precheck(tx); err != nil {
		return err
	}
	sender, err := tx.Sender()
	if err != nil {
		return err
	}
	return p.admit(tx, sender, local)
}

// AddBatch is Add for each transaction in order, and gives as many errors. It runs on one core; to
// recover the senders on all, see mempool/recover.
func (p *Pool) AddBatch(txs []*chain.Tx, local bool) []error {
	errs := make([]error, len(txs))
	for i, tx := range txs {
		errs[i] = p.Add(tx, local)
	}
	return errs
}

// Precheck refuses what can be refused without the sender, because recovering it is the dear part. Add
// calls it too.
func (p *Pool) Precheck(tx *chain.Tx) error {
	if err := tx.Check(p.opt.ChainID); err != nil {
		return err
	}
	if tx.GasFeeCap.Lt(&p.opt.FeeCapMin) {
		return fmt.Errorf("%w: max fee per gas %s, minimum %s", FaultUnderpriced,
			tx.GasFeeCap.Dec(), p.opt.FeeCapMin.Dec())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == nil:
		return FaultNotReady
	case p.byHash[tx.Hash()] != nil:
		return FaultKnown
	case tx.Gas > p.head.GasLimit:
		return FaultGasLimit
	}
	return p.hopeless(tx)
}

// hopeless refuses a transaction for which nobody would leave a full pool, whoever its sender is. It
// hits no replacement that a block could include: its account's last transaction is worth less than it.
func (p *Pool) hopeless(tx *chain.Tx) error {
	if p.fits(1, tx.Size()) || len(p.worst.nodes) == 0 {
		return nil
	}
	if tip(saturate(&tx.GasFeeCap), saturate(&tx.GasTipCap), p.baseFee) <= p.worst.rankAt(0).hi {
		return FaultFull
	}
	return nil
}

// admit reads the sender's account outside the lock where the pool does not know it.
func (p *Pool) admit(tx *chain.Tx, sender chain.Address, local bool) error {
	e := newEntry(tx, local)
	for range headRetriesMax {
		known, state, heads := p.lookup(sender)
		var fresh *account
		if !known {
			r, err := state.Account(sender)
			if err != nil && !p.moved(heads) {
				return fmt.Errorf("mempool: account %s: %w", sender, err)
			}
			fresh = newAccount(sender, r)
		}
		if done, err := p.tryInsert(e, sender, fresh, heads); done {
			return err
		}
	}
	return FaultBusy
}

// moved reports whether a head was set after that number of them: then a state read before may be gone.
func (p *Pool) moved(heads uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heads != heads
}

func newEntry(tx *chain.Tx, local bool) *entry {
	cost, _ := tx.Cost() // Check has refused what overflows
	intrinsic, _ := tx.IntrinsicGas()
	return &entry{
		tx: tx, cost: cost, least: max(intrinsic, tx.FloorGas()), local: local,
		feeCap: saturate(&tx.GasFeeCap), tipCap: saturate(&tx.GasTipCap), signers: signersOf(tx),
	}
}

func (p *Pool) lookup(sender chain.Address) (known bool, state State, heads uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accounts[sender] != nil, p.state, p.heads
}

// tryInsert is not done when the account must be read again.
func (p *Pool) tryInsert(e *entry, sender chain.Address, fresh *account, heads uint64) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.accounts[sender]
	if a == nil {
		if fresh == nil || heads != p.heads {
			return false, nil
		}
		a = fresh
	}
	return true, p.insert(e, a)
}

// insert applies the rules to e, and changes nothing when it refuses.
func (p *Pool) insert(e *entry, a *account) error {
	e.acct, e.addedMs = a, p.head.TimeMs
	if p.byHash[e.tx.Hash()] != nil {
		return FaultKnown
	}
	if e.tx.Nonce < a.nonce {
		return fmt.Errorf("%w: next nonce %d, tx nonce %d", FaultNonceLow, a.nonce, e.tx.Nonce)
	}
	i, taken := a.find(e.tx.Nonce)
	if err := p.checkLent(e, taken); err != nil {
		return err
	}
	if taken {
		return p.replace(e, i)
	}
	if err := p.checkRoom(e, a); err != nil {
		return err
	}
	if e.tx.Nonce > a.next() {
		return p.enqueue(e, i)
	}
	return p.append(e, i)
}

func (p *Pool) checkRoom(e *entry, a *account) error {
	if len(a.txs) >= p.opt.PerSenderMax || a.bytes+e.tx.Size() > p.opt.SenderBytesMax {
		return FaultSenderMax
	}
	return a.covers(&e.cost, nil)
}

// covers refuses a cost that the balance cannot carry beside all others of the sender, less that of a
// transaction that would leave.
func (a *account) covers(cost *uint256.Int, leaving *uint256.Int) error {
	var need uint256.Int
	_, overflow := need.AddOverflow(&a.total, cost)
	if leaving != nil {
		// The total holds leaving, so a wrap-around above is undone here.
		overflow = need.Lt(leaving) != overflow
		need.Sub(&need, leaving)
	}
	if overflow || need.Gt(&a.balance) {
		return fmt.Errorf("%w: balance %s, tx cost %s, cost of the sender's other transactions %s",
			FaultFunds, a.balance.Dec(), cost.Dec(), a.others(leaving))
	}
	return nil
}

func (a *account) others(leaving *uint256.Int) string {
	rest := a.total
	if leaving != nil {
		rest.Sub(&rest, leaving)
	}
	return rest.Dec()
}

// replace puts e in the place of the transaction with its nonce (rule 2). It may grow into free room
// only.
func (p *Pool) replace(e *entry, i int) error {
	a, old := e.acct, e.acct.txs[i]
	if !p.raised(&e.tx.GasFeeCap, &old.tx.GasFeeCap) || !p.raised(&e.tx.GasTipCap, &old.tx.GasTipCap) {
		return FaultReplacement
	}
	if err := a.covers(&e.cost, &old.cost); err != nil {
		return err
	}
	more := e.tx.Size() - old.tx.Size()
	switch {
	case a.bytes+more > p.opt.SenderBytesMax:
		return FaultSenderMax
	case more > 0 && !p.fits(0, more):
		return FaultFull
	}
	p.take(e, i, true)
	return nil
}

// raised reports whether fee is above old by the bump, and above it at all.
func (p *Pool) raised(fee, old *uint256.Int) bool {
	var want, pct uint256.Int
	pct.SetUint64(100 + p.opt.PriceBumpPct)
	if _, overflow := want.MulOverflow(old, &pct); overflow {
		return false
	}
	hundred := uint256.Int{100}
	var rem uint256.Int
	want.DivMod(&want, &hundred, &rem)
	if !rem.IsZero() {
		want.AddUint64(&want, 1)
	}
	return !fee.Lt(&want) && (fee.Gt(old) || fee.IsZero())
}

// enqueue takes in a transaction behind a gap, if that needs nobody to leave (rule 4).
func (p *Pool) enqueue(e *entry, i int) error {
	switch {
	case e.acct.queued() >= p.opt.SenderQueueMax:
		return fmt.Errorf("%w: next nonce %d, tx nonce %d", FaultNonceGap, e.acct.next(), e.tx.Nonce)
	case p.queued >= p.opt.QueuedMax:
		return FaultQueueFull
	case !p.fits(1, e.tx.Size()):
		return FaultFull
	}
	p.take(e, i, false)
	return nil
}

// append takes in a transaction at the end of the pending ones.
func (p *Pool) append(e *entry, i int) error {
	if !p.makeRoom(e, i) {
		return FaultFull
	}
	// Room was made at the cost of other senders only, so place i stays.
	p.take(e, i, false)
	return nil
}

// take numbers e, puts it at place i and tells the readers of Since what became pending by it.
func (p *Pool) take(e *entry, i int, replace bool) {
	p.seq++
	e.seq = p.seq
	p.reasons.forget(e.tx.Hash())
	p.put(e, i, replace)
	if replace && i < e.acct.pending {
		e.announced = true
		p.news.add(e.tx)
	}
	p.announce(e.acct)
}

func (p *Pool) fits(txs, size int) bool {
	return len(p.byHash)+txs <= p.opt.TxsMax && p.bytes+size <= p.opt.BytesMax
}
