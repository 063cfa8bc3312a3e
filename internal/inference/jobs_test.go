package inference

// What is spent within any hour stays under its limit, whatever jobs turn out to cost.

import (
	"testing"
	"time"

	"github.com/holiman/uint256"
)

func TestSpending(t *testing.T) {
	s := spending{hourMax: *uint256.NewInt(100)}
	start := time.Unix(0, 0)
	var held []*outlay
	for i, c := range []struct {
		minute int
		amount uint64
		want   bool
	}{
		{0, 60, true}, {1, 50, false}, {2, 40, true}, {3, 1, false}, {59, 1, false}, {60, 60, true}, {61, 1, false}, {62, 40, true},
	} {
		o, wait := s.hold(uint256.NewInt(c.amount), start.Add(time.Duration(c.minute)*time.Minute))
		if (o != nil) != c.want || c.want == (wait > 0) {
			t.Errorf("step %d: %v after %v, want %t", i, o, wait, c.want)
		}
		held = append(held, o)
	}
	s.settle(held[0], uint256.NewInt(1)) // over an hour ago: changes nothing
	now := start.Add(63 * time.Minute)
	if o, _ := s.hold(uint256.NewInt(1), now); o != nil {
		t.Error("what was spent over an hour ago gave room")
	}
	s.settle(held[5], uint256.NewInt(10)) // 50 less than was held
	if o, wait := s.hold(uint256.NewInt(51), now); o != nil || wait != 57*time.Minute {
		t.Errorf("51 of 50: %v after %v", o, wait)
	}
	if o, _ := s.hold(uint256.NewInt(50), now); o == nil {
		t.Error("what was not spent gave no room")
	}
	if o, _ := s.hold(new(uint256.Int).SetAllOne(), now); o != nil {
		t.Error("an overflow was taken")
	}
}
