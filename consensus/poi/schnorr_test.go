package poi

// The product's signatures: what verifies, and that each changed bit or field does not.

import (
	"strconv"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// signers makes n validators with real keys and their set.
func signers(t testing.TB, n int) ([]*Schnorr, *Set) {
	t.Helper()
	var all []*Schnorr
	var list []Member
	for i := range n {
		key, err := secp.ParsePrivateKey([32]byte{31: byte(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		s := NewSchnorr(chain.Hash{1}, key)
		all = append(all, s)
		list = append(list, Member{Key: s.Key(), Weight: 1, LeaderWeight: 1})
	}
	set, err := NewSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return all, set
}

func TestSchnorrVote(t *testing.T) {
	all, set := signers(t, 2)
	v := chain.Vote{Kind: chain.VoteNotarize, Session: 1, View: 7, ParentView: 6, BlockHash: chain.Hash{9}, Signer: 1}
	all[1].Sign(&v)
	if !all[0].VerifyVote(set, &v) {
		t.Fatal("a good vote is refused")
	}
	for name, change := range map[string]func(*chain.Vote){
		"kind":        func(v *chain.Vote) { v.Kind = chain.VoteFinalize },
		"session":     func(v *chain.Vote) { v.Session++ },
		"view":        func(v *chain.Vote) { v.View++ },
		"parent view": func(v *chain.Vote) { v.ParentView-- },
		"hash":        func(v *chain.Vote) { v.BlockHash[31] ^= 1 },
		"signer":      func(v *chain.Vote) { v.Signer = 0 },
	} {
		bad := v
		change(&bad)
		if all[0].VerifyVote(set, &bad) {
			t.Errorf("a vote with another %s is accepted", name)
		}
	}
	for bit := range 512 {
		bad := v
		bad.Sig[bit/8] ^= 1 << (bit % 8)
		if all[0].VerifyVote(set, &bad) {
			t.Errorf("a vote with bit %d of its signature flipped is accepted", bit)
		}
	}
	elsewhere := NewSchnorr(chain.Hash{2}, all[1].key)
	if elsewhere.VerifyVote(set, &v) {
		t.Error("a vote is accepted on another chain")
	}
}

func TestSchnorrCertificate(t *testing.T) {
	all, set := signers(t, 4)
	votes := make([]*chain.Vote, 4)
	var tal tally
	for _, i := range []int{0, 2, 3} {
		v := &chain.Vote{Kind: chain.VoteNullify, Session: 3, View: 5, Signer: uint16(i)}
		all[i].Sign(v)
		votes[i] = v
		tal.put(4, v)
	}
	c := tal.certificate(votes[0])
	if !all[1].VerifyCertificate(set, c) {
		t.Fatal("a good certificate is refused")
	}
	if got, err := chain.DecodeCertificate(c.Encode()); err != nil || got.CheckSet(4) != nil {
		t.Errorf("the certificate does not survive its encoding: %v", err)
	}
	for i := range c.Sigs {
		bad := *c
		bad.Sigs = append([][64]byte(nil), c.Sigs...)
		bad.Sigs[i][40] ^= 1
		if all[1].VerifyCertificate(set, &bad) {
			t.Errorf("signature %d flipped: accepted", i)
		}
	}
	swapped := *c
	swapped.Sigs = [][64]byte{c.Sigs[1], c.Sigs[0], c.Sigs[2]}
	if all[1].VerifyCertificate(set, &swapped) {
		t.Error("signatures swapped: accepted")
	}
	short := *c
	short.Sigs = c.Sigs[:2]
	short.Signers = []byte{0b0101}
	if !all[1].VerifyCertificate(set, &short) {
		t.Error("fewer signers are refused here; weight is the machine's to check")
	}
}

func BenchmarkVerifyCertificate(b *testing.B) {
	for _, n := range []int{4, 100} {
		b.Run("validators="+strconv.Itoa(n), func(b *testing.B) {
			all, set := signers(b, n)
			var tal tally
			var last *chain.Vote
			for i := range 2*n/3 + 1 {
				last = &chain.Vote{Kind: chain.VoteNotarize, View: 2, BlockHash: chain.Hash{1}, Signer: uint16(i)}
				all[i].Sign(last)
				tal.put(n, last)
			}
			c := tal.certificate(last)
			for b.Loop() {
				if !all[0].VerifyCertificate(set, c) {
					b.Fatal("refused")
				}
			}
		})
	}
}
