package p2p

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// A remote is a peer that has passed the handshake.
type remote struct {
	id      peer.ID
	name    string
	static  bool
	proven  bool
	voteKey [32]byte // of a proven peer
	since   time.Time
	out     *outbox
	ctx     context.Context // ends when the peer is gone
	cancel  context.CancelFunc

	validator atomic.Int32
	height    atomic.Uint64
	in        atomic.Pointer[network.Stream] // the one direct stream that is read
	serving   atomic.Int32                   // requests of the peer that are being answered
	asking    chan struct{}                  // requests to the peer that are under way

	frames, bytes, requests, served, gossip, hellos *bucket
	flood                                           flood
}

func (r *remote) peer() Peer { return Peer{ID: r.name, Validator: int(r.validator.Load())} }

func (r *remote) isValidator() bool { return r.validator.Load() != NoValidator }

// A table holds the peers that have passed the handshake.
type table struct {
	mu      sync.Mutex
	peers   map[peer.ID]*remote
	indices map[[32]byte]int // validator index by vote key
	list    []*remote        // the same peers; replaced, never changed
	changed chan struct{}
	max     int
}

func newTable(peersMax int, validators [][32]byte) *table {
	t := &table{peers: make(map[peer.ID]*remote), changed: make(chan struct{}), max: peersMax}
	t.setValidators(validators)
	return t
}

// add enters r, in place of an earlier entry of the same peer, which it returns.
func (t *table) add(r *remote) (before *remote, refused *RefusedError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.number(r)
	before = t.peers[r.id]
	if before == nil {
		if refused := t.room(r); refused != nil {
			return nil, refused
		}
	}
	t.peers[r.id] = r
	t.renew()
	return before, nil
}

// room counts peers of the same standing: validators and static peers take no one's place.
func (t *table) room(r *remote) *RefusedError {
	same, others := 0, 0
	for _, o := range t.list {
		switch {
		case r.isValidator() && o.validator.Load() == r.validator.Load():
			same++
		case !o.isValidator() && !o.static:
			others++
		}
	}
	if r.isValidator() {
		if same >= validatorPeersMax {
			return &RefusedError{Reason: RefusedTwins}
		}
		return nil
	}
	if !r.static && others >= t.max {
		return &RefusedError{Reason: RefusedFull}
	}
	return nil
}

// remove takes r out unless another entry has taken its place.
func (t *table) remove(r *remote) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.peers[r.id] != r {
		return false
	}
	delete(t.peers, r.id)
	t.renew()
	return true
}

func (t *table) renew() {
	list := make([]*remote, 0, len(t.peers))
	for _, r := range t.peers {
		list = append(list, r)
	}
	t.list = list
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *table) number(r *remote) {
	r.validator.Store(NoValidator)
	if !r.proven {
		return
	}
	if i, ok := t.indices[r.voteKey]; ok {
		r.validator.Store(int32(i))
	}
}

func (t *table) setValidators(keys [][32]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.indices = make(map[[32]byte]int, len(keys))
	for i, k := range keys {
		t.indices[k] = i
	}
	for _, r := range t.list {
		t.number(r)
	}
	t.renew()
}

func (t *table) get(id peer.ID) *remote {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.peers[id]
}

// all gives the peers, which the caller does not change, and a channel closed at the next change.
func (t *table) all() ([]*remote, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.list, t.changed
}

// await gives the peer as soon as it has passed the handshake: its first streams may overtake the
// last step of that.
func (t *table) await(ctx context.Context, id peer.ID) *remote {
	for {
		t.mu.Lock()
		r, changed := t.peers[id], t.changed
		t.mu.Unlock()
		if r != nil {
			return r
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (t *table) index(voteKey [32]byte) (int, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.indices[voteKey]
	return i, ok
}
