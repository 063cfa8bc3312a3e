package statetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// Result is what became of a case.
type Result struct {
	Name    string // of the test in its file
	Fork    string
	Index   int    // of the case within its test and rule set
	Skipped string // why it was not run
	Err     error  // the first difference; nil if it passed
}

// Runner runs files of state tests, one at a time. It is for one goroutine.
type Runner struct {
	machines [fork.Latest + 1]*vm.Machine
	codes    *vm.Codes
	tracer   vm.Tracer
}

// NewRunner gives a runner.
func NewRunner() *Runner { return &Runner{codes: vm.NewCodes(vm.CodesBytesMax)} }

// TranslateAll makes every program run translated from its first instruction on (see vm.Codes).
func (r *Runner) TranslateAll() { r.codes.TranslateAll() }

// Trace makes the next cases report to t; nil ends it.
func (r *Runner) Trace(t vm.Tracer) { r.tracer = t }

func (r *Runner) machine(f fork.Fork) *vm.Machine {
	if r.machines[f] == nil {
		r.machines[f] = vm.New(f, nil, r.codes)
	}
	return r.machines[f]
}

// Run runs all cases of a file in the order of their names and hands each result to each.
func (r *Runner) Run(file []byte, each func(Result)) error {
	tests, err := decode(file)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t := tests[name]
		for _, forkName := range slices.Sorted(maps.Keys(t.Post)) {
			for i := range t.Post[forkName] {
				res := Result{Name: name, Fork: forkName, Index: i}
				if f, ok := fork.Parse(forkName); ok {
					res.Err = r.one(t, f, forkName, &t.Post[forkName][i])
				} else {
					res.Skipped = "rule set " + forkName + " is not known"
				}
				each(res)
			}
		}
	}
	return nil
}

func decode(file []byte) (tests map[string]*test, err error) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&tests); err != nil {
		return nil, fmt.Errorf("state test: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("state test: something follows the tests")
	}
	for name, t := range tests {
		if t == nil {
			return nil, fmt.Errorf("state test: %s is null", name)
		}
	}
	return tests, nil
}

func (r *Runner) one(t *test, f fork.Fork, forkName string, want *post) error {
	tx, err := t.tx(want)
	if err != nil {
		return err
	}
	block, err := t.block(f, forkName)
	if err != nil {
		return err
	}
	w := NewWorld()
	for addr, acct := range t.Pre {
		w.set(addr, &acct)
	}
	w.Begin()
	m := r.machine(f)
	m.SetState(w)
	m.SetBlock(block)
	m.Trace(r.tracer)
	if _, err := m.Run(&tx); err != nil {
		if err := refusedAs(err, want.Refused); err != nil {
			return err
		}
	} else {
		if want.Refused != "" {
			return fmt.Errorf("transaction: got no fault, want %s", want.Refused)
		}
		w.End(f >= fork.Spurious)
	}
	return compare(w, want)
}

// tx puts together the transaction of a case.
func (t *test) tx(p *post) (tx vm.Tx, err error) {
	src, at := &t.Tx, p.Indexes
	if at.Data >= len(src.Data) || at.Gas >= len(src.GasLimit) || at.Value >= len(src.Value) ||
		min(at.Data, at.Gas, at.Value) < 0 || src.Sender == nil {
		return tx, errors.New("transaction: indexes out of range, or no sender")
	}
	if !src.Nonce.IsUint64() || !src.GasLimit[at.Gas].IsUint64() {
		return tx, errors.New("transaction: nonce or gas limit beyond 64 bits")
	}
	tx = vm.Tx{
		From: *src.Sender, To: src.To.addr, Nonce: src.Nonce.Uint64(), Gas: src.GasLimit[at.Gas].Uint64(),
		Value: src.Value[at.Value].Int, Data: src.Data[at.Data],
	}
	if at.Data < len(src.AccessLists) && src.AccessLists[at.Data] != nil {
		tx.Type = chain.TxTypeAccessList
		for _, e := range *src.AccessLists[at.Data] {
			tx.Access = append(tx.Access, chain.AccessTuple{Address: e.Address, Slots: e.Slots})
		}
	}
	switch {
	case src.FeeCap != nil && src.TipCap != nil:
		tx.Type, tx.FeeCap, tx.TipCap = chain.TxTypeDynamicFee, src.FeeCap.Int, src.TipCap.Int
	case src.GasPrice != nil:
		tx.FeeCap, tx.TipCap = src.GasPrice.Int, src.GasPrice.Int
	default:
		return tx, errors.New("transaction: no price")
	}
	if src.BlobFeeCap != nil || src.BlobHashes != nil {
		tx.Type = chain.TxTypeBlob
		if src.BlobFeeCap != nil {
			tx.BlobFeeCap = src.BlobFeeCap.Int
		}
		if src.BlobHashes != nil {
			tx.Blobs = *src.BlobHashes
		}
	}
	if src.Auths != nil {
		tx.Type = chain.TxTypeSetCode
		for i := range *src.Auths {
			a, err := (*src.Auths)[i].form()
			if err != nil {
				return tx, err
			}
			tx.Auths = append(tx.Auths, a)
		}
	}
	return tx, nil
}

