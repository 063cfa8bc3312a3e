package rpc

// The recorded traces are replayed on the state that they were recorded on, under the rules of their
// blocks, which are older than ours: every number of every line is compared.

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/internal/rpc/apitest"
	"github.com/aiwork/aiwork-node/internal/trace"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// theirRules are those of their first blocks: Tangerine Whistle comes with block 3.
const theirRules = fork.Homestead

// tracedBlocksMax is the last block of which there are recorded traces.
const tracedBlocksMax = 2

// recordedTracesMin is how many there are at least, so that none goes missing unseen.
const recordedTracesMin = 139

func TestReplayedTraces(t *testing.T) {
	suite := apitest.Load(t)
	lines := 0
	for _, cs := range suite.Cases {
		if cs.Method != "debug_traceBlockByNumber" && cs.Method != "debug_traceTransaction" && cs.Method != "debug_traceBlockByHash" {
			continue
		}
		for _, x := range cs.Exchanges {
			if x.Error != nil {
				continue
			}
			var params []json.RawMessage
			if err := json.Unmarshal(x.Params, &params); err != nil {
				t.Fatal(err)
			}
			config := &trace.Config{}
			if len(params) > 1 {
				if err := json.Unmarshal(params[1], config); err != nil {
					t.Fatal(err)
				}
			}
			var name string
			if err := json.Unmarshal(params[0], &name); err != nil {
				t.Fatal(err)
			}
			got := theirTraces(t, suite, name, config)
			if cs.Method == "debug_traceTransaction" {
				if got == nil {
					continue // of a later block, under later rules
				}
				for _, wrong := range compare(got[0].Result, x.Result) {
					t.Errorf("%s/%s: %s", cs.Method, cs.Name, wrong)
				}
				lines++
				continue
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range compare(text, x.Result) {
				t.Errorf("%s/%s: %s", cs.Method, cs.Name, wrong)
			}
			lines += len(got)
		}
	}
	t.Logf("%d recorded traces of transactions replayed", lines)
	if lines < recordedTracesMin {
		t.Errorf("%d traces, want at least %d", lines, recordedTracesMin)
	}
}

// theirTraces runs their first blocks and gives the traces of the one with a number or hash, or of the
// transaction with a hash; nil if it is in none of them.
func theirTraces(t *testing.T, s *apitest.Suite, name string, config *trace.Config) []trace.Result {
	c := newTheirChain(t, s)
	view := state.New(c.states[0])
	m := vm.New(theirRules, view, vm.NewCodes(1<<20))
	blocks := rlp.NewReader(s.Chain)
	for h := 1; h <= tracedBlocksMax; h++ {
		block := blocks.List()
		in := c.header(block.Raw())
		m.SetBlock(vm.Block{
			ChainID: c.params.ChainID, Number: uint64(h), Time: *in.Seconds, GasLimit: in.GasLimit, Coinbase: in.Block.Coinbase,
			Random: *new(uint256.Int).SetBytes32(in.MixHash[:]), Hash: func(n uint64) chain.Hash { return c.heads[n].Hash },
		})
		wanted := name == c.heads[h].Hash.String() || name == fmt.Sprintf("0x%x", h)
		var out []trace.Result
		for list := block.List(); list.More(); {
			enc := list.Raw()
			tx, err := chain.DecodeTx(enc)
			if err != nil {
				t.Fatal(err)
			}
			r := traceTheirs(t, m, view, tx, in.Block.Coinbase, config)
			if name == r.TxHash.String() {
				return []trace.Result{r}
			}
			out = append(out, r)
		}
		if wanted {
			return out
		}
		view.AddBalance(in.Block.Coinbase, uint256.NewInt(2e18))
		view.EndTx()
	}
	return nil
}

func traceTheirs(t *testing.T, m *vm.Machine, view *state.View, tx *chain.Tx, coinbase chain.Address, config *trace.Config) trace.Result {
	msg, err := message(tx.Encode())
	if err != nil {
		t.Fatal(err)
	}
	w, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	up := state.New(view.Below())
	w.Begin(&trace.Env{State: up, Before: view, Fork: theirRules, Coinbase: coinbase}, &trace.Tx{From: msg.From, To: msg.To, Gas: msg.Gas})
	up.BeginTx()
	m.SetState(up)
	m.Trace(w)
	out, err := m.Try(&vm.Tx{
		Type: tx.Type, From: msg.From, To: msg.To, Gas: msg.Gas, FeeCap: msg.FeeCap, TipCap: msg.FeeCap, Value: msg.Value, Data: msg.Data,
	})
	m.Trace(nil)
	if err != nil {
		t.Fatal(err)
	}
	up.EndTx()
	w.End(out.GasUsed)
	d := up.Diff()
	view.Absorb(&d)
	result, err := w.Result()
	if err != nil {
		t.Fatal(err)
	}
	return trace.Result{TxHash: tx.Hash(), Result: result}
}
