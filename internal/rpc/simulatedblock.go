package rpc

import (
	"bytes"
	"errors"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/vm"
)

// simulatedBlock is a block with what became of its calls. Its state root is zero: no tree is built over a
// state that nobody keeps.
type simulatedBlock struct {
	blockForm
	Calls []simulatedCall `json:"calls"`
}

type simulatedCall struct {
	ReturnData Bytes     `json:"returnData"`
	Logs       []logForm `json:"logs"`
	GasUsed    Uint64    `json:"gasUsed"`
	MaxUsedGas Uint64    `json:"maxUsedGas"`
	Status     Uint64    `json:"status"`
	Error      *Error    `json:"error,omitempty"`
}

// simulatedRun is one block while its calls run.
type simulatedRun struct {
	*stage
	sim     *simulation
	gasUsed uint64

	txs      []*chain.Tx
	senders  []chain.Address
	receipts []*chain.Receipt
	results  []simulatedCall
	logs     [][]chain.Log // of each call, with those of transfers if asked for
}

// call runs one call and keeps what it changed. An error ends the simulation: a block cannot hold the call.
func (r *simulatedRun) call(args *callArgs) error {
	if r.sim.callsLeft--; r.sim.callsLeft < 0 {
		return Errorf(codeTooMany, "more than %d calls", simulateCallsMax)
	}
	if err := r.sim.ctx.Err(); err != nil {
		return Errorf(CodeRefused, "execution aborted: the simulation takes longer than this node lets one take")
	}
	m, err := r.message(args)
	if err != nil {
		return err
	}
	nonce, err := r.checkNonce(args, m.From)
	if err != nil {
		return err
	}
	if r.sim.args.Validation && m.FeeCap.Lt(&r.Input.Block.BaseFee) {
		return r.impossible(&m, exec.FaultFeeCap)
	}
	var transfers *transferTracer
	if r.sim.args.TraceTransfers {
		transfers = newTransferTracer()
		r.run.Trace(transfers)
	}
	res, err := r.run.Try(&m)
	r.run.Trace(nil)
	if err != nil {
		return r.impossible(&m, err)
	}
	r.sim.gasLeft -= min(res.GasUsed, r.sim.gasLeft)
	r.gasUsed += res.GasUsed
	r.keep(args.unsigned(&m, nonce, r.sim.params.ChainID), &m, &res, transfers)
	return nil
}

// message gives the call with the gas that it may use: what it names, or what is left.
func (r *simulatedRun) message(args *callArgs) (exec.Message, error) {
	m, err := args.message(r.sim.params.ChainID)
	if err != nil {
		return m, err
	}
	left := r.Input.GasLimit - min(r.gasUsed, r.Input.GasLimit)
	m.Gas = left
	if args.Gas != nil {
		m.Gas = uint64(*args.Gas)
	}
	if m.Gas > left {
		return m, Errorf(codeBlockGas, "block gas limit reached: %d >= %d", r.gasUsed, r.Input.GasLimit)
	}
	if r.sim.gasLeft == 0 {
		return m, Errorf(codeTooMany, "the calls use more than %d gas in all", uint64(simulateGasMax))
	}
	m.Gas = min(m.Gas, r.sim.gasLeft)
	return m, nil
}

// checkNonce gives the nonce that the transaction shows. Only validation holds it against the sender's.
func (r *simulatedRun) checkNonce(args *callArgs, from chain.Address) (uint64, error) {
	have := r.run.View().Nonce(from)
	if r.sim.args.Validation && have+1 == 0 {
		return 0, Errorf(CodeInternal, "nonce has max value: address %s, nonce: %d", from.Checksum(), have)
	}
	if args.Nonce == nil {
		return have, nil
	}
	nonce := uint64(*args.Nonce)
	switch {
	case r.sim.args.Validation && nonce < have:
		return 0, Errorf(codeNonceLow, "nonce too low: address %s, tx: %d state: %d", from.Checksum(), nonce, have)
	case r.sim.args.Validation && nonce > have:
		return 0, Errorf(codeNonceHigh, "nonce too high: address %s, tx: %d state: %d", from.Checksum(), nonce, have)
	}
	return nonce, nil
}

// impossible gives the error of a call that no block could hold, under the code that the method has for it.
func (r *simulatedRun) impossible(m *exec.Message, err error) error {
	code := 0
	switch {
	case errors.Is(err, exec.FaultFeeCap):
		code = codeFeeCap
	case errors.Is(err, exec.FaultFunds):
		code = codeFunds
	case tooLittleGas(err):
		code = codeIntrinsic
	case refusal(err) == vm.TxFaultInitSize:
		code = codeInitCode
	case refusal(err) == vm.TxFaultNonceMax:
		code = CodeInternal
	default:
		return r.refused(m, err)
	}
	return &Error{Code: code, Message: r.refused(m, err).Error()}
}

