package exec_test

// What is tested: every method of every system contract, called in every way that code can call it. A call
// through code must do exactly what the call alone does, or nothing at all; and never may a token be made or
// lost. The ways: CALL, STATICCALL, DELEGATECALL, CALLCODE, in frames that are taken back, with every gas
// limit in steps, with value where none is taken, from a constructor, through a delegated account (EIP-7702),
// twice in one transaction, and again after a call that was cut short.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	testChain  = 99
	gasLimit   = 16_000_000
	gasSteps   = 40   // gas limits that are tried for each method and way
	stipend    = 2300 // gas that a call with value gets as a gift
	answerSize = 64   // of a report: two flags
)

// method is one row of the matrix: a call that succeeds in a picture of the chain.
type method struct {
	contract chain.Address
	name     string
	at       picture
	actor    actor
	value    uint256.Int
	input    []byte
	view     bool
	payable  bool
}

// rows leads a chain through the life of workers and jobs and gives a row for every method.
func rows(t *testing.T) []method {
	s := newStages(t)
	var all []method
	add := func(to chain.Address, name string, who actor, value *uint256.Int, input []byte) *method {
		m := method{contract: to, name: name, at: s.picture(), actor: who, input: input}
		if value != nil {
			m.value, m.payable = *value, true
		}
		all = append(all, m)
		return &all[len(all)-1]
	}
	view := func(to chain.Address, name string, args ...func(*native.Encoder)) {
		e := native.NewInput(name)
		for _, arg := range args {
			arg(e)
		}
		add(to, name, s.stranger, nil, e.Out()).view = true
	}
	number := func(v uint64) func(*native.Encoder) { return func(e *native.Encoder) { e.Uint64(v) } }
	account := func(a chain.Address) func(*native.Encoder) { return func(e *native.Encoder) { e.Address(a) } }

	view(chain.AddrStake, "validatorCount()")
	view(chain.AddrStake, "validator(uint64)", number(1))
	view(chain.AddrStake, "indexOf(address)", account(s.auditor.address))
	add(chain.AddrStake, "topUpServiceBond(address)", s.stranger, tokens(3), stake.PackTopUp(s.auditor.address))
	all = append(all, method{
		contract: chain.AddrBeacon, name: "seedOf(uint64)", at: s.picture(), actor: s.stranger, input: beacon.PackSeedOf(s.block.Session), view: true,
	})
	view(chain.AddrBeacon, "latestSession()")

	add(chain.AddrRegistry, "register(address,bytes32[],string)", s.stranger, tokens(500),
		registry.PackRegister(s.stranger.maker, []chain.Hash{busyModel, idleModel}, "new"))
	add(chain.AddrRegistry, "addBond()", s.idle, tokens(5), registry.PackAddBond())
	add(chain.AddrRegistry, "setModels(bytes32[])", s.idle, nil, registry.PackSetModels([]chain.Hash{busyModel, {5}}))
	add(chain.AddrRegistry, "offer(bytes32[],uint64[],uint256[],bytes)", s.idle, nil,
		registry.PackOffer([]chain.Hash{idleModel}, []uint64{3600}, []uint256.Int{*tokens(2)}, []byte("record")))
	add(chain.AddrRegistry, "drain()", s.idle, nil, registry.PackDrain())
	add(chain.AddrRegistry, "resume()", s.drained, nil, registry.PackResume())
	add(chain.AddrRegistry, "refresh(address)", s.stranger, nil, registry.PackRefresh(s.idle.address))
	add(chain.AddrRegistry, "unregister()", s.idle, nil, registry.PackUnregister())
	add(chain.AddrRegistry, "withdrawBond()", s.leaver, nil, registry.PackWithdraw())
	view(chain.AddrRegistry, "worker(address)", account(s.worker.address))
	view(chain.AddrRegistry, "workerCount()")
	view(chain.AddrRegistry, "workerAt(uint64)", number(2))
	view(chain.AddrRegistry, "modelsOf(address)", account(s.worker.address))
	busy := func(e *native.Encoder) { e.Hash(busyModel) }
	view(chain.AddrRegistry, "servers(bytes32)", busy)
	view(chain.AddrRegistry, "offerOf(address,bytes32)", account(s.worker.address), busy)
	view(chain.AddrRegistry, "marketOf(bytes32)", busy)
	view(chain.AddrRegistry, "standingOf(address)", account(s.worker.address))
	view(chain.AddrRegistry, "capabilityOf(address)", account(s.worker.address))
	view(chain.AddrJobs, "priceOf(bytes32)", busy)

	spec := s.spec()
	escrow := s.escrow(spec)
	add(chain.AddrJobs, "createJob(bytes32,bytes32[],bytes32[],uint32,uint256,uint32,uint8,uint64,uint16,bool)", s.requester, escrow, job.PackCreate(spec))
	all = append(all, method{
		contract: chain.AddrJobs, name: "quote(bytes32,uint32,uint256,uint32,uint8,uint16)", at: s.picture(), actor: s.stranger,
		input: job.PackQuote(spec), view: true,
	})
	filling := *spec
	filling.Items, filling.Originals = spec.Items[:1], spec.Originals[:1]
	s.call(s.requester.address, chain.AddrJobs, escrow, job.PackCreate(&filling)) // job 1
	add(chain.AddrJobs, "addItems(uint64,bytes32[],bytes32[])", s.requester, nil, job.PackAddItems(1, spec.Items[1:], spec.Originals[1:]))
	add(chain.AddrJobs, "cancel(uint64)", s.requester, nil, job.PackCancel(1))

	s.call(s.requester.address, chain.AddrJobs, escrow, job.PackCreate(spec)) // job 2
	s.sessions(3)
	add(chain.AddrJobs, "poke(uint64,uint32)", s.stranger, nil, job.PackPoke(2, 0))
	s.call(s.stranger.address, chain.AddrJobs, nil, job.PackPoke(2, 0))
	add(chain.AddrJobs, "release(uint64,uint32,uint8)", s.worker, nil, job.PackRelease(2, 0, 1))
	add(chain.AddrJobs, "commit(uint64,uint32,bytes32,uint32)", s.worker, nil, s.commitment(2))
	s.call(s.worker.address, chain.AddrJobs, nil, s.commitment(2))
	s.sessions(3)
	s.call(s.stranger.address, chain.AddrJobs, nil, job.PackPoke(2, 0))
	add(chain.AddrJobs, "auditCommit(uint64,uint32,bytes32)", s.auditor, nil, s.attestation(2, s.auditor.address))
	for _, v := range s.validators {
		s.call(v, chain.AddrJobs, nil, s.attestation(2, v))
	}
	add(chain.AddrJobs, "open(uint64,uint32,bytes32,bytes[])", s.worker, nil, job.PackOpen(2, 0, salt, outputs()))
	s.call(s.worker.address, chain.AddrJobs, nil, job.PackOpen(2, 0, salt, outputs()))
	reveal := job.PackAuditReveal(2, 0, salt, outputHashes())
	for _, v := range s.validators[:3] {
		s.call(v, chain.AddrJobs, nil, reveal)
	}
	// The last reveal settles: it pays worker and auditors, burns the fee and refunds the requester.
	add(chain.AddrJobs, "auditReveal(uint64,uint32,bytes32,bytes32[])", s.auditor, nil, reveal)
	s.call(s.auditor.address, chain.AddrJobs, nil, reveal)

	view(chain.AddrJobs, "jobOf(uint64)", number(2))
	view(chain.AddrJobs, "moneyOf(uint64)", number(2))
	for _, name := range []string{"batchOf(uint64,uint32)", "leaseOf(uint64,uint32)", "itemOf(uint64,uint32)", "auditorsOf(uint64,uint32)"} {
		view(chain.AddrJobs, name, number(2), number(0))
	}
	view(chain.AddrJobs, "jobCount()")
	view(chain.AddrJobs, "liveCount()")
	view(chain.AddrJobs, "liveAt(uint64)", number(0))
	s.disputeRows(3, add, view)
	return all
}

