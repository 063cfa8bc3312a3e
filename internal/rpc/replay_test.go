package rpc

// The official cases that only need a state are replayed on the state that they were recorded on: their
// genesis and their blocks, executed here under the rules of this chain, stand behind the methods. So values
// are compared, not only shapes. What our rules make different is listed with its reason.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/internal/rpc/apitest"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
	"github.com/aiwork/aiwork-node/vm/native"
)

// theirChain is the chain of the cases, as far as methods want it that need no more than states, which are kept of
// every height.
type theirChain struct {
	Chain
	params *chain.Params
	heads  []Head
	inputs []exec.Input
	states []state.Reader
	blocks []*chain.Block
}

func newTheirChain(t *testing.T, s *apitest.Suite) *theirChain {
	t.Helper()
	var g struct {
		Config struct{ ChainID uint64 }
		Alloc  map[string]struct {
			Balance Uint256
			Nonce   Uint64
			Code    Bytes
			Storage map[Slot]Slot
		}
	}
	if err := json.Unmarshal(s.Genesis, &g); err != nil {
		t.Fatal(err)
	}
	c := &theirChain{params: &chain.Params{ChainID: g.Config.ChainID, GasTargetPerSecond: 15e6, BaseFeeFloor: 1}}
	alloc := newPatch(state.Empty{})
	for text, a := range g.Alloc {
		var addr chain.Address
		if err := addr.UnmarshalText([]byte("0x" + strings.TrimPrefix(text, "0x"))); err != nil {
			t.Fatal(err)
		}
		if err := alloc.add(&accountOverride{address: addr, Balance: &a.Balance, Nonce: &a.Nonce, Code: &a.Code, State: a.Storage}); err != nil {
			t.Fatal(err)
		}
	}
	c.heads = []Head{{}}
	c.inputs, c.states, c.blocks = []exec.Input{{}}, []state.Reader{alloc}, []*chain.Block{{}}
	blocks := rlp.NewReader(s.Chain)
	for blocks.More() {
		c.add(t, blocks.List())
	}
	if err := blocks.End(); err != nil {
		t.Fatal(err)
	}
	return c
}

// add executes a block. Its transactions are tried, not applied, since many are of before EIP-155; those with
// blobs are left out.
func (c *theirChain) add(t *testing.T, block *rlp.Reader) {
	t.Helper()
	raw := block.Raw()
	in := c.header(raw)
	parent := &c.heads[len(c.heads)-1]
	in.ParentHash = parent.Hash
	view := state.New(c.states[len(c.states)-1])
	run := exec.Begin(view, &in, exec.NewEngine(native.NewSet(), 1<<20))
	for list := block.List(); list.More(); {
		enc := list.Raw()
		if enc[0] < 0xc0 {
			enc = rlp.NewReader(enc).Bytes()
		}
		m, err := message(enc)
		if err == nil {
			_, err = run.Try(&m)
		}
		if err != nil {
			t.Errorf("their block %d: %v", in.Block.Height, err)
		}
	}
	if in.Block.Height < mergedAt {
		view.AddBalance(in.Block.Coinbase, uint256.NewInt(2e18))
	}
	if view.Err() != nil {
		t.Fatal(view.Err())
	}
	h := chain.Header{
		ParentHash: in.ParentHash, Coinbase: in.Block.Coinbase, Number: in.Block.Height, GasLimit: in.GasLimit, Time: *in.Seconds,
		MixHash: in.MixHash, BaseFee: in.Block.BaseFee,
	}
	head := Head{Height: h.Number, Hash: keccak.Sum256(raw), Header: h, Ext: chain.Extension{TimeMs: in.Block.TimeMs}}
	c.heads, c.inputs, c.blocks = append(c.heads, head), append(c.inputs, in), append(c.blocks, &chain.Block{Header: h})
	c.states = append(c.states, state.NewOverlay(c.states[len(c.states)-1], view.Diff()))
}

// mergedAt is their first block without a reward for who made it.
const mergedAt = 36

// message gives a transaction of theirs as a call that is tried, since many are of before EIP-155. What one
// with blobs pays for them is not taken.
func message(enc []byte) (exec.Message, error) {
	if enc[0] == chain.TxTypeBlob {
		return blobMessage(enc)
	}
	tx, err := chain.DecodeTx(enc)
	if err != nil {
		return exec.Message{}, err
	}
	from, err := tx.Sender()
	return exec.Message{
		From: from, To: tx.To, Gas: tx.Gas, FeeCap: tx.GasFeeCap, TipCap: tx.GasTipCap, Value: tx.Value, Data: tx.Data,
		AccessList: tx.AccessList, Auths: tx.Auths,
	}, err
}

