package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// weight is a model that takes so much memory until it is closed.
type weight struct {
	bytes uint64
	held  *uint64
}

func (w *weight) Run(context.Context, []byte) ([]byte, error)           { return nil, nil }
func (w *weight) Follows(context.Context, []byte, []byte) (bool, error) { return false, nil }
func (w *weight) Close()                                                { *w.held -= w.bytes }

func (w *weight) Settle() bool { return false }

// Models that do not fit into half of the memory go, those used longest ago first, but never the one used last.
func TestModelsAreDroppedForRoom(t *testing.T) {
	for _, c := range []struct {
		ceiling uint64
		sizes   []uint64
		want    []int // that stay
	}{
		{100, []uint64{10, 10, 10}, []int{0, 1, 2}},
		{100, []uint64{20, 20, 20}, []int{1, 2}},
		{100, []uint64{40, 5, 5, 40}, []int{1, 2, 3}},
		{100, []uint64{10, 10, 90}, []int{2}},
		{0, []uint64{1 << 40, 1 << 40}, []int{0, 1}}, // no ceiling
	} {
		held := uint64(0)
		s := &shop{memoryBytes: c.ceiling, ready: map[chain.Hash]runnable{}}
		for i, n := range c.sizes {
			held += n
			id := chain.Hash{byte(i)}
			s.ready[id], s.order = &weight{n, &held}, append(s.order, id)
			if i == len(c.sizes)-1 {
				s.makeRoom(func() uint64 { return held })
			}
		}
		var got []int
		for _, id := range s.order {
			got = append(got, int(id[0]))
		}
		if !slices.Equal(got, c.want) || len(s.ready) != len(got) {
			t.Errorf("%s: got %v, %d ready, want %v", fmt.Sprint(c.sizes), got, len(s.ready), c.want)
		}
	}
}
