package p2p

// Real nodes on loopback, most of them over TCP and some over QUIC: what a node tells its peers, whom
// it refuses, what it drops, and that nothing is left when it closes.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

const (
	kindVote   = 1
	kindBlock  = 2
	kindSecret = 3
)

func testKinds() []Kind {
	return []Kind{
		{ID: kindVote, Name: "vote", BytesMax: 256, ValidatorsOnly: true},
		{ID: kindBlock, Name: "block", BytesMax: PayloadMax, Public: true},
		{ID: kindSecret, Name: "secret", BytesMax: 64},
	}
}

// A shelf is a Source over maps.
type shelf struct {
	mu     sync.Mutex
	height uint64
	blocks map[uint64][]byte
	things map[string][]byte
	err    error // answered to everything
	hold   chan struct{}
}

func (s *shelf) setHeight(h uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.height = h
}

func (s *shelf) Height() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.height
}

func (s *shelf) Blocks(_ context.Context, from uint64, count, bytesMax int) ([][]byte, error) {
	var out [][]byte
	size := 0
	for h := from; len(out) < count && s.blocks[h] != nil; h++ {
		size += len(s.blocks[h])
		if size > bytesMax && len(out) > 0 {
			break
		}
		out = append(out, s.blocks[h])
	}
	if len(out) == 0 {
		return nil, ErrNotFound
	}
	return out, nil
}

func (s *shelf) find(ctx context.Context, key string) ([]byte, error) {
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	if b, ok := s.things[key]; ok {
		return b, nil
	}
	return nil, ErrNotFound
}

func (s *shelf) Block(ctx context.Context, hash [32]byte) ([]byte, error) {
	return s.find(ctx, string(hash[:]))
}

func (s *shelf) Certificate(ctx context.Context, key []byte) ([]byte, error) {
	return s.find(ctx, string(key))
}

func (s *shelf) Blob(ctx context.Context, id [32]byte) ([]byte, error) {
	return s.find(ctx, string(id[:]))
}

// A signer proves a vote key.
type signer struct{ key secp.PrivateKey }

func (s signer) VoteKey() [32]byte { return s.key.Public().XOnly() }

func (s signer) Prove(digest [32]byte) ([64]byte, error) {
	return secp.SignSchnorr(s.key, digest[:], [32]byte{}), nil
}

func voter(tb testing.TB, i byte) signer {
	tb.Helper()
	k, err := secp.ParsePrivateKey([32]byte{30: 7, 31: i + 1})
	if err != nil {
		tb.Fatal(err)
	}
	return signer{k}
}

func voteKeys(tb testing.TB, n int) [][32]byte {
	var keys [][32]byte
	for i := range n {
		keys = append(keys, voter(tb, byte(i)).VoteKey())
	}
	return keys
}

func testOptions(tb testing.TB) Options {
	tb.Helper()
	id, err := NewIdentity()
	if err != nil {
		tb.Fatal(err)
	}
	return Options{
		Identity: id, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, MaxPeers: 20,
		ChainID: 7, Genesis: [32]byte{1, 2, 3}, ForkID: 1,
		Kinds: testKinds(), Source: &shelf{},
		Txs:        func(context.Context, Peer, [][]byte) Verdict { return Accept },
		Validators: voteKeys(tb, 4),
		Metrics:    prometheus.NewRegistry(),
	}
}

// start makes a node and runs it until the test ends or stop is called.
func start(tb testing.TB, o Options) (n *Net, stop func()) {
	tb.Helper()
	return startTimed(tb, o, usualTiming())
}

func startTimed(tb testing.TB, o Options, times timing) (n *Net, stop func()) {
	tb.Helper()
	n, err := newNet(tb.Context(), o, times)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run: got %v, want nil", err)
		}
	})
	tb.Cleanup(stop)
	return n, stop
}

// mesh starts nodes that are all validators and know each other. Each later one dials the earlier.
func mesh(tb testing.TB, count int, change func(i int, o *Options)) []*Net {
	tb.Helper()
	var nets []*Net
	var addrs []string
	for i := range count {
		o := testOptions(tb)
		o.Prover = voter(tb, byte(i))
		o.Peers = slices.Clone(addrs)
		if change != nil {
			change(i, &o)
		}
		n, _ := start(tb, o)
		nets = append(nets, n)
		addrs = append(addrs, n.Addrs()[0])
	}
	for _, n := range nets {
		awaitPeers(tb, n, count-1)
	}
	return nets
}

