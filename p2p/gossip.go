package p2p

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/aiwork/aiwork-node/internal/must"
)

// gossip spreads batches of transactions to all nodes of the chain, and collects our own ones.
type gossip struct {
	n     *Net
	topic *pubsub.Topic
	room  chan struct{} // batches in the sink; others wait, since the library would lose them

	mu      sync.Mutex
	waiting [][]byte
	wake    chan struct{} // holds a token while transactions wait
	full    chan struct{} // holds a token when a batch is full
}

// newGossip joins the topic of our chain and fork. Messages carry neither author nor signature: what
// they carry is signed, and libp2p's signatures would cost four times the rest.
func (n *Net) newGossip(base string) (*gossip, error) {
	g := &gossip{n: n, room: make(chan struct{}, txWorkers()), wake: make(chan struct{}, 1), full: make(chan struct{}, 1)}
	name := fmt.Sprintf("%s/txs/%08x", base, n.opt.ForkID)
	ps, err := pubsub.NewGossipSub(n.ctx, n.host, n.gossipOptions(base, name)...)
	if err != nil {
		return nil, err
	}
	err = ps.RegisterTopicValidator(name, g.validate,
		pubsub.WithValidatorConcurrency(gossipQueueMax), pubsub.WithValidatorTimeout(5*time.Second))
	if err != nil {
		return nil, err
	}
	if g.topic, err = ps.Join(name); err != nil {
		return nil, err
	}
	_, err = g.topic.Relay() // takes part without a subscription: validate has already taken in
	return g, err
}

func (n *Net) gossipOptions(base, topic string) []pubsub.Option {
	own := protocol.ID(base + "/meshsub/1.2.0")
	params := pubsub.DefaultGossipSubParams()
	params.HeartbeatInterval = 700 * time.Millisecond
	return []pubsub.Option{
		pubsub.WithGossipSubProtocols([]protocol.ID{own}, func(f pubsub.GossipSubFeature, p protocol.ID) bool {
			return p == own && f != pubsub.GossipSubFeatureExtensions && f != pubsub.GossipSubFeaturePX
		}),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithLogger(slog.New(libraryLog{n.log.Handler()})),
		pubsub.WithRPCLogger(slog.New(slog.DiscardHandler)),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithGossipSubParams(params),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerExchange(false),
		pubsub.WithSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(topic)),
		pubsub.WithMaxMessageSize(BatchBytesMax + 64<<10),
		pubsub.WithPeerOutboundQueueSize(gossipQueueMax),
		pubsub.WithValidateQueueSize(gossipQueueMax),
		pubsub.WithValidateThrottle(gossipQueueMax),
		pubsub.WithValidateWorkers(1),
		pubsub.WithPeerScore(gossipScore(topic), gossipThresholds()),
	}
}

// gossipScore weighs only what an honest peer cannot do: invalid messages and protocol abuse. Delivery
// rates are left out, since they punish honest peers on slow links.
func gossipScore(topic string) *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		AppSpecificScore: func(peer.ID) float64 { return 0 },
		DecayInterval:    time.Second,
		DecayToZero:      0.01,
		RetainScore:      time.Minute,

		BehaviourPenaltyWeight:    -10,
		BehaviourPenaltyThreshold: 6,
		BehaviourPenaltyDecay:     0.9,
		Topics: map[string]*pubsub.TopicScoreParams{topic: {
			TopicWeight:                    1,
			TimeInMeshQuantum:              time.Second, // a divisor even where its weight is 0
			InvalidMessageDeliveriesWeight: -100,
			InvalidMessageDeliveriesDecay:  0.9,
		}},
	}
}

func gossipThresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold:   -100,
		PublishThreshold:  -400,
		GraylistThreshold: -800,
	}
}

// messageID names a message by its content, so that who made it does not matter.
func messageID(m *pb.Message) string {
	h := sha256.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(m.GetTopic())))
	h.Write(size[:])
	h.Write([]byte(m.GetTopic()))
	h.Write(m.GetData())
	return string(h.Sum(nil)[:20])
}

