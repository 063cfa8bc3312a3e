package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// stub stands in for signatures: a digest of key and content. Nobody in a world signs with a key that is
// not his, so it need not be hard to forge.
type stub struct{ key [32]byte }

func (s stub) Sign(v *chain.Vote) { v.Sig = stubSignature(s.key, v) }

func (s stub) VerifyVote(set *poi.Set, v *chain.Vote) bool {
	return v.Sig == stubSignature(set.Member(v.Signer).Key, v)
}

func (s stub) VerifyCertificate(set *poi.Set, c *chain.Certificate) bool {
	next := 0
	for i := range set.Len() {
		if c.Has(i) {
			v := chain.Vote{
				Kind: c.Kind, Session: c.Session, View: c.View, ParentView: c.ParentView, BlockHash: c.BlockHash,
				Signer: uint16(i), Sig: c.Sigs[next],
			}
			if !s.VerifyVote(set, &v) {
				return false
			}
			next++
		}
	}
	return next == len(c.Sigs)
}

// stubSignature mixes the fields; speed matters, for most of a run is signatures.
func stubSignature(key [32]byte, v *chain.Vote) (sig [64]byte) {
	const prime = 0x9E3779B97F4A7C15
	h := binary.BigEndian.Uint64(key[:])
	mix := func(x uint64) {
		h = (h ^ x) * prime
		h ^= h >> 29
	}
	mix(uint64(v.Kind))
	mix(uint64(v.Session))
	mix(uint64(v.View))
	mix(uint64(v.ParentView))
	for i := 0; i < 32; i += 8 {
		mix(binary.BigEndian.Uint64(v.BlockHash[i:]))
	}
	binary.BigEndian.PutUint64(sig[:], h)
	return sig
}

// makeKeys gives each validator a key and what signs with it.
func (w *world) makeKeys() {
	for i := range w.p.nodes {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("aiwork/sim/key"), uint64(i)))
		if !w.cfg.RealSignatures {
			w.keys = append(w.keys, seed)
			w.signers = append(w.signers, stub{key: seed})
			continue
		}
		key, err := secp.ParsePrivateKey(seed)
		must.Hold(err == nil, "simulated key out of range")
		s := poi.NewSchnorr(w.genesis, key)
		w.keys = append(w.keys, s.Key())
		w.signers = append(w.signers, s)
	}
}

// proposalVote is what a proposal's signature covers.
func proposalVote(p *chain.Proposal) chain.Vote {
	return chain.Vote{
		Kind: chain.VotePropose, Session: p.Session, View: p.View, ParentView: p.ParentView,
		BlockHash: p.BlockHash, Signer: p.Signer, Sig: p.Sig,
	}
}

// signedPart is the vote in a message, if it is a vote or a proposal.
func signedPart(msg poi.Message) *chain.Vote {
	if msg.Proposal != nil {
		v := proposalVote(msg.Proposal)
		return &v
	}
	return msg.Vote
}

func sameVote(a, b *chain.Vote) bool {
	return a.BlockHash == b.BlockHash && a.ParentView == b.ParentView
}
