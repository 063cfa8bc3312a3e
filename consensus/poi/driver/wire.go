package driver

import (
	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Kinds of frames. Values are part of the protocol between nodes and never reused.
const (
	KindProposal    = 1 // a proposal, when first sent with the body of its block
	KindVote        = 2
	KindCertificate = 3
	KindStatus      = 4 // where a validator stands
	KindFetchCert   = 5 // asks for certificates of a view
	KindAnnounce    = 6 // a new final block, to those who follow
)

// A KindInfo describes one kind of frame for the network.
type KindInfo struct {
	ID       byte
	Name     string
	BytesMax int
	Public   bool // sent to peers that are no validators
}

// Kinds lists all kinds of frames.
func Kinds() []KindInfo {
	return []KindInfo{
		{KindProposal, "proposal", chain.ProposalSize + 4 + chain.BlockSizeMax, false},
		{KindVote, "vote", chain.VoteSize, false},
		{KindCertificate, "certificate", chain.CertificateSizeMax, false},
		{KindStatus, "status", statusSize, false},
		{KindFetchCert, "fetch_cert", fetchCertSize, false},
		{KindAnnounce, "announce", announceSize, true},
	}
}

const (
	statusSize    = 3 * 8
	fetchCertSize = 2*8 + 1
	announceSize  = 8 + 32
	fetchKinds    = 1<<chain.VoteNotarize | 1<<chain.VoteNullify | 1<<chain.VoteFinalize
)

// announcement says that a block is final.
type announcement struct {
	height chain.Height
	hash   chain.Hash
}

// frame is a decoded message: msg, or an announcement. The body is not decoded yet.
type frame struct {
	msg      poi.Message
	body     []byte
	announce *announcement
}

// encodeFrame gives the kind and payload of a message. The body goes with a proposal and may be nil.
func encodeFrame(m poi.Message, body []byte) (kind byte, payload []byte) {
	switch {
	case m.Proposal != nil:
		w := codec.NewWriter(chain.ProposalSize + 4 + len(body))
		w.Fixed(m.Proposal.Encode())
		w.Bytes(body)
		return KindProposal, w.Out()
	case m.Vote != nil:
		return KindVote, m.Vote.Encode()
	case m.Certificate != nil:
		return KindCertificate, m.Certificate.Encode()
	case m.Status != nil:
		w := codec.NewWriter(statusSize)
		w.U64(uint64(m.Status.Session))
		w.U64(uint64(m.Status.View))
		w.U64(uint64(m.Status.Height))
		return KindStatus, w.Out()
	}
	return KindFetchCert, encodeFetchCert(*m.FetchCert)
}

func encodeFetchCert(f poi.FetchCert) []byte {
	w := codec.NewWriter(fetchCertSize)
	w.U64(uint64(f.Session))
	w.U64(uint64(f.View))
	w.U8(uint8(f.Kinds))
	return w.Out()
}

func (a *announcement) encode() []byte {
	w := codec.NewWriter(announceSize)
	w.U64(uint64(a.height))
	w.Fixed(a.hash[:])
	return w.Out()
}

// decodeFrame reads a payload of a kind. It checks the form only.
func decodeFrame(kind byte, payload []byte) (f frame, err error) {
	r := codec.NewReader(payload)
	switch kind {
	case KindProposal:
		var head [chain.ProposalSize]byte
		r.Fixed(head[:])
		f.body = r.Bytes(chain.BlockSizeMax)
		if err := r.End(); err != nil {
			return frame{}, err
		}
		f.msg.Proposal, err = chain.DecodeProposal(head[:])
	case KindVote:
		f.msg.Vote, err = chain.DecodeVote(payload)
		if err == nil && f.msg.Vote.Kind == chain.VotePropose {
			err = chain.FaultKind
		}
	case KindCertificate:
		f.msg.Certificate, err = chain.DecodeCertificate(payload)
	case KindStatus:
		f.msg.Status = &poi.Status{
			Session: chain.Session(r.U64()), View: chain.View(r.U64()), Height: chain.Height(r.U64()),
		}
		err = r.End()
	case KindFetchCert:
		f.msg.FetchCert, err = decodeFetchCert(payload)
	case KindAnnounce:
		f.announce = &announcement{height: chain.Height(r.U64())}
		r.Fixed(f.announce.hash[:])
		err = r.End()
	default:
		err = FaultDecode
	}
	if err != nil {
		return frame{}, err
	}
	return f, nil
}

func decodeFetchCert(b []byte) (*poi.FetchCert, error) {
	r := codec.NewReader(b)
	f := &poi.FetchCert{
		Session: chain.Session(r.U64()), View: chain.View(r.U64()), Kinds: poi.KindMask(r.U8()),
	}
	if r.Err() == nil && (f.Kinds == 0 || f.Kinds&^fetchKinds != 0) {
		r.Fail(codec.FaultValue)
	}
	return f, r.End()
}

// A SealedBlock is a final block with the proof of it, as nodes give them to each other.
type SealedBlock struct {
	Block *chain.Block
	Seal  *chain.Seal
}

// SealedBlockSizeMax bounds the encoded form.
const SealedBlockSizeMax = 4 + chain.BlockSizeMax + 4 + chain.SealSizeMax

// Encode gives the block and the seal, each after its length.
func (s *SealedBlock) Encode() []byte {
	block, seal := s.Block.Encode(), s.Seal.Encode()
	w := codec.NewWriter(8 + len(block) + len(seal))
	w.Bytes(block)
	w.Bytes(seal)
	return w.Out()
}

// DecodeSealedBlock reads what Encode gave. Only the form is checked.
func DecodeSealedBlock(b []byte) (*SealedBlock, error) {
	r := codec.NewReader(b)
	block, seal := r.Bytes(chain.BlockSizeMax), r.Bytes(chain.SealSizeMax)
	if err := r.End(); err != nil {
		return nil, err
	}
	out := new(SealedBlock)
	var err error
	if out.Block, err = chain.DecodeBlock(block); err != nil {
		return nil, err
	}
	if out.Seal, err = chain.DecodeSeal(seal); err != nil {
		return nil, err
	}
	return out, nil
}
