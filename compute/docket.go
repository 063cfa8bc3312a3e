package compute

import (
	"context"
	"slices"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	advocatesMax = 2                // runs that are kept at once, each in a process of its own
	advocateIdle = 30 * time.Second // how long one is kept that no dispute on the agenda needs
)

// An itemKey names what an advocate has run.
type itemKey struct{ model, blob chain.Hash }

// A docket keeps the advocates of disputes that go on, so that an item is run once for all calls about it. Whoever holds its turn
// owns the fields.
type docket struct {
	turn  chan struct{}
	cases []docketCase // the one used last stands last
}

type docketCase struct {
	key      itemKey
	advocate Advocate
	used     time.Time
}

func newDocket() *docket { return &docket{turn: make(chan struct{}, 1)} }

func (d *docket) take(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *docket) leave() { <-d.turn }

// find gives the advocate that has run an item, or nil.
func (d *docket) find(key itemKey) Advocate {
	at := slices.IndexFunc(d.cases, func(c docketCase) bool { return c.key == key })
	if at < 0 {
		return nil
	}
	c := d.cases[at]
	c.used = time.Now()
	d.cases = append(slices.Delete(d.cases, at, at+1), c)
	return c.advocate
}

// room makes room for one more.
func (d *docket) room() {
	if len(d.cases) >= advocatesMax {
		d.cases[0].advocate.Close()
		d.cases = slices.Delete(d.cases, 0, 1)
	}
}

func (d *docket) add(key itemKey, a Advocate) {
	d.cases = append(d.cases, docketCase{key, a, time.Now()})
}

// drop ends an advocate that has failed.
func (d *docket) drop(a Advocate) {
	a.Close()
	d.cases = slices.DeleteFunc(d.cases, func(c docketCase) bool { return c.advocate == a })
}

// tidy ends advocates that were not used for a while, but those that are needed. It does nothing while somebody has the turn.
func (d *docket) tidy(needed map[itemKey]bool) {
	select {
	case d.turn <- struct{}{}:
		defer d.leave()
	default:
		return
	}
	d.cases = slices.DeleteFunc(d.cases, func(c docketCase) bool {
		over := !needed[c.key] && time.Since(c.used) > advocateIdle
		if over {
			c.advocate.Close()
		}
		return over
	})
}

// close ends all.
func (d *docket) close() {
	d.turn <- struct{}{}
	defer d.leave()
	for _, c := range d.cases {
		c.advocate.Close()
	}
	d.cases = nil
}
