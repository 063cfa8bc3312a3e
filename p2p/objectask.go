package p2p

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/aiwork/aiwork-node/internal/codec"
)

// Objects asks peers for objects. It belongs to a Net, which asks the peers that it is connected with, or to a
// Fetcher, which dials those that it was given. It is safe for concurrent use.
type Objects struct {
	host     host.Host
	protocol protocol.ID
	dial     bool
	peers    func() []peer.ID
	punish   func(peer.ID, Fault)
	metrics  *objectMetrics
}

// Peers lists whom Find, Size, Sums and Groups may ask now.
func (o *Objects) Peers() []string {
	var list []string
	for _, id := range o.peers() {
		list = append(list, id.String())
	}
	return list
}

// Punish counts a fault of a peer that only the caller can see.
func (o *Objects) Punish(id string, f Fault) {
	if p, err := peer.Decode(id); err == nil {
		o.punish(p, f)
	}
}

// Find asks a peer which objects hold a model, ErrNotFound if it has none. Only the objects' bytes show whether it
// spoke the truth.
func (o *Objects) Find(ctx context.Context, id string, model [32]byte) ([]ObjectInfo, error) {
	a, err := o.one(ctx, id, objectRequest{kind: objectFind, id: model})
	return a.found, err
}

// Size asks a peer for the size of an object, ErrNotFound if it has none.
func (o *Objects) Size(ctx context.Context, id string, object [32]byte) (uint64, error) {
	a, err := o.one(ctx, id, objectRequest{kind: objectSize, id: object})
	return a.size, err
}

// Sums asks a peer for the sums of an object's groups, ErrNotFound if it has none.
func (o *Objects) Sums(ctx context.Context, id string, object [32]byte) (ObjectSums, error) {
	a, err := o.one(ctx, id, objectRequest{kind: objectSums, id: object})
	return a.sums, err
}

func (o *Objects) one(ctx context.Context, id string, q objectRequest) (a objectAnswer, err error) {
	err = o.ask(ctx, id, q, func(s network.Stream) error {
		a, err = readObjectAnswer(s, q.kind)
		return err
	})
	return a, err
}

// Groups asks a peer for count groups of an object (1 to ObjectSpanMax) and hands each over as soon as it is there,
// in order. It stops at the first error of each, which it returns as it is; ErrStop ends it without one.
func (o *Objects) Groups(ctx context.Context, id string, object [32]byte, first, count int, each func(i int, data []byte) error) error {
	q := objectRequest{kind: objectGroups, id: object, first: uint32(first), count: uint32(count)}
	if first < 0 || count < 1 || !q.valid() {
		return fmt.Errorf("p2p: groups %d to %d of an object: out of range", first, first+count)
	}
	err := o.ask(ctx, id, q, func(s network.Stream) error {
		if _, err := readObjectAnswer(s, q.kind); err != nil {
			return err
		}
		for i := first; i < first+count; i++ {
			if err := s.SetReadDeadline(time.Now().Add(objectGroupTimeout)); err != nil {
				return err
			}
			group, err := readFrame(s, ObjectGroupBytes)
			if err != nil {
				return err
			}
			o.metrics.received.Add(float64(len(group)))
			if err := each(i, group); err != nil {
				return &handed{err}
			}
		}
		return nil
	})
	if errors.Is(err, ErrStop) {
		return nil
	}
	if h, ok := errors.AsType[*handed](err); ok {
		return h.error
	}
	return err
}

// ErrStop ends Groups early.
var ErrStop = errors.New("enough")

// handed is an error of the caller's own.
type handed struct{ error }

func (h *handed) Unwrap() error { return h.error }

func readObjectAnswer(s network.Stream, kind objectKind) (objectAnswer, error) {
	b, err := readFrame(s, objectAnswerBytesMax)
	if err != nil {
		return objectAnswer{}, err
	}
	a, err := decodeObjectAnswer(kind, b)
	switch {
	case err != nil:
		return a, err
	case a.code == answerNotFound:
		return a, ErrNotFound
	case a.code == answerBusy:
		return a, ErrBusy
	}
	return a, nil
}

// ask opens a stream, sends a request and lets read take the answer. What breaks the protocol is the peer's fault.
func (o *Objects) ask(ctx context.Context, id string, q objectRequest, read func(network.Stream) error) error {
	p, err := peer.Decode(id)
	if err != nil {
		return fmt.Errorf("p2p: peer id %q: %w", id, err)
	}
	err = o.exchange(ctx, p, q, read)
	o.metrics.askedOne(q.kind, err)
	if _, ours := errors.AsType[*handed](err); err == nil || ours || errors.Is(err, ErrNotFound) || errors.Is(err, ErrBusy) {
		return err
	}
	if errors.As(err, new(Fault)) || errors.As(err, new(codec.Fault)) {
		o.punish(p, FaultAnswer)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("p2p: %s of an object: %w", objectNames[q.kind], err)
}

func (o *Objects) exchange(ctx context.Context, p peer.ID, q objectRequest, read func(network.Stream) error) error {
	opening, cancel := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer cancel()
	if !o.dial {
		opening = network.WithNoDial(opening, "objects")
	}
	s, err := o.host.NewStream(opening, p, o.protocol)
	if err != nil {
		return err
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err := s.SetDeadline(time.Now().Add(objectTimeout)); err != nil {
		return err
	}
	if err := writeFrame(s, q.encode()); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	return read(s)
}