func blobMessage(enc []byte) (m exec.Message, err error) {
	r := rlp.NewReader(enc[1:]).List()
	var signed []byte
	var fields []*rlp.Reader
	for i := 0; r.More(); i++ {
		raw := r.Raw()
		if fields = append(fields, rlp.NewReader(raw)); i < 11 {
			signed = append(signed, raw...)
		}
	}
	m.TipCap, m.FeeCap, m.Gas = fields[2].Uint256(), fields[3].Uint256(), fields[4].Uint64()
	m.To = new(chain.Address)
	fields[5].Fixed(m.To[:])
	m.Value, m.Data = fields[6].Uint256(), fields[7].Bytes()
	sig := secp.Signature{V: uint8(fields[11].Uint64())}
	big := []uint256.Int{fields[12].Uint256(), fields[13].Uint256()}
	sig.R, sig.S = big[0].Bytes32(), big[1].Bytes32()
	from, err := secp.RecoverAddress(keccak.Sum256(enc[:1], rlp.AppendList(nil, signed)), sig)
	m.From = chain.Address(from)
	return m, err
}

func (c *theirChain) header(raw []byte) exec.Input {
	r := rlp.NewReader(raw).List()
	var fields [][]byte
	for r.More() {
		fields = append(fields, rlp.NewReader(r.Raw()).Bytes())
	}
	number := func(i int) uint64 { return new(uint256.Int).SetBytes(fields[i]).Uint64() }
	seconds := number(11)
	in := exec.Input{
		Block: native.Block{
			Height: chain.Height(number(8)), TimeMs: seconds * 1000, Coinbase: chain.Address(fields[2]), ChainID: c.params.ChainID, Params: c.params,
		},
		GasLimit: number(9), MixHash: chain.Hash(fields[13]), Seconds: &seconds,
	}
	if len(fields) > 15 {
		in.Block.BaseFee.SetBytes(fields[15])
	}
	return in
}

func (c *theirChain) head() *Head { return &c.heads[len(c.heads)-1] }

func (c *theirChain) Head() (Head, <-chan struct{}) { return *c.head(), nil }

func (c *theirChain) OldestState() chain.Height { return 0 }

func (c *theirChain) StateAt(h chain.Height) (state.Reader, Head, func(), error) {
	return c.states[h], c.heads[h], func() {}, nil
}

func (c *theirChain) BlockByHeight(h chain.Height) (*chain.Block, error) { return c.blocks[h], nil }

func (c *theirChain) BlockByHash(hash chain.Hash) (*chain.Block, error) {
	for h := range c.heads {
		if c.heads[h].Hash == hash {
			return c.blocks[h], nil
		}
	}
	return nil, nil
}

func (c *theirChain) After(h chain.Height) (*Sandbox, error) {
	return c.sandbox(h, c.inputs[h]), nil
}

func (c *theirChain) Next(h chain.Height) (*Sandbox, error) {
	in := c.inputs[h]
	in.Block.Height, in.ParentHash, in.Block.ParentTimeMs = h+1, c.heads[h].Hash, in.Block.TimeMs
	in.Block.TimeMs++

	return c.sandbox(h, in), nil
}

func (c *theirChain) sandbox(h chain.Height, in exec.Input) *Sandbox {
	return &Sandbox{
		State: c.states[h], At: c.heads[h], Input: in, Engine: exec.NewEngine(native.NewSet(), 1<<20), Close: func() {},
		Prove: func(chain.Hash) (tree.Proof, error) { return tree.Proof{}, errors.New("no tree") },
	}
}

// replayed are the methods that a state is enough for.
var replayed = []string{
	"eth_call", "eth_estimateGas", "eth_createAccessList", "eth_simulateV1", "eth_getBalance", "eth_getCode", "eth_getStorageAt",
	"eth_getStorageValues", "eth_getTransactionCount", "eth_chainId", "net_version", "eth_blockNumber", "eth_blobBaseFee",
}

func TestReplay(t *testing.T) {
	suite := apitest.Load(t)
	c := newTheirChain(t, suite)
	table := NewTable()
	AddEth(table, c, nil, nil, c.params, "")
	if c.head().Height != 54 {
		t.Fatalf("got %d blocks, want 54", c.head().Height)
	}
	same := map[string]int{}
	all := map[string]int{}
	for _, cs := range suite.Cases {
		if !slices.Contains(replayed, cs.Method) {
			continue
		}
		all[cs.Method]++
		name := cs.Method + "/" + strings.TrimPrefix(cs.Name, "ethSimulate-")
		wrong := replay(suite, table, &cs)
		known, listed := otherwise[name]
		if !listed {
			same[cs.Method]++
		} else if len(wrong) == 0 {
			t.Errorf("%s is listed as different and is not", name)
		}
		for _, w := range wrong {
			if !listed || !regexp.MustCompile(known.how).MatchString(w) {
				t.Errorf("%s: %s", name, w)
			}
		}
	}
	for _, m := range replayed {
		t.Logf("%-24s %2d of %2d cases give the recorded values; the others differ for a listed reason", m, same[m], all[m])
	}
}

