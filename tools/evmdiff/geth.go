package evmdiff

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	gethstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	gethvm "github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Geth is go-ethereum's machine.
type Geth struct {
	db   *gethstate.StateDB
	evm  *gethvm.EVM
	runs int
}

// NewGeth puts w under go-ethereum's machine.
func NewGeth(w World) (*Geth, error) {
	store := gethstate.NewDatabaseForTesting()
	db, err := gethstate.New(types.EmptyRootHash, store)
	if err != nil {
		return nil, err
	}
	for addr, a := range w {
		to := common.Address(addr)
		db.CreateAccount(to)
		db.SetNonce(to, a.Nonce, tracing.NonceChangeUnspecified)
		db.SetBalance(to, &a.Balance, tracing.BalanceChangeUnspecified)
		db.SetCode(to, a.Code, tracing.CodeChangeUnspecified)
		for key, val := range a.Slots {
			db.SetState(to, common.Hash(key), common.Hash(val))
		}
	}
	rules := params.MergedTestChainConfig.Rules(big.NewInt(blockNumber), true, blockTime)
	root, err := db.Commit(rules, 0)
	if err != nil {
		return nil, err
	}
	if db, err = gethstate.New(root, store); err != nil {
		return nil, err
	}
	g := &Geth{db: db}
	hash := common.Hash(random)
	g.evm = gethvm.NewEVM(gethvm.BlockContext{
		CanTransfer: core.CanTransfer, Transfer: core.Transfer,
		GetHash:  func(n uint64) common.Hash { return common.Hash(blockHash(n)) },
		Coinbase: common.Address(coinbase), GasLimit: blockGasMax,
		BlockNumber: big.NewInt(blockNumber), Time: blockTime, Difficulty: new(big.Int),
		BaseFee: big.NewInt(baseFee), BlobBaseFee: big.NewInt(1), Random: &hash,
	}, db, params.MergedTestChainConfig, gethvm.Config{})
	return g, nil
}

// Run runs a transaction.
func (g *Geth) Run(tx *vm.Tx) Result {
	g.runs++
	id := common.Hash{28: byte(g.runs >> 24), 29: byte(g.runs >> 16), 30: byte(g.runs >> 8), 31: byte(g.runs)}
	g.db.SetTxContext(id, g.runs, 0)
	back := g.db.Snapshot()
	result, err := core.ApplyMessage(g.evm, message(tx), core.NewGasPool(blockGasMax))
	if err != nil {
		g.db.RevertToSnapshot(back)
		return Result{Refused: true, Reason: err.Error()}
	}
	g.db.Finalise(g.evm.GetRules())
	r := Result{Failed: result.Failed(), GasUsed: result.UsedGas, Output: result.ReturnData}
	if r.Failed {
		r.Reason = result.Err.Error()
		if !errors.Is(result.Err, gethvm.ErrExecutionReverted) {
			r.Output = nil // go-ethereum shows the code that a failed creation would have had
		}
	}
	for _, l := range g.db.GetLogs(id, blockNumber, common.Hash{}, blockTime) {
		log := chain.Log{Address: chain.Address(l.Address), Data: l.Data}
		for _, topic := range l.Topics {
			log.Topics = append(log.Topics, chain.Hash(topic))
		}
		r.Logs = append(r.Logs, log)
	}
	return r
}

func message(tx *vm.Tx) *core.Message {
	price := new(uint256.Int).AddUint64(&tx.TipCap, baseFee)
	if tx.FeeCap.Lt(price) {
		price = &tx.FeeCap
	}
	m := &core.Message{
		From: common.Address(tx.From), Nonce: tx.Nonce, Value: &tx.Value, GasLimit: tx.Gas, GasPrice: price,
		GasFeeCap: &tx.FeeCap, GasTipCap: &tx.TipCap, Data: tx.Data, BlobGasFeeCap: new(uint256.Int),
	}
	if tx.To != nil {
		m.To = (*common.Address)(tx.To)
	}
	for _, a := range tx.Access {
		t := types.AccessTuple{Address: common.Address(a.Address)}
		for _, slot := range a.Slots {
			t.StorageKeys = append(t.StorageKeys, common.Hash(slot))
		}
		m.AccessList = append(m.AccessList, t)
	}
	if tx.Type == chain.TxTypeSetCode {
		m.SetCodeAuthorizations = []types.SetCodeAuthorization{}
	}
	for i := range tx.Auths {
		a := &tx.Auths[i]
		m.SetCodeAuthorizations = append(m.SetCodeAuthorizations, types.SetCodeAuthorization{
			ChainID: a.ChainID, Address: common.Address(a.Address), Nonce: a.Nonce, V: a.V, R: a.R, S: a.S,
		})
	}
	return m
}

// Root gives the root of the state trie.
func (g *Geth) Root() chain.Hash { return chain.Hash(g.db.IntermediateRoot(g.evm.GetRules())) }

// Dump describes an account.
func (g *Geth) Dump(addr chain.Address, keys []chain.Hash) string {
	a := common.Address(addr)
	text := fmt.Sprintf("nonce %d balance %s code %x", g.db.GetNonce(a), g.db.GetBalance(a).Dec(), g.db.GetCode(a))
	for _, key := range keys {
		if val := g.db.GetState(a, common.Hash(key)); val != (common.Hash{}) {
			text += fmt.Sprintf(" [%x]=%x", key, val)
		}
	}
	return text
}
