package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// helloProtocol names no chain, so that nodes of different chains can tell each other so.
const helloProtocol protocol.ID = "/aiwork/hello/1"

const proofTag = "aiwork/peer/1"

// A Refusal says why a node does not want a peer. Values are part of the protocol, never reused.
type Refusal uint8

const (
	accepted       Refusal = 0
	RefusedVersion Refusal = iota // speaks another version of the peer protocol
	RefusedChain                  // another chain id
	RefusedGenesis                // another genesis block
	RefusedFork                   // another table of forks
	RefusedProof                  // its proof of a vote key does not hold
	RefusedFull                   // no room for another peer
	RefusedTwins                  // enough peers stand for this validator already
	refusalsEnd
)

var refusalTexts = [...]string{
	RefusedVersion: "wrong protocol version",
	RefusedChain:   "wrong chain id",
	RefusedGenesis: "wrong genesis",
	RefusedFork:    "wrong fork table",
	RefusedProof:   "bad proof of the validator key",
	RefusedFull:    "no room for another peer",
	RefusedTwins:   "another node already stands for this validator",
}

// Error gives the reason in words.
func (r Refusal) Error() string { return refusalTexts[r] }

// A RefusedError tells an operator why two nodes do not talk.
type RefusedError struct {
	Reason       Refusal
	ByPeer       bool   // the peer refused us; otherwise we refused it
	Ours, Theirs string // what differs, "" when nothing is compared
}

func (e *RefusedError) Error() string {
	who := "refused the peer"
	if e.ByPeer {
		who = "refused by the peer"
	}
	if e.Ours == "" {
		return who + ": " + e.Reason.Error()
	}
	return fmt.Sprintf("%s: %s: ours %s, theirs %s", who, e.Reason.Error(), e.Ours, e.Theirs)
}

// Unwrap lets errors.Is find the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

// A hello is what either side says first.
type hello struct {
	version  uint16
	chainID  uint64
	genesis  [32]byte
	forkID   uint32
	height   uint64
	hasProof bool
	voteKey  [32]byte
	proof    [64]byte
}

func (h *hello) encode() []byte {
	w := codec.NewWriter(helloBytesMax)
	w.U16(h.version)
	w.U64(h.chainID)
	w.Fixed(h.genesis[:])
	w.U32(h.forkID)
	w.U64(h.height)
	w.Bool(h.hasProof)
	if h.hasProof {
		w.Fixed(h.voteKey[:])
		w.Fixed(h.proof[:])
	}
	return w.Out()
}

// decodeHello reads the version alone when it is not ours: what follows may have another form.
func decodeHello(b []byte) (hello, error) {
	var h hello
	r := codec.NewReader(b)
	h.version = r.U16()
	if r.Err() == nil && h.version != ProtocolVersion {
		return h, nil
	}
	h.chainID = r.U64()
	r.Fixed(h.genesis[:])
	h.forkID = r.U32()
	h.height = r.U64()
	h.hasProof = r.Bool()
	if h.hasProof {
		r.Fixed(h.voteKey[:])
		r.Fixed(h.proof[:])
	}
	return h, r.End()
}

func decodeVerdict(b []byte) (Refusal, error) {
	r := codec.NewReader(b)
	v := Refusal(r.U8())
	if r.Err() == nil && v >= refusalsEnd {
		r.Fail(FaultHandshake)
	}
	return v, r.End()
}

// proofDigest binds a vote key to the signer's identity, to the one peer it is shown to and to the
// chain, so that it is worth nothing anywhere else. The tag keeps it apart from votes.
func proofDigest(genesis [32]byte, signer, verifier peer.ID) [32]byte {
	w := codec.NewWriter(160)
	w.U16(uint16(len(proofTag)))
	w.Fixed([]byte(proofTag))
	w.Fixed(genesis[:])
	w.Bytes([]byte(signer))
	w.Bytes([]byte(verifier))
	return sha256.Sum256(w.Out())
}

func (n *Net) hello(to peer.ID) (hello, error) {
	h := hello{
		version: ProtocolVersion,
		chainID: n.opt.ChainID,
		genesis: n.opt.Genesis,
		forkID:  n.opt.ForkID,
		height:  n.opt.Source.Height(),
	}
	if n.opt.Prover == nil {
		return h, nil
	}
	proof, err := n.opt.Prover.Prove(proofDigest(n.opt.Genesis, n.opt.Identity.id, to))
	if err != nil {
		return h, fmt.Errorf("proof of the validator key: %w", err)
	}
	h.hasProof, h.voteKey, h.proof = true, n.opt.Prover.VoteKey(), proof
	return h, nil
}