// until polls a condition; the deadline is far beyond what a loaded machine needs.
func until(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-end.C:
			tb.Fatalf("not in time: %s", what)
		}
	}
}

func awaitPeers(tb testing.TB, n *Net, want int) {
	tb.Helper()
	until(tb, fmt.Sprintf("%d peers", want), func() bool {
		peers, _ := n.table.all()
		return len(peers) == want
	})
}

func now() time.Time { return time.Now() }

func counted(tb testing.TB, c prometheus.Metric) float64 {
	tb.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		tb.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func next(tb testing.TB, n *Net) Message {
	tb.Helper()
	select {
	case m := <-n.Consensus():
		return m
	case <-time.After(20 * time.Second):
		tb.Fatal("no message in time")
		return Message{}
	}
}

func TestValidatorsExchangeFrames(t *testing.T) {
	for _, transport := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		t.Run(transport, func(t *testing.T) {
			nets := mesh(t, 3, func(_ int, o *Options) { o.Listen = []string{transport} })
			nets[0].Broadcast(kindVote, []byte("vote"))
			block := bytes.Repeat([]byte{0xAB}, 4<<20+100)
			nets[0].Broadcast(kindBlock, block)
			for _, n := range nets[1:] {
				m := next(t, n)
				if m.From != nets[0].Self() || m.From.Validator != 0 || m.Kind != kindVote || string(m.Payload) != "vote" {
					t.Errorf("got %v kind %d %q, want a vote of validator 0", m.From, m.Kind, m.Payload)
				}
				if m = next(t, n); m.Kind != kindBlock || !bytes.Equal(m.Payload, block) {
					t.Errorf("got kind %d and %d bytes, want the block of %d", m.Kind, len(m.Payload), len(block))
				}
			}
			if !nets[1].SendTo(2, kindVote, []byte("to 2")) {
				t.Error("send to validator 2: got false, want true")
			}
			if nets[1].SendTo(3, kindVote, []byte("to 3")) {
				t.Error("send to a validator that is not there: got true, want false")
			}
			if m := next(t, nets[2]); m.From.Validator != 1 || string(m.Payload) != "to 2" {
				t.Errorf("got %v %q, want 'to 2' of validator 1", m.From, m.Payload)
			}
		})
	}
}

func TestFollowerGetsPublicKindsOnly(t *testing.T) {
	nets := mesh(t, 2, nil)
	o := testOptions(t)
	o.Peers = nets[0].Addrs()
	follower, _ := start(t, o)
	awaitPeers(t, follower, 1)
	nets[0].Broadcast(kindVote, []byte("vote"))
	nets[0].Broadcast(kindBlock, []byte("block"))
	if m := next(t, follower); m.Kind != kindBlock || string(m.Payload) != "block" {
		t.Errorf("got kind %d %q, want the block and no vote", m.Kind, m.Payload)
	}
	o2 := testOptions(t)
	o2.Peers = follower.Addrs()
	second, _ := start(t, o2)
	awaitPeers(t, second, 1)
	follower.Relay(nets[0].Self(), kindBlock, []byte("block again"))
	if m := next(t, second); string(m.Payload) != "block again" || m.From.Validator != NoValidator {
		t.Errorf("got %v %q, want the relayed block", m.From, m.Payload)
	}
	if got := follower.Self().Validator; got != NoValidator {
		t.Errorf("follower's validator index: got %d, want %d", got, NoValidator)
	}
	if !follower.SendPeer(nets[0].Self().ID, kindSecret, []byte("psst")) {
		t.Fatal("send to a peer: got false, want true")
	}
	if m := next(t, nets[0]); string(m.Payload) != "psst" || m.From.ID != follower.Self().ID {
		t.Errorf("got %v %q, want 'psst' of the follower", m.From, m.Payload)
	}
}

func TestSetValidatorsRenumbersPeers(t *testing.T) {
	nets := mesh(t, 2, nil)
	keys := voteKeys(t, 2)
	nets[0].SetValidators([][32]byte{keys[1]})
	if got := nets[0].Peers()[0].Validator; got != 0 {
		t.Errorf("validator index after the change: got %d, want 0", got)
	}
	if got := nets[0].Self().Validator; got != NoValidator {
		t.Errorf("own index after the change: got %d, want none", got)
	}
}