// The rows name every method that there is.
func TestMatrixIsWhole(t *testing.T) {
	have := map[string]bool{}
	for _, m := range rows(t) {
		have[fmt.Sprint(m.contract, m.name)] = true
	}
	for _, module := range systemContracts().Modules() {
		for _, m := range module.Methods {
			if !have[fmt.Sprint(module.Address, m.Signature)] {
				t.Errorf("%s has %s, and the matrix does not", module.Name, m.Signature)
			}
		}
	}
}

func TestMatrix(t *testing.T) {
	engine := exec.NewEngine(systemContracts(), 1<<20)
	for _, m := range rows(t) {
		name, _, _ := strings.Cut(m.name, "(")
		t.Run(fmt.Sprintf("%x/%s", m.contract[18:], name), func(t *testing.T) {
			b := &bench{t: t, m: &m, engine: engine}
			once, twice := b.direct(1), b.direct(2)
			b.plainCall(once)
			b.staticCall(once)
			b.delegated()
			b.takenBack()
			b.withValue()
			b.everyGas(once)
			b.constructor(once)
			b.delegatedAccount(once)
			b.delegatedToContract()
			b.twice(twice)
			b.cutShort(once)
		})
	}
}

// effect is what a call did, in words that can be compared.
type effect struct {
	ok      [2]bool // each call
	output  []byte  // of the last
	gas     uint64  // of the last
	changes string
}

