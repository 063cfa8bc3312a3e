package p2p

import "errors"

// A Fault is what a peer has done wrong. Values are never reused. Consumers report those that only
// they can see with Net.Punish. What our own disk, memory or clock caused is never a fault.
type Fault uint8

const (
	FaultFrame      Fault = iota + 1 // a frame or message breaks the form of this package
	FaultOversize                    // longer than its kind allows
	FaultKind                        // a kind that does not exist or is not for this peer
	FaultDecode                      // a payload that its consumer could not decode
	FaultSignature                   // a signature or proof that does not hold
	FaultInvalid                     // well formed and signed, but breaks the rules: a bad block or certificate
	FaultAnswer                      // an answer that is not what was asked for
	FaultFlood                       // far more than its share
	FaultHandshake                   // breaks the handshake or proves a key it does not hold
	FaultEquivocate                  // signed two things that exclude each other
)

var faults = [...]struct {
	text   string
	weight int
}{
	FaultFrame:      {"malformed frame", 50},
	FaultOversize:   {"oversize frame", 50},
	FaultKind:       {"frame of a kind it may not send", 25},
	FaultDecode:     {"undecodable payload", 25},
	FaultSignature:  {"bad signature", 34},
	FaultInvalid:    {"breaks the rules of the chain", 100},
	FaultAnswer:     {"wrong answer to a request", 25},
	FaultFlood:      {"flood", 34},
	FaultHandshake:  {"broken handshake", 50},
	FaultEquivocate: {"equivocation", 0}, // the chain punishes it; a validator stays reachable
}

func (f Fault) Error() string { return "p2p: peer: " + faults[f].text }

// Answers that are no faults.
var (
	ErrNotFound = errors.New("p2p: not found")
	ErrBusy     = errors.New("p2p: the peer is busy")
	ErrNoPeer   = errors.New("p2p: no connected peer: add one with --peer or wait for it to come back")
	ErrClosed   = errors.New("p2p: closed")
)
