package p2p

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
)

// anyPeersMax is how many peers a request to any is tried on.
const anyPeersMax = 3

// Request asks the peer with this id, or with "" up to three peers in turn, those first that have the
// height that is asked for. ErrNotFound means that all of them said so.
func (n *Net) Request(ctx context.Context, id string, q Request) (Response, error) {
	must.Hold(q.valid(), "p2p: request not made by an Ask function")
	if id != "" {
		p, err := peer.Decode(id)
		if err != nil {
			return Response{}, fmt.Errorf("p2p: peer id %q: %w", id, err)
		}
		r := n.table.get(p)
		if r == nil {
			return Response{}, ErrNoPeer
		}
		return n.ask(ctx, r, q)
	}
	var last error
	for _, r := range n.candidates(q) {
		answer, err := n.ask(ctx, r, q)
		if err == nil || ctx.Err() != nil {
			return answer, err
		}
		if last == nil || !errors.Is(err, ErrNotFound) {
			last = err
		}
	}
	if last == nil {
		last = ErrNoPeer
	}
	return Response{}, last
}

// candidates gives peers in random order, except that those come first that should have it.
func (n *Net) candidates(q Request) []*remote {
	peers, _ := n.table.all()
	var good, others []*remote
	for _, i := range rand.Perm(len(peers)) {
		if peers[i].height.Load() >= q.height {
			good = append(good, peers[i])
		} else {
			others = append(others, peers[i])
		}
	}
	good = append(good, others...)
	return good[:min(len(good), anyPeersMax)]
}

func (n *Net) ask(ctx context.Context, r *remote, q Request) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return Response{}, fmt.Errorf("p2p: request: %w", ctx.Err())
	case <-r.ctx.Done():
		return Response{}, ErrNoPeer
	}
	answer, err := n.exchangeRequest(ctx, r, q)
	n.metrics.asked(q.kind, err)
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrBusy) {
		return answer, err
	}
	if errors.As(err, new(Fault)) || errors.As(err, new(codec.Fault)) {
		n.punish(r.id, FaultAnswer)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return Response{}, fmt.Errorf("p2p: request: %w", err)
}

func (n *Net) exchangeRequest(ctx context.Context, r *remote, q Request) (Response, error) {
	s, err := n.host.NewStream(network.WithNoDial(ctx, "request"), r.id, n.requestProtocol)
	if err != nil {
		return Response{}, err
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err := writeFrame(s, q.encode()); err != nil {
		return Response{}, err
	}
	if err := s.CloseWrite(); err != nil {
		return Response{}, err
	}
	b, err := readFrame(s, replyBytesMax)
	if err != nil {
		return Response{}, err
	}
	a, err := decodeAnswer(b)
	if err != nil {
		return Response{}, err
	}
	return q.response(r.peer(), a)
}

// onRequest answers one request.
func (n *Net) onRequest(s network.Stream) {
	if n.answerRequest(s) {
		_ = s.Close() // over QUIC a reset would take back what has not arrived yet
	} else {
		_ = s.Reset()
	}
}

// answerRequest tells whether it has written all of an answer.
func (n *Net) answerRequest(s network.Stream) bool {
	r := n.caller(s)
	if r == nil || s.SetDeadline(time.Now().Add(requestTimeout)) != nil {
		return false
	}
	defer r.serving.Add(-1) // after the answer has gone: it takes memory until then
	defer n.serving.Add(-1)
	a := answer{code: answerBusy}
	free := r.serving.Add(1) <= requestsOpenMax
	free = n.serving.Add(1) <= answersOpenMax && free
	if free && r.requests.allow(time.Now(), 1) && r.served.allow(time.Now(), 1) {
		var err error
		if a, err = n.serve(r, s); err != nil {
			return false
		}
	}
	n.metrics.servedOne(a.code)
	return writeFrame(s, a.encode()) == nil
}

func (n *Net) serve(r *remote, s network.Stream) (answer, error) {
	b, err := readFrame(s, requestBytesMax)
	if err != nil {
		if errors.As(err, new(Fault)) {
			n.punish(r.id, FaultFrame)
		}
		return answer{}, err
	}
	q, err := decodeRequest(b)
	if err != nil {
		n.punish(r.id, FaultFrame)
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, requestTimeout)
	defer cancel()
	items, err := n.look(ctx, q)
	switch {
	case errors.Is(err, ErrNotFound):
		return answer{code: answerNotFound}, nil
	case err != nil:
		n.log.Warn("request of a peer not served", "peer", r.name, "request", requestNames[q.kind], "err", err)
		return answer{code: answerBusy}, nil
	}
	a := answer{code: answerHere, items: items}
	if a.size() > replyBytesMax {
		n.log.Warn("answer to a peer too long", "peer", r.name, "request", requestNames[q.kind], "bytes", a.size())
		return answer{code: answerBusy}, nil
	}
	r.served.take(time.Now(), a.size())
	return a, nil
}

func (n *Net) look(ctx context.Context, q Request) ([][]byte, error) {
	var one []byte
	var err error
	switch q.kind {
	case requestStatus:
		w := codec.NewWriter(8)
		w.U64(n.opt.Source.Height())
		return [][]byte{w.Out()}, nil
	case requestBlocks:
		return n.opt.Source.Blocks(ctx, q.height, int(q.count), RangeBytesMax)
	case requestBlock:
		one, err = n.opt.Source.Block(ctx, q.hash)
	case requestCertificate:
		one, err = n.opt.Source.Certificate(ctx, q.key)
	case requestBlob:
		one, err = n.opt.Source.Blob(ctx, q.hash)
	}
	return [][]byte{one}, err
}