func (a *authorization) form() (chain.Authorization, error) {
	v := a.V
	if a.YParity != nil {
		v = *a.YParity
	}
	if !a.Nonce.IsUint64() || !v.LtUint64(256) {
		return chain.Authorization{}, errors.New("authorization: nonce or parity out of range")
	}
	return chain.Authorization{
		ChainID: a.ChainID.Int, Address: a.Address, Nonce: a.Nonce.Uint64(), V: uint8(v.Uint64()), R: a.R.Int, S: a.S.Int,
	}, nil
}

func (t *test) block(f fork.Fork, forkName string) (b vm.Block, err error) {
	e := &t.Env
	if !e.GasLimit.IsUint64() || !e.Number.IsUint64() || !e.Timestamp.IsUint64() || !t.Conf.ChainID.IsUint64() {
		return b, errors.New("env: a number beyond 64 bits")
	}
	b = vm.Block{
		ChainID: max(t.Conf.ChainID.Uint64(), 1), Number: e.Number.Uint64(), Time: e.Timestamp.Uint64(),
		GasLimit: e.GasLimit.Uint64(), Coinbase: e.Coinbase, Hash: blockHash,
	}
	if e.BaseFee != nil && f >= fork.London {
		b.BaseFee = e.BaseFee.Int
	}
	switch {
	case f >= fork.Paris && e.Random != nil:
		b.Random = e.Random.Int
	case f < fork.Paris && e.Difficulty != nil:
		b.Random = e.Difficulty.Int
	}
	if f >= fork.Cancun {
		s, ok := t.Conf.Blobs[forkName]
		if !ok || s.Fraction.IsZero() || !s.Max.IsUint64() || e.ExcessBlobGas == nil {
			return b, errors.New("config: no blob schedule for " + forkName)
		}
		b.BlobsMax = s.Max.Uint64()
		b.BlobBaseFee = blobFee(&e.ExcessBlobGas.Int, &s.Fraction.Int)
	}
	return b, nil
}

// blockHash is what state tests take for the hash of block n.
func blockHash(n uint64) chain.Hash { return keccak.Sum256([]byte(strconv.FormatUint(n, 10))) }

// blobFee is e^(excess/fraction) in the integer series of EIP-4844.
func blobFee(excess, fraction *uint256.Int) uint256.Int {
	num, den := excess.ToBig(), fraction.ToBig()
	sum, term := new(big.Int), new(big.Int).Set(den)
	for i := int64(1); term.Sign() > 0; i++ {
		sum.Add(sum, term)
		term.Mul(term, num)
		term.Div(term, new(big.Int).Mul(den, big.NewInt(i)))
	}
	fee, _ := uint256.FromBig(sum.Div(sum, den))
	return *fee
}

// exceptions are the names that the tests have for our faults.
var exceptions = map[vm.TxFault]string{
	vm.TxFaultType: "TYPE_%d_TX_PRE_FORK", vm.TxFaultNonceLow: "NONCE_MISMATCH_TOO_LOW",
	vm.TxFaultNonceHigh: "NONCE_MISMATCH_TOO_HIGH", vm.TxFaultNonceMax: "NONCE_IS_MAX",
	vm.TxFaultSenderCode: "SENDER_NOT_EOA", vm.TxFaultTip: "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
	vm.TxFaultFeeCap: "INSUFFICIENT_MAX_FEE_PER_GAS", vm.TxFaultFunds: "INSUFFICIENT_ACCOUNT_FUNDS",
	vm.TxFaultIntrinsic: "INTRINSIC_GAS_TOO_LOW", vm.TxFaultFloor: "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST",
	vm.TxFaultGasMax: "GAS_LIMIT_EXCEEDS_MAXIMUM", vm.TxFaultBlockGas: "GAS_ALLOWANCE_EXCEEDED",
	vm.TxFaultInitSize: "INITCODE_SIZE_EXCEEDED", vm.TxFaultBlobCreate: "TYPE_3_TX_CONTRACT_CREATION",
	vm.TxFaultBlobNone: "TYPE_3_TX_ZERO_BLOBS", vm.TxFaultBlobCount: "TYPE_3_TX_BLOB_COUNT_EXCEEDED",
	vm.TxFaultBlobBlock: "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED",
	vm.TxFaultBlobHash:  "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH",
	vm.TxFaultBlobFee:   "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS", vm.TxFaultAuthNone: "TYPE_4_EMPTY_AUTHORIZATION_LIST",
	vm.TxFaultAuthCreate: "TYPE_4_TX_CONTRACT_CREATION", vm.TxFaultCostOverflow: "GASLIMIT_PRICE_PRODUCT_OVERFLOW",
}

