package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/multiformats/go-multiaddr"
)

// A Net is a node's place in the network. All its methods are safe for concurrent use.
type Net struct {
	opt     Options
	timing  timing
	log     *slog.Logger
	host    host.Host
	table   *table
	scores  *scores
	metrics *metrics
	gossip  *gossip
	objects *Objects
	shares  *shares
	kinds   [256]Kind // by id; BytesMax 0: unknown
	statics []*static
	inbox   chan Message
	intake  chan txBatch

	directProtocol, requestProtocol protocol.ID

	serving atomic.Int32 // requests of all peers that are being answered

	mu     sync.Mutex
	greets map[peer.ID]struct{} // who began a handshake that is not over

	ctx       context.Context
	cancel    context.CancelFunc
	tasks     tasks
	closeOnce sync.Once
	closeErr  error
}

// New listens and answers peers. Run dials the static ones. The context bounds only New itself.
func New(ctx context.Context, o Options) (*Net, error) { return newNet(ctx, o, usualTiming()) }

func newNet(ctx context.Context, o Options, t timing) (*Net, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	n := &Net{
		opt:    o,
		timing: t,
		log:    o.Log,
		scores: newScores(),
		shares: newShares(),
		table:  newTable(o.MaxPeers, o.Validators),
		inbox:  make(chan Message, inboxFramesMax),
		intake: make(chan txBatch, txIntakeMax),
		greets: make(map[peer.ID]struct{}),
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	for _, k := range o.Kinds {
		n.kinds[k.ID] = k
	}
	n.kinds[kindPing] = Kind{ID: kindPing, Name: "ping", BytesMax: 8}
	n.kinds[kindTxs] = Kind{ID: kindTxs, Name: "txs", BytesMax: BatchBytesMax}
	base := protocolBase(o.ChainID, o.Genesis)
	n.directProtocol = protocol.ID(base + "/direct/1")
	n.requestProtocol = protocol.ID(base + "/request/1")
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.open(ctx, base); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// protocolBase begins the names of all protocols of a chain.
func protocolBase(chainID uint64, genesis [32]byte) string {
	return fmt.Sprintf("/aiwork/%d-%x", chainID, genesis[:4])
}

func (n *Net) open(ctx context.Context, base string) error {
	var err error
	if n.metrics, err = newMetrics(n.opt.Metrics); err != nil {
		return fmt.Errorf("p2p: metrics: %w", err)
	}
	infos, err := parsePeers(n.opt.Peers)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if info.ID != n.opt.Identity.id { // one list may serve all nodes
			n.statics = append(n.statics, &static{info: info})
		}
	}
	gologshim.SetDefaultHandler(libraryLog{n.log.Handler()}) // one for the process, like the library's own
	resources, err := newResources(n.peersExpected(), n.metrics)
	if err != nil {
		return fmt.Errorf("p2p: resource manager: %w", err)
	}
	if n.host, err = newHost(n.opt.Identity, n.peersExpected(), resources, gater{n.scores}); err != nil {
		return fmt.Errorf("p2p: %w", err)
	}
	n.host.SetStreamHandler(helloProtocol, n.handle(n.onHello))
	n.host.SetStreamHandler(n.directProtocol, n.handle(n.onDirect))
	n.host.SetStreamHandler(n.requestProtocol, n.handle(n.onRequest))
	n.openObjects()
	n.host.Network().Notify(&network.NotifyBundle{ConnectedF: n.connected, DisconnectedF: n.disconnected})
	if n.gossip, err = n.newGossip(base); err != nil {
		return fmt.Errorf("p2p: gossip: %w", err)
	}
	for range txWorkers() {
		n.tasks.start(n.takeForwarded)
	}
	return n.listen(ctx)
}

// listen opens every address or none: a node that hears only half of what it announces is hard to find.
func (n *Net) listen(ctx context.Context) error {
	for _, s := range n.opt.Listen {
		if err := ctx.Err(); err != nil {
			return err
		}
		a, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return fmt.Errorf("p2p: listen address %q: %w", s, err)
		}
		err = n.host.Network().Listen(a)
		// The swarm keeps the text of the cause alone.
		if err != nil && strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return fmt.Errorf("p2p: listen on %s: port in use: stop the program that has it or choose another with --p2p: %w", s, err)
		}
		if err != nil {
			return fmt.Errorf("p2p: listen on %s: %w", s, err)
		}
	}
	return nil
}

