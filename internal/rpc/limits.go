package rpc

import (
	"runtime"
	"time"
)

// Class says which slots a method takes, so that one kind of work cannot starve another.
type Class uint8

// The classes. A method that says nothing reads.
const (
	ClassRead  Class = iota // look-ups by key
	ClassSend               // hands something to the node
	ClassWait               // waits for the chain more than it computes
	ClassCall               // runs code once or some times
	ClassTrace              // runs whole blocks, with a tracer
	ClassLogs               // searches ranges of blocks
	classes
)

// heavy reports whether the class computes so much that it is kept to threads of low priority.
func (c Class) heavy() bool { return c >= ClassCall }

func (c Class) String() string {
	return [classes]string{"read", "send", "wait", "call", "trace", "logs"}[c]
}

// ClassLimits bound the methods of a class, over all callers.
type ClassLimits struct {
	RunningMax int // at once; of a heavy class, as far as there are threads
	WaitingMax int // for their turn; more are refused
	Timeout    time.Duration
}

// Limits bound what callers can make the server do. The zero value is not useful: see DefaultLimits.
type Limits struct {
	BodyBytesMax      int64 // of one HTTP body or WebSocket message
	BatchItemsMax     int   // requests in one batch
	ReplyBytesMax     int   // of a whole batch's answers
	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // of one HTTP request, so that slow senders hold nothing for long
	WriteTimeout      time.Duration // from a request's head to the last byte of its answer
	IdleTimeout       time.Duration
	HeaderBytesMax    int
	ConnectionsMax    int   // open sockets, both kinds
	SocketsMax        int   // of them WebSockets
	SubscriptionsMax  int   // on one WebSocket
	SocketQueueMax    int   // messages waiting for a slow reader before it is cut off
	SocketBytesMax    int   // bytes of them, unless it is one alone
	MemoryBytesMax    int64 // of all bodies and answers at once

	Classes         [classes]ClassLimits
	TurnTimeout     time.Duration // of waiting for one's turn
	HeavyThreadsMax int           // threads of heavy classes together, all of low priority

	CostPerSecond float64 // budget of one remote address; a plain read costs 1
	CostBurst     float64
	ClientsMax    int // remote addresses remembered by the rate limit
}

// DefaultLimits are generous to a wallet and tight to a flood. A loopback caller has no rate limit:
// he shares the machine anyway, and load generators and explorers run there.
func DefaultLimits() Limits {
	return Limits{
		BodyBytesMax:      6 << 20, // a 4 MiB blob in base64 and its frame
		BatchItemsMax:     1000,
		ReplyBytesMax:     25 << 20,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		HeaderBytesMax:    16 << 10,
		ConnectionsMax:    1024,
		SocketsMax:        256,
		SubscriptionsMax:  64,
		SocketQueueMax:    1024,
		SocketBytesMax:    8 << 20,
		MemoryBytesMax:    128 << 20,

		Classes: [classes]ClassLimits{
			ClassRead:  {RunningMax: 8, WaitingMax: 1024, Timeout: 10 * time.Second},
			ClassSend:  {RunningMax: 4, WaitingMax: 1024, Timeout: 10 * time.Second},
			ClassWait:  {RunningMax: 1024, WaitingMax: 0, Timeout: 10 * time.Second},
			ClassCall:  {RunningMax: heavyShare(), WaitingMax: 256, Timeout: 5 * time.Second},
			ClassTrace: {RunningMax: heavyShare(), WaitingMax: 32, Timeout: 20 * time.Second},
			ClassLogs:  {RunningMax: heavyShare(), WaitingMax: 64, Timeout: 2 * time.Second},
		},
		TurnTimeout:     10 * time.Second,
		HeavyThreadsMax: heavyThreads(),

		CostPerSecond: 500,
		CostBurst:     2000,
		ClientsMax:    4096,
	}
}

// heavyThreads leaves a processor to consensus, if there are two.
func heavyThreads() int { return max(1, runtime.NumCPU()-1) }

// heavyShare leaves a thread to the other heavy classes, if there are two.
func heavyShare() int { return max(1, heavyThreads()-1) }
