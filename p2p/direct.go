package p2p

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Consensus gives the direct frames of the kinds in the options, in order per peer. While nobody
// reads, peers' streams wait. It is never closed.
func (n *Net) Consensus() <-chan Message { return n.inbox }

// Broadcast sends to every connected validator, and if the kind is public to all other peers too. It
// never waits. The payload must not be changed afterwards.
func (n *Net) Broadcast(kind byte, payload []byte) {
	k := n.known(kind, payload)
	peers, _ := n.table.all()
	for _, r := range peers {
		if k.Public || r.isValidator() {
			n.put(r, k, payload)
		}
	}
}

// Relay sends a public frame on to the peers that are no validators, except the one it came from.
func (n *Net) Relay(from Peer, kind byte, payload []byte) {
	k := n.known(kind, payload)
	must.Hold(k.Public, "p2p: relay of a kind that is not public")
	peers, _ := n.table.all()
	for _, r := range peers {
		if !r.isValidator() && r.name != from.ID {
			n.put(r, k, payload)
		}
	}
}

// SendTo sends to one validator and tells whether it is connected.
func (n *Net) SendTo(validator int, kind byte, payload []byte) bool {
	k := n.known(kind, payload)
	sent := false
	peers, _ := n.table.all()
	for _, r := range peers {
		if r.isValidator() && int(r.validator.Load()) == validator {
			n.put(r, k, payload)
			sent = true
		}
	}
	return sent
}

// SendPeer sends to one peer, validator or not, and tells whether it is connected.
func (n *Net) SendPeer(id string, kind byte, payload []byte) bool {
	k := n.known(kind, payload)
	p, err := peer.Decode(id)
	if err != nil {
		return false
	}
	r := n.table.get(p)
	if r == nil {
		return false
	}
	n.put(r, k, payload)
	return true
}

func (n *Net) known(kind byte, payload []byte) *Kind {
	k := &n.kinds[kind]
	must.Hold(k.BytesMax > 0, "p2p: frame of an unknown kind")
	must.Hold(len(payload) <= k.BytesMax, "p2p: frame above the limit of its kind")
	return k
}

func (n *Net) put(r *remote, k *Kind, payload []byte) {
	if lost := r.out.put(frame{kind: k.ID, payload: payload}); lost > 0 {
		n.metrics.dropped.Add(float64(lost))
	}
}

// send writes a peer's outbox to one long-lived stream until the peer is gone. When the stream breaks,
// what was being written is written again to the next one: frames may come twice.
func (n *Net) send(r *remote) {
	w := writer{n: n, r: r, batch: []frame{n.pingFrame()}} // a stream is seen by its first frame
	defer w.reset()
	ping := time.NewTicker(n.timing.ping)
	defer ping.Stop()
	for {
		if err := w.flush(); err != nil {
			n.log.Debug("direct stream", "peer", r.name, "err", err)
			if !pause(r.ctx, streamRetryInterval) {
				return
			}
			continue
		}
		select {
		case <-r.out.wake:
			w.batch = r.out.take(w.batch[:0], writeChunkBytes)
		case <-ping.C:
			w.batch = append(w.batch[:0], n.pingFrame())
		case <-r.ctx.Done():
			return
		}
	}
}

func (n *Net) pingFrame() frame {
	return frame{kind: kindPing, payload: binary.BigEndian.AppendUint64(nil, n.opt.Source.Height())}
}

// A writer owns the outgoing stream to one peer.
type writer struct {
	n     *Net
	r     *remote
	s     network.Stream
	armed time.Time // when the write deadline was set
	batch []frame   // taken from the outbox and not yet written
	buf   []byte
}

// flush opens the stream where needed and writes the batch: small frames joined, in one write.
func (w *writer) flush() error {
	if w.s == nil {
		if err := w.open(); err != nil {
			return err
		}
	}
	if len(w.batch) == 0 {
		return nil
	}
	if err := rearm(&w.armed, writeTimeout, w.s.SetWriteDeadline); err != nil {
		w.reset()
		return err
	}
	if err := w.write(); err != nil {
		w.reset()
		return err
	}
	for _, f := range w.batch {
		w.n.metrics.sent(w.n.kinds[f.kind].Name, len(f.payload))
	}
	clear(w.batch)
	w.batch = w.batch[:0]
	return nil
}

