package rpc

import "time"

// Limits bound what callers can make the server do. The zero value is not useful: see DefaultLimits.
type Limits struct {
	BodyBytesMax      int64         // of one HTTP body or WebSocket message
	BatchItemsMax     int           // requests in one batch
	ReplyBytesMax     int           // of a whole batch's answers
	CallTimeout       time.Duration // of one method
	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // of one HTTP request, so that slow senders hold nothing for long
	WriteTimeout      time.Duration // from a request's head to the last byte of its answer
	IdleTimeout       time.Duration
	HeaderBytesMax    int
	ConnectionsMax    int     // open sockets, both kinds
	SocketsMax        int     // of them WebSockets
	SubscriptionsMax  int     // on one WebSocket
	SocketQueueMax    int     // messages waiting for a slow reader before it is cut off
	CallsMax          int     // methods running at once
	CallsWaitingMax   int     // methods waiting for their turn, over all callers
	CostPerSecond     float64 // budget of one remote address; a plain read costs 1
	CostBurst         float64
	ClientsMax        int // remote addresses remembered by the rate limit
}

// DefaultLimits are generous to a wallet and tight to a flood. A loopback caller has no rate limit:
// he shares the machine anyway, and load generators and explorers run there.
func DefaultLimits() Limits {
	return Limits{
		BodyBytesMax:      6 << 20, // a 4 MiB blob in base64 and its frame
		BatchItemsMax:     1000,
		ReplyBytesMax:     25 << 20,
		CallTimeout:       10 * time.Second,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		HeaderBytesMax:    16 << 10,
		ConnectionsMax:    1024,
		SocketsMax:        256,
		SubscriptionsMax:  64,
		SocketQueueMax:    1024,
		CallsMax:          8,
		CallsWaitingMax:   1024,
		CostPerSecond:     500,
		CostBurst:         2000,
		ClientsMax:        4096,
	}
}

// Class says which slots a method takes, so that one kind of work cannot starve another.
type Class uint8

// The classes. A method that says nothing reads.
const (
	ClassRead  Class = iota // look-ups by key
	ClassCall               // runs code once or some times
	ClassTrace              // runs whole blocks, with a tracer
	ClassLogs               // searches ranges of blocks
	ClassSend               // hands something to the node
	ClassWait               // waits for the chain more than it computes
)
