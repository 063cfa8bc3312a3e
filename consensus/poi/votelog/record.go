package votelog

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A Kind says what a record holds.
type Kind uint8

// The kinds of records. Values are stored and never reused.
const (
	Vote        Kind = iota + 1 // an own vote or proposal, as it is sent
	Block       Kind = 2        // a block body that an own vote or proposal names
	Certificate Kind = 3        // a certificate by which the owner advanced
	Resume      Kind = 4        // from Session on a lost log is good again
)

const (
	// PayloadMax bounds the payload of a record in bytes: a block of the largest size and its framing.
	PayloadMax = 4<<20 + 64<<10

	recordHead    = 1 + 8 + 8 + 1 + 4 // kind, session, view, vote kind, payload length
	recordSizeMax = recordHead + PayloadMax
)

// A Record is one fact. The log does not look into its payload.
type Record struct {
	Kind     Kind
	Session  chain.Session
	View     chain.View
	VoteKind chain.VoteKind // of a Vote or a Certificate; else 0
	Payload  []byte
}

func (r *Record) mark() Mark { return Mark{r.Session, r.View, r.VoteKind} }

func (r *Record) append(w *codec.Writer) {
	must.Hold(len(r.Payload) <= PayloadMax, "votelog: payload above its limit")
	must.Hold(r.fault() == nil, "votelog: record that would not be read back")
	w.U8(uint8(r.Kind))
	w.U64(uint64(r.Session))
	w.U64(uint64(r.View))
	w.U8(uint8(r.VoteKind))
	w.Bytes(r.Payload)
}

// decodeRecord reads the body of one frame. The payload shares memory with b.
func decodeRecord(b []byte) (Record, error) {
	r := codec.NewReader(b)
	rec := Record{
		Kind:     Kind(r.U8()),
		Session:  chain.Session(r.U64()),
		View:     chain.View(r.U64()),
		VoteKind: chain.VoteKind(r.U8()),
		Payload:  r.Bytes(PayloadMax),
	}
	if err := rec.fault(); err != nil {
		r.Fail(err)
	}
	return rec, r.End()
}

func (r *Record) fault() error {
	voteKind := r.VoteKind >= chain.VotePropose && r.VoteKind <= voteKindMax
	switch r.Kind {
	case Vote, Certificate:
		if voteKind {
			return nil
		}
	case Block, Resume:
		if r.VoteKind == 0 {
			return nil
		}
	}
	return codec.FaultValue
}

// voteKindMax is the highest kind of vote that is stored.
const voteKindMax = chain.VoteFinalize

// A Mark is the place of a vote in the order in which a validator may sign.
type Mark struct {
	Session  chain.Session
	View     chain.View
	VoteKind chain.VoteKind
}

// Less reports whether m stands before o. In one view a proposal stands before a notarize vote, and that
// before nullify and finalize, which exclude each other and so stand at one place.
func (m Mark) Less(o Mark) bool {
	if m.Session != o.Session {
		return m.Session < o.Session
	}
	if m.View != o.View {
		return m.View < o.View
	}
	return m.rank() < o.rank()
}

// rank maps propose, notarize, nullify, finalize to 1, 2, 3, 3.
func (m Mark) rank() chain.VoteKind { return min(m.VoteKind, 3) }