// bench makes the calls of one row.
type bench struct {
	t      *testing.T
	m      *method
	engine *exec.Engine
}

// direct runs the method n times in one transaction without any code around it.
func (b *bench) direct(n int) effect {
	b.t.Helper()
	m := b.m
	view := state.New(m.at.base)
	view.BeginTx()
	for _, a := range []chain.Address{m.actor.address, m.contract, m.at.block.Coinbase} {
		view.WarmAddress(a)
	}
	set := systemContracts()
	var e effect
	for i := range n {
		view.SubBalance(m.actor.maker, &m.value) // the money comes from outside, as in a transaction
		view.AddBalance(m.actor.address, &m.value)
		mark := view.Snapshot()
		view.SubBalance(m.actor.address, &m.value)
		view.AddBalance(m.contract, &m.value)
		res := set.Run(native.Frame{
			State: view, Block: &m.at.block, Caller: m.actor.address, Self: m.contract, Value: m.value, Input: m.input, Gas: gasLimit,
		})
		if res.Err != nil {
			view.RevertTo(mark)
		}
		e.ok[i], e.output, e.gas = res.Err == nil, res.Output, gasLimit-res.GasLeft
	}
	e.changes = b.changes(view, view.Logs())
	if !e.ok[0] {
		b.t.Fatalf("the call alone is refused: %s", e.output)
	}
	if m.view != (e.changes == "") {
		b.t.Fatalf("a view changes nothing and all else something, this is %v: %s", m.view, e.changes)
	}
	return e
}

// changes writes down what differs from the picture, nonces and code of the row's own accounts left out, and
// checks that no token was made or lost.
func (b *bench) changes(view *state.View, logs []chain.Log) string {
	b.t.Helper()
	if view.Err() != nil {
		b.t.Fatal(view.Err())
	}
	var out strings.Builder
	var before, after uint256.Int
	diff := view.Diff()
	for i := range diff.Accounts {
		c := &diff.Accounts[i]
		before.Add(&before, &c.Old.Balance)
		after.Add(&after, &c.New.Balance)
		if own := c.Address == b.m.actor.maker || c.Address == b.m.actor.address; !own && (c.New.Nonce != c.Old.Nonce || c.New.CodeHash != c.Old.CodeHash) {
			fmt.Fprintf(&out, "%s: nonce %d, code %s\n", c.Address, c.New.Nonce, c.New.CodeHash)
		}
		if c.New.Balance != c.Old.Balance {
			fmt.Fprintf(&out, "%s: balance %s\n", c.Address, c.New.Balance.Dec())
		}
	}
	for _, c := range diff.Slots {
		fmt.Fprintf(&out, "%s: slot %s = %s\n", c.Address, c.Key, c.New)
	}
	for i := range logs {
		fmt.Fprintf(&out, "log %s %s %x\n", logs[i].Address, logs[i].Topics, logs[i].Data)
	}
	for _, a := range systemContracts().Addresses() {
		key := native.BurnedKey()
		old, err := b.m.at.base.Slot(a, key)
		if err != nil {
			b.t.Fatal(err)
		}
		now := view.Slot(a, key)
		after.Add(&after, new(uint256.Int).SetBytes32(now[:]))
		before.Add(&before, new(uint256.Int).SetBytes32(old[:]))
	}
	if !before.Eq(&after) {
		b.t.Fatalf("tokens: %s before, %s after", before.Dec(), after.Dec())
	}
	return out.String()
}

