package objects_test

// Objects between real libp2p hosts on loopback: from several at once, from ones that lie, end, or are no use, and
// again after an end in the middle.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aiwork/aiwork-node/internal/objects"
	"github.com/aiwork/aiwork-node/p2p"
)

var genesis = [32]byte{1, 2, 3}

// A shelfOf serves one file, and does with each group what a test says.
type shelfOf struct {
	*objects.Shelf
	groups atomic.Int32 // served
	spoil  func(index uint32, group []byte) ([]byte, error)
	find   func() ([]p2p.ObjectInfo, error)
}

func (s *shelfOf) Group(ctx context.Context, id [32]byte, index uint32) ([]byte, error) {
	b, err := s.Shelf.Group(ctx, id, index)
	if err == nil && s.spoil != nil {
		b, err = s.spoil(index, b)
	}
	if err == nil {
		s.groups.Add(1)
	}
	return b, err
}

func (s *shelfOf) Find(ctx context.Context, model [32]byte) ([]p2p.ObjectInfo, error) {
	if s.find != nil {
		return s.find()
	}
	return s.Shelf.Find(ctx, model)
}

// nothing is a node that has no chain.
type nothing struct{}

func (nothing) Height() uint64 { return 0 }
func (nothing) Blocks(context.Context, uint64, int, int) ([][]byte, error) {
	return nil, p2p.ErrNotFound
}
func (nothing) Block(context.Context, [32]byte) ([]byte, error)     { return nil, p2p.ErrNotFound }
func (nothing) Certificate(context.Context, []byte) ([]byte, error) { return nil, p2p.ErrNotFound }
func (nothing) Blob(context.Context, [32]byte) ([]byte, error)      { return nil, p2p.ErrNotFound }

