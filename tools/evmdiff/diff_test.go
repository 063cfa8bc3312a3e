package evmdiff

// What is tested: programs made from seeds do the same on both machines: refusals, failures, gas, output,
// logs and the root of the state after all transactions. A seed that fails is shrunk and printed with the
// command that replays it. -programs says how many seeds, -seed where they begin.

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aiwork/aiwork-node/vm"
)

var (
	programs = flag.Int("programs", 2000, "number of programs")
	seed     = flag.Uint64("seed", 1, "seed of the first program")
)

// failuresMax ends a run that goes wrong everywhere.
const failuresMax = 5

func TestPrograms(t *testing.T) {
	var next, failures, refused, failed, ran atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= uint64(*programs) || failures.Load() >= failuresMax {
					return
				}
				p := Generate(*seed + n)
				ours := counting{NewOurs(p.World, eager()), &ran, &refused, &failed}
				if err := runBoth(p, ours); err != nil {
					failures.Add(1)
					report(t, *seed+n, p, err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d programs from seed %d: %d transactions, %d of them refused, %d failed", *programs, *seed, ran.Load(), refused.Load(), failed.Load())
	// Programs that all fail early would compare little.
	if *programs >= 1000 && (failed.Load()*4 > ran.Load()*3 || refused.Load()*6 > ran.Load() || failed.Load() == 0 || refused.Load() == 0) {
		t.Error("the generator makes poor programs")
	}
}

func runBoth(p *Program, ours Side) error {
	geth, err := NewGeth(p.World)
	if err != nil {
		return fmt.Errorf("go-ethereum's state: %w", err)
	}
	return p.Run(ours, geth)
}

func report(t *testing.T, seed uint64, p *Program, err error) {
	small := Shrink(p, func(q *Program) bool { return runBoth(q, NewOurs(q.World, eager())) != nil })
	t.Errorf("seed %d: %v\nreplay: go test -C tools/evmdiff -run TestPrograms . -args -programs 1 -seed %d\nshrunk: %v\n%s",
		seed, err, seed, runBoth(small, NewOurs(small.World, eager())), small)
}

// counting counts what becomes of transactions.
type counting struct {
	Side
	ran, refused, failed *atomic.Uint64
}

func (c counting) Run(tx *vm.Tx) Result {
	r := c.Side.Run(tx)
	c.ran.Add(1)
	if r.Refused {
		c.refused.Add(1)
	} else if r.Failed {
		c.failed.Add(1)
	}
	return r
}

// eager gives a memory of codes that translates all of them, so that short programs run translated too.
func eager() *vm.Codes {
	codes := vm.NewCodes(vm.CodesBytesMax)
	codes.TranslateAll()
	return codes
}