// validate takes a batch in and decides whether it is relayed. Who sent it to us has validated it too,
// so a bad batch is the sender's fault, whoever made it.
func (g *gossip) validate(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.n.opt.Identity.id {
		return pubsub.ValidationAccept
	}
	r := g.n.table.get(from)
	if r == nil || !r.gossip.allow(time.Now(), 1) {
		g.n.metrics.gossip.WithLabelValues("ignore").Inc()
		return pubsub.ValidationIgnore
	}
	txs, err := DecodeTxs(m.GetData())
	if err != nil {
		g.n.punish(from, FaultFrame)
		g.n.metrics.gossip.WithLabelValues("reject").Inc()
		return pubsub.ValidationReject
	}
	select {
	case g.room <- struct{}{}:
		defer func() { <-g.room }()
		return g.n.sink(ctx, r, txs)
	case <-ctx.Done():
		g.n.metrics.gossip.WithLabelValues("ignore").Inc()
		return pubsub.ValidationIgnore
	}
}

func (n *Net) sink(ctx context.Context, r *remote, txs [][]byte) pubsub.ValidationResult {
	switch v := n.opt.Txs(ctx, r.peer(), txs); v {
	case Accept:
		n.metrics.gossip.WithLabelValues("accept").Inc()
		return pubsub.ValidationAccept
	case Ignore:
		n.metrics.gossip.WithLabelValues("ignore").Inc()
		return pubsub.ValidationIgnore
	default:
		must.Hold(v == Reject, "p2p: sink gave no verdict")
		n.punish(r.id, FaultDecode)
		n.metrics.gossip.WithLabelValues("reject").Inc()
		return pubsub.ValidationReject
	}
}

// GossipTx hands a transaction of ours, from RPC, to the next batch. False means that it is too long
// or that too many wait; the pool may offer it again.
func (n *Net) GossipTx(tx []byte) bool {
	g := n.gossip
	if len(tx) == 0 || len(tx) > TxBytesMax {
		return false
	}
	g.mu.Lock()
	waiting := len(g.waiting)
	if waiting < txWaitingMax {
		g.waiting = append(g.waiting, tx)
	}
	g.mu.Unlock()
	if waiting >= txWaitingMax {
		return false
	}
	signal(g.wake)
	if waiting+1 >= batchTxs {
		signal(g.full)
	}
	return true
}

// collect publishes what waits: batchInterval after the first, or sooner when a batch is full.
func (g *gossip) collect() {
	ctx := g.n.ctx
	for {
		select {
		case <-g.wake:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(batchInterval)
		select {
		case <-timer.C:
		case <-g.full:
		case <-ctx.Done():
		}
		timer.Stop()
		g.flush(ctx)
	}
}

func (g *gossip) flush(ctx context.Context) {
	g.mu.Lock()
	txs := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	for _, batch := range batches(txs) {
		if err := g.topic.Publish(ctx, EncodeTxs(batch)); err != nil && ctx.Err() == nil {
			g.n.log.Warn("transactions not gossiped", "txs", len(batch), "err", err)
			continue
		}
		g.n.metrics.published.Add(float64(len(batch)))
	}
}

// batches cuts txs into runs that fit the limits of a batch.
func batches(txs [][]byte) [][][]byte {
	var out [][][]byte
	start, size := 0, headBytes
	for i, tx := range txs {
		if i-start == batchTxs || size+headBytes+len(tx) > BatchBytesMax {
			out = append(out, txs[start:i])
			start, size = i, headBytes
		}
		size += headBytes + len(tx)
	}
	if start < len(txs) {
		out = append(out, txs[start:])
	}
	return out
}

// A txBatch is a batch that a peer forwarded to us, since it takes us for a leader.
type txBatch struct {
	from *remote
	txs  [][]byte
}

// ForwardTxs sends transactions straight to a validator that will lead (rule 3). False means that it
// is not connected; gossip carries them all the same.
func (n *Net) ForwardTxs(validator int, txs [][]byte) bool {
	sent := false
	for _, batch := range batches(txs) {
		sent = n.SendTo(validator, kindTxs, EncodeTxs(batch))
	}
	return sent
}

// forwarded queues a batch for the sink, apart from the stream that carries votes. When the queue is
// full the batch goes: gossip brings it again.
func (n *Net) forwarded(r *remote, payload []byte) error {
	txs, err := DecodeTxs(payload)
	if err != nil {
		return FaultFrame
	}
	select {
	case n.intake <- txBatch{r, txs}:
	default:
		n.metrics.intakeDropped.Inc()
	}
	return nil
}

func (n *Net) takeForwarded() {
	for {
		select {
		case b := <-n.intake:
			n.sink(b.from.ctx, b.from, b.txs)
		case <-n.ctx.Done():
			return
		}
	}
}

// txWorkers is the number of batches that are checked at a time.
func txWorkers() int { return max(1, runtime.NumCPU()) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