// Run keeps the static peers dialled until ctx ends, then closes everything and returns nil.
func (n *Net) Run(ctx context.Context) error {
	for _, s := range n.statics {
		n.tasks.start(func() { n.keep(s) })
	}
	n.tasks.start(n.gossip.collect)
	stopMDNS, err := n.startMDNS()
	if err != nil {
		return errors.Join(err, n.Close())
	}
	select {
	case <-ctx.Done():
	case <-n.ctx.Done():
	}
	stopMDNS()
	return n.Close()
}

// Close ends everything and waits for it. It may be called more than once, and without Run.
func (n *Net) Close() error {
	n.closeOnce.Do(func() {
		n.tasks.close()
		n.cancel()
		if n.host != nil {
			n.closeErr = n.host.Close()
		}
		n.tasks.wait()
	})
	return n.closeErr
}

// Self gives this node's own name.
func (n *Net) Self() Peer {
	p := Peer{ID: n.opt.Identity.ID(), Validator: NoValidator}
	if n.opt.Prover != nil {
		if i, ok := n.table.index(n.opt.Prover.VoteKey()); ok {
			p.Validator = i
		}
	}
	return p
}

// Addrs gives the multiaddrs at which peers reach this node, ending in /p2p/ID.
func (n *Net) Addrs() []string {
	var list []string
	for _, a := range n.host.Addrs() {
		list = append(list, a.String()+"/p2p/"+n.opt.Identity.ID())
	}
	return list
}

// SetValidators names the validators' vote keys by index. Peers that proved one of them are known by
// the new index from now on.
func (n *Net) SetValidators(voteKeys [][32]byte) {
	n.table.setValidators(voteKeys)
	peers, _ := n.table.all()
	for _, r := range peers {
		n.guard(r)
	}
}

// Changed gives a channel that is closed when a peer comes or goes the next time.
func (n *Net) Changed() <-chan struct{} {
	_, changed := n.table.all()
	return changed
}

// Punish counts a fault of a peer against it. Who has too many is disconnected and banned for a
// while, a validator only for seconds. It must not be called for what may be our own doing.
func (n *Net) Punish(id string, f Fault) {
	if p, err := peer.Decode(id); err == nil {
		n.punish(p, f)
	}
}

func (n *Net) punish(id peer.ID, f Fault) {
	n.metrics.faults.WithLabelValues(faults[f].text).Inc()
	r := n.table.get(id)
	banned, until := n.scores.add(time.Now(), id, f, r != nil && r.isValidator())
	if !banned {
		return
	}
	n.metrics.bans.Inc()
	n.log.Warn("peer banned", "peer", id, "fault", f, "until", until.UTC())
	n.drop(id)
}

// drop closes all connections to a peer. It does so apart from the caller, who may be a handler of one.
func (n *Net) drop(id peer.ID) {
	n.tasks.start(func() { _ = n.host.Network().ClosePeer(id) })
}

// admit enters a peer that has passed the handshake and starts sending to it. Where both sides dial
// at once there are two handshakes; the second changes nothing but the height.
func (n *Net) admit(id peer.ID, h *hello, c network.Conn) error {
	if r := n.table.get(id); r != nil && r.proven == h.hasProof && r.voteKey == h.voteKey {
		r.height.Store(h.height)
		return nil
	}
	r := n.newRemote(id, h)
	before, refused := n.table.add(r)
	if refused != nil {
		r.cancel()
		return refused
	}
	if before != nil {
		before.cancel()
	}
	n.guard(r)
	n.tasks.start(func() { n.send(r) })
	n.tasks.start(func() {
		if pause(r.ctx, n.timing.silence) && r.in.Load() == nil {
			n.drop(id) // it never began to talk
		}
	})
	if n.host.Network().Connectedness(id) != network.Connected {
		n.gone(r) // it went before it stood in the table
		return errors.New("connection lost during the handshake")
	}
	n.metrics.peersAre(n.table)
	n.log.Info("peer connected", "peer", r.name, "validator", r.validator.Load(), "address", c.RemoteMultiaddr(), "height", h.height)
	return nil
}