// run makes a transaction of the actor's maker on the picture with some codes in place, and writes down what
// it did. A nil receiver makes a contract.
func (b *bench) run(codes map[chain.Address][]byte, to *chain.Address, data []byte, value *uint256.Int, gas uint64) (exec.CallResult, string) {
	b.t.Helper()
	before := state.New(b.m.at.base)
	for a, code := range codes {
		before.SetCode(a, code)
	}
	view := state.New(state.NewOverlay(b.m.at.base, before.Diff()))
	in := &exec.Input{Block: b.m.at.block, GasLimit: 30_000_000}
	res, err := exec.Resume(view, in, b.engine).Try(&exec.Message{From: b.m.actor.maker, To: to, Gas: gas, Value: *value, Data: data})
	if err != nil {
		b.t.Fatal(err)
	}
	return res, b.changes(view, res.Logs)
}

// only runs a program as the actor's own code.
func (b *bench) only(p *program, value *uint256.Int, gas uint64) (exec.CallResult, string) {
	b.t.Helper()
	return b.run(map[chain.Address][]byte{b.m.actor.address: p.assemble(b.m.input)}, &b.m.actor.address, nil, value, gas)
}

// begin gives a program that has the row's input in its memory.
func (b *bench) begin() *program {
	p := &program{}
	p.loadData(len(b.m.input))
	return p
}

// forward gives a program that makes the call and ends as it does.
func (b *bench) forward(gas *uint64) *program {
	p := b.begin()
	p.call(opCall, b.m.contract, &b.m.value, len(b.m.input), gas)
	p.propagate()
	return p
}

// report gives a program that makes some kind of call and returns whether it succeeded.
func (b *bench) report(kind byte, value *uint256.Int) *program {
	p := b.begin()
	p.call(kind, b.m.contract, value, len(b.m.input), nil)
	p.keepFlag(0)
	p.give(0, answerSize/2)
	return p
}

func (b *bench) same(way string, res exec.CallResult, changes string, want effect) {
	b.t.Helper()
	if res.Fault != 0 || !bytes.Equal(res.Output, want.output) {
		b.t.Errorf("%s: fault %v, output %x, want %x", way, res.Fault, res.Output, want.output)
	}
	if changes != want.changes {
		b.t.Errorf("%s changes\n%swant\n%s", way, changes, want.changes)
	}
}

func (b *bench) nothing(way, changes string) {
	b.t.Helper()
	if changes != "" {
		b.t.Errorf("%s changes what it must not:\n%s", way, changes)
	}
}

// flags checks what a report says, call by call.
func (b *bench) flags(way string, res exec.CallResult, want ...bool) {
	b.t.Helper()
	if res.Fault != 0 || len(res.Output) != 32*len(want) {
		b.t.Fatalf("%s: fault %v, output %x", way, res.Fault, res.Output)
	}
	for i, w := range want {
		if got := res.Output[32*i+31] == 1; got != w {
			b.t.Errorf("%s: call %d: got %v, want %v", way, i, got, w)
		}
	}
}

func zero() *uint256.Int { return new(uint256.Int) }