// refusedAs checks that a fault is one of those that a case allows, which are divided by bars.
func refusedAs(got error, want string) error {
	if want == "" {
		return fmt.Errorf("transaction: got %q, want no fault", got)
	}
	fault, ok := errors.AsType[vm.TxFault](got)
	if !ok {
		return fmt.Errorf("transaction: got %q, want %s", got, want)
	}
	for name := range strings.SplitSeq(want, "|") {
		name = strings.TrimPrefix(name, "TransactionException.")
		if name == exceptions[fault] || fault == vm.TxFaultType && strings.HasSuffix(name, "_PRE_FORK") {
			return nil
		}
	}
	return fmt.Errorf("transaction: got %q, want %s", got, want)
}

// compare gives the first difference between a state and what a case wants.
func compare(w *World, want *post) error {
	if want.State != nil {
		if err := compareAccounts(w, *want.State); err != nil {
			return err
		}
	}
	if got := logsHash(w.Logs()); got != want.Logs {
		return fmt.Errorf("logs: got %s of %d logs, want %s", got, len(w.Logs()), want.Logs)
	}
	if got := w.Root(); got != want.Hash {
		return fmt.Errorf("root: got %s, want %s", got, want.Hash)
	}
	return nil
}

func compareAccounts(w *World, want map[chain.Address]account0) error {
	for _, addr := range sorted(w.accounts) {
		if _, ok := want[addr]; !ok && w.accounts[addr].exists {
			return fmt.Errorf("account %s: is there, want none", addr)
		}
	}
	for _, addr := range sorted(want) {
		got, acct := w.account(addr), want[addr]
		switch {
		case !got.exists:
			return fmt.Errorf("account %s: is not there", addr)
		case got.nonce != acct.Nonce.Uint64():
			return fmt.Errorf("account %s: nonce: got %d, want %d", addr, got.nonce, acct.Nonce.Uint64())
		case got.balance != acct.Balance.Int:
			return fmt.Errorf("account %s: balance: got %s, want %s", addr, got.balance.Hex(), acct.Balance.Hex())
		case !bytes.Equal(got.code, acct.Code):
			return fmt.Errorf("account %s: code: got %x, want %x", addr, got.code, []byte(acct.Code))
		}
		if err := compareSlots(w, addr, got, acct.Storage); err != nil {
			return err
		}
	}
	return nil
}

func compareSlots(w *World, addr chain.Address, got *account, want map[word]word) error {
	keys := slices.Clone(got.keys)
	for key := range want {
		keys = append(keys, chain.Hash(key))
	}
	slices.SortFunc(keys, func(a, b chain.Hash) int { return bytes.Compare(a[:], b[:]) })
	for _, key := range keys {
		if val, exp := w.Slot(addr, key), chain.Hash(want[word(key)]); val != exp {
			return fmt.Errorf("account %s: slot %s: got %s, want %s", addr, key, val, exp)
		}
	}
	return nil
}

func sorted[V any](m map[chain.Address]V) []chain.Address {
	return slices.SortedFunc(maps.Keys(m), func(a, b chain.Address) int { return bytes.Compare(a[:], b[:]) })
}

// logsHash is the Keccak-256 hash of the RLP list of the logs.
func logsHash(logs []chain.Log) chain.Hash {
	var all []byte
	for i := range logs {
		var topics []byte
		for _, topic := range logs[i].Topics {
			topics = rlp.AppendBytes(topics, topic[:])
		}
		body := rlp.AppendBytes(nil, logs[i].Address[:])
		body = rlp.AppendBytes(rlp.AppendList(body, topics), logs[i].Data)
		all = rlp.AppendList(all, body)
	}
	return keccak.Sum256(rlp.AppendList(nil, all))
}