func (n *Net) newRemote(id peer.ID, h *hello) *remote {
	now := time.Now()
	r := &remote{
		id: id, name: id.String(), static: n.isStatic(id), proven: h.hasProof, voteKey: h.voteKey,
		since: now, out: newOutbox(), asking: make(chan struct{}, requestsOpenMax/2),
		frames: newBucket(rateFrames, now), bytes: newBucket(rateBytes, now),
		requests: newBucket(rateRequests, now), served: newBucket(rateServed, now), gossip: newBucket(rateGossip, now),
		hellos: newBucket(rateHellos, now), flood: flood{window: n.timing.flood},
	}
	r.height.Store(h.height)
	r.ctx, r.cancel = context.WithCancel(n.ctx)
	return r
}

// guard keeps the connection manager from closing connections that matter.
func (n *Net) guard(r *remote) {
	if r.static || r.isValidator() {
		n.host.ConnManager().Protect(r.id, "aiwork")
		return
	}
	n.host.ConnManager().Unprotect(r.id, "aiwork")
}

func (n *Net) isStatic(id peer.ID) bool {
	for _, s := range n.statics {
		if s.info.ID == id {
			return true
		}
	}
	return false
}

// connected closes an incoming connection whose peer does not pass the handshake in time.
func (n *Net) connected(_ network.Network, c network.Conn) {
	if c.Stat().Direction != network.DirInbound {
		return
	}
	time.AfterFunc(handshakeTimeout, func() {
		n.awaitFetcher(c)
	})
}

func (n *Net) disconnected(_ network.Network, c network.Conn) {
	id := c.RemotePeer()
	if n.host.Network().Connectedness(id) == network.Connected {
		return
	}
	n.shares.forget(id)
	if r := n.table.get(id); r != nil {
		n.gone(r)
	}
}

func (n *Net) gone(r *remote) {
	r.cancel()
	if !n.table.remove(r) {
		return
	}
	n.metrics.peersAre(n.table)
	n.log.Info("peer gone", "peer", r.name, "validator", r.validator.Load())
}

// handle counts the goroutine that libp2p made for a stream.
func (n *Net) handle(f func(network.Stream)) network.StreamHandler {
	return func(s network.Stream) {
		if !n.tasks.enter() {
			_ = s.Reset()
			return
		}
		defer n.tasks.leave()
		f(s)
	}
}

func (n *Net) onHello(s network.Stream) {
	id := s.Conn().RemotePeer()
	if !n.beginGreet(id) {
		_ = s.Reset()
		return
	}
	defer n.endGreet(id)
	n.answer(s)
}

// beginGreet gives room for one handshake a peer, and few a second from one that has passed it: each
// costs us a signature and a check.
func (n *Net) beginGreet(id peer.ID) bool {
	if r := n.table.get(id); r != nil && !r.hellos.allow(time.Now(), 1) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, open := n.greets[id]; open || len(n.greets) >= handshakesOpenMax {
		return false
	}
	n.greets[id] = struct{}{}
	return true
}

func (n *Net) endGreet(id peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.greets, id)
}

// caller gives the peer behind a stream, waiting a little for its handshake to end.
func (n *Net) caller(s network.Stream) *remote {
	ctx, cancel := context.WithTimeout(n.ctx, handshakeTimeout)
	defer cancel()
	return n.table.await(ctx, s.Conn().RemotePeer())
}
