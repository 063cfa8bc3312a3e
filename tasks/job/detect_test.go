package job_test

import (
	"math"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Over 200 jobs at the least share of the default chain, named by the job, a worker that falsifies one item of eight is found as often as the
// share says (RULES 21): the count lies inside the binomial's central 99.9 %.
func TestDetection(t *testing.T) {
	const jobs, items = 200, 8
	w := newWorld(t, 4, 4)
	s := w.spec(items, uint32(job.DefaultParams().AuditSharePpm))
	s.BatchItems = items
	s.Price = *uint256.NewInt(10_000_000_000_000_000)
	p := float64(job.SampleSize(items, w.params.Jobs.AuditSharePpm)) / items

	caught := 0
	for n := range jobs {
		first := true
		var liar chain.Address
		lie := func(a chain.Address, i uint32, o []byte) []byte {
			if first && liar == (chain.Address{}) {
				liar = a
			}
			if a == liar && i == uint32(n%items) {
				o[1] ^= 1
			}
			return o
		}
		id := w.create(s)
		w.finish(&agents{output: lie}, id)
		b := w.batch(id, 0)
		if b.State != job.Settled {
			t.Fatalf("job %d: %v", n, b.State)
		}
		if b.Attempt == 0 {
			continue
		}
		caught++
		if b.Worker == liar {
			t.Fatalf("job %d: done again by the liar", n)
		}
		info, _, _ := registry.Load(w, liar)
		gap := new(uint256.Int).Sub(tokens(1000), &info.Bond)
		w.must(w.send(liar, chain.AddrRegistry, gap, registry.PackAddBond()))
		w.must(w.send(liar, chain.AddrRegistry, none, registry.PackResume()))
	}
	low, high := interval(jobs, p, 0.0005)
	t.Logf("caught %d of %d, expected %.0f, interval [%d, %d]", caught, jobs, p*jobs, low, high)
	if caught < low || caught > high {
		t.Errorf("caught: got %d, want %d to %d", caught, low, high)
	}
}

// interval gives the counts between which a binomial lies but for tail on each side.
func interval(n int, p, tail float64) (low, high int) {
	sum, pmf := 0.0, make([]float64, n+1)
	for k := range pmf {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		pmf[k] = math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p))
	}
	for low = 0; sum+pmf[low] < tail; low++ {
		sum += pmf[low]
	}
	sum = 0
	for high = n; sum+pmf[high] < tail; high-- {
		sum += pmf[high]
	}
	return low, high
}
