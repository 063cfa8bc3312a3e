package node

// Peers shake hands as soon as the network listens, which is before the driver exists.

import (
	"errors"
	"testing"

	"github.com/aiwork/aiwork-node/p2p"
)

func TestSourceBeforeTheDriver(t *testing.T) {
	s, ctx := &source{}, t.Context()
	if h := s.Height(); h != 0 {
		t.Errorf("height: got %d, want 0", h)
	}
	_, err1 := s.Blocks(ctx, 1, 1, 1)
	_, err2 := s.Block(ctx, [32]byte{})
	_, err3 := s.Certificate(ctx, nil)
	_, err4 := s.Blob(ctx, [32]byte{})
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, p2p.ErrNotFound) {
			t.Errorf("request %d: got %v, want not found", i+1, err)
		}
	}
}
