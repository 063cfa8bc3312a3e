package objects

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/p2p"
)

const (
	busyPause     = 200 * time.Millisecond // after a peer was busy, doubled each time in a row
	busyPauseMax  = 5 * time.Second
	failuresMax   = 4 // in a row of one peer; then it is not asked any more
	fetchPeersMax = 8 // that send at the same time
)

// Progress tells how far a fetch has come.
type Progress struct {
	Done, Total int64 // bytes
	Peers       int   // that send
}

// Watch looks on while an object is fetched. Each field may be left out.
type Watch struct {
	BytesMax int64 // a larger object is not fetched
	Metrics  *Metrics

	Progress func(Progress)       // after each group; calls do not overlap
	Check    func(*Partial) error // whenever a span has come; an error ends the fetch. Calls do not overlap
}

// A LiarError says that what a peer sent is not what it was asked for. It has been punished.
type LiarError struct{ Peer string }

func (e *LiarError) Error() string { return "peer " + e.Peer + " sent bytes that are not the object's" }

// A FetchError says why nobody gave an object.
type FetchError struct {
	ID    ID
	Asked int
	Last  error
}

func (e *FetchError) Error() string {
	if e.Asked == 0 {
		return fmt.Sprintf("object %s: no peer to ask: give one with --peer", e.ID)
	}
	last, _, _ := strings.Cut(fmt.Sprint(e.Last), "\n") // libp2p lists all addresses
	return fmt.Sprintf("object %s: none of %d peers gave all of it; what came is kept, the next try goes on from there: %s", e.ID, e.Asked, last)
}

func (e *FetchError) Unwrap() error { return e.Last }

// Fetch brings an object into the store from all peers that have it at once, unless it is there. What has come stays
// when it ends early, and the next Fetch goes on from there.
func Fetch(ctx context.Context, s Store, peers Peers, id ID, watch *Watch) error {
	f := &fetch{store: s, peers: peers, id: id, told: map[string]bool{}}
	if watch != nil {
		f.watch = *watch
	}
	if o, err := s.Open(id); err == nil {
		f.watch.Metrics.here()
		return o.Close()
	}
	err := f.run(ctx)
	f.watch.Metrics.ended(f.kept, f.done()-f.kept, err)
	return err
}

func (f *fetch) run(ctx context.Context) error {
	tree, err := f.askTree(ctx)
	if err != nil {
		return err
	}
	if f.watch.BytesMax > 0 && tree.Size > f.watch.BytesMax {
		return &TooLargeError{ID: f.id, Size: tree.Size, Max: f.watch.BytesMax}
	}
	if f.part, err = f.store.Begin(f.id, tree); err != nil {
		return err
	}
	f.size = tree.Size
	f.kept = f.done()
	if err := f.fill(ctx, tree); err != nil {
		return errors.Join(err, f.part.Close())
	}
	return f.part.Finish()
}

// A TooLargeError says that an object is larger than whoever wants it allows.
type TooLargeError struct {
	ID        ID
	Size, Max int64 // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("object %s has %d bytes, at most %d are wanted", e.ID, e.Size, e.Max)
}

// A fetch is one object on its way.
type fetch struct {
	store Store
	peers Peers
	id    ID
	watch Watch
	part  *Partial
	size  int64
	kept  int64 // bytes that an earlier try had brought
	quit  context.CancelFunc

	checking sync.Mutex // held over Watch.Check

	mu     sync.Mutex
	todo   []*span
	going  map[*span]bool
	moved  chan struct{} // closed when spans were added or all is done
	last   error
	told   map[string]bool // peers known to lack it or to be of no use
	stop   error           // ends all
	sender int
}

// A span is a run of groups that one peer brings, in order. Another may take its end away.
type span struct{ next, end int }

// askTree asks one peer after the other for the sums until one's hold.
func (f *fetch) askTree(ctx context.Context) (*Tree, error) {
	list := f.peers.Peers()
	for _, p := range list {
		said, err := f.peers.Sums(ctx, p, f.id)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			t, bad := believe(f.id, said)
			if bad == nil {
				return t, nil
			}
			f.peers.Punish(p, p2p.FaultAnswer)
			err = &LiarError{p}
		}
		if f.last == nil || !isUnreached(err) {
			f.last = err
		}
		f.told[p] = !errors.Is(err, p2p.ErrBusy)
	}
	return nil, &FetchError{ID: f.id, Asked: len(list), Last: f.last}
}

// isUnreached tells errors of the way to a peer from what it said.
func isUnreached(err error) bool {
	return !errors.Is(err, p2p.ErrNotFound) && !errors.Is(err, p2p.ErrBusy) && !errors.As(err, new(*LiarError))
}

