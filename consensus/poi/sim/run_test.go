package sim

// The simulator as a test: thousands of seeds with stub signatures, a hundred with real ones, and the
// properties of the simulator itself (equal seeds give equal runs, runs do meet the faults they are for).

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// seedsWanted is 5,000 (200 with -short), or AIWORK_SIM_SEEDS.
func seedsWanted(t *testing.T) uint64 {
	if s := os.Getenv("AIWORK_SIM_SEEDS"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			t.Fatalf("AIWORK_SIM_SEEDS: %v", err)
		}
		return n
	}
	if testing.Short() {
		return 200
	}
	return 5000
}

// runAll plays n seeds on all cores.
func runAll(c Config, n uint64) Report {
	stride := uint64(runtime.GOMAXPROCS(0))
	reports := make([]Report, stride)
	var group sync.WaitGroup
	for k := range stride {
		group.Go(func() {
			part := c
			part.Seed += k
			if k < n {
				reports[k] = RunMany(part, n-k, stride, nil)
			}
		})
	}
	group.Wait()
	total := Report{From: c.Seed, Nodes: c.Nodes}
	for _, r := range reports {
		total.Merge(r)
	}
	return total
}

func show(t *testing.T, r Report) {
	t.Helper()
	for _, text := range r.Errors {
		t.Error(text)
	}
	if err := r.Check(); err != nil && len(r.Errors) == 0 {
		t.Error(err)
	}
	t.Logf("%d seeds: %d views, %d heights, %d events, %d nullified, %d crashes, %d evidences, %d equivocations seen, %d of %d honest views brought a block, %d s simulated",
		r.Seeds, r.Views, r.Heights, r.Events, r.Nullified, r.Crashes, r.Evidences, r.Equivocations, r.HonestBlocks, r.HonestViews, r.SimulatedMs/1000)
}

func TestSeeds(t *testing.T) {
	r := runAll(Config{}, seedsWanted(t))
	show(t, r)
	if r.Crashes == 0 || r.Evidences == 0 || r.Equivocations == 0 || r.Nullified == 0 {
		t.Error("the runs met no crash, no evidence or no nullified view: the faults do not work")
	}
}

func TestSeedsWithRealSignatures(t *testing.T) {
	n := uint64(120)
	if testing.Short() {
		n = 4
	}
	show(t, runAll(Config{RealSignatures: true, Nodes: 4}, n))
}

// Equal seeds give equal runs, to the last line of the trace.
func TestReplay(t *testing.T) {
	for seed := range uint64(12) {
		var traces [2][]string
		for i := range traces {
			if _, err := Run(Config{Seed: seed, Trace: func(line string) { traces[i] = append(traces[i], line) }}); err != nil {
				t.Fatal(err)
			}
		}
		if len(traces[0]) == 0 || len(traces[0]) != len(traces[1]) {
			t.Fatalf("seed %d: traces of %d and %d lines", seed, len(traces[0]), len(traces[1]))
		}
		for i, got := range traces[1] {
			if want := traces[0][i]; got != want {
				t.Fatalf("seed %d line %d: got %s, want %s", seed, i, got, want)
			}
		}
	}
}

// Without faults a block comes every two message delays and is final after three, plus what building
// and executing take (up to 4 ms each here) and what the start takes.
func TestLatency(t *testing.T) {
	for _, n := range []int{4, 16} {
		const delay = 50
		r, err := Run(Config{Seed: 3, Nodes: n, Faultless: true, DelayMs: delay})
		if err != nil {
			t.Fatal(err)
		}
		period, finality := r.SimulatedMs/r.Heights, r.FinalityMs/r.Heights
		t.Logf("%d validators, one-way delay %d ms: period %d ms, finality %d ms, %d of %d views nullified", n, delay, period, finality, r.Nullified, r.Views)
		if period > 2*delay+20 || finality > 3*delay+20 || r.Nullified > 0 {
			t.Errorf("period %d ms, finality %d ms, %d nullified: want at most %d, %d, 0", period, finality, r.Nullified, 2*delay+20, 3*delay+20)
		}
	}
}

func TestNodesOutOfRange(t *testing.T) {
	for _, n := range []int{-1, 1, 3, NodesMax + 1} {
		if _, err := Run(Config{Nodes: n}); err == nil {
			t.Errorf("Run with %d nodes: got no error", n)
		}
	}
}
