package p2p

// Objects between real hosts: limits of the server, for peers and for fetchers that have not shaken hands; what breaks
// the protocol; what a dishonest server can do to who asks.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// A pile is an ObjectSource with one object of some groups, all alike.
type pile struct {
	id     [32]byte
	groups int
	hold   chan struct{} // nil: answers at once
	err    error
}

func (p *pile) wait(ctx context.Context, id [32]byte) error {
	if p.hold != nil {
		select {
		case <-p.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if p.err != nil {
		return p.err
	}
	if id != p.id {
		return ErrNotFound
	}
	return nil
}

func (p *pile) Find(ctx context.Context, model [32]byte) ([]ObjectInfo, error) {
	return []ObjectInfo{{p.id, uint64(p.groups) * ObjectGroupBytes}}, p.wait(ctx, model)
}

func (p *pile) Size(ctx context.Context, id [32]byte) (uint64, error) {
	return uint64(p.groups) * ObjectGroupBytes, p.wait(ctx, id)
}

func (p *pile) Sums(ctx context.Context, id [32]byte) (ObjectSums, error) {
	return ObjectSums{Size: uint64(p.groups) * ObjectGroupBytes, Sums: make([][32]byte, p.groups), Last: make([]byte, ObjectGroupBytes)}, p.wait(ctx, id)
}

func (p *pile) Group(ctx context.Context, id [32]byte, index uint32) ([]byte, error) {
	if int(index) >= p.groups {
		return nil, ErrNotFound
	}
	return bytes.Repeat([]byte{byte(index)}, ObjectGroupBytes), p.wait(ctx, id)
}

func serving(t *testing.T, p *pile) *Net {
	t.Helper()
	o := testOptions(t)
	o.Objects = p
	n, _ := start(t, o)
	return n
}

func fetching(t *testing.T, from ...*Net) *Fetcher {
	t.Helper()
	var addrs []string
	for _, n := range from {
		addrs = append(addrs, n.Addrs()...)
	}
	f, err := NewFetcher(FetcherOptions{Peers: addrs, ChainID: 7, Genesis: [32]byte{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestPeersAndFetchersGetObjects(t *testing.T) {
	p := &pile{id: [32]byte{5}, groups: 20}
	n := serving(t, p)
	o := testOptions(t)
	o.Peers = n.Addrs()
	other, _ := start(t, o)
	awaitPeers(t, other, 1)
	for name, asks := range map[string]*Objects{"peer": other.Objects(), "fetcher": fetching(t, n).Objects()} {
		to := n.Self().ID
		if list := asks.Peers(); len(list) != 1 || list[0] != to {
			t.Errorf("%s: peers: got %v", name, list)
		}
		if found, err := asks.Find(t.Context(), to, p.id); err != nil || len(found) != 1 || found[0].ID != p.id {
			t.Errorf("%s: find: got %v, %v", name, found, err)
		}
		if size, err := asks.Size(t.Context(), to, p.id); err != nil || size != 20*ObjectGroupBytes {
			t.Errorf("%s: size: got %d, %v", name, size, err)
		}
		if _, err := asks.Size(t.Context(), to, [32]byte{6}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: what is not there: got %v, want ErrNotFound", name, err)
		}
		var got []int
		err := asks.Groups(t.Context(), to, p.id, 3, 5, func(i int, b []byte) error {
			if len(b) != ObjectGroupBytes || b[0] != byte(i) {
				return fmt.Errorf("group %d begins with %d", i, b[0])
			}
			got = append(got, i)
			return nil
		})
		if err != nil || fmt.Sprint(got) != "[3 4 5 6 7]" {
			t.Errorf("%s: groups: got %v, %v, want 3 to 7", name, got, err)
		}
		if err := asks.Groups(t.Context(), to, p.id, 18, 4, func(int, []byte) error { return nil }); err == nil {
			t.Errorf("%s: groups beyond the end: got no error", name)
		}
		if err := asks.Groups(t.Context(), to, p.id, 0, 5, func(i int, _ []byte) error {
			if i == 2 {
				return ErrStop
			}
			return nil
		}); err != nil {
			t.Errorf("%s: stopped by the caller: got %v, want nil", name, err)
		}
	}
	if _, fetchers := n.shares.counts(); fetchers != 1 {
		t.Errorf("fetchers: got %d, want the one that has not shaken hands", fetchers)
	}
	if got := other.Peers()[0].Score; got != 0 {
		t.Errorf("score of an honest server: got %d, want 0", got)
	}
}

// A fetcher is told nothing but objects, and its place is free again when it goes.
func TestFetchersAreNoPeers(t *testing.T) {
	p := &pile{id: [32]byte{5}, groups: 1}
	n := serving(t, p)
	f := fetching(t, n)
	if _, err := f.Objects().Size(t.Context(), n.Self().ID, p.id); err != nil {
		t.Fatal(err)
	}
	if peers, _ := n.table.all(); len(peers) != 0 {
		t.Errorf("peers of the server: got %d, want none", len(peers))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	s, err := f.host.NewStream(ctx, n.opt.Identity.id, n.requestProtocol)
	if err == nil {
		q := AskStatus()
		_ = s.SetDeadline(time.Now().Add(300 * time.Millisecond))
		_ = writeFrame(s, q.encode())
		if b, err := readFrame(s, replyBytesMax); err == nil {
			t.Errorf("a request without a handshake: got the answer %x, want none", b)
		}
		_ = s.Reset()
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the fetcher's place", func() bool { _, fetchers := n.shares.counts(); return fetchers == 0 })
}

func TestRoomForFetchersIsBounded(t *testing.T) {
	p := &pile{id: [32]byte{5}, groups: 1}
	n := serving(t, p)
	for i := range fetchersMax {
		if _, err := fetching(t, n).Objects().Size(t.Context(), n.Self().ID, p.id); err != nil {
			t.Fatalf("fetcher %d: %v", i, err)
		}
	}
	late := fetching(t, n).Objects()
	if _, err := late.Size(t.Context(), n.Self().ID, p.id); !errors.Is(err, ErrBusy) {
		t.Errorf("one fetcher too many: got %v, want ErrBusy", err)
	}
	o := testOptions(t)
	o.Peers = n.Addrs()
	known, _ := start(t, o)
	awaitPeers(t, known, 1)
	if _, err := known.Objects().Size(t.Context(), n.Self().ID, p.id); err != nil {
		t.Errorf("a peer beside all those fetchers: got %v, want an answer", err)
	}
}

func TestOpenObjectRequestsAreBounded(t *testing.T) {
	p := &pile{id: [32]byte{5}, groups: 1, hold: make(chan struct{})}
	n := serving(t, p)
	asks := fetching(t, n).Objects()
	ends := make(chan error, objectsOpenPeerMax)
	for range objectsOpenPeerMax {
		go func() {
			_, err := asks.Size(t.Context(), n.Self().ID, p.id)
			ends <- err
		}()
	}
	until(t, "open requests", func() bool { open, _ := n.shares.counts(); return open == objectsOpenPeerMax })
	if _, err := asks.Size(t.Context(), n.Self().ID, p.id); !errors.Is(err, ErrBusy) {
		t.Errorf("one request too many: got %v, want ErrBusy", err)
	}
	close(p.hold)
	for range objectsOpenPeerMax {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
	p.err = errors.New("disk on fire")
	if _, err := asks.Size(t.Context(), n.Self().ID, p.id); !errors.Is(err, ErrBusy) {
		t.Errorf("the server's own trouble: got %v, want ErrBusy", err)
	}
}

// Rates hold on average: what goes beyond is delayed, and the delay follows from the bytes.
func TestUploadIsPaced(t *testing.T) {
	now := time.Now()
	s := newShares()
	sh := s.enter("a", true, now)
	if wait := sh.bytes.take(now, int(rateObjectBytes.burst)); wait != 0 {
		t.Errorf("the burst: got a wait of %s, want none", wait)
	}
	if wait := sh.bytes.take(now, int(rateObjectBytes.perSecond)); wait != time.Second {
		t.Errorf("a second's worth beyond it: got a wait of %s, want 1 s", wait)
	}
	for range int(rateObjectRequests.burst) {
		if sh := s.enter("b", true, now); sh != nil {
			s.leave(sh, now)
		}
	}
	if s.enter("b", true, now) != nil {
		t.Error("more requests than the burst: got let in")
	}
	if s.enter("b", true, now.Add(time.Second)) == nil {
		t.Error("a second later: got refused")
	}
}

func TestBrokenObjectRequestsArePunished(t *testing.T) {
	n := serving(t, &pile{})
	for name, raw := range map[string][]byte{
		"no kind": {0, 0, 0, 33, 0, 31: 0, 36: 0}, "oversize": binary.BigEndian.AppendUint32(nil, 1<<30), "cut": {0, 0, 0, 2, 1, 1},
	} {
		f := fetching(t, n)
		s, err := f.host.NewStream(t.Context(), n.opt.Identity.id, f.asks.protocol)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(raw); err != nil {
			t.Fatal(err)
		}
		_ = s.SetReadDeadline(time.Now().Add(10 * time.Second))
		if b, err := readFrame(s, objectAnswerBytesMax); err == nil {
			t.Errorf("%s: got an answer %x, want none", name, b)
		}
		if got := n.scores.score(time.Now(), f.host.ID()); got == 0 {
			t.Errorf("%s: got no points", name)
		}
	}
}

// A server that answers nonsense is punished, and after a few times not asked any more.
func TestFetcherBansWhoAnswersNonsense(t *testing.T) {
	o := testOptions(t)
	n, _ := start(t, o)
	n.host.SetStreamHandler(n.objects.protocol, func(s network.Stream) {
		_, _ = readFrame(s, objectRequestMax)
		_, _ = s.Write([]byte{0, 0, 0, 3, 1, 2, 3})
		_ = s.Close()
	})
	f := fetching(t, n)
	for i := 0; len(f.Objects().Peers()) > 0; i++ {
		if _, err := f.Objects().Size(t.Context(), n.Self().ID, [32]byte{1}); err == nil {
			t.Fatal("nonsense was taken for an answer")
		}
		if i == 10 {
			t.Fatalf("after %d wrong answers it is still asked", i)
		}
	}
	long := serving(t, &pile{})
	long.host.SetStreamHandler(n.objects.protocol, func(s network.Stream) {
		_, _ = readFrame(s, objectRequestMax)
		_, _ = s.Write([]byte{0, 0, 0, 1, byte(answerHere)})
		_, _ = s.Write(binary.BigEndian.AppendUint32(nil, ObjectGroupBytes+1))
		_ = s.Close()
	})
	g := fetching(t, long)
	err := g.Objects().Groups(t.Context(), long.Self().ID, [32]byte{1}, 0, 1, func(int, []byte) error { return nil })
	if !errors.Is(err, FaultOversize) {
		t.Errorf("a group that is too long: got %v, want FaultOversize", err)
	}
	if id, _ := peer.Decode(long.Self().ID); g.scores.score(time.Now(), id) == 0 {
		t.Error("who sent it: got no points")
	}
}

func TestFetcherKnowsPeers(t *testing.T) {
	p := &pile{id: [32]byte{5}, groups: 1}
	a, b := serving(t, p), serving(t, p)
	f := fetching(t, a)
	if err := f.Know(append(b.Addrs(), a.Addrs()...)); err != nil {
		t.Fatal(err)
	}
	if got := f.Objects().Peers(); len(got) != 2 {
		t.Errorf("got %v, want two peers", got)
	}
	if _, err := f.Objects().Size(t.Context(), b.Self().ID, p.id); err != nil {
		t.Errorf("the new one: %v", err)
	}
	if err := f.Know([]string{"/ip4/1.2.3.4/tcp/1"}); err == nil {
		t.Error("an address without a peer: got no error")
	}
	if _, err := NewFetcher(FetcherOptions{}); err == nil {
		t.Error("a fetcher without peers: got no error")
	}
}

// A fetcher's connection is kept while it asks and for a while after that; a peer's is none of this clock's business.
func TestIdleFetchersMayGo(t *testing.T) {
	now := time.Now()
	s := newShares()
	peerShare, fetcher := s.enter("peer", true, now), s.enter("fetcher", false, now)
	later := now.Add(time.Hour)
	if got := s.busyUntil("fetcher", later); !got.After(later) {
		t.Errorf("while it is answered: got %s, want a time to come", got)
	}
	s.leave(fetcher, later)
	s.leave(peerShare, later)
	if got := s.busyUntil("fetcher", later); !got.Equal(later.Add(fetcherIdle)) {
		t.Errorf("after its last request: got %s, want %s", got, later.Add(fetcherIdle))
	}
	for _, id := range []peer.ID{"peer", "stranger"} {
		if got := s.busyUntil(id, later); !got.IsZero() {
			t.Errorf("%s: got %s, want no time", id, got)
		}
	}
	s.forget("fetcher")
	s.forget("fetcher")
	if _, n := s.counts(); n != 0 {
		t.Errorf("fetchers after they went: got %d, want none", n)
	}
}
