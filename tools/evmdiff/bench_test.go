package evmdiff

// What is tested: both machines run the same calls of the contracts in contracts/bench with equal output,
// logs and gas, which are those of testdata/bench.txt (-rewrite renews it), and leave equal states. The
// benchmarks time that, and TestRatios prints a table of them.

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"golang.org/x/sys/unix"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

var (
	rewrite = flag.Bool("rewrite", false, "renew testdata/bench.txt")
	rounds  = flag.Int("rounds", 0, "print a table of ratios, each of the best of so many rounds")
)

// A class of programs has one bar: the most that our time may be of go-ethereum's.
const (
	compute = 0.45
	storage = 0.5
	calls   = 0.7
)

var benches = []struct {
	contract, function string
	n                  uint64
	bar                float64
}{
	{"RayTracer", "render", 12, compute},
	{"Hashing", "keccakWords", 4000, compute},
	{"Hashing", "keccakBytes", 1000, compute},
	{"Hashing", "sha", 2000, calls},
	{"Sorting", "quick", 1000, compute},
	{"Sorting", "insertion", 150, compute},
	{"Sorting", "heap", 500, compute},
	{"Numbers", "sum", 10000, compute},
	{"Numbers", "wide", 2000, compute},
	{"Numbers", "sieve", 8000, compute},
	{"Numbers", "mandelbrot", 20, compute},
	{"Copying", "join", 200, compute},
	{"Copying", "hexadecimal", 3000, compute},
	{"Copying", "words", 40, compute},
	{"Copying", "whole", 2000, compute},
	{"MerkleTree", "build", 9, compute},
	{"MerkleTree", "appends", 150, storage},
	{"Token", "mints", 200, storage},
	{"Token", "transfers", 200, storage},
	{"Token", "approvals", 200, storage},
	{"Token", "totalSupply", 0, storage},
	{"Market", "swaps", 40, calls},
	{"Calls", "plain", 1500, calls},
	{"Calls", "proxied", 800, calls},
	{"Calls", "bare", 4000, calls},
	{"Calls", "identity", 5000, calls},
	{"Calls", "deep", 150, calls},
	{"Calls", "creates", 30, calls},
	{"Signatures", "recover", 100, 1},
}

var sender = chain.Address{0: 0xaa, 19: 1}

// stage is a contract that stands in its own world on one side.
type stage struct {
	side Side
	tx   vm.Tx
}

func newStage(t testing.TB, side Side, contract string, input []byte) *stage {
	init, err := Creation(contract)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{side: side, tx: vm.Tx{
		Type: chain.TxTypeDynamicFee, From: sender, Gas: 1 << 24, Data: init,
		FeeCap: *uint256.NewInt(100), TipCap: *uint256.NewInt(1),
	}}
	s.run(t)
	s.tx.To, s.tx.Data = &chain.Address{}, input
	*s.tx.To = created(sender, 0)
	return s
}

func (s *stage) run(t testing.TB) Result {
	r := s.side.Run(&s.tx)
	if r.Refused || r.Failed {
		t.Fatalf("%T: %s", s.side, r.Reason)
	}
	s.tx.Nonce++
	return r
}

func benchWorld() World {
	return World{sender: {Balance: uint256.Int{0, 1 << 40}}}
}

func input(function string, n uint64) []byte {
	if n == 0 {
		id := keccak.Sum256([]byte(function + "()"))
		return id[:4]
	}
	return Input(function, n)
}

func stages(t testing.TB, contract, function string, n uint64) (ours, geth *stage) {
	g, err := NewGeth(benchWorld())
	if err != nil {
		t.Fatal(err)
	}
	data := input(function, n)
	return newStage(t, NewOurs(benchWorld(), vm.NewCodes(vm.CodesBytesMax)), contract, data), newStage(t, g, contract, data)
}

// line is a result as testdata/bench.txt shows it.
func line(name string, r *Result) string {
	logs := keccak.Sum256(fmt.Appendf(nil, "%x", r.Logs))
	return fmt.Sprintf("%s gas=%d output=%x logs=%d %x\n", name, r.GasUsed, r.Output, len(r.Logs), logs[:4])
}

