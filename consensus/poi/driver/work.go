package driver

import (
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// work knows whether a block would be useful (rule 3).
type work struct {
	kind       poi.WorkKind
	pool       <-chan struct{}          // closed when the pool changes; kept until it fires, so that no change is missed
	poolMoved  bool                     // look again: the pool changed
	chainMoved bool                     // look again: a block came, was built or committed
	skipped    map[chain.Hash]time.Time // could not be built in; no work until then
	due        *time.Timer              // next deadline of the chain
}

// deadline fires when the chain's next deadline is due.
func (w *work) deadline() <-chan time.Time {
	if w.due == nil {
		return nil
	}
	return w.due.C
}

func (w *work) skip(hashes []chain.Hash) {
	until := time.Now().Add(skippedFor)
	for _, h := range hashes {
		w.skipped[h] = until
	}
}

func (w *work) forget() {
	now := time.Now()
	for h, until := range w.skipped {
		if now.After(until) {
			delete(w.skipped, h)
			w.poolMoved = true
		}
	}
}

// lookForWork tells the machine when the answer has changed. While there is work, only the chain can end
// it, so that a busy pool costs nothing here.
func (d *Driver) lookForWork() {
	w := &d.work
	if w.pool == nil {
		w.pool, w.poolMoved = d.opt.Pool.Changed(), true
	}
	if !w.chainMoved && !(w.poolMoved && w.kind != poi.WorkTx) {
		return
	}
	w.poolMoved, w.chainMoved = false, false
	kind := poi.WorkNone
	if d.includable() {
		kind = poi.WorkTx
	} else if d.urgent() {
		kind = poi.WorkDraw
	}
	if kind == w.kind {
		return
	}
	w.kind = kind
	d.feed(poi.Work{Kind: kind})
	if kind == poi.WorkTx {
		d.forward()
	}
}

// includable reports whether the pool holds a transaction that no block at hand holds. It looks at the
// pool's best first, and further only while all of those are taken.
func (d *Driver) includable() bool {
	if d.opt.Pool.Stats().Pending == 0 {
		return false
	}
	most := committedKept * d.opt.Params.BlockGasLimit
	for gas := uint64(64 * chain.TxGas); ; gas *= 8 {
		if len(d.fresh(min(gas, most), committedKept*chain.BlockSizeMax, 1)) > 0 {
			return true
		}
		if gas >= most {
			return false
		}
	}
}

// fresh gives up to limit of the pool's best that no block at hand holds.
func (d *Driver) fresh(gas uint64, bytes, limit int) (out []*chain.Tx) {
	for _, tx := range d.bodies.without(d.opt.Pool.Best(gas, bytes)) {
		if _, ok := d.work.skipped[tx.Hash()]; ok {
			continue
		}
		if out = append(out, tx); len(out) == limit {
			break
		}
	}
	return out
}

// urgent reports whether the chain waits for blocks, and sets the timer for when it will.
func (d *Driver) urgent() bool {
	open, deadline := d.opt.Chain.Urgent()
	now := d.opt.Clock.NowMs()
	if open || (deadline != 0 && deadline <= now) {
		return true
	}
	if deadline != 0 {
		wait := time.Duration(min(deadline-now, uint64(time.Hour.Milliseconds()))) * time.Millisecond
		if d.work.due == nil {
			d.work.due = time.NewTimer(wait)
		} else {
			d.work.due.Reset(wait)
		}
	}
	return false
}

// forward sends transactions to the leader, who may not have heard of them. It is done when the chain was
// idle, and at each new view; when more wait than one frame takes, any leader has work enough.
func (d *Driver) forward() {
	s := d.machine.Standing()
	if s.Member && s.Leader == s.Index || d.opt.Pool.Stats().Pending > d.bodies.txCount()+forwardTxsMax {
		return
	}
	var encs [][]byte
	for _, tx := range d.fresh(d.opt.Params.BlockGasLimit, forwardBytesMax, forwardTxsMax) {
		encs = append(encs, tx.Encode())
	}
	if len(encs) > 0 {
		d.opt.Net.ForwardTxs(int(s.Leader), encs)
	}
}