func TestHandshakeRefusals(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Options)
		want   Refusal
		text   string
	}{
		{"genesis", func(o *Options) { o.Genesis[31] = 9 }, RefusedGenesis, "wrong genesis: ours 0x0102030000000000000000000000000000000000000000000000000000000009, theirs 0x0102030000000000000000000000000000000000000000000000000000000000"},
		{"chain", func(o *Options) { o.ChainID = 8 }, RefusedChain, "wrong chain id: ours 8, theirs 7"},
		{"fork", func(o *Options) { o.ForkID = 2 }, RefusedFork, "wrong fork table: ours 00000002, theirs 00000001"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			listening := testOptions(t)
			listening.Metrics = reg
			a, _ := start(t, listening)
			o := testOptions(t)
			o.Peers = a.Addrs()
			c.change(&o)
			b, _ := start(t, o)
			until(t, "the dialler's error", func() bool { return b.Peers()[0].LastError != "" })
			if got := b.Peers()[0]; got.Connected || !strings.Contains(got.LastError, c.text) {
				t.Errorf("dialler: got connected %v and %q, want %q", got.Connected, got.LastError, c.text)
			}
			until(t, "the listener's refusal", func() bool {
				return counted(t, a.metrics.handshakes.WithLabelValues(c.want.Error())) == 1
			})
			until(t, "the connection's end", func() bool { return len(a.host.Network().Conns()) == 0 })
			if got := len(a.Peers()); got != 0 {
				t.Errorf("listener's peers: got %d, want 0", got)
			}
		})
	}
}

// liar proves a key with a signature of another.
type liar struct{ claims, has signer }

func (l liar) VoteKey() [32]byte                       { return l.claims.VoteKey() }
func (l liar) Prove(digest [32]byte) ([64]byte, error) { return l.has.Prove(digest) }

func TestFalseProofIsRefusedByBoth(t *testing.T) {
	a, _ := start(t, testOptions(t))
	o := testOptions(t)
	o.Peers = a.Addrs()
	o.Prover = liar{voter(t, 0), voter(t, 1)}
	b, _ := start(t, o)
	until(t, "the dialler's error", func() bool { return b.Peers()[0].LastError != "" })
	if got, want := b.Peers()[0].LastError, "refused by the peer: bad proof of the validator key"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	until(t, "the fault", func() bool {
		return counted(t, a.metrics.faults.WithLabelValues(faults[FaultHandshake].text)) == 1
	})
}

func TestProofBelongsToTheTwoPeers(t *testing.T) {
	s := voter(t, 0)
	a, b, c := testOptions(t).Identity.id, testOptions(t).Identity.id, testOptions(t).Identity.id
	genesis := [32]byte{5}
	proof, _ := s.Prove(proofDigest(genesis, a, b))
	for name, digest := range map[string][32]byte{
		"other signer":   proofDigest(genesis, c, b),
		"other verifier": proofDigest(genesis, a, c),
		"other genesis":  proofDigest([32]byte{6}, a, b),
		"turned round":   proofDigest(genesis, b, a),
	} {
		if secp.VerifySchnorr(s.VoteKey(), digest[:], proof) == nil {
			t.Errorf("%s: got a valid proof, want none", name)
		}
	}
}

func TestPeersBeyondTheLimitAreRefused(t *testing.T) {
	o := testOptions(t)
	o.MaxPeers = 1
	a, _ := start(t, o)
	first := testOptions(t)
	first.Peers = a.Addrs()
	b, _ := start(t, first)
	awaitPeers(t, b, 1)
	second := testOptions(t)
	second.Peers = a.Addrs()
	c, _ := start(t, second)
	until(t, "the refusal", func() bool {
		return strings.Contains(c.Peers()[0].LastError, RefusedFull.Error())
	})
	third := testOptions(t) // a validator takes no one's place
	third.Peers = a.Addrs()
	third.Prover = voter(t, 2)
	d, _ := start(t, third)
	awaitPeers(t, d, 1)
	awaitPeers(t, a, 2)
}

func TestReconnectAfterRestart(t *testing.T) {
	o := testOptions(t)
	o.Prover = voter(t, 0)
	a, stopA := start(t, o)
	addr := a.Addrs()[0]
	ob := testOptions(t)
	ob.Prover = voter(t, 1)
	ob.Peers = []string{addr}
	b, _ := start(t, ob)
	awaitPeers(t, b, 1)
	stopA()
	awaitPeers(t, b, 0)
	o.Listen = []string{addr[:strings.Index(addr, "/p2p/")]}
	o.Metrics = nil
	begun := time.Now()
	a, _ = start(t, o)
	awaitPeers(t, b, 1)
	t.Logf("reconnected after %v", time.Since(begun))
	b.Broadcast(kindVote, []byte("again"))
	if m := next(t, a); string(m.Payload) != "again" {
		t.Errorf("got %q, want 'again'", m.Payload)
	}
}

