package stake

import (
	"reflect"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The set of genesis comes back as it was; slashing moves exactly the share and ends fitness; topping up
// restores it.

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

type reader struct{ *state.View }

func (r reader) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return r.View.Slot(a, key), nil
}

func TestSet(t *testing.T) {
	view := state.New(nothing{})
	params := &chain.Params{Jobs: chain.JobParams{ServiceBondMin: 1000}}
	var want []chain.Validator
	for i := range 5 {
		v := chain.Validator{Name: "validator with a name of 32 byte"[:28+i], Address: chain.Address{byte(i + 1)}}
		v.VoteKey, v.VRFKey = [32]byte{byte(i)}, [33]byte{2, byte(i)}
		v.Stake.SetUint64(uint64(i+1) * 25_000_000_001)
		v.ServiceBond.SetUint64(1000 * Gwei)
		want = append(want, v)
	}
	slasher := chain.Address{0xEE}
	m := Module()
	set := native.NewSet(m, native.Module{Name: "slasher", Address: slasher, Methods: []native.Method{
		{Signature: "slash(address,uint64)", Returns: "(uint256)", Mutability: native.NonPayable, Run: func(c *native.Call) {
			a, share := c.Args.Address(), c.Args.Uint64()
			if c.Ready() {
				v := Slash(c, a, share)
				c.Out.Uint256(&v)
			}
		}},
		{Signature: "fit(uint64)", Returns: "(bool,uint64)", Run: func(c *native.Call) {
			i := c.Args.Uint64()
			if c.Ready() {
				a := Auditors(c)[i]
				c.Out.Bool(a.Fit)
				c.Out.Uint64(a.Weight)
			}
		}},
	}})
	set.Genesis(view, want, params, [32]byte{})
	got, err := Validators(reader{view})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("set: got %+v, %v; want %+v", got, err, want)
	}
	run := func(to chain.Address, value uint64, input []byte) native.Result {
		view.BeginTx()
		defer view.EndTx()
		view.AddBalance(to, uint256.NewInt(value))
		return set.Run(native.Frame{
			State: view, Block: &native.Block{Height: 1, Params: params}, Self: to, Value: *uint256.NewInt(value), Input: input, Gas: 1_000_000,
		})
	}
	fit := func() (bool, uint64) {
		e := native.NewInput("fit(uint64)")
		e.Uint64(2)
		d := native.NewDecoder("(bool,uint64)", run(slasher, 0, e.Out()).Output)
		return d.Bool(), d.Uint64()
	}
	if ok, weight := fit(); !ok || weight != 7 { // 75,000,000,003 / 10^10, rounded down
		t.Errorf("before: fit %v with weight %d, want true with 7", ok, weight)
	}
	e := native.NewInput("slash(address,uint64)")
	e.Address(chain.Address{3})
	e.Uint64(333_333)
	if res := run(slasher, 0, e.Out()); res.Err != nil {
		t.Fatal(res.Err)
	}
	if held, lost := view.Balance(slasher), uint256.NewInt(333_333*Gwei/1000); held != *lost {
		t.Errorf("slashed: got %s, want %s", held.Dec(), lost.Dec())
	}
	if ok, _ := fit(); ok {
		t.Error("fit with a bond below the least")
	}
	if res := run(chain.AddrStake, 333_333*Gwei/1000, PackTopUp(chain.Address{3})); res.Err != nil {
		t.Fatal(res.Err)
	}
	if ok, _ := fit(); !ok {
		t.Error("not fit after topping up")
	}
	if res := run(chain.AddrStake, 1, PackTopUp(chain.Address{99})); res.Err == nil {
		t.Error("a stranger's bond was topped up")
	}
	if i, found, _ := IndexOf(reader{view}, chain.Address{4}); i != 3 || !found {
		t.Errorf("index: got %d, %v; want 3, true", i, found)
	}
}
