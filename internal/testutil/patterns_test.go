package testutil

import (
	"sync"
	"testing"
)

// Every pattern comes once, whatever the stride; after a false answer no more are handed out than the processors had taken.
func TestPatterns(t *testing.T) {
	const stride = 65_521
	var mu sync.Mutex
	seen := map[uint32]int{}
	Patterns(stride, func(list []uint32) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, b := range list {
			seen[b]++
		}
		return true
	})
	n := 0
	for b := uint64(0); b < 1<<32; b += stride {
		if n++; seen[uint32(b)] != 1 {
			t.Fatalf("pattern %08x: came %d times, want once", b, seen[uint32(b)])
		}
	}
	if len(seen) != n {
		t.Errorf("got %d patterns, want %d", len(seen), n)
	}
	lists := 0
	Patterns(1, func([]uint32) bool {
		mu.Lock()
		defer mu.Unlock()
		lists++
		return false
	})
	if lists == 0 || lists > 1<<10 {
		t.Errorf("lists after the first false answer: got %d, want hardly more than one", lists)
	}
}
