package testnet

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aiwork/aiwork-node/internal/client"
)

const (
	laneTick      = 4 * time.Millisecond  // how long a lane without work rests
	brokenPause   = 50 * time.Millisecond // after a request without an answer
	awayMax       = 2 * time.Second       // before a lane tries its own node again
	overloadLanes = 4                     // times as many connections under overload
	reasonsMax    = 32                    // different texts of refusals that a report keeps
)

// lane is one connection to one node. Its senders are its own, so that their transfers arrive in nonce
// order; the next transfer of a sender leaves only when the last was accepted.
type lane struct {
	home    *client.Client // where its senders belong
	client  *client.Client // where they send while home does not answer
	away    time.Time      // since when
	senders []*loadSender
	turn    int
	rate    float64 // its part of the phase's, a second; 0: as many as the nodes take
	sent    int     // towards the rate
}

func (l *Load) lanes(p Phase) []*lane {
	n := l.opt.LanesPerURL * len(l.clients)
	if p.Overload {
		n *= overloadLanes // else waiting for answers would hold the flood back
	}
	out := make([]*lane, 0, n)
	for i := range n {
		c := l.clients[i%len(l.clients)]
		out = append(out, &lane{home: c, client: c, rate: p.Rate / float64(n)})
	}
	for i, s := range l.senders {
		// Senders of the same number go to the same node in every phase.
		k := out[i%len(out)]
		k.senders = append(k.senders, s)
	}
	return out
}

// drive sends until ctx ends: new transfers while the phase is open, lost ones as long as it takes.
func (l *Load) drive(ctx context.Context, run *phase, k *lane, lanes int) {
	for ctx.Err() == nil {
		batch := l.pick(run, k, l.allowed(run, k, lanes))
		if len(batch) == 0 {
			if pause(ctx, laneTick) != nil {
				return
			}
			continue
		}
		if !l.post(ctx, run, k, batch) {
			l.turnAway(k)
			_ = pause(ctx, brokenPause)
		} else if k.client != k.home && time.Since(k.away) > awayMax {
			k.client = k.home
		}
	}
}

// turnAway moves a lane to the next node for a while, as a wallet would.
func (l *Load) turnAway(k *lane) {
	i := slices.Index(l.clients, k.client)
	k.client, k.away = l.clients[(i+1)%len(l.clients)], time.Now()
}

// allowed gives how many new transfers may leave by this lane at this moment.
func (l *Load) allowed(run *phase, k *lane, lanes int) int {
	if run.closing.Load() || !time.Now().Before(run.end) {
		return 0
	}
	if run.Rate > 0 {
		due := int(time.Since(run.start).Seconds()*k.rate) - k.sent
		return min(max(due, 0), l.opt.BatchItems)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return min(max(l.opt.Backlog-l.open, 0)/lanes+1, l.opt.BatchItems)
}

// pick takes at most one transfer of each sender, in turn: fresh ones up to n, and those that were
// accepted long ago and are in no block, since a node that was killed forgets what waited in it.
func (l *Load) pick(run *phase, k *lane, n int) []*loadTx {
	l.mu.Lock()
	defer l.mu.Unlock()
	if run.Rate == 0 && l.open >= l.opt.Backlog {
		n = 0
	}
	var out []*loadTx
	now := time.Now()
	for range k.senders {
		s := k.senders[k.turn%len(k.senders)]
		k.turn++
		if s.done < s.next && now.Sub(s.txs[s.done].last) > l.opt.ResendAfter {
			s.next = s.done
		}
		again := s.next < s.top
		if s.next == len(s.txs) || !again && n == 0 {
			continue
		}
		t := s.txs[s.next]
		if !again {
			t.first(run, k, now)
			n--
		}
		t.last = now
		if out = append(out, t); len(out) == l.opt.BatchItems {
			break
		}
	}
	return out
}

// first notes when a transfer was due. At a given rate it counts from the plan, not from when this
// program came round to it. Under overload it counts from the attempt that was accepted.
func (t *loadTx) first(run *phase, k *lane, now time.Time) {
	k.sent++
	switch {
	case run.Overload || t.due.IsZero() && run.Rate == 0:
		t.due = now
	case t.due.IsZero():
		t.due = run.start.Add(time.Duration(float64(k.sent) / k.rate * float64(time.Second)))
	}
}

// post sends a batch and notes what was accepted; false means that no answer came.
func (l *Load) post(ctx context.Context, run *phase, k *lane, batch []*loadTx) bool {
	items := make([]client.Request, len(batch))
	for i, t := range batch {
		items[i] = client.Request{Method: "eth_sendRawTransaction", Params: []any{t.raw}}
	}
	err := k.client.Batch(ctx, items)
	if ctx.Err() != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	run.mu.Lock()
	defer run.mu.Unlock()
	run.offered += len(batch)
	if err != nil {
		run.failed += len(batch)
		run.note(err)
		return false
	}
	for i, t := range batch {
		l.answered(run, t, items[i].Err)
	}
	return true
}

func (l *Load) answered(run *phase, t *loadTx, err error) {
	s := t.from
	if err != nil && !held(err) {
		run.refused++
		run.note(err)
		return
	}
	s.next = max(s.next, t.at+1)
	if t.at < s.top {
		run.resent++
		return
	}
	s.top = t.at + 1
	run.accepted++
	if t.seen.IsZero() {
		l.open++
	}
}

// held recognises answers that mean that the node has the transfer already, or a block does.
func held(err error) bool {
	text := err.Error()
	return strings.Contains(text, "already known") || strings.Contains(text, "nonce too low")
}

// note counts a refusal by the first words of its text.
func (p *phase) note(err error) {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "eth_sendRawTransaction: "); ok {
		text = after
	}
	text, _, _ = strings.Cut(text, ":")
	if _, known := p.reasons[text]; known || len(p.reasons) < reasonsMax {
		p.reasons[text]++
	}
}