// fill brings what is missing.
func (f *fetch) fill(ctx context.Context, t *Tree) error {
	f.going, f.moved = map[*span]bool{}, make(chan struct{})
	f.plan(len(t.Sums))
	f.report()
	if f.part.Left() == 0 {
		return nil
	}
	outer := ctx
	ctx, f.quit = context.WithCancel(ctx)
	defer f.quit()
	var wg sync.WaitGroup
	asked := 0
	for _, p := range f.peers.Peers() {
		if f.told[p] {
			continue
		}
		if asked++; asked > fetchPeersMax {
			break
		}
		wg.Go(func() { f.from(ctx, p) })
	}
	wg.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stop != nil:
		return f.stop
	case outer.Err() != nil:
		return outer.Err()
	case f.part.Left() > 0:
		return &FetchError{ID: f.id, Asked: len(f.peers.Peers()), Last: f.last}
	}
	return nil
}

// plan cuts what is missing into spans, from the front: the first groups tell most of what an object is.
func (f *fetch) plan(groups int) {
	var run *span
	for i := range groups {
		if f.part.Have(i) {
			run = nil
			continue
		}
		if run == nil || run.end-run.next == p2p.ObjectSpanMax {
			run = &span{next: i, end: i}
			f.todo = append(f.todo, run)
		}
		run.end++
	}
}

// from brings spans from one peer until nothing is left or the peer is of no use.
func (f *fetch) from(ctx context.Context, peer string) {
	busy, failures := busyPause, 0
	for {
		s := f.take(ctx)
		if s == nil {
			return
		}
		err := f.bring(ctx, peer, s)
		f.give(s, err)
		switch {
		case err == nil:
			busy, failures = busyPause, 0
		case ctx.Err() != nil, errors.Is(err, p2p.ErrNotFound), errors.As(err, new(*LiarError)):
			return
		case errors.Is(err, p2p.ErrBusy):
			if !pause(ctx, busy) {
				return
			}
			busy = min(2*busy, busyPauseMax)
		default:
			if failures++; failures == failuresMax || !pause(ctx, busy) {
				return
			}
		}
	}
}

// take gives a span to bring: one that waits, or the second half of the longest under way. It waits while those under
// way may still come back, and gives nil when all is there or nothing more is wanted.
func (f *fetch) take(ctx context.Context) *span {
	for {
		f.mu.Lock()
		if f.stop != nil || ctx.Err() != nil || len(f.todo) == 0 && len(f.going) == 0 {
			f.mu.Unlock()
			return nil
		}
		s := f.pick()
		if s != nil {
			f.going[s] = true
			f.sender++
			f.mu.Unlock()
			return s
		}
		moved := f.moved
		f.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *fetch) pick() *span {
	if len(f.todo) > 0 {
		s := f.todo[0]
		f.todo = f.todo[1:]
		return s
	}
	var longest *span
	for s := range f.going {
		if s.end-s.next >= 2 && (longest == nil || s.end-s.next > longest.end-longest.next) {
			longest = s
		}
	}
	if longest == nil {
		return nil
	}
	mid := longest.next + (longest.end-longest.next+1)/2
	s := &span{next: mid, end: longest.end}
	longest.end = mid
	return s
}

// bring fetches a span, which shrinks as its groups come and when another takes its end.
func (f *fetch) bring(ctx context.Context, peer string, s *span) error {
	f.mu.Lock()
	first, count := s.next, s.end-s.next
	f.mu.Unlock()
	if count == 0 {
		return nil
	}
	return f.peers.Groups(ctx, peer, f.id, first, count, func(i int, data []byte) error {
		if !f.wanted(s, i) {
			return p2p.ErrStop
		}
		err := f.part.Write(i, data)
		if errors.Is(err, ErrGroup) {
			f.peers.Punish(peer, p2p.FaultAnswer)
			return &LiarError{peer}
		}
		if err != nil {
			f.end(err) // our own disk's: nobody else would do better
			return err
		}
		return f.came(s, i)
	})
}

func (f *fetch) wanted(s *span, i int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return i < s.end && f.stop == nil
}

func (f *fetch) came(s *span, i int) error {
	f.mu.Lock()
	s.next = i + 1
	done := s.next >= s.end
	f.mu.Unlock()
	f.report()
	if done {
		return p2p.ErrStop
	}
	return nil
}

// give takes back what is left of a span.
func (f *fetch) give(s *span, err error) {
	if bad := f.check(); bad != nil {
		f.end(bad)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.going, s)
	f.sender--
	if s.next < s.end {
		f.todo = append([]*span{{s.next, s.end}}, f.todo...)
	}
	if err != nil {
		f.last = err
	}
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *fetch) check() error {
	if f.watch.Check == nil {
		return nil
	}
	f.checking.Lock()
	defer f.checking.Unlock()
	return f.watch.Check(f.part)
}

// end ends the fetch for a reason that lies not with one peer.
func (f *fetch) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop == nil {
		f.stop = err
	}
	f.quit()
}

func (f *fetch) report() {
	if f.watch.Progress == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch.Progress(Progress{Done: f.done(), Total: f.size, Peers: f.sender})
}

// done gives the bytes that are there, as if the missing groups were whole ones.
func (f *fetch) done() int64 {
	if f.part == nil {
		return 0
	}
	return max(0, f.size-int64(f.part.Left())*GroupBytes)
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
