package poi

import (
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// WeightUnit is the stake, in base units, that weighs 1 in a vote.
const WeightUnit = 10_000_000_000

// Member is one validator of a set.
type Member struct {
	Key          [32]byte // BIP-340 public key that checks its votes
	Weight       uint64   // bonded stake / WeightUnit: its part of a quorum
	LeaderWeight uint64   // Weight times its audited score, 75 to 100 %: how often it leads
}

// Set is the validators of a session, in the order of their indexes. It never changes and may be shared.
type Set struct {
	members []Member
	total   uint64
	wheel   *sortition.Wheel
}

// NewSet checks members and copies them.
func NewSet(members []Member) (*Set, error) {
	if len(members) == 0 || len(members) > chain.ValidatorsMax {
		return nil, fmt.Errorf("validator set: want 1 to %d members, got %d", chain.ValidatorsMax, len(members))
	}
	s := &Set{members: append([]Member(nil), members...)}
	seen := make(map[[32]byte]bool, len(members))
	leader := make([]uint64, len(members))
	for i, m := range members {
		if m.Weight == 0 || m.LeaderWeight > m.Weight {
			return nil, fmt.Errorf("validator set: member %d has weight %d and leader weight %d", i, m.Weight, m.LeaderWeight)
		}
		if seen[m.Key] {
			return nil, fmt.Errorf("validator set: member %d repeats a vote key", i)
		}
		seen[m.Key] = true
		leader[i] = m.LeaderWeight
		s.total += m.Weight
		if s.total >= 1<<63 || m.Weight >= 1<<63 {
			return nil, errors.New("validator set: weights sum to 2^63 or more")
		}
	}
	wheel, err := sortition.NewWheel(leader)
	if err != nil {
		return nil, fmt.Errorf("validator set: leaders: %w", err)
	}
	s.wheel = wheel
	return s, nil
}

// Len is the number of members.
func (s *Set) Len() int { return len(s.members) }

// Member gives the member with index i.
func (s *Set) Member(i uint16) Member { return s.members[i] }

// Index finds a member by its vote key.
func (s *Set) Index(key [32]byte) (i uint16, ok bool) {
	for i, m := range s.members {
		if m.Key == key {
			return uint16(i), true
		}
	}
	return 0, false
}

// Total is W, the sum of all weights.
func (s *Set) Total() uint64 { return s.total }

// Quorum is Q = floor(2W/3) + 1. Two quorums share more than a third of the weight.
func (s *Set) Quorum() uint64 { return twoThirds(s.total) + 1 }

// Honest is A = floor(W/3) + 1: a group of this weight holds an honest validator.
func (s *Set) Honest() uint64 { return s.total/3 + 1 }

// Leader draws the leader of view v of session n from the session's seed.
func (s *Set) Leader(genesis chain.Hash, n chain.Session, v chain.View, seed [32]byte) uint16 {
	i := s.wheel.Leader(genesis, n, v, seed)
	must.Hold(i < len(s.members), "drawn leader outside the set")
	return uint16(i)
}

// twoThirds is floor(2w/3) without overflow for w < 2^63.
func twoThirds(w uint64) uint64 { return 2 * w / 3 }
