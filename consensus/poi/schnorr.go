package poi

import (
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Schnorr is the Crypto of the product: BIP-340 signatures over chain.Vote.SigningHash. It keeps parsed
// keys and therefore, like the machine, belongs to one goroutine.
type Schnorr struct {
	genesis chain.Hash
	key     secp.PrivateKey
	parsed  map[[32]byte]secp.SchnorrKey
}

// parsedKeysMax bounds the parsed keys kept; beyond it all are parsed again.
const parsedKeysMax = 4 * chain.ValidatorsMax

// NewSchnorr makes the Crypto of the validator with the given vote key.
func NewSchnorr(genesis chain.Hash, key secp.PrivateKey) *Schnorr {
	return &Schnorr{genesis: genesis, key: key, parsed: make(map[[32]byte]secp.SchnorrKey)}
}

// Key is the public vote key: Config.Key and Member.Key.
func (s *Schnorr) Key() [32]byte { return s.key.Public().XOnly() }

// Sign signs without added chance, so that a machine stays a function of its events.
func (s *Schnorr) Sign(v *chain.Vote) {
	hash := v.SigningHash(s.genesis)
	v.Sig = secp.SignSchnorr(s.key, hash[:], [32]byte{})
}

// VerifyVote checks one signature.
func (s *Schnorr) VerifyVote(set *Set, v *chain.Vote) bool {
	key, ok := s.parse(set.Member(v.Signer).Key)
	if !ok {
		return false
	}
	hash := v.SigningHash(s.genesis)
	return key.Verify(hash[:], v.Sig) == nil
}

// VerifyCertificate checks all signatures at once.
func (s *Schnorr) VerifyCertificate(set *Set, c *chain.Certificate) bool {
	hash := c.SigningHash(s.genesis)
	items := make([]secp.SchnorrItem, 0, len(c.Sigs))
	for i := range set.Len() {
		if c.Has(i) {
			items = append(items, secp.SchnorrItem{Pub: set.members[i].Key, Msg: hash[:], Sig: c.Sigs[len(items)]})
		}
	}
	return len(items) == len(c.Sigs) && secp.VerifySchnorrBatch(items) == nil
}

func (s *Schnorr) parse(pub [32]byte) (secp.SchnorrKey, bool) {
	if key, ok := s.parsed[pub]; ok {
		return key, true
	}
	key, err := secp.ParseSchnorrKey(pub)
	if err != nil {
		return secp.SchnorrKey{}, false
	}
	if len(s.parsed) >= parsedKeysMax {
		clear(s.parsed)
	}
	s.parsed[pub] = key
	return key, true
}
