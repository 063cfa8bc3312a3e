package objects

import (
	"context"

	"github.com/aiwork/aiwork-node/p2p"
)

// Peers is what Fetch needs of the network; p2p.Objects is one. See there for what the methods promise.
type Peers interface {
	Peers() []string
	Find(ctx context.Context, peer string, model [32]byte) ([]p2p.ObjectInfo, error)
	Size(ctx context.Context, peer string, object [32]byte) (uint64, error)
	Sums(ctx context.Context, peer string, object [32]byte) (p2p.ObjectSums, error)
	Groups(ctx context.Context, peer string, object [32]byte, first, count int, each func(i int, data []byte) error) error
	Punish(peer string, f p2p.Fault)
}
