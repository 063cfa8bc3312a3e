package rpc

// Turns of the classes: what runs beside what, who waits for whom, and what is refused. Work blocks on channels,
// so nothing depends on time but the time-outs, which are those of synctest's clock.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// withLanes runs a test beside the threads of lanes.
func withLanes(t *testing.T, change func(*Limits), do func(t *testing.T, s *lanes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := DefaultLimits()
		l.HeavyThreadsMax = 1
		for c := ClassCall; c < classes; c++ {
			l.Classes[c].RunningMax = 1
		}
		change(&l)
		s := newLanes(&l)
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { s.run(ctx) })
		do(t, s)
		stop()
		running.Wait()
	})
}

// A trace that runs lets reads pass, and of what waits behind it, calls and logs get every second turn.
func TestHeavyClassesTakeTurns(t *testing.T) {
	withLanes(t, func(*Limits) {}, func(t *testing.T, s *lanes) {
		hold := make(chan struct{})
		var mu sync.Mutex
		var order []string
		var all sync.WaitGroup
		start := func(class Class, name string, work func()) {
			all.Go(func() {
				if err := s.do(t.Context(), class, func() {
					work()
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
				}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			synctest.Wait()
		}
		start(ClassTrace, "trace 0", func() { <-hold })
		for i := 1; i <= 3; i++ {
			start(ClassTrace, fmt.Sprint("trace ", i), func() {})
		}
		start(ClassCall, "call 1", func() {})
		start(ClassCall, "call 2", func() {})
		start(ClassLogs, "logs 1", func() {})
		start(ClassRead, "read", func() {})
		start(ClassSend, "send", func() {})
		close(hold)
		all.Wait()
		want := "read, send, trace 0, logs 1, call 1, trace 1, call 2, trace 2, trace 3"
		if got := strings.Join(order, ", "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// At its breaks a trace lets one task of each break go first, of other classes in their turns, never of its own.
func TestBreaks(t *testing.T) {
	withLanes(t, func(*Limits) {}, func(t *testing.T, s *lanes) {
		queued := make(chan struct{})
		var order []string // of the one thread
		var all sync.WaitGroup
		all.Go(func() {
			_ = s.do(t.Context(), ClassTrace, func() {
				<-queued
				ctx, stop := context.WithCancel(s.withTurn(t.Context(), ClassTrace))
				for i := range 4 {
					if err := pauses(ctx).Err(); err != nil {
						t.Error(err)
					}
					order = append(order, fmt.Sprint("trace 1, part ", i))
				}
				stop()
				if err := pauses(ctx).Err(); err == nil {
					t.Error("a break hides that the time is over")
				}
			})
		})
		synctest.Wait()
		for _, w := range []struct {
			class Class
			name  string
		}{{ClassTrace, "trace 2"}, {ClassCall, "call 1"}, {ClassCall, "call 2"}, {ClassLogs, "logs"}} {
			all.Go(func() {
				_ = s.do(t.Context(), w.class, func() {
					_ = pauses(s.withTurn(t.Context(), w.class)).Err()
					order = append(order, w.name)
				})
			})
			synctest.Wait()
		}
		close(queued)
		all.Wait()
		want := "call 1, logs, trace 1, part 0, call 2, trace 1, part 1, trace 1, part 2, trace 1, part 3, trace 2"
		if got := strings.Join(order, ", "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// With threads enough, no class takes all of them.
func TestClassLeavesAThread(t *testing.T) {
	withLanes(t, func(l *Limits) { l.HeavyThreadsMax = 2 }, func(t *testing.T, s *lanes) {
		hold := make(chan struct{})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _ = s.do(t.Context(), ClassTrace, func() { <-hold }) })
		}
		synctest.Wait()
		if err := s.do(t.Context(), ClassCall, func() {}); err != nil {
			t.Error(err)
		}
		close(hold)
		all.Wait()
	})
}

func TestTurnsRunOut(t *testing.T) {
	withLanes(t, func(l *Limits) {
		l.Classes[ClassCall].WaitingMax, l.Classes[ClassRead] = 1, ClassLimits{RunningMax: 1, WaitingMax: 1}
		l.TurnTimeout = time.Second
	}, func(t *testing.T, s *lanes) {
		for _, class := range []Class{ClassCall, ClassRead} {
			hold := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() { _ = s.do(t.Context(), class, func() { <-hold }) })
			synctest.Wait()
			all.Go(func() {
				if err := s.do(t.Context(), class, func() { t.Error("ran after its time was over") }); err == nil || !strings.Contains(err.Message, "no turn") {
					t.Errorf("%s: got %v, want no turn in time", class, err)
				}
			})
			synctest.Wait()
			if err := s.do(t.Context(), class, func() {}); err == nil || err.Code != CodeLimit || !strings.Contains(err.Message, "2 requests of this kind") {
				t.Errorf("%s: got %v, want it refused at once", class, err)
			}
			time.Sleep(2 * time.Second) // of the bubble's clock
			close(hold)
			all.Wait()
		}
	})
}

// A caller that leaves takes its task with it, and one whose task has begun waits for it.
func TestCallerLeaves(t *testing.T) {
	withLanes(t, func(*Limits) {}, func(t *testing.T, s *lanes) {
		hold, ran := make(chan struct{}), false
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.do(ctx, ClassLogs, func() { <-hold; ran = true }); err != nil || !ran {
				t.Errorf("got %v, want the end of what had begun", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if err := s.do(ctx, ClassLogs, func() { t.Error("ran for nobody") }); err == nil || err.Code != CodeLimit {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		close(hold)
		all.Wait()
	})
}

// BenchmarkWakeUp measures how late a goroutine wakes that has to act every millisecond, as consensus does, while
// callers keep all slots of the heavy classes busy with work of 20 ms each.
func BenchmarkWakeUp(b *testing.B) {
	for _, load := range []bool{false, true} {
		b.Run(fmt.Sprintf("load=%t", load), func(b *testing.B) {
			l := DefaultLimits()
			s := newLanes(&l)
			ctx, stop := context.WithCancel(b.Context())
			var all sync.WaitGroup
			all.Go(func() { s.run(ctx) })
			for i := 0; load && i < 12; i++ {
				all.Go(func() {
					for ctx.Err() == nil {
						_ = s.do(ctx, ClassCall+Class(i)%3, func() { burn(20 * time.Millisecond) })
					}
				})
			}
			late := make([]time.Duration, 0, 1<<16)
			for b.Loop() {
				due := time.Now().Add(time.Millisecond)
				time.Sleep(time.Millisecond)
				late = append(late, time.Since(due))
			}
			stop()
			all.Wait()
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(slices.Max(late).Microseconds()), "max-µs")
		})
	}
}

// burn computes for a time.
func burn(d time.Duration) {
	x := uint64(1)
	for end := time.Now().Add(d); time.Now().Before(end); {
		for range 10_000 {
			x = x*6364136223846793005 + 1442695040888963407
		}
	}
	if x == 0 {
		panic("never")
	}
}