// TestSlowReaderBlocksNobody lets one node take nothing from its inbox. Frames of 64 KiB fill its
// inbox, the stream and our queue for it, which then loses the oldest; the third node gets them all.
func TestSlowReaderBlocksNobody(t *testing.T) {
	nets := mesh(t, 3, nil)
	slow := nets[0].table.get(nets[2].opt.Identity.id)
	payload := make([]byte, 64<<10)
	sent := uint32(0)
	for ; slow.out.lost() == 0; sent++ {
		if sent == 10*inboxFramesMax {
			t.Fatal("the slow reader's queue never filled")
		}
		p := slices.Clone(payload)
		binary.BigEndian.PutUint32(p, sent)
		nets[0].Broadcast(kindBlock, p)
		if m := next(t, nets[1]); binary.BigEndian.Uint32(m.Payload) != sent {
			t.Fatalf("the quick reader: got frame %d, want %d", binary.BigEndian.Uint32(m.Payload), sent)
		}
	}
	last := int64(-1)
	for range inboxFramesMax { // the slow one awakes: order is kept, the oldest in the queue are missing
		m := next(t, nets[2])
		if got := int64(binary.BigEndian.Uint32(m.Payload)); got <= last {
			t.Fatalf("frame %d came after %d", got, last)
		} else {
			last = got
		}
	}
}

func TestQueueDropsTheOldest(t *testing.T) {
	o := newOutbox()
	for i := range outboxFramesMax + 3 {
		o.put(frame{kindVote, binary.BigEndian.AppendUint32(nil, uint32(i))})
	}
	got := o.take(nil, 1<<20)
	if len(got) != outboxFramesMax || o.lost() != 3 {
		t.Fatalf("got %d frames and %d lost, want %d and 3", len(got), o.lost(), outboxFramesMax)
	}
	if first := binary.BigEndian.Uint32(got[0].payload); first != 3 {
		t.Errorf("oldest frame kept: got %d, want 3", first)
	}
	big := make([]byte, PayloadMax)
	for range 5 {
		o.put(frame{kindBlock, big})
	}
	if o.bytes > outboxBytesMax {
		t.Errorf("bytes waiting: got %d, want at most %d", o.bytes, outboxBytesMax)
	}
	if got := o.take(nil, 10); len(got) != 1 {
		t.Errorf("take of less than a frame: got %d frames, want 1", len(got))
	}
	if len(o.wake) != 1 {
		t.Error("frames wait and nobody is woken")
	}
}

// stranger opens a stream to n as a peer that has passed the handshake but follows no rule.
func stranger(t *testing.T, n *Net, validator bool) (*Net, network.Stream) {
	t.Helper()
	o := testOptions(t)
	o.Peers = n.Addrs()
	if validator {
		o.Prover = voter(t, 3)
	}
	s, _ := start(t, o)
	awaitPeers(t, s, 1)
	until(t, "its own stream, which ours then replaces", func() bool {
		r := n.table.get(o.Identity.id)
		return r != nil && r.in.Load() != nil
	})
	stream, err := s.host.NewStream(network.WithNoDial(t.Context(), "test"), n.opt.Identity.id, n.directProtocol)
	if err != nil {
		t.Fatal(err)
	}
	return s, stream
}

func TestBadFramesAreFaults(t *testing.T) {
	head := func(size uint32, kind byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, size), kind)
	}
	cases := []struct {
		name  string
		bytes []byte
		want  Fault
	}{
		{"no kind", head(0, 1), FaultFrame},
		{"oversize vote", head(300, kindSecret), FaultOversize},
		{"4 GiB", head(1<<32-1, kindBlock), FaultOversize},
		{"unknown kind", head(5, 99), FaultKind},
		{"vote of no validator", head(5, kindVote), FaultKind},
		{"short ping", append(head(2, kindPing), 1), FaultFrame},
		{"bad batch", append(head(5, kindTxs), 0, 0, 0, 0), FaultFrame},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, _ := start(t, testOptions(t))
			_, s := stranger(t, a, false)
			if _, err := s.Write(c.bytes); err != nil {
				t.Fatal(err)
			}
			until(t, "the fault", func() bool {
				return counted(t, a.metrics.faults.WithLabelValues(faults[c.want].text)) == 1
			})
			if _, err := io.ReadAll(s); err == nil {
				t.Error("stream after a fault: got a clean end, want a reset")
			}
		})
	}
}

