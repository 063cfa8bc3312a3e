package genesis

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/crypto/vrf"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Hex is a byte string, in JSON 0x and lower-case hexadecimal digits.
type Hex []byte

// MarshalText gives 0x and digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(h)), nil }

// UnmarshalText accepts 0x and an even number of lower-case digits.
func (h *Hex) UnmarshalText(text []byte) error {
	digits, ok := bytes.CutPrefix(text, []byte("0x"))
	if !ok || len(digits) > 1024 || !bytes.Equal(digits, bytes.ToLower(digits)) {
		return fmt.Errorf("%q: want 0x and lower-case hexadecimal digits", clip(text))
	}
	b, err := hex.DecodeString(string(digits))
	if err != nil {
		return fmt.Errorf("%q: %w", clip(text), err)
	}
	*h = b
	return nil
}

// Validator is a member of the first validator set.
type Validator struct {
	Name        string        `json:"name"`
	Address     chain.Address `json:"address"`     // account: gets rewards, sends audit transactions
	VoteKey     Hex           `json:"voteKey"`     // BIP-340 public key, 32 bytes
	VoteProof   Hex           `json:"voteProof"`   // signature by the vote key, 64 bytes
	VRFKey      Hex           `json:"vrfKey"`      // compressed public key, 33 bytes
	VRFProof    Hex           `json:"vrfProof"`    // proof by the VRF key, 81 bytes
	Stake       Amount        `json:"stake"`       // base units
	ServiceBond Amount        `json:"serviceBond"` // base units; what audits can slash
}

// Keys are a validator's secrets besides its account.
type Keys struct {
	Vote, VRF secp.PrivateKey
}

// NewValidator makes an entry with its proofs of possession (GEN-4).
func NewValidator(chainID uint64, name string, account chain.Address, k Keys, stake, bond *uint256.Int) Validator {
	vote, vrfKey := k.Vote.Public().XOnly(), k.VRF.Public().Compressed()
	sig := secp.SignSchnorr(k.Vote, voteClaim(chainID, account, vote[:]), [32]byte{})
	proof, _ := vrf.Prove(k.VRF, vrfClaim(chainID, account, vrfKey[:]))
	return Validator{
		Name: name, Address: account, Stake: Amount{*stake}, ServiceBond: Amount{*bond},
		VoteKey: vote[:], VoteProof: sig[:], VRFKey: vrfKey[:], VRFProof: proof[:],
	}
}

// claim is what a proof of possession is about. It does not name the genesis, which holds the proofs.
func claim(tag string, chainID uint64, account chain.Address, key []byte) []byte {
	w := codec.NewWriter(96)
	w.U16(uint16(len(tag)))
	w.Fixed([]byte(tag))
	w.U64(chainID)
	w.Fixed(account[:])
	w.Fixed(key)
	return w.Out()
}

func voteClaim(chainID uint64, account chain.Address, key []byte) []byte {
	return claim("aiwork/pop/vote/1", chainID, account, key)
}

func vrfClaim(chainID uint64, account chain.Address, key []byte) []byte {
	return claim("aiwork/pop/vrf/1", chainID, account, key)
}

// check refuses a validator that could not take part.
func (v *Validator) check(chainID uint64) error {
	switch {
	case len(v.Name) > stake.NameBytesMax:
		return fmt.Errorf("name: want at most %d bytes", stake.NameBytesMax)
	case v.Address.IsZero() || reserved(v.Address):
		return errors.New("address: want an account of the validator")
	case v.Stake.Int.LtUint64(stake.WeightUnit):
		return fmt.Errorf("stake: want at least %d base units, which weigh 1", uint64(stake.WeightUnit))
	case len(v.VoteKey) != 32 || len(v.VoteProof) != 64:
		return errors.New("voteKey, voteProof: want 32 and 64 bytes")
	case len(v.VRFKey) != 33 || len(v.VRFProof) != 81:
		return errors.New("vrfKey, vrfProof: want 33 and 81 bytes")
	}
	if err := secp.VerifySchnorr([32]byte(v.VoteKey), voteClaim(chainID, v.Address, v.VoteKey), [64]byte(v.VoteProof)); err != nil {
		return fmt.Errorf("voteProof does not show possession of voteKey on chain %d: %w", chainID, err)
	}
	if _, err := vrf.Verify([33]byte(v.VRFKey), vrfClaim(chainID, v.Address, v.VRFKey), [81]byte(v.VRFProof)); err != nil {
		return fmt.Errorf("vrfProof does not show possession of vrfKey on chain %d: %w", chainID, err)
	}
	return nil
}

func (g *Genesis) checkValidators() error {
	if len(g.Validators) == 0 || len(g.Validators) > chain.ValidatorsMax {
		return fmt.Errorf("want 1 to %d", chain.ValidatorsMax)
	}
	seen := make(map[string]bool, 3*len(g.Validators))
	for i := range g.Validators {
		v := &g.Validators[i]
		if err := v.check(g.Params.ChainID); err != nil {
			return fmt.Errorf("%d (%s): %w", i, v.Name, err)
		}
		for _, id := range []string{"a" + string(v.Address[:]), "v" + string(v.VoteKey), "r" + string(v.VRFKey)} {
			if seen[id] {
				return fmt.Errorf("%d (%s): an address or key of an earlier validator", i, v.Name)
			}
			seen[id] = true
		}
	}
	return nil
}

// Set gives the validators in the form that the rest of the node uses. g has passed Check.
func (g *Genesis) Set() []chain.Validator {
	set := make([]chain.Validator, 0, len(g.Validators))
	for i := range g.Validators {
		v := &g.Validators[i]
		set = append(set, chain.Validator{
			Name: v.Name, Address: v.Address, VoteKey: [32]byte(v.VoteKey), VRFKey: [33]byte(v.VRFKey),
			Stake: v.Stake.Int, ServiceBond: v.ServiceBond.Int,
		})
	}
	return set
}