func noise(seed byte, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// server starts a node that serves data as the object that holds a model.
func server(t testing.TB, model [32]byte, data []byte) (*shelfOf, *p2p.Net) {
	t.Helper()
	return serverAt(t, "/ip4/127.0.0.1/tcp/0", model, data)
}

func serverAt(t testing.TB, listen string, model [32]byte, data []byte) (*shelfOf, *p2p.Net) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	list := func() (map[[32]byte]string, error) { return map[[32]byte]string{model: path}, nil }
	s := &shelfOf{Shelf: objects.NewShelf(list, slog.New(slog.DiscardHandler))}
	if err := s.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := p2p.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	n, err := p2p.New(t.Context(), p2p.Options{
		Identity: id, Listen: []string{listen}, MaxPeers: 8, ChainID: 7, Genesis: genesis,
		Source: nothing{}, Objects: s, Txs: func(context.Context, p2p.Peer, [][]byte) p2p.Verdict { return p2p.Ignore },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, n
}

func fetcher(t testing.TB, servers ...*p2p.Net) *p2p.Objects {
	t.Helper()
	var peers []string
	for _, s := range servers {
		peers = append(peers, s.Addrs()...)
	}
	f, err := p2p.NewFetcher(p2p.FetcherOptions{Peers: peers, ChainID: 7, Genesis: genesis})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f.Objects()
}

func idOf(t testing.TB, data []byte) objects.ID {
	t.Helper()
	_, id, err := objects.TreeOf(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func store(t *testing.T) objects.Store {
	return objects.Store{Dir: filepath.Join(t.TempDir(), "objects"), QuotaBytes: 64 << 20}
}

func holds(t *testing.T, s objects.Store, id objects.ID, data []byte) {
	t.Helper()
	if got, err := s.Bytes(id); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v, want the object's %d", len(got), err, len(data))
	}
}

func TestFetchFromSeveral(t *testing.T) {
	data := noise(1, 40*objects.GroupBytes+4321)
	id, model := idOf(t, data), [32]byte{9}
	a, first := server(t, model, data)
	b, second := serverAt(t, "/ip4/127.0.0.1/udp/0/quic-v1", model, data)
	_, other := server(t, [32]byte{8}, noise(2, 1000)) // has another object
	// Each waits in its first group until the other has begun too, so that both take part.
	var both sync.WaitGroup
	both.Add(2)
	for _, s := range []*shelfOf{a, b} {
		meet := sync.OnceFunc(func() { both.Done(); both.Wait() })
		s.spoil = func(i uint32, g []byte) ([]byte, error) {
			if i < 40 { // the last one is part of the sums
				meet()
			}
			return g, nil
		}
	}
	peers, s := fetcher(t, first, other, second), store(t)
	found, err := peers.Find(t.Context(), first.Self().ID, model)
	if err != nil || len(found) != 1 || found[0].ID != id || found[0].Size != uint64(len(data)) {
		t.Fatalf("find: got %v, %v, want the object", found, err)
	}
	if size, err := peers.Size(t.Context(), second.Self().ID, id); err != nil || size != uint64(len(data)) {
		t.Errorf("size: got %d, %v, want %d", size, err, len(data))
	}
	if _, err := peers.Size(t.Context(), other.Self().ID, id); !errors.Is(err, p2p.ErrNotFound) {
		t.Errorf("size at one that lacks it: got %v, want ErrNotFound", err)
	}
	var seen []objects.Progress
	err = objects.Fetch(t.Context(), s, peers, id, &objects.Watch{Progress: func(p objects.Progress) { seen = append(seen, p) }})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, s, id, data)
	if a.groups.Load() < 2 || b.groups.Load() < 2 {
		t.Errorf("groups served: got %d and %d, want some of both", a.groups.Load(), b.groups.Load())
	}
	end := seen[len(seen)-1]
	if end.Done != int64(len(data)) || end.Total != int64(len(data)) || !slices.IsSortedFunc(seen, func(x, y objects.Progress) int { return int(x.Done - y.Done) }) {
		t.Errorf("progress: ended at %d of %d, want it to grow to %d", end.Done, end.Total, len(data))
	}
	before := a.groups.Load() + b.groups.Load()
	if err := objects.Fetch(t.Context(), s, peers, id, nil); err != nil || a.groups.Load()+b.groups.Load() != before {
		t.Errorf("fetched again: got %v and %d groups more, want none", err, a.groups.Load()+b.groups.Load()-before)
	}
}

// A liar is found at its first wrong group, dropped and punished; the rest comes from the honest one.
func TestFetchBesideALiar(t *testing.T) {
	data := noise(3, 36*objects.GroupBytes)
	id := idOf(t, data)
	liar, bad := server(t, [32]byte{9}, data)
	lied := make(chan struct{})
	tell := sync.OnceFunc(func() { close(lied) })
	liar.spoil = func(i uint32, g []byte) ([]byte, error) {
		if i == 35 {
			return g, nil // the sums are true, so that only the groups show it
		}
		tell()
		g[77] ^= 1
		return g, nil
	}
	honest, good := server(t, [32]byte{9}, data)
	honest.spoil = func(i uint32, g []byte) ([]byte, error) {
		if i != 35 {
			<-lied // so that the liar has its turn
		}
		return g, nil
	}
	peers, s := &punished{Objects: fetcher(t, bad, good)}, store(t)
	if err := objects.Fetch(t.Context(), s, peers, id, nil); err != nil {
		t.Fatal(err)
	}
	holds(t, s, id, data)
	if got := peers.list; len(got) != 1 || got[0] != bad.Self().ID {
		t.Errorf("punished: got %v, want the liar once", got)
	}
	if got := liar.groups.Load(); got > 1+1+p2p.ObjectSpanMax {
		t.Errorf("groups taken from the liar: got %d, want no further span", got)
	}
	alone := &punished{Objects: fetcher(t, bad)}
	var lie *objects.LiarError
	if err := objects.Fetch(t.Context(), store(t), alone, id, nil); !errors.As(err, &lie) || lie.Peer != bad.Self().ID {
		t.Errorf("from the liar alone: got %v, want it named", err)
	}
}

// punished notes whom a fetch has punished.
type punished struct {
	*p2p.Objects
	mu   sync.Mutex
	list []string
}

func (p *punished) Punish(peer string, f p2p.Fault) {
	p.mu.Lock()
	p.list = append(p.list, peer)
	p.mu.Unlock()
	p.Objects.Punish(peer, f)
}

func TestLiarsSumsAreNotBelieved(t *testing.T) {
	data := noise(4, 3*objects.GroupBytes)
	id := idOf(t, data)
	_, bad := server(t, [32]byte{9}, data)
	_, good := server(t, [32]byte{9}, data)
	peers, s := &untrueSums{punished: punished{Objects: fetcher(t, bad, good)}, liar: bad.Self().ID}, store(t)
	if err := objects.Fetch(t.Context(), s, peers, id, nil); err != nil {
		t.Fatal(err)
	}
	holds(t, s, id, data)
	if got := peers.list; len(got) != 1 || got[0] != bad.Self().ID {
		t.Errorf("punished: got %v, want the liar once", got)
	}
}

// untrueSums changes what one peer says of an object.
type untrueSums struct {
	punished
	liar string
}

// Peers puts the liar first, so that it is asked.
func (u *untrueSums) Peers() []string {
	list := u.Objects.Peers()
	slices.SortFunc(list, func(a, b string) int {
		if (a == u.liar) == (b == u.liar) {
			return 0
		}
		if a == u.liar {
			return -1
		}
		return 1
	})
	return list
}

func (u *untrueSums) Sums(ctx context.Context, peer string, object [32]byte) (p2p.ObjectSums, error) {
	said, err := u.Objects.Sums(ctx, peer, object)
	if peer == u.liar && err == nil {
		said.Sums[0][0] ^= 1
	}
	return said, err
}

// One of two nodes closes in the middle; the other brings the rest.
func TestFetchWhenAPeerGoes(t *testing.T) {
	data := noise(5, 40*objects.GroupBytes)
	id := idOf(t, data)
	weak, going := server(t, [32]byte{9}, data)
	_, staying := server(t, [32]byte{9}, data)
	gone := make(chan struct{})
	weak.spoil = func(i uint32, g []byte) ([]byte, error) {
		if i != 39 && weak.groups.Load() > 2 {
			go func() { _ = going.Close() }()
			<-gone
		}
		return g, nil
	}
	defer close(gone)
	s := store(t)
	watch := &objects.Watch{}
	if err := objects.Fetch(t.Context(), s, fetcher(t, going, staying), id, watch); err != nil {
		t.Fatal(err)
	}
	holds(t, s, id, data)
}

// A fetch that ends in the middle keeps what came; the next brings the rest only.
func TestFetchGoesOn(t *testing.T) {
	data := noise(6, 40*objects.GroupBytes)
	id := idOf(t, data)
	_, n := server(t, [32]byte{9}, data)
	s := store(t)
	ctx, cancel := context.WithCancel(t.Context())
	had := 0
	err := objects.Fetch(ctx, s, fetcher(t, n), id, &objects.Watch{Progress: func(p objects.Progress) {
		if had = int(p.Done / objects.GroupBytes); had >= 10 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || had < 10 || had > 39 {
		t.Fatalf("got %v after %d groups, want it cut off in the middle", err, had)
	}
	from, m := server(t, [32]byte{9}, data)
	if err := objects.Fetch(t.Context(), s, fetcher(t, m), id, nil); err != nil {
		t.Fatal(err)
	}
	holds(t, s, id, data)
	if got := int(from.groups.Load()); got > 40-had+1 { // the last one comes with the sums, too
		t.Errorf("groups of the second try: got %d, want %d at most, since %d were there", got, 40-had+1, had)
	}
}

func TestFetchThatCannotBe(t *testing.T) {
	data := noise(7, 3*objects.GroupBytes)
	id := idOf(t, data)
	_, n := server(t, [32]byte{9}, data)
	_, gone := server(t, [32]byte{9}, data)
	addr := gone.Addrs()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	peers := fetcher(t, n)
	var none *objects.FetchError
	if err := objects.Fetch(t.Context(), store(t), peers, objects.ID{1}, nil); !errors.As(err, &none) || !errors.Is(err, p2p.ErrNotFound) {
		t.Errorf("what nobody has: got %v, want a FetchError", err)
	}
	small := store(t)
	small.QuotaBytes = 2 << 20
	big := noise(8, 9*objects.GroupBytes)
	_, m := server(t, [32]byte{9}, big)
	if err := objects.Fetch(t.Context(), small, fetcher(t, m), idOf(t, big), nil); !errors.As(err, new(*objects.QuotaError)) {
		t.Errorf("more than the quota: got %v, want a QuotaError", err)
	}
	wrong, err := p2p.NewFetcher(p2p.FetcherOptions{Peers: n.Addrs(), ChainID: 8, Genesis: genesis})
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if err := objects.Fetch(t.Context(), store(t), wrong.Objects(), id, nil); !errors.As(err, &none) {
		t.Errorf("from a node of another chain: got %v, want a FetchError", err)
	}
	dead, err := p2p.NewFetcher(p2p.FetcherOptions{Peers: addr, ChainID: 7, Genesis: genesis})
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	if err := objects.Fetch(t.Context(), store(t), dead.Objects(), id, nil); !errors.As(err, &none) {
		t.Errorf("from a node that is gone: got %v, want a FetchError", err)
	}
	bad := errors.New("not what I want")
	if err := objects.Fetch(t.Context(), store(t), peers, id, &objects.Watch{Check: func(*objects.Partial) error { return bad }}); !errors.Is(err, bad) {
		t.Errorf("refused by its check: got %v, want that error", err)
	}
}

// BenchmarkFetch brings 48 MiB, which is within a peer's burst.
func BenchmarkFetch(b *testing.B) {
	data := noise(9, 48<<20)
	id := idOf(b, data)
	for _, servers := range []int{1, 2} {
		for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
			b.Run(fmt.Sprintf("peers=%d/%s", servers, map[bool]string{true: "quic", false: "tcp"}[len(listen) > 22]), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					b.StopTimer()
					var nets []*p2p.Net
					for range servers {
						_, n := serverAt(b, listen, [32]byte{9}, data)
						nets = append(nets, n)
					}
					peers, s := fetcher(b, nets...), objects.Store{Dir: b.TempDir(), QuotaBytes: 64 << 20}
					b.StartTimer()
					if err := objects.Fetch(b.Context(), s, peers, id, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