func (b *bench) plainCall(once effect) {
	b.t.Helper()
	res, changes := b.only(b.forward(nil), &b.m.value, gasLimit)
	b.same("CALL", res, changes, once)
}

func (b *bench) staticCall(once effect) {
	b.t.Helper()
	res, changes := b.only(b.report(opStaticCall, zero()), zero(), gasLimit)
	b.flags("STATICCALL", res, b.m.view)
	b.nothing("STATICCALL", changes)
	if !b.m.view {
		return
	}
	p := b.begin()
	p.call(opStaticCall, b.m.contract, zero(), len(b.m.input), nil)
	p.propagate()
	res, changes = b.only(p, zero(), gasLimit)
	b.same("STATICCALL", res, changes, once)
}

func (b *bench) delegated() {
	b.t.Helper()
	for _, kind := range []byte{opDelegateCall, opCallCode} {
		way := fmt.Sprintf("call of kind %02x", kind)
		res, changes := b.only(b.report(kind, zero()), zero(), gasLimit)
		b.flags(way, res, false)
		b.nothing(way, changes)
	}
	res, changes := b.only(b.report(opCallCode, uint256.NewInt(1)), zero(), gasLimit)
	b.flags("CALLCODE with value", res, false)
	b.nothing("CALLCODE with value", changes)
}

// takenBack lets the call succeed in a frame that is taken back: the transaction's own, and one inside.
func (b *bench) takenBack() {
	b.t.Helper()
	p := b.begin()
	p.call(opCall, b.m.contract, &b.m.value, len(b.m.input), nil)
	p.op(opPop, opPush0, opPush0, opRevert)
	res, changes := b.only(p, &b.m.value, gasLimit)
	if res.Fault == 0 {
		b.t.Error("a transaction that ends with REVERT has succeeded")
	}
	b.nothing("a transaction taken back", changes)

	outer := &program{}
	outer.call(opCall, b.m.actor.address, zero(), 0, nil)
	outer.keepFlag(0)
	outer.give(0, answerSize/2)
	at := named("outer")
	codes := map[chain.Address][]byte{at: outer.assemble(nil), b.m.actor.address: p.assemble(b.m.input)}
	res, changes = b.run(codes, &at, nil, zero(), gasLimit)
	b.flags("a frame taken back", res, false)
	b.nothing("a frame taken back", changes)
}

// withValue sends money to what takes none.
func (b *bench) withValue() {
	b.t.Helper()
	if b.m.payable {
		return
	}
	res, changes := b.only(b.report(opCall, uint256.NewInt(1)), zero(), gasLimit)
	b.flags("CALL with value", res, false)
	b.nothing("CALL with value", changes)
}

// everyGas limits the call's gas, and then the transaction's, from nothing to enough. With what the call alone
// used it must succeed, with one less it must not.
func (b *bench) everyGas(once effect) {
	b.t.Helper()
	need := once.gas
	if !b.m.value.IsZero() {
		need -= stipend
	}
	limits := []uint64{need - 1, need}
	for g := uint64(0); g < need; g += need/gasSteps + 1 {
		limits = append(limits, g)
	}
	for _, g := range limits {
		res, changes := b.only(b.forward(&g), &b.m.value, gasLimit)
		if g >= need {
			b.same(fmt.Sprintf("%d gas", g), res, changes, once)
			continue
		}
		if res.Fault == 0 {
			b.t.Errorf("%d gas: succeeded, want %d at least", g, need)
		}
		b.nothing(fmt.Sprintf("%d gas", g), changes)
	}
	succeeded := false
	most := 21_000 + (once.gas+60_000)*64/63
	for g := uint64(21_000); g <= most; g += (most-21_000)/gasSteps + 1 {
		res, changes := b.only(b.forward(nil), &b.m.value, g)
		if res.Fault == 0 {
			succeeded = true
			b.same(fmt.Sprintf("%d gas in all", g), res, changes, once)
			continue
		}
		if succeeded {
			b.t.Errorf("%d gas in all: failed, and less was enough", g)
		}
		b.nothing(fmt.Sprintf("%d gas in all", g), changes)
	}
	if res, _ := b.only(b.forward(nil), &b.m.value, most); res.Fault != 0 {
		b.t.Errorf("%d gas in all: %v", most, res.Fault)
	}
}

