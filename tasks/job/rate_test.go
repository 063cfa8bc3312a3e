package job_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// The rate of audits against its derivation, and a market of a hundred workers played from a seed with the function that the
// contract calls when a worker is drawn: of those that lie, each in its own way, none gains, and they are found as often as the
// bound says.

func TestDetectionBound(t *testing.T) {
	for n := 1; n <= 32; n++ {
		for m := 0; m <= n; m++ {
			for k := 0; k <= n; k++ {
				miss := new(big.Rat).SetFrac(new(big.Int).Binomial(int64(n-k), int64(m)), new(big.Int).Binomial(int64(n), int64(m)))
				exact, _ := new(big.Rat).Sub(big.NewRat(1, 1), miss).Float64()
				got := float64(job.Detection(n, m, k)) / 1e6
				if got > exact+1e-12 || got < exact-2e-6 {
					t.Fatalf("%d of %d, %d false: got %v, want %v", m, n, k, got, exact)
				}
			}
		}
	}
}

// At the rate that the formula gives, no number of false items pays: with chance D the worker loses its slash and its
// pay, else it has gained what it did not compute.
func TestRateDeters(t *testing.T) {
	for _, price := range []uint64{1, 1000, 1_000_000, 1_000_000_000} {
		for _, loss := range []uint64{1, 500, 2_000_000, 20_000_000_000} {
			for _, passed := range []uint64{0, 1, 10, 1000, 1 << 60} {
				rate := job.Rate(uint256.NewInt(price), uint256.NewInt(loss), passed)
				for n := 1; n <= job.BatchItemsMax; n++ {
					m := job.SampleSize(n, uint64(rate))
					for k := 1; k <= n; k++ {
						d := float64(job.Detection(n, m, k)) / 1e6
						gain := (1-d)*float64(k)*float64(price) - d*float64(loss)
						if gain > 1e-6*float64(n)*float64(price) {
							t.Fatalf("price %d, loss %d, %d passed: %d false of %d gain %g at a rate of %d ppm", price, loss, passed, k, n, gain, rate)
						}
					}
				}
			}
		}
	}
	if got := job.Rate(uint256.NewInt(1), uint256.NewInt(0), 9); got != 1_000_000 {
		t.Errorf("nothing to lose: %d ppm", got)
	}
	if got := job.Rate(uint256.NewInt(1), uint256.NewInt(1<<40), 0); got != 1_000_000 {
		t.Errorf("a first batch: %d ppm", got)
	}
}

// A way of lying gives how many items of a batch are false.
type way func(d *dice.Dice, n int, price, passed uint64) int

func ways() map[string]way {
	return map[string]way{
		"everything":         func(_ *dice.Dice, n int, _, _ uint64) int { return n },
		"one item":           func(*dice.Dice, int, uint64, uint64) int { return 1 },
		"a tenth":            func(d *dice.Dice, n int, _, _ uint64) int { return int(d.Below(uint64(1 + n/5))) },
		"once trusted":       func(_ *dice.Dice, n int, _, passed uint64) int { return map[bool]int{true: n / 4}[passed > 50] },
		"where it pays most": func(_ *dice.Dice, n int, price, _ uint64) int { return map[bool]int{true: 1 + n/8}[price > 500] },
	}
}

func TestMarket(t *testing.T) {
	const workers, batches, bond, slash = 100, 2000, 100_000, 20_000 // an item's price is 1 to 1,000
	params := job.DefaultParams()
	params.WorkerSlashPpm = slash * 1_000_000 / bond
	d := dice.New(sha256.Sum256([]byte("market")))
	names := []string{"everything", "one item", "a tenth", "once trusted", "where it pays most"}
	type score struct {
		lies, found int
		expected    float64 // sum of the bound over all false batches
		variance    float64
		gain        float64
	}
	scores, audited, items, crashes := map[string]*score{}, 0, 0, 0
	for w := range workers {
		name := ""
		if w < 10 {
			name = names[w%5]
			if scores[name] == nil {
				scores[name] = &score{}
			}
		}
		passed := uint64(0)
		for b := range batches {
			if w >= 10 && w < 20 && d.Below(10) == 0 { // a crash costs the lease, and is no lie
				crashes++
				continue
			}
			n, price := 1+int(d.Below(job.BatchItemsMax)), 1+d.Below(1000)
			standing := registry.Worker{Bond: *uint256.NewInt(bond), Passed: uint32(passed)}
			rate := job.Share(&params, uint256.NewInt(price), uint64(n), &standing)
			m := job.SampleSize(n, uint64(rate))
			seed := sha256.Sum256(fmt.Appendf(nil, "%d %d", w, b))
			sample := job.Sample(seed, n, uint64(rate))
			audited, items = audited+m, items+n
			k := 0
			if name != "" {
				k = ways()[name](d, n, price, passed)
			}
			if k == 0 {
				passed++
				continue
			}
			s := scores[name]
			bound := float64(job.Detection(n, m, k)) / 1e6
			s.lies, s.expected, s.variance = s.lies+1, s.expected+bound, s.variance+bound*(1-bound)
			if sample&falseItems(d, n, k) != 0 {
				s.found, s.gain, passed = s.found+1, s.gain-slash, 0
			} else {
				s.gain, passed = s.gain+float64(k)*float64(price), passed+1
			}
		}
	}
	for name, s := range scores {
		low, high := s.expected-4*math.Sqrt(s.variance)-1, s.expected+4*math.Sqrt(s.variance)+1
		t.Logf("%s: %d of %d false batches found, %.0f by the bound; gain %.0f", name, s.found, s.lies, s.expected, s.gain)
		if f := float64(s.found); f < low || f > high {
			t.Errorf("%s: %d found, want %.0f to %.0f", name, s.found, low, high)
		}
		if s.lies < 100 || s.gain > 0 {
			t.Errorf("%s: %d false batches gained %.0f", name, s.lies, s.gain)
		}
	}
	t.Logf("%d of %d items audited (%.1f %%), %d crashes", audited, items, 100*float64(audited)/float64(items), crashes)
	if crashes < 1000 || audited*100 > items*35 {
		t.Errorf("%d crashes, %d of %d items audited: want 1,000 at least, and 35 %% at most", crashes, audited, items)
	}
}

// falseItems draws which k of n items are false, by other dice than the sample's.
func falseItems(d *dice.Dice, n, k int) (set uint64) {
	for left := k; left > 0; {
		if bit := uint64(1) << d.Below(uint64(n)); set&bit == 0 {
			set |= bit
			left--
		}
	}
	return set
}