func TestBenchesAgree(t *testing.T) {
	const file = "testdata/bench.txt"
	var got strings.Builder
	for _, b := range benches {
		name := b.contract + "." + b.function
		ours, geth := stages(t, b.contract, b.function, b.n)
		for range 3 { // the first run changes the state most; the last stands for those of the benchmark
			a, b := ours.run(t), geth.run(t)
			if err := Compare(&a, &b); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		last, other := ours.run(t), geth.run(t)
		if err := Compare(&last, &other); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if a, b := ours.side.Root(), geth.side.Root(); a != b {
			t.Errorf("%s: root: ours %s, geth %s", name, a, b)
		}
		got.WriteString(line(name, &last))
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
	}
}

// allocations a transaction may make however long it runs: its answer, and what the state's growth costs now and
// then. Contracts that log or create make more, for what outlives them.
const allocationsMax = 3

func TestNothingIsAllocated(t *testing.T) {
	for _, b := range benches {
		ours, _ := stages(t, b.contract, b.function, b.n)
		var r Result
		for range 5 {
			r = ours.run(t)
		}
		if len(r.Logs) > 0 || b.function == "creates" || b.function == "sha" || b.function == "recover" {
			continue // answers of built-in contracts are made anew
		}
		if got := testing.AllocsPerRun(5, func() { ours.run(t) }); got > allocationsMax {
			t.Errorf("%s.%s: got %.0f allocations, want at most %d", b.contract, b.function, got, allocationsMax)
		}
	}
}

func BenchmarkContract(b *testing.B) {
	for _, c := range benches {
		name := c.contract + "." + c.function
		ours, geth := stages(b, c.contract, c.function, c.n)
		var want Result
		for range 5 { // until state and programs are as they stay
			ours.run(b)
			want = geth.run(b)
		}
		b.Run(name+"/vm=ours", func(b *testing.B) { timeStage(b, ours, &want) })
		b.Run(name+"/vm=geth", func(b *testing.B) { timeStage(b, geth, &want) })
	}
}

func timeStage(b *testing.B, s *stage, want *Result) {
	b.ReportAllocs()
	for b.Loop() {
		r := s.run(b)
		if r.GasUsed != want.GasUsed || len(r.Logs) != len(want.Logs) || string(r.Output) != string(want.Output) {
			b.Fatalf("got %+v, want %+v", r, *want)
		}
	}
	b.ReportMetric(float64(want.GasUsed)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mgas/s")
}

// TestRatios takes both sides in turn and compares the processor time of the best rounds, so that it tells
// something on a busy machine too. What the garbage collector does on other threads is not counted, which is in
// go-ethereum's favour. It recovers signers in plain Go here, as we do: CGO_ENABLED=0.
func TestRatios(t *testing.T) {
	if *rounds == 0 {
		t.Skip("run with -args -rounds 15")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fmt.Printf("%-22s %9s %11s %11s %6s %5s\n", "contract", "gas", "ours ns", "geth ns", "ratio", "bar")
	sums := map[float64][]float64{}
	for _, b := range benches {
		ours, geth := stages(t, b.contract, b.function, b.n)
		var want Result
		for range 5 { // until state and programs are as they stay
			ours.run(t)
			want = geth.run(t)
		}
		a, g := time.Hour, time.Hour
		for range *rounds {
			a, g = min(a, spend(t, ours, &want)), min(g, spend(t, geth, &want))
		}
		ratio, mark := float64(a)/float64(g), ""
		if ratio > b.bar {
			mark = " above"
		}
		sums[b.bar] = append(sums[b.bar], ratio)
		fmt.Printf("%-22s %9d %11d %11d %6.3f %5.2f%s\n", b.contract+"."+b.function, want.GasUsed, a, g, ratio, b.bar, mark)
	}
	for _, bar := range []float64{compute, storage, calls} {
		fmt.Printf("bar %.2f: geometric mean %.3f, greatest %.3f\n", bar, mean(sums[bar]), slices.Max(sums[bar]))
	}
}

// spend gives the processor time of one run, over as many runs as take 5 ms.
func spend(t *testing.T, s *stage, want *Result) time.Duration {
	runs, start := 0, processorTime(t)
	for processorTime(t)-start < 5*time.Millisecond {
		if r := s.run(t); r.GasUsed != want.GasUsed || string(r.Output) != string(want.Output) {
			t.Fatalf("got %+v, want %+v", r, *want)
		}
		runs++
	}
	return (processorTime(t) - start) / time.Duration(runs)
}

// processorTime is what this thread has used.
func processorTime(t *testing.T) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}

func mean(ratios []float64) float64 {
	sum := 0.0
	for _, r := range ratios {
		sum += math.Log(r)
	}
	return math.Exp(sum / float64(len(ratios)))
}