// judge says what a hello shows by itself. What depends on our other peers is up to the table.
func (n *Net) judge(from peer.ID, h *hello) *RefusedError {
	differ := func(r Refusal, ours, theirs any) *RefusedError {
		return &RefusedError{Reason: r, Ours: fmt.Sprint(ours), Theirs: fmt.Sprint(theirs)}
	}
	switch {
	case h.version != ProtocolVersion:
		return differ(RefusedVersion, ProtocolVersion, h.version)
	case h.genesis != n.opt.Genesis:
		return differ(RefusedGenesis, hex0x(n.opt.Genesis[:]), hex0x(h.genesis[:]))
	case h.chainID != n.opt.ChainID:
		return differ(RefusedChain, n.opt.ChainID, h.chainID)
	case h.forkID != n.opt.ForkID:
		return differ(RefusedFork, fmt.Sprintf("%08x", n.opt.ForkID), fmt.Sprintf("%08x", h.forkID))
	}
	if h.hasProof {
		digest := proofDigest(n.opt.Genesis, from, n.opt.Identity.id)
		if secp.VerifySchnorr(h.voteKey, digest[:], h.proof) != nil {
			return &RefusedError{Reason: RefusedProof}
		}
	}
	return nil
}

// blame turns the refusal that a peer sent into an error; its hello tells what differs.
func (n *Net) blame(r Refusal, h *hello) error {
	e := &RefusedError{Reason: r, ByPeer: true}
	switch r {
	case RefusedGenesis:
		e.Ours, e.Theirs = hex0x(n.opt.Genesis[:]), hex0x(h.genesis[:])
	case RefusedChain:
		e.Ours, e.Theirs = fmt.Sprint(n.opt.ChainID), fmt.Sprint(h.chainID)
	}
	return e
}

// greet runs the handshake as the dialler: hello, hello, verdict, verdict. The listener enters the
// peer in its table before it sends its verdict, so that it knows us when we open the next stream.
func (n *Net) greet(ctx context.Context, id peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	s, err := n.host.NewStream(network.WithNoDial(ctx, "greet"), id, helloProtocol)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	defer stop()
	theirs, err := n.exchange(s, id)
	if err != nil {
		return err
	}
	ours := n.judge(id, &theirs)
	if err := sendVerdict(s, ours); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	answer, err := readVerdict(s)
	switch {
	case ours != nil:
		return n.refuse(id, ours)
	case err != nil:
		return n.broken(id, err)
	case answer != accepted:
		return n.blame(answer, &theirs)
	}
	return n.admit(id, &theirs, s.Conn())
}

// answer runs the handshake as the listener.
func (n *Net) answer(s network.Stream) {
	defer s.Reset()
	id := s.Conn().RemotePeer()
	if err := s.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return
	}
	if err := n.receive(s, id); err != nil {
		n.metrics.refused(err)
		n.log.Debug("peer not taken", "peer", id, "err", err)
		n.drop(id)
	}
}

func (n *Net) receive(s network.Stream, id peer.ID) error {
	theirs, err := n.exchange(s, id)
	if err != nil {
		return err
	}
	ours := n.judge(id, &theirs)
	if ours != nil {
		err := sendVerdict(s, ours)
		if err == nil {
			_, err = readVerdict(s)
			awaitEnd(s) // so that ours is not lost with the connection
		}
		return errors.Join(n.refuse(id, ours), err)
	}
	answer, err := readVerdict(s)
	if err != nil {
		return n.broken(id, err)
	}
	if answer != accepted {
		return n.blame(answer, &theirs)
	}
	if err := n.admit(id, &theirs, s.Conn()); err != nil {
		var refused *RefusedError
		if errors.As(err, &refused) {
			_ = sendVerdict(s, refused)
			_ = s.CloseWrite()
			awaitEnd(s)
		}
		return err
	}
	if err := sendVerdict(s, nil); err != nil {
		return err
	}
	_ = s.CloseWrite()
	awaitEnd(s)
	return nil
}

// exchange sends our hello and reads the peer's.
func (n *Net) exchange(s network.Stream, id peer.ID) (hello, error) {
	mine, err := n.hello(id)
	if err != nil {
		return hello{}, err
	}
	if err := writeFrame(s, mine.encode()); err != nil {
		return hello{}, fmt.Errorf("handshake: %w", err)
	}
	b, err := readFrame(s, helloBytesMax)
	if err != nil {
		return hello{}, n.broken(id, err)
	}
	theirs, err := decodeHello(b)
	if err != nil {
		n.punish(id, FaultHandshake)
		return hello{}, fmt.Errorf("handshake: %w", err)
	}
	return theirs, nil
}

// broken blames the peer for what it sent, not for a connection that broke.
func (n *Net) broken(id peer.ID, err error) error {
	var f Fault
	if errors.As(err, &f) || errors.As(err, new(codec.Fault)) {
		n.punish(id, FaultHandshake)
	}
	return fmt.Errorf("handshake: %w", err)
}

func (n *Net) refuse(id peer.ID, e *RefusedError) error {
	if e.Reason == RefusedProof {
		n.punish(id, FaultHandshake)
	}
	return e
}

func sendVerdict(s network.Stream, e *RefusedError) error {
	v := accepted
	if e != nil {
		v = e.Reason
	}
	return writeFrame(s, []byte{byte(v)})
}

func readVerdict(s network.Stream) (Refusal, error) {
	b, err := readFrame(s, 1)
	if err != nil {
		return 0, err
	}
	return decodeVerdict(b)
}

// awaitEnd waits until the peer has read everything and closes, or the stream's deadline passes.
func awaitEnd(s network.Stream) {
	var b [1]byte
	_, _ = s.Read(b[:])
}
