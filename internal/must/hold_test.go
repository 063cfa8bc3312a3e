package must

import "testing"

// A broken invariant panics with a text that names it; a held one does nothing.
func TestHold(t *testing.T) {
	Hold(true, "never shown")
	defer func() {
		got, want := recover(), any("invariant broken: sealed view ahead of current")
		if got != want {
			t.Fatalf("panic value: got %v, want %v", got, want)
		}
	}()
	Hold(false, "sealed view ahead of current")
}
