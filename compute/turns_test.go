package compute

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
)

// Places go by deadline, then by who asked first; one who gives up waiting loses none.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(2)
		for range 2 {
			if err := turns.take(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		got := make(chan int, 5)
		ask := func(ctx context.Context, name int, deadline uint64) {
			go func() {
				if turns.take(ctx, deadline) == nil {
					got <- name
				}
			}()
			synctest.Wait()
		}
		impatient, cancel := context.WithCancel(t.Context())
		ask(t.Context(), 1, 50)
		ask(t.Context(), 2, 20)
		ask(t.Context(), 3, 20)
		ask(impatient, 4, 10)
		cancel()
		synctest.Wait()
		for range 3 {
			turns.leave()
			synctest.Wait()
		}
		close(got)
		var order []int
		for name := range got {
			order = append(order, name)
		}
		if want := []int{2, 3, 1}; !slices.Equal(order, want) {
			t.Errorf("order: got %v, want %v", order, want)
		}
		turns.leave()
		turns.leave()
		if turns.free != 2 || len(turns.waiting) != 0 {
			t.Errorf("got %d free and %d waiting, want 2 and none", turns.free, len(turns.waiting))
		}
	})
}