// replay asks what a case asks and gives the differences.
func replay(suite *apitest.Suite, table *Table, cs *apitest.Case) (wrong []string) {
	for _, x := range cs.Exchanges {
		m, fault := table.Lookup(x.Method)
		var got json.RawMessage
		if fault == nil {
			got, fault = m.Call(context.Background(), x.Params)
		}
		switch {
		case fault != nil && x.Error == nil:
			return append(wrong, fmt.Sprintf("got error %d %s", fault.Code, fault.Message))
		case fault != nil && fault.Code != x.Error.Code:
			return append(wrong, fmt.Sprintf("got code %d (%s), want %d (%s)", fault.Code, fault.Message, x.Error.Code, x.Error.Message))
		case fault == nil && x.Error != nil:
			return append(wrong, fmt.Sprintf("got %.200s, want code %d (%s)", got, x.Error.Code, x.Error.Message))
		case fault != nil:
			data, _ := json.Marshal(fault.Data)
			if len(x.Error.Data) > 0 && !bytes.Equal(data, x.Error.Data) {
				wrong = append(wrong, fmt.Sprintf("got data %s, want %s", data, x.Error.Data))
			}
			continue
		}
		wrong = append(wrong, suite.Check(x.Method, got)...)
		wrong = append(wrong, compare(got, x.Result)...)
	}
	return wrong
}

// ownWords are fields whose values are ours: hashes follow from the header's form, texts from taste.
var ownWords = []string{
	"hash", "parentHash", "stateRoot", "receiptsRoot", "transactionsRoot", "extraData", "blockHash", "transactionHash", "size", "message",
}

// compare lists where two answers differ.
func compare(got, want json.RawMessage) []string {
	var a, b any
	if json.Unmarshal(got, &a) != nil || json.Unmarshal(want, &b) != nil {
		return []string{"not JSON"}
	}
	return differ(a, b, "result")
}

func differ(got, want any, at string) (wrong []string) {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{at + ": is no object"}
		}
		for k, v := range want {
			if of, has := g[k]; !has {
				wrong = append(wrong, fmt.Sprintf("%s.%s is missing", at, k))
			} else if !slices.Contains(ownWords, k) {
				wrong = append(wrong, differ(of, v, at+"."+k)...)
			}
		}
		for k := range g {
			if _, has := want[k]; !has {
				wrong = append(wrong, fmt.Sprintf("%s.%s is ours alone", at, k))
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return []string{fmt.Sprintf("%s: got %v, want %d entries", at, short(got), len(want))}
		}
		if strings.HasSuffix(at, ".transactions") && len(want) > 0 {
			if _, hashes := want[0].(string); hashes {
				return nil
			}
		}
		for i := range want {
			wrong = append(wrong, differ(g[i], want[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
	default:
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: got %s, want %s", at, short(got), short(want)))
		}
	}
	return wrong
}

func short(v any) string {
	text, _ := json.Marshal(v)
	return string(text[:min(len(text), 2000)])
}

// otherwise lists the cases that differ: a pattern of how, so that nothing else is let through, and why.
var otherwise = map[string]struct{ how, why string }{
	"eth_estimateGas/estimate-with-eip4844":                                         {noBlobs, whyNoBlobs},
	"eth_simulateV1/blobs":                                                          {noBlobs, whyNoBlobs},
	"eth_simulateV1/simple-more-params-validate":                                    {noBlobs, whyNoBlobs},
	"eth_simulateV1/two-blocks-with-complete-eth-sends":                             {noBlobs, whyNoBlobs},
	"eth_simulateV1/use-as-many-features-as-possible":                               {noBlobs, whyNoBlobs},
	"eth_estimateGas/estimate-successful-call":                                      {`^result: got "0x5270", want "0x5316"$`, whyExact},
	"eth_estimateGas/estimate-with-eip7702":                                         {`^result: got "0xb3b0", want "0xb52e"$`, whyExact},
	"eth_createAccessList/create-al-abi-revert":                                     {`^result.error: got "execution reverted: user error"`, "we say the reason too"},
	"eth_simulateV1/blockhash-complex":                                              {returned, whyHash},
	"eth_simulateV1/blockhash-start-before-head":                                    {returned, whyHash},
	"eth_simulateV1/overwrite-existing-contract":                                    {lastWord, whyHash},
	"eth_simulateV1/empty-validation":                                               {baseFee, whyFee},
	"eth_simulateV1/fee-recipient-receiving-funds":                                  {baseFee, whyFee},
	"eth_simulateV1/empty-with-block-num-set-firstblock":                            {`difficulty: got "0x0"|is ours alone$`, "their block is older than London, ours have all fields from the first block on"},
	"eth_simulateV1/overflow-nonce":                                                 {`^got error -32603 nonce has max value`, "a nonce at its end is never used, validated or not"},
	"eth_simulateV1/add-more-non-defined-BlockStateCalls-than-fit-but-now-with-fit": {lastWord, whyHash},
}

const (
	noBlobs    = `^got error -32602 blob transactions are not supported`
	whyNoBlobs = "there are no blobs here"
	whyExact   = "our estimate is the least gas that is enough, theirs is up to 1.5 % above it"
	returned   = `returnData: got "0x[0-9a-f]{64}", want "0x[0-9a-f]{64}"$`
	lastWord   = `returnData: got "(0x[0-9a-f]{576})[0-9a-f]{64}", want "0x[0-9a-f]{640}"$`
	whyHash    = "the code returns hashes of simulated blocks, and their headers have our form"
	baseFee    = `baseFeePerGas: got`
	whyFee     = "the base fee follows our rule"
)