func TestFloodIsHeldBackAndBanned(t *testing.T) {
	times := usualTiming()
	times.flood /= 10
	a, _ := startTimed(t, testOptions(t), times)
	go func() {
		for {
			select {
			case <-a.Consensus():
			case <-a.ctx.Done():
				return
			}
		}
	}()
	_, s := stranger(t, a, false)
	one := append(appendDirect(nil, frame{kindSecret, make([]byte, 8)}), make([]byte, 8)...)
	many := bytes.Repeat(one, 1000)
	begun := time.Now()
	go func() {
		for {
			if _, err := s.Write(many); err != nil {
				return
			}
		}
	}()
	awaitPeers(t, a, 0)
	took := time.Since(begun)
	if got := counted(t, a.metrics.bans); got != 1 {
		t.Errorf("bans: got %v, want 1", got)
	}
	got := counted(t, a.metrics.framesReceived.WithLabelValues("secret"))
	if limit := rateFrames.burst + rateFrames.perSecond*took.Seconds() + 1000; got > limit {
		t.Errorf("frames taken from a flooding peer: got %.0f, want at most %.0f", got, limit)
	}
	t.Logf("gone after %v and %.0f frames", took, got)
}

func TestFloodWindow(t *testing.T) {
	f := flood{window: time.Second}
	at := time.Unix(5, 0)
	for i := range 40 {
		at = at.Add(100 * time.Millisecond)
		if got, want := f.held(at), i > 0 && i%10 == 0; got != want {
			t.Errorf("held for %d00 ms: got %v, want %v", i, got, want)
		}
	}
	if f.held(at.Add(time.Minute)) {
		t.Error("held again after a minute: got a flood, want none")
	}
}

// TestSilentPeerIsDropped stops the pings of a node whose connection stands.
func TestSilentPeerIsDropped(t *testing.T) {
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		t.Run(listen, func(t *testing.T) { silentPeer(t, listen) })
	}
}

func silentPeer(t *testing.T, listen string) {
	times := usualTiming()
	times.silence = 200 * time.Millisecond
	times.ping = 20 * time.Millisecond
	o := testOptions(t)
	o.Listen = []string{listen}
	a, _ := startTimed(t, o, times)
	o = testOptions(t)
	o.Peers = a.Addrs()
	o.Source = &shelf{height: 5}
	b, stopB := startTimed(t, o, times)
	awaitPeers(t, a, 1)
	since := a.Peers()[0].Since
	b.opt.Source.(*shelf).setHeight(77) // goes with the pings
	until(t, "the height", func() bool { return len(a.Peers()) == 1 && a.Peers()[0].Height == 77 })
	if got := a.Peers()[0].Since; !got.Equal(since) {
		t.Error("a peer that pings was dropped")
	}
	stopB()
	awaitPeers(t, a, 0)
	times.ping = time.Hour
	o.Metrics = nil
	startTimed(t, o, times)
	awaitPeers(t, a, 1)
	since = a.Peers()[0].Since
	until(t, "a new connection in place of the silent one", func() bool {
		peers := a.Peers()
		return len(peers) == 1 && peers[0].Since.After(since)
	})
}

func TestRefusedPeerIsDialledAgain(t *testing.T) {
	a, _ := start(t, testOptions(t))
	o := testOptions(t)
	o.ForkID = 2
	o.Peers = a.Addrs()
	times := usualTiming()
	times.refused = 10 * time.Millisecond
	b, _ := startTimed(t, o, times)
	until(t, "three dials", func() bool { return counted(t, b.metrics.dialFailures) >= 3 })
}

func TestThirdPeerForAValidatorIsRefused(t *testing.T) {
	a, _ := start(t, testOptions(t))
	for range validatorPeersMax {
		o := testOptions(t)
		o.Peers, o.Prover = a.Addrs(), voter(t, 1)
		n, _ := start(t, o)
		awaitPeers(t, n, 1)
	}
	o := testOptions(t)
	o.Peers, o.Prover = a.Addrs(), voter(t, 1)
	n, _ := start(t, o)
	until(t, "the refusal", func() bool {
		return strings.Contains(n.Peers()[0].LastError, RefusedTwins.Error())
	})
}

