package genesis

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Every parameter of the market has bounds, each is taken at them and refused beyond them by its name.
func TestJobParamsAreBounded(t *testing.T) {
	good := testGenesis(t).Params.Jobs
	fields := reflect.TypeFor[chain.JobParams]()
	bounds := jobBounds(&good)
	if len(bounds) != fields.NumField() {
		t.Fatalf("bounds: got %d, want one for each of %d parameters", len(bounds), fields.NumField())
	}
	for i, b := range bounds {
		if tag := fields.Field(i).Tag.Get("json"); tag != b.name {
			t.Errorf("bound %d: got %s, want %s", i, b.name, tag)
		}
		for v, taken := range map[uint64]bool{b.low: true, b.top: true, b.top + 1: false, 1<<64 - 1: false, b.low - 1: false} {
			g := testGenesis(t)
			g.Params.Jobs.MissedLeaseBurn = min(1, g.Params.Jobs.MissedLeaseBurn) // its bound is workerBondMin
			g.Params.Jobs.ContestMs = 0                                           // its bound is auditRevealMs
			reflect.ValueOf(&g.Params.Jobs).Elem().Field(i).SetUint(v)
			err := g.Check()
			if taken && err != nil || !taken && (err == nil || !strings.Contains(err.Error(), "params: jobs: "+b.name)) {
				t.Errorf("%s = %d: got %v, want taken %v", b.name, v, err, taken)
			}
		}
	}
}

// What passes the check can be built: names, stakes and times at their limits.
func TestCheckedGenesisCanBeBuilt(t *testing.T) {
	for name, change := range map[string]func(*Genesis){
		"long name":       func(g *Genesis) { g.Validators[0].Name = strings.Repeat("n", 33) },
		"longer name":     func(g *Genesis) { g.Validators[0].Name = strings.Repeat("n", 64) },
		"stake of dust":   func(g *Genesis) { g.Validators[0].Stake.Int.SetUint64(1) },
		"no floor of fee": func(g *Genesis) { g.Params.BaseFeeFloor = 0 },
		"far future":      func(g *Genesis) { g.TimestampMs = 1<<64 - 1 },
	} {
		g := testGenesis(t)
		change(g)
		if err := g.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	g := testGenesis(t)
	g.Validators[0].Name = strings.Repeat("n", 32)
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	g.Build(modules())
}
