package poi

// Quorums and the refusals of NewSet.

import "testing"

func members(weights ...uint64) []Member {
	out := make([]Member, len(weights))
	for i, w := range weights {
		out[i] = Member{Key: [32]byte{byte(i), byte(i >> 8), 1}, Weight: w, LeaderWeight: w}
	}
	return out
}

func TestQuorum(t *testing.T) {
	for _, v := range []struct {
		weights        []uint64
		quorum, honest uint64
	}{
		{[]uint64{1}, 1, 1},
		{[]uint64{1, 1, 1}, 3, 2},
		{[]uint64{1, 1, 1, 1}, 3, 2},
		{[]uint64{1, 1, 1, 1, 1, 1, 1}, 5, 3},
		{[]uint64{5, 5, 90}, 67, 34},
		{[]uint64{1<<63 - 1}, 6148914691236517205, 3074457345618258603},
	} {
		s, err := NewSet(members(v.weights...))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Quorum(); got != v.quorum {
			t.Errorf("quorum of %v: got %d, want %d", v.weights, got, v.quorum)
		}
		if got := s.Honest(); got != v.honest {
			t.Errorf("honest weight of %v: got %d, want %d", v.weights, got, v.honest)
		}
		// Two quorums share a group that holds an honest validator: 2Q - W >= A.
		if got := 2*v.quorum - s.Total(); got < v.honest {
			t.Errorf("two quorums of %v share: got %d, want at least %d", v.weights, got, v.honest)
		}
	}
}

func TestNewSetRefuses(t *testing.T) {
	same := members(1, 1)
	same[1].Key = same[0].Key
	eager := members(1, 1)
	eager[0].LeaderWeight = 2
	idle := members(1, 1)
	idle[0].LeaderWeight, idle[1].LeaderWeight = 0, 0
	for name, list := range map[string][]Member{
		"empty":         nil,
		"too many":      members(make([]uint64, 1025)...),
		"weight 0":      members(1, 0),
		"2^63":          members(1<<62, 1<<62),
		"wraps":         members(1<<63, 1<<63),
		"same key":      same,
		"leader weight": eager,
		"no leader":     idle,
	} {
		if _, err := NewSet(list); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