// TestStreamsBeyondTheLimitAreRefused shows that the resource manager's limits are ours.
func TestStreamsBeyondTheLimitAreRefused(t *testing.T) {
	a, _ := start(t, testOptions(t))
	b, _ := stranger(t, a, false)
	ctx := network.WithNoDial(t.Context(), "test")
	opened := 0
	for ; opened <= peerStreams; opened++ {
		if _, err := b.host.Network().NewStream(ctx, a.opt.Identity.id); err != nil {
			break
		}
	}
	if opened == 0 || opened > peerStreams {
		t.Errorf("streams opened: got %d, want some and at most %d", opened, peerStreams)
	}
	if counted(t, b.metrics.resourceRefused.WithLabelValues("stream")) == 0 {
		t.Error("refusals of streams counted: got 0, want more")
	}
}

func TestBrokenStreamIsOpenedAgain(t *testing.T) {
	nets := mesh(t, 2, nil)
	r := nets[1].table.get(nets[0].opt.Identity.id)
	for i := range 5 {
		until(t, "a stream", func() bool { return r.in.Load() != nil })
		old := r.in.Load()
		if err := (*old).Reset(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint("after reset ", i)
		until(t, "a frame after the reset", func() bool { // what was under way may be lost (NET-8)
			nets[0].Broadcast(kindVote, []byte(want))
			select {
			case m := <-nets[1].Consensus():
				return string(m.Payload) == want
			default:
				return false
			}
		})
		if r.in.Load() == old {
			t.Fatal("the frame came over the stream that was reset")
		}
	}
}

func TestOneListForAllNodes(t *testing.T) {
	o := testOptions(t)
	o.Peers = []string{"/ip4/127.0.0.1/tcp/1/p2p/" + o.Identity.ID()}
	n, _ := start(t, o)
	if got := len(n.Peers()); got != 0 {
		t.Errorf("a node in its own list: got %d peers, want 0", got)
	}
}

func TestOneHandshakeAtATime(t *testing.T) {
	a, _ := start(t, testOptions(t))
	if !a.beginGreet("x") || a.beginGreet("x") {
		t.Error("second handshake of a peer: got room, want none")
	}
	a.endGreet("x")
	if !a.beginGreet("x") {
		t.Error("handshake after the first: got no room")
	}
}

func TestScores(t *testing.T) {
	now := time.Unix(1000, 0)
	s := newScores()
	id := peer.ID("p")
	if banned, _ := s.add(now, id, FaultFrame, false); banned {
		t.Error("one malformed frame: got a ban, want none")
	}
	if got := s.score(now.Add(scoreHalfLife), id); got != 25 {
		t.Errorf("score after its half-life: got %d, want 25", got)
	}
	if banned, _ := s.add(now.Add(scoreHalfLife), id, FaultFrame, false); banned {
		t.Error("a second one later: got a ban, want none")
	}
	banned, until := s.add(now.Add(scoreHalfLife), id, FaultFrame, false)
	if !banned || !until.Equal(now.Add(scoreHalfLife+banFirst)) {
		t.Errorf("third: got %v until %v, want a ban of %v", banned, until, banFirst)
	}
	if _, is := s.banned(until, id); is {
		t.Error("ban past its end: got banned, want free")
	}
	if _, again := s.add(until, id, FaultInvalid, false); !again.Equal(until.Add(2 * banFirst)) {
		t.Errorf("second ban: got until %v, want twice as long", again)
	}
	if _, end := s.add(now, "v", FaultInvalid, true); !end.Equal(now.Add(banValidator)) {
		t.Errorf("validator's ban: got until %v, want %v", end, banValidator)
	}
	for i := range bansMax + 10 {
		s.add(until, peer.ID(fmt.Sprint("x", i)), FaultFlood, false)
	}
	if len(s.records) > bansMax {
		t.Errorf("records: got %d, want at most %d", len(s.records), bansMax)
	}
	if _, is := s.banned(until.Add(time.Second), id); !is {
		t.Error("a ban was forgotten for milder records")
	}
}

func TestBucket(t *testing.T) {
	now := time.Unix(1, 0)
	b := newBucket(rate{10, 20}, now)
	if wait := b.take(now, 20); wait != 0 {
		t.Errorf("burst: got a wait of %v, want none", wait)
	}
	if wait := b.take(now, 5); wait != 500*time.Millisecond {
		t.Errorf("beyond: got %v, want 500ms", wait)
	}
	if b.allow(now.Add(400*time.Millisecond), 1) {
		t.Error("in debt: got allowed")
	}
	if !b.allow(now.Add(time.Second), 1) {
		t.Error("debt paid: got refused")
	}
}

// ours gives the stacks of goroutines of this package and of the library below it.
func ours() []string {
	buf := make([]byte, 4<<20)
	var out []string
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		library := strings.Contains(g, "libp2p") || strings.Contains(g, "quic-go")
		if !strings.Contains(g, "testing.tRunner") && (library || strings.Contains(g, "aiwork-node/p2p.")) {
			out = append(out, g)
		}
	}
	return out
}

