package p2p

import "time"

// NoValidator is the Validator of a peer that is none.
const NoValidator = -1

// Kinds of direct frames that are the package's own.
const (
	kindOwn  = 0xF0 // from here on
	kindPing = 0xF0 // the sender's height, every two seconds
	kindTxs  = 0xF1 // a batch of transactions for a leader (rule 3)
)

// A Peer names who sent something. It is a value: a peer that reconnects has the same ID.
type Peer struct {
	ID        string // base58 of the identity key's hash
	Validator int    // index in the validator set, or NoValidator
}

// A Message is one direct frame from a peer. The payload belongs to the receiver.
type Message struct {
	From    Peer
	Kind    byte
	Payload []byte
}

// PeerInfo describes a peer at one moment, for RPC and status.
type PeerInfo struct {
	Peer
	Connected bool      // the handshake was passed and the connection stands
	Static    bool      // from the list in the options
	Address   string    // multiaddr of the connection, or the one that is dialled
	Inbound   bool      // the peer dialled us
	Listens   []string  // multiaddrs at which the peer says that it can be dialled
	Height    uint64    // its finalised height as last heard
	Since     time.Time // of the connection
	Score     int       // faults, fading with time; at 100 the peer is banned
	Dropped   uint64    // frames for it that its full queue lost
	LastError string    // why a static peer is not connected
}