func (r *simulatedRun) keep(tx *chain.Tx, m *exec.Message, res *exec.CallResult, transfers *transferTracer) {
	receipt := &chain.Receipt{TxType: tx.Type, Status: chain.StatusOK, CumulativeGas: r.gasUsed, GasUsed: res.GasUsed}
	result := simulatedCall{
		ReturnData: append(Bytes{}, res.Output...), GasUsed: Uint64(res.GasUsed), MaxUsedGas: Uint64(res.GasPeak), Status: 1,
	}
	logs := res.Logs
	switch {
	case res.Fault != 0:
		receipt.Status, result.Status, logs = chain.StatusFailed, 0, nil
		result.ReturnData, result.Error = Bytes{}, simulatedFault(res)
	case transfers != nil:
		logs = transfers.logs()
	}
	if res.Fault == 0 {
		receipt.Logs = res.Logs
		receipt.Bloom.AddLogs(res.Logs)
	}
	if m.To == nil {
		receipt.ContractAddress = &res.Created
	}
	r.txs, r.senders = append(r.txs, tx), append(r.senders, m.From)
	r.receipts, r.results, r.logs = append(r.receipts, receipt), append(r.results, result), append(r.logs, logs)
}

func simulatedFault(res *exec.CallResult) *Error {
	if res.Fault == vm.FaultRevert {
		return reverted(res.Output)
	}
	return Errorf(codeVM, "vm execution error: %s", faultText(res.Fault))
}

// seal makes the block.
func (r *simulatedRun) seal() *chain.Block {
	in := &r.Input
	b := &chain.Block{Txs: r.txs}
	b.Header = chain.Header{
		ParentHash: in.ParentHash, Coinbase: in.Block.Coinbase, TxRoot: chain.TxRoot(r.txs), ReceiptRoot: chain.ReceiptRoot(r.receipts),
		Number: in.Block.Height, GasLimit: in.GasLimit, GasUsed: r.gasUsed, MixHash: in.MixHash, BaseFee: in.Block.BaseFee,
	}
	for _, rec := range r.receipts {
		b.Header.Bloom.Or(&rec.Bloom)
	}
	return b
}

// form shows the block.
func (r *simulatedRun) form(b *chain.Block, full bool) simulatedBlock {
	out := simulatedBlock{blockForm: formBlockHead(b), Calls: []simulatedCall{}}
	index := 0
	for i, tx := range b.Txs {
		if full {
			out.Transactions = append(out.Transactions, formTxFrom(tx, r.senders[i], &b.Header, i))
		} else {
			out.Transactions = append(out.Transactions, tx.Hash())
		}
		call := r.results[i]
		call.Logs = []logForm{}
		for _, l := range r.logs[i] {
			e := LogEntry{Log: l, Height: b.Header.Number, BlockHash: out.Hash, Time: b.Header.Time, TxHash: tx.Hash(), TxIndex: i, Index: index}
			call.Logs = append(call.Logs, formLog(&e))
			index++
		}
		out.Calls = append(out.Calls, call)
	}
	return out
}

// unsigned gives the transaction that a message would be, with a signature of zeros.
func (a *callArgs) unsigned(m *exec.Message, nonce, chainID uint64) *chain.Tx {
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: chainID, Nonce: nonce, Gas: m.Gas, GasFeeCap: m.FeeCap, GasTipCap: m.TipCap,
		To: m.To, Value: m.Value, Data: m.Data, AccessList: m.AccessList,
	}
	switch {
	case len(m.Auths) > 0:
		tx.Type, tx.Auths = chain.TxTypeSetCode, m.Auths
	case a.GasPrice != nil && m.AccessList != nil:
		tx.Type = chain.TxTypeAccessList
	case a.GasPrice != nil:
		tx.Type, tx.ChainID = chain.TxTypeLegacy, 0
	}
	return tx
}

// transferTracer adds a log to a call's own for every payment in it, as if money were a token.
type transferTracer struct{ frames [][]chain.Log }

func newTransferTracer() *transferTracer { return &transferTracer{frames: make([][]chain.Log, 1)} }

func (t *transferTracer) logs() []chain.Log { return t.frames[0] }

func (t *transferTracer) add(l chain.Log) {
	last := len(t.frames) - 1
	t.frames[last] = append(t.frames[last], l)
}

// Enter logs the payment of a call. A call in another's name moves nothing.
func (t *transferTracer) Enter(c vm.Call) {
	t.frames = append(t.frames, nil)
	if c.Value.IsZero() || c.Op == vm.DELEGATECALL || c.Op == vm.CALLCODE {
		return
	}
	amount := c.Value.Bytes32()
	t.add(chain.Log{Address: moneyAddress(), Topics: []chain.Hash{transferTopic(), wide(c.From), wide(c.To)}, Data: amount[:]})
}

// Step does nothing.
func (*transferTracer) Step(*vm.Step) {}

// Log keeps a log of the code's own.
func (t *transferTracer) Log(l *chain.Log) {
	t.add(chain.Log{Address: l.Address, Topics: slices.Clone(l.Topics), Data: bytes.Clone(l.Data)})
}

// Exit hands the logs of a call that went well to its caller.
func (t *transferTracer) Exit(_ []byte, _ uint64, fault vm.Fault) {
	last := len(t.frames) - 1
	logs := t.frames[last]
	t.frames = t.frames[:last]
	if fault == 0 {
		t.frames[last-1] = append(t.frames[last-1], logs...)
	}
}

// moneyAddress stands for the chain's own money among tokens (ERC-7528).
func moneyAddress() (a chain.Address) {
	for i := range a {
		a[i] = 0xee
	}
	return a
}

// transferTopic is the Keccak-256 hash of Transfer(address,address,uint256).
func transferTopic() chain.Hash {
	return chain.Hash{
		0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
		0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
	}
}

func wide(a chain.Address) (h chain.Hash) {
	copy(h[12:], a[:])
	return h
}
