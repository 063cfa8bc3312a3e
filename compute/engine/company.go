package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// A company is the items that a child runs together, as its parent sees them. Each has a number, by which its answer comes; answers
// come in any order. What is sent goes through one pen at a time, and one goroutine reads as long as an answer is awaited.
type company struct {
	pen   chan struct{} // capacity 1: whoever has filled it writes
	grace time.Duration // for a step to end, when an item is called back

	mu      sync.Mutex
	next    uint32
	members map[uint32]*member
}

type member struct {
	answer chan reply // has room for the one that comes
	peak   int        // most members that there were beside it, itself among them
}

func newCompany() *company {
	return &company{pen: make(chan struct{}, 1), grace: leaveGrace, members: map[uint32]*member{}}
}

const leaveGrace = 5 * time.Second

// join has the child run an item together with others. An item in company of n has n times as long as one alone, since it shares
// the processor with them. Who is cancelled or late is called back, and the others go on, unless the child does not obey. It says
// whether the item was in company when the child died: then the item may be none of the causes.
func (c *child) join(ctx context.Context, timeout time.Duration, id chain.Hash, input []byte) (output []byte, company bool, err error) {
	number, m := c.enlist()
	sent := c.send(kindJoin, append(binary.LittleEndian.AppendUint32(nil, number), append(id[:], input...)...))
	defer func() { <-sent }()
	began := time.Now()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case r := <-m.answer:
			output, err = c.joined(r, id)
			return output, c.peak(m) > 1, err
		case <-timer.C:
			if allowed := time.Duration(c.peak(m)) * timeout; time.Since(began) < allowed {
				timer.Reset(allowed - time.Since(began))
				continue
			}
			c.callBack(number, m)
			return nil, false, &LocalError{Cause: CauseTimeout, Err: fmt.Errorf("after %v", time.Since(began).Round(time.Millisecond))}
		case <-ctx.Done():
			c.callBack(number, m)
			return nil, false, ctx.Err()
		}
	}
}

// joined reads the answer to one of a company.
func (c *child) joined(r reply, id chain.Hash) ([]byte, error) {
	switch {
	case r.err != nil:
		return nil, c.crashed(r.err)
	case r.kind == kindOutput:
		return r.body, nil
	case r.kind == kindNoRoom:
		return nil, &LocalError{Cause: CauseRoom, Detail: string(r.body[:min(len(r.body), wordsBytesMax)])}
	}
	return nil, c.refusal(r.kind, r.body, id)
}

// enlist adds a member, and reads for it if nobody does.
func (c *child) enlist() (number uint32, m *member) {
	k := c.company
	k.mu.Lock()
	defer k.mu.Unlock()
	number, m = k.next, &member{answer: make(chan reply, 1)}
	k.next++
	k.members[number] = m
	for _, other := range k.members {
		other.peak = max(other.peak, len(k.members))
	}
	if len(k.members) == 1 {
		go c.listen() // ends with the last member's answer, for which that one waits
	}
	return number, m
}

func (c *child) peak(m *member) int {
	c.company.mu.Lock()
	defer c.company.mu.Unlock()
	return m.peak
}

// send writes a frame when it is its turn. The channel is closed once it is done with it; that a child is gone is told to who reads.
func (c *child) send(kind byte, body []byte) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.company.pen <- struct{}{}
		defer func() { <-c.company.pen }()
		if writeFrame(c.stdin, kind, body) != nil {
			c.kill()
		}
	}()
	return done
}

// callBack takes an item out of the child and waits until it is: a child that does not let it go is ended.
func (c *child) callBack(number uint32, m *member) {
	sent := c.send(kindLeave, binary.LittleEndian.AppendUint32(nil, number))
	grace := time.NewTimer(c.company.grace)
	defer grace.Stop()
	select {
	case <-m.answer:
	case <-grace.C:
		c.kill()
		<-m.answer
	}
	<-sent
}

// listen hands answers to those who wait, until nobody does. After an error all have it.
func (c *child) listen() {
	for {
		kind, body, err := readAnswer(c.stdout, c.note)
		if err == nil && (kind != kindDone || len(body) < 5) {
			err = errFrame
		}
		if err != nil {
			c.disband(err)
			return
		}
		known, last := c.deliver(binary.LittleEndian.Uint32(body), reply{kind: body[4], body: body[5:]})
		if !known {
			c.disband(errFrame)
		}
		if last || !known {
			return
		}
	}
}

// deliver gives a member its answer, and says whether it was the last.
func (c *child) deliver(number uint32, r reply) (known, last bool) {
	k := c.company
	k.mu.Lock()
	defer k.mu.Unlock()
	m, known := k.members[number]
	if !known {
		return false, false
	}
	delete(k.members, number)
	m.answer <- r
	return true, len(k.members) == 0
}

func (c *child) disband(err error) {
	c.kill()
	k := c.company
	k.mu.Lock()
	defer k.mu.Unlock()
	for number, m := range k.members {
		m.answer <- reply{err: err}
		delete(k.members, number)
	}
}
