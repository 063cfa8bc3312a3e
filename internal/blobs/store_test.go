package blobs

// The store on a real folder: what it takes and refuses, the quota, restarts, damage, crashes, a full
// disk (a small tmpfs where that can be mounted), many callers at once, and fetching.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/p2p"
)

type wants func(ID) bool

func (w wants) Wanted(id ID) bool { return w(id) }

func everything(ID) bool { return true }

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Wanted == nil {
		o.Wanted = wants(everything)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func blob(n, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint64(b[:8], uint64(n))
	return b
}

func TestPutAndGet(t *testing.T) {
	s := open(t, Options{})
	for i, size := range []int{8, 100, BytesMax} {
		data := blob(i, size)
		id := IDOf(data)
		if s.Has(id) {
			t.Errorf("%d bytes: there before Put", size)
		}
		for range 2 { // the second does nothing
			if err := s.Put(t.Context(), data, id); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Get(t.Context(), id)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d and %v", size, len(got), err)
		}
	}
	count, used, quota := s.Usage()
	if count != 3 || used != 2*blockBytes+BytesMax || quota != QuotaBytes {
		t.Errorf("usage: got %d blobs, %d of %d bytes", count, used, quota)
	}
}

func TestPutRefuses(t *testing.T) {
	s := open(t, Options{Quota: 2 * blockBytes, Wanted: wants(func(id ID) bool { return id != IDOf([]byte("unwanted")) })})
	cases := []struct {
		name string
		data []byte
		id   ID
		want error
	}{
		{"empty", nil, IDOf(nil), FaultEmpty},
		{"too large", make([]byte, BytesMax+1), ID{}, FaultTooLarge},
		{"wrong id", []byte("data"), IDOf([]byte("other")), FaultWrongID},
		{"not wanted", []byte("unwanted"), IDOf([]byte("unwanted")), FaultNotWanted},
	}
	for _, c := range cases {
		if err := s.Put(t.Context(), c.data, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	for i := range 2 {
		if err := s.Put(t.Context(), blob(i, 10), IDOf(blob(i, 10))); err != nil {
			t.Fatal(err)
		}
	}
	var full *QuotaError
	if err := s.Put(t.Context(), blob(3, 10), IDOf(blob(3, 10))); !errors.As(err, &full) || full.Used != 2*blockBytes {
		t.Errorf("third blob: got %v, want a QuotaError", err)
	}
	if _, err := open(t, Options{}).Get(t.Context(), ID{1}); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "0x0100") {
		t.Errorf("missing blob: got %v, want ErrMissing with its name", err)
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	for i := range 20 {
		if err := s.Put(t.Context(), blob(i, 5000), IDOf(blob(i, 5000))); err != nil {
			t.Fatal(err)
		}
	}
	// What a crash and a stranger may leave: half a write, an empty file, files with other names.
	empty := ID{0xEE}
	for _, name := range []string{filepath.Join(dir, tempFolder, "blob-1"), s.path(empty), filepath.Join(dir, "notes.txt")} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, Options{Dir: dir})
	count, used, _ := again.Usage()
	if _, before, _ := s.Usage(); count != 20 || used != before {
		t.Errorf("after restart: got %d blobs of %d bytes, want 20 of %d", count, used, before)
	}
	for i := range 20 {
		if got, err := again.Get(t.Context(), IDOf(blob(i, 5000))); err != nil || !bytes.Equal(got, blob(i, 5000)) {
			t.Errorf("blob %d: got %d bytes, %v", i, len(got), err)
		}
	}
	if again.Has(empty) {
		t.Error("an empty file counts as a blob")
	}
	left, err := os.ReadDir(filepath.Join(dir, tempFolder))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files: got %v %v, want none", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Errorf("a stranger's file: got %v, want it left alone", err)
	}
}

func TestPrune(t *testing.T) {
	s := open(t, Options{})
	var ids []ID
	for i := range 10 {
		ids = append(ids, IDOf(blob(i, 100)))
		if err := s.Put(t.Context(), blob(i, 100), ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Prune(time.Now().Add(-time.Hour), func(ID) bool { return false }); n != 0 || err != nil {
		t.Errorf("prune of older ones: got %d, %v, want 0", n, err)
	}
	n, err := s.Prune(time.Now().Add(time.Hour), func(id ID) bool { return id == ids[3] })
	if n != 9 || err != nil {
		t.Errorf("prune: got %d, %v, want 9", n, err)
	}
	if count, used, _ := s.Usage(); count != 1 || used != blockBytes || !s.Has(ids[3]) {
		t.Errorf("left: got %d blobs of %d bytes, want the kept one", count, used)
	}
	if _, err := os.Stat(s.path(ids[0])); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file of a pruned blob: got %v, want none", err)
	}
	if err := s.Put(t.Context(), blob(0, 100), ids[0]); err != nil {
		t.Errorf("put after prune: %v", err)
	}
}

func TestManyCallers(t *testing.T) {
	s := open(t, Options{Quota: 64 * blockBytes})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				data := blob((g+i)%16, 3000)
				id := IDOf(data)
				if err := s.Put(t.Context(), data, id); err != nil {
					t.Error(err)
				}
				if got, err := s.Get(t.Context(), id); err == nil && !bytes.Equal(got, data) {
					t.Error("got other bytes than were put")
				} else if err != nil && !errors.Is(err, ErrMissing) {
					t.Error(err)
				}
				if i%10 == 0 {
					if _, err := s.Prune(time.Now(), func(id ID) bool { return id[0]%2 == 0 }); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	count, used, _ := s.Usage()
	if used != int64(count)*blockBytes {
		t.Errorf("after all: %d blobs use %d bytes", count, used)
	}
	if again := open(t, Options{Dir: s.dir}); len(again.index) != count {
		t.Errorf("files: got %d, want %d as in the index", len(again.index), count)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		if os.Getenv("AIWORK_TEST_ALL") == "1" {
			t.Fatalf("a small tmpfs is needed: %v", err)
		}
		t.Skipf("needs the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := open(t, Options{Dir: dir})
	small, big := blob(1, 100), blob(2, 2<<20)
	if err := s.Put(t.Context(), small, IDOf(small)); err != nil {
		t.Fatal(err)
	}
	err := s.Put(t.Context(), big, IDOf(big))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("full disk: got %v, want ENOSPC and what to do", err)
	}
	if count, used, _ := s.Usage(); count != 1 || used != blockBytes || s.Has(IDOf(big)) {
		t.Errorf("after a failed write: got %d blobs of %d bytes, want the small one", count, used)
	}
	medium := blob(3, 500<<10) // what the failed write took is free again
	if err := s.Put(t.Context(), medium, IDOf(medium)); err != nil {
		t.Errorf("after a failed write: %v", err)
	}
	if got, err := s.Get(t.Context(), IDOf(small)); err != nil || !bytes.Equal(got, small) {
		t.Errorf("earlier blob: got %d bytes, %v", len(got), err)
	}
}

// crowd is Peers that answers from a list, one entry a request.
type crowd struct {
	mu       sync.Mutex
	answers  []func() ([]byte, error)
	asked    int
	punished []string
}

func (c *crowd) Request(_ context.Context, _ string, _ p2p.Request) (p2p.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if len(c.answers) == 0 {
		return p2p.Response{}, p2p.ErrNotFound
	}
	answer := c.answers[0]
	c.answers = c.answers[1:]
	b, err := answer()
	return p2p.Response{From: p2p.Peer{ID: fmt.Sprint("peer ", c.asked)}, Items: [][]byte{b}}, err
}

func (c *crowd) Punish(id string, f p2p.Fault) {
	c.punished = append(c.punished, fmt.Sprint(id, " ", f == p2p.FaultAnswer))
}

func gives(b []byte) func() ([]byte, error) { return func() ([]byte, error) { return b, nil } }

func fails(err error) func() ([]byte, error) { return func() ([]byte, error) { return nil, err } }

func TestFetch(t *testing.T) {
	data := blob(7, 1000)
	id := IDOf(data)
	damage := func(t *testing.T, s *Store) {
		if err := s.put(t.Context(), data, id); err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(data)
		bad[500] ^= 1
		if err := os.WriteFile(s.path(id), bad, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vanish := func(t *testing.T, s *Store) {
		damage(t, s)
		if err := os.Remove(s.path(id)); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name     string
		before   func(*testing.T, *Store)
		answers  []func() ([]byte, error)
		asked    int
		punished string
	}{
		{"from a peer", nil, []func() ([]byte, error){gives(data)}, 1, "[]"},
		{"after failures", nil, []func() ([]byte, error){fails(p2p.ErrNoPeer), fails(p2p.ErrBusy), fails(p2p.ErrNotFound), gives(data)}, 4, "[]"},
		{"after a lie", nil, []func() ([]byte, error){gives([]byte("lie")), gives(nil), gives(data)}, 3, "[peer 1 true peer 2 true]"},
		{"damaged here", damage, []func() ([]byte, error){gives(data)}, 1, "[]"},
		{"vanished here", vanish, []func() ([]byte, error){gives(data)}, 1, "[]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peers := &crowd{answers: c.answers}
				s := open(t, Options{Peers: peers, Wanted: wants(func(ID) bool { return false })})
				if c.before != nil {
					c.before(t, s)
				}
				for range 2 { // the second is from here
					if got, err := s.Fetch(t.Context(), id); err != nil || !bytes.Equal(got, data) {
						t.Fatalf("got %d bytes, %v", len(got), err)
					}
				}
				if peers.asked != c.asked || fmt.Sprint(peers.punished) != c.punished {
					t.Errorf("asked %d times, punished %v; want %d, %s", peers.asked, peers.punished, c.asked, c.punished)
				}
				if count, used, _ := s.Usage(); count != 1 || used != blockBytes {
					t.Errorf("usage: got %d blobs of %d bytes, want 1 of %d", count, used, blockBytes)
				}
			})
		})
	}
}

func TestFetchThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers := &crowd{}
		s := open(t, Options{Peers: peers})
		_, err := s.Fetch(t.Context(), ID{1})
		if !errors.Is(err, ErrMissing) || peers.asked != fetchTriesMax || !strings.Contains(err.Error(), "no peer gave it") {
			t.Errorf("got %v after %d tries, want ErrMissing after %d", err, peers.asked, fetchTriesMax)
		}
		ctx, cancel := context.WithTimeout(t.Context(), fetchPauseMin/2)
		defer cancel()
		if _, err := s.Fetch(ctx, ID{1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline", err)
		}
	})
	full := open(t, Options{Quota: 1, Peers: &crowd{answers: []func() ([]byte, error){gives(blob(1, 8))}}})
	if got, err := full.Fetch(t.Context(), IDOf(blob(1, 8))); err != nil || len(got) != 8 {
		t.Errorf("full store: got %d bytes, %v, want them all the same", len(got), err)
	}
	if _, err := open(t, Options{}).Blob(t.Context(), ID{1}); !errors.Is(err, p2p.ErrNotFound) {
		t.Errorf("served to a peer: got %v, want p2p.ErrNotFound", err)
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			s := open(b, Options{})
			b.SetBytes(int64(size))
			n := 0
			for b.Loop() {
				data := blob(n, size)
				n++
				id := IDOf(data)
				if err := s.Put(b.Context(), data, id); err != nil {
					b.Fatal(err)
				}
				if n%100 == 0 {
					if _, err := s.Prune(time.Now(), func(ID) bool { return false }); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