func TestCloseLeavesNoGoroutines(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(ours(), "\n\n"))
		}
	})
	until(t, "the end of earlier tests' goroutines", func() bool { return len(ours()) == 0 })
	var stops []func()
	var addrs []string
	for i := range 3 {
		o := testOptions(t)
		o.Listen = append(o.Listen, "/ip4/127.0.0.1/udp/0/quic-v1")
		o.Prover = voter(t, byte(i))
		o.Peers = slices.Clone(addrs)
		n, stop := start(t, o)
		stops = append(stops, stop)
		addrs = append(addrs, n.Addrs()[i%2])
		if i == 2 {
			awaitPeers(t, n, 2)
		}
	}
	for _, stop := range stops {
		stop()
	}
	until(t, "the end of all goroutines", func() bool { return len(ours()) == 0 })
}

func TestPortInUse(t *testing.T) {
	for _, transport := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		o := testOptions(t)
		o.Listen = []string{transport}
		a, _ := start(t, o)
		second := testOptions(t)
		addr := a.Addrs()[0]
		second.Listen = []string{addr[:strings.Index(addr, "/p2p/")]}
		n, err := New(t.Context(), second)
		if err == nil {
			n.Close()
			t.Fatalf("%s: a second node on the same port: got no error", transport)
		}
		if !strings.Contains(err.Error(), "port in use") {
			t.Errorf("%s: got %v, want 'port in use' and what to do", transport, err)
		}
	}
}

func TestOptionsCheck(t *testing.T) {
	cases := map[string]func(*Options){
		"no identity key":    func(o *Options) { o.Identity = Identity{} },
		"max peers":          func(o *Options) { o.MaxPeers = 0 },
		"a source":           func(o *Options) { o.Source = nil },
		"only tcp and quic":  func(o *Options) { o.Peers = []string{"/ip4/1.2.3.4/tcp/1/ws/p2p/" + o.Identity.ID()} },
		"must be like":       func(o *Options) { o.Peers = []string{"/ip4/1.2.3.4/tcp/1"} },
		"must end in /tcp":   func(o *Options) { o.Listen = []string{"/ip4/1.2.3.4/udp/1"} },
		"choose 1 to 239":    func(o *Options) { o.Kinds = []Kind{{ID: kindPing, Name: "x", BytesMax: 1}} },
		"there twice":        func(o *Options) { o.Kinds = append(o.Kinds, o.Kinds[0]) },
		"limit of 0 bytes":   func(o *Options) { o.Kinds[0].BytesMax = 0 },
		"listen address":     func(o *Options) { o.Listen = []string{"localhost:1"} },
		"2000 validators":    func(o *Options) { o.Validators = make([][32]byte, 2000) },
		"kind 1 has no name": func(o *Options) { o.Kinds[0].Name = "" },
	}
	for want, change := range cases {
		o := testOptions(t)
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestIdentityFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.key")
	first, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("file: got %v %v, want mode 0600", info.Mode(), err)
	}
	again, err := LoadIdentity(path)
	if err != nil || again.ID() != first.ID() {
		t.Errorf("second load: got %v %v, want %v", again.ID(), err, first.ID())
	}
	if text := fmt.Sprintf("%v %+v %#v", first, first, first); strings.Contains(text, "key:") {
		t.Errorf("printed identity shows its inside: %s", text)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: got %v, want what to do", err)
	}
	if err := errors.Join(os.WriteFile(path, []byte("short"), 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(path); err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
		t.Errorf("damaged: got %v, want a clear error", err)
	}
}
