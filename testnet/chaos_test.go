package testnet

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/internal/system"
)

// Three processes of a real network are killed under load of transfers and jobs; nothing may be lost. The
// long run is `aiwork-node testnet chaos`.
func TestChaos(t *testing.T) {
	exe := buildNode(t, "")
	c := network(t, exe, DefaultLayout(), nil)
	o := DefaultChaos(system.Modules())
	o.Kills, o.Seed, o.Senders, o.JobLanes, o.DeadFor, o.Note = 3, 5, 50, 1, 4*time.Second, t.Logf
	r, err := RunChaos(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Violations {
		t.Error(v)
	}
	if len(r.Kills) != 3 || r.Check.Receipts == 0 || r.Check.Votes == 0 || r.JobsPaid == 0 {
		t.Errorf("%d kills, %d receipts, %d votes, %d paid jobs: the run shows nothing", len(r.Kills), r.Check.Receipts, r.Check.Votes, r.JobsPaid)
	}
}

// At least a quarter of the kills aim at the leader and a quarter at a worker, and a seed fixes the order.
func TestAims(t *testing.T) {
	for n := 1; n < 50; n++ {
		count := map[Aim]int{}
		first := aims(rand.New(rand.NewPCG(9, 0)), n)
		for _, a := range first {
			count[a]++
		}
		if 4*count[AimLeader] < n || n > 1 && 4*count[AimWorker] < n {
			t.Fatalf("%d kills: %v", n, count)
		}
		again := aims(rand.New(rand.NewPCG(9, 0)), n)
		for i := range first {
			if first[i] != again[i] {
				t.Fatalf("%d kills: the same seed gives another plan", n)
			}
		}
	}
}