func (w *writer) write() error {
	w.buf = w.buf[:0]
	for _, f := range w.batch {
		w.buf = appendDirect(w.buf, f)
		if len(f.payload) <= writeChunkBytes {
			w.buf = append(w.buf, f.payload...)
			continue
		}
		if err := w.put(w.buf); err != nil {
			return err
		}
		if err := w.put(f.payload); err != nil {
			return err
		}
		w.buf = w.buf[:0]
	}
	return w.put(w.buf)
}

func (w *writer) put(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := w.s.Write(b)
	return err
}

func (w *writer) open() error {
	ctx, cancel := context.WithTimeout(w.r.ctx, dialTimeout)
	defer cancel()
	s, err := w.n.host.NewStream(network.WithNoDial(ctx, "direct"), w.r.id, w.n.directProtocol)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	w.s, w.armed = s, time.Time{}
	return nil
}

func (w *writer) reset() {
	if w.s != nil {
		_ = w.s.Reset()
		w.s = nil
	}
}

// onDirect reads the frames of one peer. A newer stream of the peer takes the place of an older one.
func (n *Net) onDirect(s network.Stream) {
	defer s.Reset()
	r := n.caller(s)
	if r == nil {
		return
	}
	if old := r.in.Swap(&s); old != nil {
		_ = (*old).Reset()
	}
	stop := context.AfterFunc(r.ctx, func() { _ = s.Reset() })
	defer stop()
	err := n.read(r, s)
	var f Fault
	switch {
	case errors.As(err, &f):
		n.punish(r.id, f)
	case timedOut(err) && r.in.Load() == &s:
		n.log.Debug("peer is silent", "peer", r.name)
		n.drop(r.id)
	}
}

// timedOut knows the errors of both transports, which have no common value.
func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func (n *Net) read(r *remote, s network.Stream) error {
	in := bufio.NewReaderSize(s, readChunkBytes)
	var armed time.Time
	for {
		if err := rearm(&armed, n.timing.silence, s.SetReadDeadline); err != nil {
			return err
		}
		k, size, err := n.readHead(r, in)
		if err != nil {
			return err
		}
		if err := n.slow(r, size); err != nil {
			return err
		}
		if size > readChunkBytes {
			armed = time.Time{}
			if err := rearm(&armed, frameTimeout, s.SetReadDeadline); err != nil {
				return err
			}
			armed = time.Time{} // the next frame has the shorter one again
		}
		payload, err := readBody(in, size)
		if err != nil {
			return err
		}
		n.metrics.received(k.Name, size)
		if err := n.deliver(r, k, payload); err != nil {
			return err
		}
	}
}

// rearm sets a deadline d ahead, but not again in the next tenth of d: timers cost more than small
// frames.
func rearm(armed *time.Time, d time.Duration, set func(time.Time) error) error {
	now := time.Now()
	if now.Sub(*armed) < d/10 {
		return nil
	}
	*armed = now
	return set(now.Add(d))
}

// readHead reads a frame's length and kind, and judges both before the payload is read.
func (n *Net) readHead(r *remote, in io.Reader) (k *Kind, size int, err error) {
	var head [headBytes + 1]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, 0, err
	}
	wide := int64(binary.BigEndian.Uint32(head[:])) - 1
	k = &n.kinds[head[headBytes]]
	switch {
	case wide < 0:
		return nil, 0, FaultFrame
	case k.BytesMax == 0 || k.ValidatorsOnly && !r.isValidator():
		return nil, 0, FaultKind
	case wide > int64(k.BytesMax):
		return nil, 0, FaultOversize
	}
	return k, int(wide), nil
}

// slow holds back a peer that sends more than its share. Its own stream waits, nobody else's.
func (n *Net) slow(r *remote, size int) error {
	now := time.Now()
	wait := max(r.frames.take(now, 1), r.bytes.take(now, size))
	if wait == 0 {
		return nil
	}
	n.metrics.throttled.Inc()
	if r.flood.held(now) && !r.isValidator() {
		n.punish(r.id, FaultFlood)
	}
	if !pause(r.ctx, min(wait, time.Second)) {
		return r.ctx.Err()
	}
	return nil
}

func (n *Net) deliver(r *remote, k *Kind, payload []byte) error {
	switch k.ID {
	case kindPing:
		if len(payload) != 8 {
			return FaultFrame
		}
		r.height.Store(binary.BigEndian.Uint64(payload))
		return nil
	case kindTxs:
		return n.forwarded(r, payload)
	}
	select {
	case n.inbox <- Message{From: r.peer(), Kind: k.ID, Payload: payload}:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// pause waits and tells whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
