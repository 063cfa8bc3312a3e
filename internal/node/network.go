package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/consensus/poi/driver"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/blobs"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/p2p"
)

const inboxMax = 256 // frames between the network and the driver; full: the peers' streams wait

// driverNet is the network as the consensus driver needs it.
type driverNet struct {
	net   *p2p.Net
	inbox chan driver.Message
}

func newDriverNet(n *p2p.Net) *driverNet {
	return &driverNet{net: n, inbox: make(chan driver.Message, inboxMax)}
}

// run hands frames on until ctx ends.
func (d *driverNet) run(ctx context.Context) error {
	for {
		select {
		case m := <-d.net.Consensus():
			select {
			case d.inbox <- driver.Message{From: m.From.ID, Kind: m.Kind, Payload: m.Payload}:
			case <-ctx.Done():
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *driverNet) Inbox() <-chan driver.Message           { return d.inbox }
func (d *driverNet) Broadcast(kind byte, payload []byte)    { d.net.Broadcast(kind, payload) }
func (d *driverNet) Announce(kind byte, payload []byte)     { d.net.Relay(p2p.Peer{}, kind, payload) }
func (d *driverNet) ForwardTxs(v int, txs [][]byte) bool    { return d.net.ForwardTxs(v, txs) }
func (d *driverNet) SendTo(v int, kind byte, b []byte) bool { return d.net.SendTo(v, kind, b) }
func (d *driverNet) SendPeer(id string, kind byte, b []byte) bool {
	return d.net.SendPeer(id, kind, b)
}

// Punish translates the driver's fault into the network's.
func (d *driverNet) Punish(id string, f driver.Fault) {
	fault := p2p.FaultInvalid
	switch f {
	case driver.FaultDecode:
		fault = p2p.FaultDecode
	case driver.FaultSignature:
		fault = p2p.FaultSignature
	case driver.FaultBody, driver.FaultAnswer:
		fault = p2p.FaultAnswer
	}
	d.net.Punish(id, fault)
}

// driverPeers asks peers for blocks.
type driverPeers struct{ net *p2p.Net }

// Block asks one validator, or any peer.
func (p driverPeers) Block(ctx context.Context, validator int, hash chain.Hash) ([]byte, string, error) {
	id := ""
	for _, info := range p.net.Peers() {
		if info.Connected && validator >= 0 && info.Validator == validator {
			id = info.ID
		}
	}
	r, err := p.net.Request(ctx, id, p2p.AskBlock(hash))
	if err != nil {
		return nil, "", err
	}
	if len(r.Items) != 1 {
		return nil, r.From.ID, p2p.ErrNotFound
	}
	return r.Items[0], r.From.ID, nil
}

// Blocks asks a peer, or any, for sealed blocks.
func (p driverPeers) Blocks(ctx context.Context, peer string, from chain.Height, count int) ([][]byte, string, error) {
	r, err := p.net.Request(ctx, peer, p2p.AskBlocks(uint64(from), count))
	return r.Items, r.From.ID, err
}

// Height gives the highest height that a connected peer has told of.
func (p driverPeers) Height() (h chain.Height) {
	for _, info := range p.net.Peers() {
		if info.Connected {
			h = max(h, chain.Height(info.Height))
		}
	}
	return h
}

// source is what peers can ask this node for. The network answers handshakes as soon as it listens, before
// the driver that needs it can exist: until open is called, peers hear that the node is at height 0 and
// has nothing.
type source struct {
	parts atomic.Pointer[sourceParts]
}

type sourceParts struct {
	driver driver.Source
	blobs  *blobs.Store
}

func (s *source) open(d *driver.Driver, b *blobs.Store) { s.parts.Store(&sourceParts{d.Source(), b}) }

func notFound(err error) error {
	if errors.Is(err, driver.ErrUnknown) {
		return fmt.Errorf("%w: %w", p2p.ErrNotFound, err)
	}
	return err
}

func (s *source) Height() uint64 {
	if p := s.parts.Load(); p != nil {
		return uint64(p.driver.Height())
	}
	return 0
}

func (s *source) Blocks(ctx context.Context, from uint64, count, bytesMax int) ([][]byte, error) {
	p := s.parts.Load()
	if p == nil {
		return nil, p2p.ErrNotFound
	}
	items, err := p.driver.Blocks(ctx, chain.Height(from), count, bytesMax)
	return items, notFound(err)
}

func (s *source) Block(ctx context.Context, hash [32]byte) ([]byte, error) {
	p := s.parts.Load()
	if p == nil {
		return nil, p2p.ErrNotFound
	}
	b, err := p.driver.Block(ctx, hash)
	return b, notFound(err)
}

func (s *source) Certificate(ctx context.Context, key []byte) ([]byte, error) {
	p := s.parts.Load()
	if p == nil {
		return nil, p2p.ErrNotFound
	}
	b, err := p.driver.Certificate(ctx, key)
	return b, notFound(err)
}

func (s *source) Blob(ctx context.Context, id [32]byte) ([]byte, error) {
	p := s.parts.Load()
	if p == nil {
		return nil, p2p.ErrNotFound
	}
	return p.blobs.Blob(ctx, id)
}

// prover shows peers that this node holds its vote key.
type prover struct{ key secp.PrivateKey }

func (p prover) VoteKey() [32]byte { return p.key.Public().XOnly() }

func (p prover) Prove(digest [32]byte) ([64]byte, error) {
	var aux [32]byte
	_, _ = rand.Read(aux[:]) // never fails: see crypto/rand
	return secp.SignSchnorr(p.key, digest[:], aux), nil
}

func frameKinds() []p2p.Kind {
	var kinds []p2p.Kind
	for _, k := range driver.Kinds() {
		kinds = append(kinds, p2p.Kind{ID: k.ID, Name: k.Name, BytesMax: k.BytesMax, Public: k.Public})
	}
	return kinds
}
