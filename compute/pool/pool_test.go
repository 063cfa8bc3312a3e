package pool

// Items over several children, which are played: where they go, what a crash costs, what a full queue does, and how
// it ends. The bubble's clock makes the rests of children exact.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A troupe is the engines of a pool.
type troupe struct {
	mu     sync.Mutex
	log    []string // child and item, in the order in which they began
	closed []int
	play   func(ctx context.Context, child int, item string) error
}

type actor struct {
	t    *troupe
	name int
}

func (a actor) Run(ctx context.Context, model chain.Hash, input []byte) ([]byte, error) {
	a.t.mu.Lock()
	a.t.log = append(a.t.log, fmt.Sprintf("%d:%s", a.name, input))
	play := a.t.play
	a.t.mu.Unlock()
	if play != nil {
		if err := play(ctx, a.name, string(input)); err != nil {
			return nil, err
		}
	}
	return append([]byte{model[0]}, input...), nil
}

// Together plays that models from 100 on are run together.
func (a actor) Together(model chain.Hash) int {
	if model[0] >= 100 {
		return 3
	}
	return 1
}

func (a actor) Close() error {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	a.t.closed = append(a.t.closed, a.name)
	return nil
}

func (t *troupe) began() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.log)
}

func (t *troupe) pool(tb testing.TB, o Options) *Pool {
	tb.Helper()
	o.Start = func(_ context.Context, i int) (Engine, error) { return actor{t, i}, nil }
	p, err := New(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

var crash = &engine.LocalError{Cause: engine.CauseCrash}

func modelID(n byte) chain.Hash { return chain.Hash{n} }

// outcome runs an item in the background and gives how it ends.
func outcome(ctx context.Context, p *Pool, m byte, item string) <-chan error {
	end := make(chan error, 1)
	go func() {
		out, err := p.Run(ctx, modelID(m), []byte(item))
		if err == nil && string(out) != string(append([]byte{m}, item...)) {
			err = fmt.Errorf("output %q", out)
		}
		end <- err
	}()
	return end
}

func TestItemsRunAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &troupe{play: func(context.Context, int, string) error { time.Sleep(time.Second); return nil }}
		p := tr.pool(t, Options{Engines: 3})
		start := time.Now()
		var ends []<-chan error
		for i := range 9 {
			ends = append(ends, outcome(t.Context(), p, 1, fmt.Sprint(i)))
		}
		for i, end := range ends {
			if err := <-end; err != nil {
				t.Errorf("item %d: %v", i, err)
			}
		}
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("nine items of a second in three engines: got %s, want 3 s", got)
		}
		if err := p.Close(); err != nil || len(tr.closed) != 3 {
			t.Errorf("close: got %v, %d engines closed, want all 3", err, len(tr.closed))
		}
		if _, err := p.Run(t.Context(), modelID(1), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("after close: got %v, want ErrClosed", err)
		}
	})
}

// A full queue makes its callers wait; who gives up leaves it.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		tr := &troupe{play: func(context.Context, int, string) error { <-gate; return nil }}
		p := tr.pool(t, Options{Engines: 1, QueueMax: 2})
		running := outcome(t.Context(), p, 1, "a")
		synctest.Wait()
		b := outcome(t.Context(), p, 1, "b")
		synctest.Wait()
		c := outcome(t.Context(), p, 1, "c")
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		outside := outcome(ctx, p, 1, "d")
		synctest.Wait()
		if got := len(p.queue); got != 2 {
			t.Errorf("queue: got %d items, want its length of 2", got)
		}
		cancel()
		if err := <-outside; !errors.Is(err, context.Canceled) {
			t.Errorf("who waits for a place and gives up: got %v, want its context's error", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		e := outcome(ctx, p, 1, "e") // waits for a place
		synctest.Wait()
		gate <- struct{}{}
		synctest.Wait() // b runs, e has b's place
		cancel()
		if err := <-e; !errors.Is(err, context.Canceled) {
			t.Errorf("who waits in the queue and gives up: got %v, want its context's error", err)
		}
		close(gate)
		for _, end := range []<-chan error{running, b, c} {
			if err := <-end; err != nil {
				t.Error(err)
			}
		}
		if got := tr.began(); !slices.Equal(got, []string{"0:a", "0:b", "0:c"}) {
			t.Errorf("ran: got %v, want a, b, c", got)
		}
		if len(p.places) != 0 {
			t.Errorf("places taken at the end: got %d, want none", len(p.places))
		}
		p.Close()
	})
}

// A crash costs its item alone: it is run again by another child.
func TestCrashedItemRunsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		tr := &troupe{}
		tr.play = func(_ context.Context, child int, item string) error {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			if item == "bad once" && first {
				first = false
				return crash
			}
			return nil
		}
		p := tr.pool(t, Options{Engines: 2})
		if err := <-outcome(t.Context(), p, 1, "bad once"); err != nil {
			t.Fatal(err)
		}
		log := tr.began()
		if len(log) != 2 || log[0][0] == log[1][0] {
			t.Errorf("ran: got %v, want it twice, by two children", log)
		}
		p.Close()
	})
}

func TestItemThatAlwaysCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &troupe{play: func(_ context.Context, _ int, item string) error {
			if item == "poison" {
				return crash
			}
			return nil
		}}
		reg := prometheus.NewRegistry()
		p := tr.pool(t, Options{Engines: 2, TriesMax: 4, QueueMax: 1, Metrics: NewMetrics(reg)})
		bad := outcome(t.Context(), p, 1, "poison")
		var tried *TriedError
		if err := <-bad; !errors.As(err, &tried) || tried.Tries != 4 || !errors.As(err, new(*engine.LocalError)) {
			t.Errorf("got %v, want it given up after 4 tries", err)
		}
		for i := range 5 {
			if err := <-outcome(t.Context(), p, 1, fmt.Sprint(i)); err != nil {
				t.Errorf("after that: %v", err)
			}
		}
		if got := len(tr.began()); got != 9 {
			t.Errorf("runs: got %d, want 4 and 5", got)
		}
		p.Close()
		want := map[string]float64{"given_up": 1, "output": 5, "crash": 4}
		for name, n := range counts(t, reg, "aiwork_pool_items_total", "aiwork_pool_failures_total") {
			if want[name] != n {
				t.Errorf("counted %s: got %v, want %v", name, n, want[name])
			}
			delete(want, name)
		}
		if len(want) > 0 {
			t.Errorf("not counted: %v", want)
		}
	})
}

func counts(t *testing.T, reg *prometheus.Registry, names ...string) map[string]float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range all {
		if !slices.Contains(names, f.GetName()) {
			continue
		}
		for _, m := range f.GetMetric() {
			out[labelOf(m)] = m.GetCounter().GetValue()
		}
	}
	return out
}

func labelOf(m *dto.Metric) string { return m.GetLabel()[0].GetValue() }

// What lies with the item is not tried again.
func TestFaultsOfTheItemAreFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := map[string]error{
			"input": &engine.InputError{Fault: image.FaultPixels}, "model": &engine.UnknownModelError{ID: modelID(1)},
		}
		tr := &troupe{play: func(_ context.Context, _ int, item string) error { return faults[item] }}
		p := tr.pool(t, Options{Engines: 2})
		for item, want := range faults {
			if err := <-outcome(t.Context(), p, 1, item); err != want {
				t.Errorf("%s: got %v, want %v", item, err, want)
			}
		}
		if got := len(tr.began()); got != 2 {
			t.Errorf("runs: got %d, want one for each", got)
		}
		p.Close()
	})
}

// A child that fails in a row rests ever longer, and the other does the work meanwhile.
func TestFailingChildRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		tr := &troupe{}
		tr.play = func(_ context.Context, child int, _ string) error {
			if child == 0 {
				tr.mu.Lock()
				at = append(at, time.Since(start))
				tr.mu.Unlock()
				return crash
			}
			time.Sleep(10 * time.Millisecond)
			return nil
		}
		p := tr.pool(t, Options{Engines: 2})
		for i := range 100 {
			if err := <-outcome(t.Context(), p, byte(i%20), fmt.Sprint(i)); err != nil {
				t.Fatalf("item %d: %v", i, err)
			}
		}
		p.Close()
		if len(at) < 3 || len(at) > 6 {
			t.Fatalf("the failing child began at %v, want it to rest longer each time", at)
		}
		for i := 2; i < len(at); i++ {
			if rest := at[i] - at[i-1]; rest < restFirst<<(i-2) {
				t.Errorf("rest before run %d: got %s, want at least %s", i, rest, restFirst<<(i-2))
			}
		}
	})
}

// Items go where their model is, and none is passed over for ever.
func TestItemsGoWhereTheirModelIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &troupe{play: func(context.Context, int, string) error { time.Sleep(time.Millisecond); return nil }}
		p := tr.pool(t, Options{Engines: 2})
		a, b := outcome(t.Context(), p, 1, "m1"), outcome(t.Context(), p, 2, "m2")
		if err := errors.Join(<-a, <-b); err != nil {
			t.Fatal(err)
		}
		home := map[string]byte{}
		for _, l := range tr.began() {
			home[l[2:]] = l[0]
		}
		if home["m1"] == home["m2"] {
			t.Fatalf("first items: got both in child %c", home["m1"])
		}
		for range 10 {
			if err := <-outcome(t.Context(), p, 2, "m2"); err != nil {
				t.Fatal(err)
			}
			if err := <-outcome(t.Context(), p, 1, "m1"); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range tr.began() {
			if home[l[2:]] != l[0] {
				t.Errorf("ran %s, want each model where it is", l)
			}
		}
		p.Close()
	})
}

func TestNoItemIsPassedOverForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &troupe{play: func(context.Context, int, string) error { time.Sleep(time.Millisecond); return nil }}
		p := tr.pool(t, Options{Engines: 1, QueueMax: 200})
		if err := <-outcome(t.Context(), p, 1, "first"); err != nil {
			t.Fatal(err)
		}
		var ends []<-chan error
		ends = append(ends, outcome(t.Context(), p, 1, "busy"))
		synctest.Wait()
		ends = append(ends, outcome(t.Context(), p, 2, "rare"))
		synctest.Wait()
		for i := range 50 {
			ends = append(ends, outcome(t.Context(), p, 1, fmt.Sprint(i)))
			synctest.Wait()
		}
		for _, end := range ends {
			if err := <-end; err != nil {
				t.Error(err)
			}
		}
		if got := slices.Index(tr.began(), "0:rare"); got != 2+passedMax {
			t.Errorf("the item of another model came as number %d, want %d", got, 2+passedMax)
		}
		p.Close()
	})
}

// Close refuses what waits and lets finish what runs.
func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &troupe{play: func(context.Context, int, string) error { time.Sleep(time.Minute); return nil }}
		p := tr.pool(t, Options{Engines: 1})
		runs := outcome(t.Context(), p, 1, "runs")
		synctest.Wait()
		waits := outcome(t.Context(), p, 1, "waits")
		synctest.Wait()
		start := time.Now()
		p.Close()
		if err := <-waits; !errors.Is(err, ErrClosed) {
			t.Errorf("what waited: got %v, want ErrClosed", err)
		}
		if err := <-runs; err != nil || time.Since(start) != time.Minute {
			t.Errorf("what ran: got %v after %s, want it finished", err, time.Since(start))
		}
	})
}

func TestPoolThatCannotStart(t *testing.T) {
	tr := &troupe{}
	bad := errors.New("no such binary")
	_, err := New(t.Context(), Options{Engines: 3, Start: func(_ context.Context, i int) (Engine, error) {
		if i == 2 {
			return nil, bad
		}
		return actor{tr, i}, nil
	}})
	if !errors.Is(err, bad) || len(tr.closed) != 2 {
		t.Errorf("got %v with %d engines closed, want the reason and both closed", err, len(tr.closed))
	}
	for name, o := range map[string]Options{
		"no start": {}, "engines": {Engines: enginesMax + 1, Start: func(context.Context, int) (Engine, error) { return nil, nil }},
		"queue": {QueueMax: -1, Start: func(context.Context, int) (Engine, error) { return nil, nil }},
	} {
		if _, err := New(t.Context(), o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// Items of a model that is run together share a child up to its number, but go first where less is to do; another model waits until they
// are done, though not for ever.
func TestItemsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &troupe{play: func(_ context.Context, _ int, item string) error {
			var stream int
			_, _ = fmt.Sscanf(item, "s%d.", &stream)
			time.Sleep(time.Second + time.Duration(stream)*130*time.Millisecond) // never all at once
			if item == "bad" {
				return crash
			}
			return nil
		}}
		p := tr.pool(t, Options{Engines: 2, QueueMax: 64})
		defer p.Close()
		if p.Together(modelID(100)) != 6 || p.Together(modelID(1)) != 2 {
			t.Errorf("together: got %d and %d, want 6 and 2", p.Together(modelID(100)), p.Together(modelID(1)))
		}
		start := time.Now()
		var ends []<-chan error
		for i := range 9 {
			ends = append(ends, outcome(t.Context(), p, 100, fmt.Sprint(i)))
			synctest.Wait()
		}
		began := tr.began()
		if len(began) != 6 {
			t.Fatalf("began %q, want 6 items", began)
		}
		perChild := map[byte]int{}
		for i, b := range began[:4] {
			perChild[b[0]]++
			if want := (i + 1) / 2; perChild['0'] > want+1 || perChild['1'] > want+1 {
				t.Errorf("began %q: one child has more than it need have", began)
			}
		}
		for _, end := range ends {
			if err := <-end; err != nil {
				t.Error(err)
			}
		}
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("nine items of a second, six at once: got %s, want 2 s", got)
		}
		// Others keep joining; a network's item gets its turn all the same.
		ctx, cancel := context.WithCancel(t.Context())
		var stream sync.WaitGroup
		for i := range 8 {
			stream.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					_, _ = p.Run(ctx, modelID(100), fmt.Append(nil, "s", i, ".", n))
				}
			})
		}
		time.Sleep(1500 * time.Millisecond)
		start = time.Now()
		if err := <-outcome(t.Context(), p, 1, "network"); err != nil || time.Since(start) > 10*time.Second {
			t.Errorf("beside a stream of others: got %v after %s", err, time.Since(start))
		}
		if err := <-outcome(t.Context(), p, 100, "bad"); err == nil {
			t.Error("an item that always crashes: got no error")
		}
		cancel()
		stream.Wait()
	})
}
