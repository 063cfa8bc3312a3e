package p2p

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	objectTimeout      = 20 * time.Second // for a request and the first frame of its answer
	objectGroupTimeout = 10 * time.Second // for each further group
)

// openObjects readies both sides of the protocol; without a source only ours.
func (n *Net) openObjects() {
	n.objects = &Objects{
		host: n.host, protocol: objectsProtocol(n.opt.ChainID, n.opt.Genesis),
		peers: n.connectedPeers, punish: n.punish, metrics: newObjectMetrics(n.opt.Metrics, n.shares.counts),
	}
	if n.opt.Objects != nil {
		n.host.SetStreamHandler(n.objects.protocol, n.handle(n.onObjects))
	}
}

// Objects asks the connected peers for objects.
func (n *Net) Objects() *Objects { return n.objects }

func (n *Net) connectedPeers() []peer.ID {
	peers, _ := n.table.all()
	list := make([]peer.ID, len(peers))
	for i, r := range peers {
		list[i] = r.id
	}
	return list
}

// onObjects answers one request for objects. Rule NET-9: whoever speaks this protocol, whose name holds chain and
// genesis, may fetch, though it has not shaken hands; a worker that only dials does so.
func (n *Net) onObjects(s network.Stream) {
	if n.answerObjects(s) {
		_ = s.Close() // what was written still goes out; a reset would take it back where it has not arrived
	} else {
		_ = s.Reset()
	}
}

// answerObjects tells whether it has written all of an answer.
func (n *Net) answerObjects(s network.Stream) bool {
	id := s.Conn().RemotePeer()
	if s.SetDeadline(time.Now().Add(objectTimeout)) != nil {
		return false
	}
	sh := n.shares.enter(id, n.table.get(id) != nil, time.Now())
	if sh == nil {
		n.objects.metrics.servedOne(objectsEnd, answerBusy)
		busy := objectAnswer{code: answerBusy}
		return writeFrame(s, busy.encode(objectsEnd)) == nil
	}
	defer func() { n.shares.leave(sh, time.Now()) }()
	b, err := readFrame(s, objectRequestMax)
	if err != nil {
		if errors.As(err, new(Fault)) {
			n.punish(id, FaultFrame)
		}
		return false
	}
	q, err := decodeObjectRequest(b)
	if err != nil {
		n.punish(id, FaultFrame)
		return false
	}
	ctx, cancel := context.WithCancel(n.ctx)
	defer cancel()
	if q.kind == objectGroups {
		return n.serveGroups(ctx, s, sh, &q)
	}
	a := n.lookObject(ctx, &q)
	n.objects.metrics.servedOne(q.kind, a.code)
	n.uploaded(ctx, sh, 32*len(a.sums.Sums)+len(a.sums.Last))
	return writeFrame(s, a.encode(q.kind)) == nil
}

func (n *Net) lookObject(ctx context.Context, q *objectRequest) (a *objectAnswer) {
	a = &objectAnswer{code: answerHere}
	var err error
	switch q.kind {
	case objectFind:
		a.found, err = n.opt.Objects.Find(ctx, q.id)
	case objectSize:
		a.size, err = n.opt.Objects.Size(ctx, q.id)
	case objectSums:
		a.sums, err = n.opt.Objects.Sums(ctx, q.id)
	}
	if err != nil {
		return &objectAnswer{code: n.codeOf(err, q)}
	}
	return a
}

func (n *Net) codeOf(err error, q *objectRequest) answerCode {
	if errors.Is(err, ErrNotFound) {
		return answerNotFound
	}
	n.log.Warn("object not served", "request", objectNames[q.kind], "object", hex0x(q.id[:]), "err", err)
	return answerBusy
}

// serveGroups sends groups one after the other, no faster than the peer's share and that of all peers.
func (n *Net) serveGroups(ctx context.Context, s network.Stream, sh *share, q *objectRequest) bool {
	for i := q.first; i < q.first+q.count; i++ {
		group, err := n.opt.Objects.Group(ctx, q.id, i)
		if i == q.first {
			a := &objectAnswer{code: answerHere}
			if err != nil {
				a.code = n.codeOf(err, q)
			}
			n.objects.metrics.servedOne(q.kind, a.code)
			if writeFrame(s, a.encode(q.kind)) != nil {
				return false
			}
		}
		if err != nil {
			return i == q.first
		}
		if !n.uploaded(ctx, sh, len(group)) || s.SetDeadline(time.Now().Add(objectGroupTimeout)) != nil || writeFrame(s, group) != nil {
			return false
		}
	}
	return true
}

// uploaded takes bytes from the peer's share and from that of all, and waits until they may go.
func (n *Net) uploaded(ctx context.Context, sh *share, size int) bool {
	now := time.Now()
	wait := max(sh.bytes.take(now, size), n.shares.upload.take(now, size))
	n.objects.metrics.sent.Add(float64(size))
	return wait == 0 || pause(ctx, wait)
}

// awaitFetcher keeps the connection of a fetcher for as long as it fetches, and closes that of one who does not.
func (n *Net) awaitFetcher(c network.Conn) {
	now := time.Now()
	until := n.shares.busyUntil(c.RemotePeer(), now)
	if n.ctx.Err() != nil || n.table.get(c.RemotePeer()) != nil || c.IsClosed() {
		return
	}
	if until.After(now) {
		time.AfterFunc(until.Sub(now), func() { n.awaitFetcher(c) })
		return
	}
	_ = c.Close()
}