// constructor makes the call while the actor's contract is being created, which then stays or is given up.
func (b *bench) constructor(once effect) {
	b.t.Helper()
	create := func(end ...byte) (exec.CallResult, string) {
		p := b.begin()
		p.call(opCall, b.m.contract, &b.m.value, len(b.m.input), nil)
		p.op(opIsZero, opPush1, 0, opJumpI)
		target := len(p.code) - 2
		p.op(end...)
		p.code[target] = byte(len(p.code))
		p.op(opJumpDest, opPush0, opPush0, opRevert)
		return b.run(nil, nil, p.assemble(b.m.input), &b.m.value, gasLimit)
	}
	res, changes := create(opStop)
	if res.Fault != 0 || res.Created != b.m.actor.address {
		b.t.Errorf("constructor: fault %v, contract %s, want %s", res.Fault, res.Created, b.m.actor.address)
	}
	if changes != once.changes {
		b.t.Errorf("constructor changes\n%swant\n%s", changes, once.changes)
	}
	res, changes = create(opPush0, opPush0, opRevert)
	if res.Fault == 0 {
		b.t.Error("a constructor that ends with REVERT has succeeded")
	}
	b.nothing("a constructor that ends with REVERT", changes)
}

func delegation(to chain.Address) []byte { return append([]byte{0xef, 0x01, 0x00}, to[:]...) }

// delegatedAccount lets the actor be a person whose account has delegated to the program.
func (b *bench) delegatedAccount(once effect) {
	b.t.Helper()
	code := named("code that is delegated to")
	codes := map[chain.Address][]byte{code: b.forward(nil).assemble(b.m.input), b.m.actor.address: delegation(code)}
	res, changes := b.run(codes, &b.m.actor.address, nil, &b.m.value, gasLimit)
	b.same("delegated account", res, changes, once)
}

// delegatedToContract lets the actor's account delegate to the system contract itself, and calls that.
func (b *bench) delegatedToContract() {
	b.t.Helper()
	codes := map[chain.Address][]byte{b.m.actor.address: delegation(b.m.contract)}
	res, changes := b.run(codes, &b.m.actor.address, b.m.input, zero(), gasLimit)
	if len(res.Output) > 0 {
		b.t.Errorf("delegated to the contract: fault %v, output %x, want none", res.Fault, res.Output)
	}
	b.nothing("delegated to the contract", changes)
}

// twice makes the call two times in one transaction.
func (b *bench) twice(want effect) {
	b.t.Helper()
	p := b.begin()
	n := uint64(len(b.m.input)+31) / 32 * 32 // behind the input
	for i := range uint64(2) {
		p.call(opCall, b.m.contract, &b.m.value, len(b.m.input), nil)
		p.keepFlag(n + 32*i)
	}
	p.give(n, answerSize)
	res, changes := b.only(p, new(uint256.Int).Lsh(&b.m.value, 1), gasLimit)
	b.flags("twice", res, want.ok[0], want.ok[1])
	if changes != want.changes {
		b.t.Errorf("twice changes\n%swant\n%s", changes, want.changes)
	}
}

// cutShort makes the call with too little gas, and then again with enough.
func (b *bench) cutShort(once effect) {
	b.t.Helper()
	for part := range uint64(8) {
		gas := once.gas * part / 8
		if !b.m.value.IsZero() {
			gas -= min(gas, stipend)
		}
		p := b.begin()
		p.call(opCall, b.m.contract, &b.m.value, len(b.m.input), &gas)
		p.op(opPop)
		p.call(opCall, b.m.contract, &b.m.value, len(b.m.input), nil)
		p.propagate()
		res, changes := b.only(p, &b.m.value, gasLimit)
		b.same(fmt.Sprintf("after %d gas", gas), res, changes, once)
	}
}
