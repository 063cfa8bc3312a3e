package driver

import (
	"sync"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// signer is the machine's Crypto: BIP-340 over the vote's signing hash. It remembers which votes were
// found good, so that a certificate of votes that came one by one costs nothing more. The intake uses it
// beside the loop.
type signer struct {
	genesis chain.Hash
	key     *secp.PrivateKey

	mu       sync.Mutex
	verified map[chain.Vote]struct{} // the whole vote with its signature
	order    []chain.Vote            // ring of what is in verified
	next     int
	parsed   map[[32]byte]secp.SchnorrKey // of the members, which change once an epoch
}

func newSigner(genesis chain.Hash, keys *Keys) *signer {
	s := &signer{genesis: genesis, verified: make(map[chain.Vote]struct{}), parsed: make(map[[32]byte]secp.SchnorrKey)}
	if keys != nil {
		s.key = &keys.Vote
	}
	return s
}

// Sign signs without fresh randomness: the same vote has the same bytes always.
func (s *signer) Sign(v *chain.Vote) {
	h := v.SigningHash(s.genesis)
	v.Sig = secp.SignSchnorr(*s.key, h[:], [32]byte{})
	s.remember(*v)
}

// VerifyVote checks a vote against the key of its signer.
func (s *signer) VerifyVote(set *poi.Set, v *chain.Vote) bool {
	if s.known(*v) {
		return true
	}
	h := v.SigningHash(s.genesis)
	key, err := s.parse(set.Member(v.Signer).Key)
	if err != nil || key.Verify(h[:], v.Sig) != nil {
		return false
	}
	s.remember(*v)
	return true
}

func (s *signer) parse(pub [32]byte) (secp.SchnorrKey, error) {
	s.mu.Lock()
	key, ok := s.parsed[pub]
	s.mu.Unlock()
	if ok {
		return key, nil
	}
	key, err := secp.ParseSchnorrKey(pub)
	if err != nil {
		return key, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.parsed) >= parsedKeysMax {
		clear(s.parsed)
	}
	s.parsed[pub] = key
	return key, nil
}

// VerifyCertificate checks those of its votes that did not come before, in one batch.
func (s *signer) VerifyCertificate(set *poi.Set, c *chain.Certificate) bool {
	h := c.SigningHash(s.genesis)
	var items []secp.SchnorrItem
	var votes []chain.Vote
	next := 0
	for i := range set.Len() {
		if !c.Has(i) {
			continue
		}
		v := chain.Vote{
			Kind: c.Kind, Session: c.Session, View: c.View, ParentView: c.ParentView, BlockHash: c.BlockHash,
			Signer: uint16(i), Sig: c.Sigs[next],
		}
		next++
		if s.known(v) {
			continue
		}
		items = append(items, secp.SchnorrItem{Pub: set.Member(uint16(i)).Key, Msg: h[:], Sig: v.Sig})
		votes = append(votes, v)
	}
	if len(items) == 0 {
		return true
	}
	if secp.VerifySchnorrBatch(items) != nil {
		return false
	}
	for _, v := range votes {
		s.remember(v)
	}
	return true
}

func (s *signer) known(v chain.Vote) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.verified[v]
	return ok
}

func (s *signer) remember(v chain.Vote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.verified[v]; ok {
		return
	}
	if len(s.order) < verifiedMax {
		s.order = append(s.order, v)
	} else {
		delete(s.verified, s.order[s.next])
		s.order[s.next] = v
		s.next = (s.next + 1) % verifiedMax
	}
	s.verified[v] = struct{}{}
}

// finalBy checks a finalization from outside the machine: form, weight and signatures.
func (s *signer) finalBy(set *poi.Set, c *chain.Certificate) bool {
	if c.Version != chain.CertificateVersion || c.Kind != chain.VoteFinalize || c.CheckSet(set.Len()) != nil {
		return false
	}
	var sum uint64
	for i := range set.Len() {
		if c.Has(i) {
			sum += set.Member(uint16(i)).Weight
		}
	}
	return sum >= set.Quorum() && s.VerifyCertificate(set, c)
}

// asVote is what the signature of a proposal covers.
func asVote(p *chain.Proposal) chain.Vote {
	return chain.Vote{
		Kind: chain.VotePropose, Session: p.Session, View: p.View, ParentView: p.ParentView,
		BlockHash: p.BlockHash, Signer: p.Signer, Sig: p.Sig,
	}
}
