package p2p

import "context"

// Source is what a node serves to its peers. Its methods are called by several goroutines at a time
// and answer ErrNotFound for what is not there; any other error is ours and the peer hears "busy".
type Source interface {
	// Height gives the height of the finalised head, which peers are told every two seconds.
	Height() uint64
	// Blocks gives up to count encoded blocks with their seals from height from on, in order and
	// without gaps; it stops before bytesMax is passed, but gives at least the first.
	Blocks(ctx context.Context, from uint64, count, bytesMax int) ([][]byte, error)
	// Block gives the encoded block with this hash: final, or known and not yet final.
	Block(ctx context.Context, hash [32]byte) ([]byte, error)
	// Certificate gives the certificate that key names; key and answer belong to the driver.
	Certificate(ctx context.Context, key []byte) ([]byte, error)
	// Blob gives the blob with this BLAKE3-256 id.
	Blob(ctx context.Context, id [32]byte) ([]byte, error)
}

// ObjectSource is what a node serves of objects, also to peers that have not shaken hands. Its methods are called by
// several goroutines at a time, answer from what is at hand, and ErrNotFound for what is not there.
type ObjectSource interface {
	// Find gives up to ObjectsFoundMax objects that hold the model with this id.
	Find(ctx context.Context, model [32]byte) ([]ObjectInfo, error)
	// Size gives the bytes of an object.
	Size(ctx context.Context, id [32]byte) (uint64, error)
	// Sums gives the sums of an object's groups, and its last group.
	Sums(ctx context.Context, id [32]byte) (ObjectSums, error)
	// Group gives the bytes of one group.
	Group(ctx context.Context, id [32]byte, index uint32) ([]byte, error)
}

// A Verdict says what becomes of a gossiped batch of transactions.
type Verdict uint8

const (
	Accept Verdict = iota + 1 // relay it
	Ignore                    // do not relay it, blame nobody: nonce, balance, full pool, already known
	Reject                    // do not relay it and blame the sender: undecodable or badly signed
)

// TxSink takes in transactions of others, already split into encoded transactions, and says whether
// the batch is relayed. It is called by several goroutines at a time.
type TxSink func(ctx context.Context, from Peer, txs [][]byte) Verdict

// VoteProver signs with the vote key, to show peers which validator this node is.
type VoteProver interface {
	VoteKey() [32]byte
	// Prove gives a BIP-340 signature over digest, which is domain-separated from votes.
	Prove(digest [32]byte) ([64]byte, error)
}
