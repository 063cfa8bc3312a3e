package driver

import "time"

// Limits of this node. Changing one changes no other node.
const (
	turnEventsMax   = 64       // events that share one turn, and so one sync of the log
	inQueueMax      = 256      // messages waiting for one intake worker; full: the network waits
	eventsMax       = 256      // checked events waiting for the loop; full: those who bring them wait
	verifiedMax     = 8192     // votes whose signature is remembered as good
	parsedKeysMax   = 4 * 1024 // vote keys kept in parsed form
	bodiesMax       = 512      // bodies held
	bodiesBytesMax  = 256 << 20
	pushedPerView   = 2    // bodies taken with proposals of one view
	fetchesMax      = 16   // bodies asked for at a time
	peersMax        = 4096 // peers that have a number
	evidenceMax     = 64   // provable faults kept
	forwardTxsMax   = 256  // transactions forwarded to a leader at a time
	forwardBytesMax = 256 << 10
	committedKept   = 4               // bodies kept after their commit, to know which transactions are gone from the pool
	syncBlocksMax   = 128             // blocks asked for at a time
	logSizeSoft     = 32 << 20        // beyond this the log is pruned in the middle of a session
	skippedFor      = 2 * time.Second // a transaction that could not be built in is no work for so long

	fetchTimeout  = 2 * time.Second
	syncTimeout   = 20 * time.Second
	houseInterval = 500 * time.Millisecond // between looks at peers' heights
	diskInterval  = 5 * time.Second
)

const (
	// DiskFreeMin is the free space below which nothing is signed (rule 38).
	DiskFreeMin  = 1 << 30
	diskFreeBack = DiskFreeMin + DiskFreeMin/4 // space from which on signing goes on
)
