package p2p

import "time"

// Limits of the protocol. Both sides know them: who goes beyond is at fault.
const (
	ProtocolVersion = 1 // of everything in this package; peers of another version are refused

	PayloadMax      = 5 << 20   // payload of one direct frame of any kind
	TxBytesMax      = 128 << 10 // one encoded transaction
	BatchTxsMax     = 256       // transactions in one batch
	BatchBytesMax   = 512 << 10 // encoded batch
	RangeBlocksMax  = 128       // blocks asked for at once
	RangeBytesMax   = 4 << 20   // encoded blocks in one answer, unless it is a single one
	BlobBytesMax    = 4 << 20   // one blob
	CertKeyBytesMax = 64        // key of a certificate request
	replyBytesMax   = 5 << 20   // whole answer to a request, with room for a full block and its seal
	requestBytesMax = 128       // whole request
	helloBytesMax   = 512       // whole hello
)

// Limits of this node. Changing one changes no other node.
const (
	validatorsMax       = 1024 // as certificates can name
	inboxFramesMax      = 64   // frames waiting for the reader of Consensus; full: the peers' streams wait
	outboxFramesMax     = 1024 // frames waiting for one peer; full: the oldest goes
	outboxBytesMax      = 16 << 20
	txIntakeMax         = 64 // forwarded batches waiting for the pool; full: the new one goes
	txWaitingMax        = 4096
	answersOpenMax      = 64  // requests of all peers that are served at a time; full: busy
	requestsOpenMax     = 16  // streams with a request of one peer that are served at a time
	validatorPeersMax   = 2   // peers that may stand for one validator at a time
	handshakesOpenMax   = 256 // that peers began, at most one each
	bansMax             = 4096
	gossipQueueMax      = 256
	writeChunkBytes     = 256 << 10 // small frames are joined up to this before a write
	readChunkBytes      = 64 << 10  // a larger frame is given room only as its bytes arrive
	handshakeTimeout    = 10 * time.Second
	dialTimeout         = 5 * time.Second
	frameTimeout        = 30 * time.Second // from a frame's first byte to its last
	writeTimeout        = 10 * time.Second
	requestTimeout      = 20 * time.Second
	redialMin           = 100 * time.Millisecond
	redialMax           = 5 * time.Second
	streamRetryInterval = 50 * time.Millisecond
	batchInterval       = 5 * time.Millisecond
	batchTxs            = 100
	banFirst            = 5 * time.Minute // doubles with each ban of the same peer
	banMax              = 24 * time.Hour
	banValidator        = 10 * time.Second // a validator is needed for finality
	scoreHalfLife       = 5 * time.Minute
	scoreBan            = 100
)

// timing holds the waits that tests shorten.
type timing struct {
	ping    time.Duration // between a node's own frames on an idle stream
	silence time.Duration // a direct stream without a frame for so long is dead
	flood   time.Duration // held back for so long without a break: a fault, and again each time
	refused time.Duration // before a dial after a refusal, which only an operator can mend
}

func usualTiming() timing {
	return timing{ping: 2 * time.Second, silence: 10 * time.Second, flood: time.Second, refused: 30 * time.Second}
}
