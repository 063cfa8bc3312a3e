package chain

import (
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	// ExtensionVersion is the only version of the extension.
	ExtensionVersion = 1
	// ExtensionSize is the length of an encoded extension.
	ExtensionSize = 1 + 4 + 3*8 + 2 + 8 + 81 + 32
)

// Extension is what consensus adds to a header. The header binds it by its hash.
type Extension struct {
	Version     uint8
	ForkID      uint32
	Session     Session
	View        View
	ParentView  View   // of the parent block; 0 at the first height of a session
	Proposer    uint16 // index in the validator set
	TimeMs      uint64 // protocol time, grows with each block
	VRFProof    [81]byte
	NextSetRoot Hash // of the validator set of the next epoch; zero unless the epoch ends here
}

// Encode gives the fixed-width form.
func (e *Extension) Encode() []byte {
	w := codec.NewWriter(ExtensionSize)
	w.U8(e.Version)
	w.U32(e.ForkID)
	w.U64(uint64(e.Session))
	w.U64(uint64(e.View))
	w.U64(uint64(e.ParentView))
	w.U16(e.Proposer)
	w.U64(e.TimeMs)
	w.Fixed(e.VRFProof[:])
	w.Fixed(e.NextSetRoot[:])
	return w.Out()
}

// Hash gives the SHA-256 hash of Encode, which is the header's Extra.
func (e *Extension) Hash() Hash { return sha256.Sum256(e.Encode()) }

// DecodeExtension reads what Encode gave.
func DecodeExtension(b []byte) (*Extension, error) {
	r := codec.NewReader(b)
	e := &Extension{Version: r.U8()}
	if e.Version != ExtensionVersion {
		r.Fail(FaultVersion)
	}
	e.ForkID = r.U32()
	e.Session = Session(r.U64())
	e.View, e.ParentView = View(r.U64()), View(r.U64())
	e.Proposer = r.U16()
	e.TimeMs = r.U64()
	r.Fixed(e.VRFProof[:])
	r.Fixed(e.NextSetRoot[:])
	if err := r.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	return e, nil
}
