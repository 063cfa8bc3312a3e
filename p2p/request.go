package p2p

// A Request asks one peer for one thing. Make it with the Ask functions.
type Request struct {
	kind   requestKind
	height uint64
	count  uint32
	hash   [32]byte
	key    []byte
}

type requestKind uint8

const (
	requestStatus requestKind = iota + 1
	requestBlocks
	requestBlock
	requestCertificate
	requestBlob
)

// AskStatus asks for the peer's finalised height.
func AskStatus() Request { return Request{kind: requestStatus} }

// AskBlocks asks for up to count (at most RangeBlocksMax) blocks with seals from a height on.
func AskBlocks(from uint64, count int) Request {
	return Request{kind: requestBlocks, height: from, count: uint32(min(max(count, 1), RangeBlocksMax))}
}

// AskBlock asks for the block with this hash.
func AskBlock(hash [32]byte) Request { return Request{kind: requestBlock, hash: hash} }

// AskCertificate asks for the certificate that key (at most CertKeyBytesMax bytes) names.
func AskCertificate(key []byte) Request { return Request{kind: requestCertificate, key: key} }

// AskBlob asks for the blob with this id.
func AskBlob(id [32]byte) Request { return Request{kind: requestBlob, hash: id} }

// A Response is a peer's answer. Nothing in it has been checked but its size.
type Response struct {
	From   Peer
	Height uint64   // answer to AskStatus
	Items  [][]byte // answer to the others: one item, or the blocks in order
}
