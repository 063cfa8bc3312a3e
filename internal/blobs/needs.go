package blobs

import (
	"context"

	"github.com/aiwork/aiwork-node/p2p"
)

// Wanted says whether an open, funded job names a blob.
type Wanted interface {
	Wanted(id ID) bool
}

// Peers is what Fetch needs of the network; p2p.Net is one.
type Peers interface {
	Request(ctx context.Context, peer string, q p2p.Request) (p2p.Response, error)
	Punish(peer string, f p2p.Fault)
}
