package exec_test

// The world of the matrix of system contracts (matrix_test.go): a chain without consensus that is led through
// the life of workers and jobs, with a picture of its state at each stage. Its actors are addresses that can
// be anything: an account, a contract, or a contract in the making.

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

func systemContracts() *native.Set {
	return native.NewSet(stake.Module(), beacon.Module(), registry.Module(), job.Module(), dispute.Module())
}

func tokens(n uint64) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1e18))
}

// actor is somebody who calls a system contract: the first contract that its maker creates.
type actor struct{ maker, address chain.Address }

func newActor(name string) actor {
	maker := named("maker of " + name)
	list := append([]byte{0xd6, 0x94}, maker[:]...) // RLP of maker and nonce 0
	sum := keccak.Sum256(append(list, 0x80))
	return actor{maker, chain.Address(sum[12:])}
}

func named(name string) (a chain.Address) {
	sum := sha256.Sum256([]byte(name))
	copy(a[:], sum[:])
	return a
}

// picture is a state with the block that comes next.
type picture struct {
	base  *state.Overlay
	block native.Block
}

// stages is the world while it is led along.
type stages struct {
	t      *testing.T
	set    *native.Set
	view   *state.View
	params chain.Params
	block  native.Block

	requester, worker, auditor, stranger, idle, drained, leaver actor
	validators                                                  []chain.Address
}

var (
	busyModel = chain.Hash{0xAA, 1} // served by worker alone
	idleModel = chain.Hash{0xAA, 2}
)

func newStages(t *testing.T) *stages {
	s := &stages{t: t, set: systemContracts(), view: state.New(state.Empty{})}
	s.requester, s.worker, s.auditor = newActor("requester"), newActor("worker"), newActor("auditor")
	s.stranger, s.idle, s.drained, s.leaver = newActor("stranger"), newActor("idle"), newActor("drained"), newActor("leaver")
	s.params = chain.Params{ChainID: testChain, Jobs: job.DefaultParams()}
	s.params.Jobs.ContestMs = 0 // a batch settles with its last reveal
	s.block = native.Block{ChainID: testChain, Params: &s.params, Genesis: chain.Hash{9}, TimeMs: 1_000_000, ParentTimeMs: 1_000_000}
	for _, a := range []actor{s.requester, s.worker, s.auditor, s.stranger, s.idle, s.drained, s.leaver} {
		s.view.AddBalance(a.address, tokens(100_000))
		s.view.AddBalance(a.maker, tokens(100_000))
	}
	s.genesis()
	s.next(20)
	for _, w := range []struct {
		actor actor
		model chain.Hash
	}{{s.worker, busyModel}, {s.idle, idleModel}, {s.drained, idleModel}, {s.leaver, idleModel}} {
		s.call(w.actor.address, chain.AddrRegistry, tokens(1000), registry.PackRegister(w.actor.address, []chain.Hash{w.model}, "test"))
	}
	// In this session the weight is too young to follow the bond: that is what refresh is for.
	s.sessions(1)
	s.call(s.idle.address, chain.AddrRegistry, tokens(500), registry.PackAddBond())
	s.sessions(66)
	s.call(s.drained.address, chain.AddrRegistry, nil, registry.PackDrain())
	s.call(s.leaver.address, chain.AddrRegistry, nil, registry.PackUnregister())
	s.next(s.params.Jobs.UnbondMs)
	s.sessions(66)
	return s
}

// genesis makes three validators and the auditor the fourth.
func (s *stages) genesis() {
	var list []chain.Validator
	for i := range 4 {
		a := named(fmt.Sprint("validator ", i))
		if i == 3 {
			a = s.auditor.address
		}
		s.validators = append(s.validators, a)
		v := chain.Validator{Name: fmt.Sprintf("v%d", i), Address: a, Stake: *tokens(100_000), ServiceBond: *tokens(2000)}
		v.VoteKey[0], v.VRFKey[0] = byte(i), 2
		list = append(list, v)
		s.view.AddBalance(a, tokens(10))
	}
	s.set.Genesis(s.view, list, &s.params, [32]byte{})
	for _, a := range s.set.Addresses() {
		s.view.SetCode(a, []byte{0xfe})
	}
}

// next begins a block that comes ms later.
func (s *stages) next(ms uint64) {
	s.block.Height++
	s.block.ParentTimeMs = s.block.TimeMs
	s.block.TimeMs += ms
	s.block.Session = chain.SessionOf(s.block.Height)
	s.set.BeginBlock(s.view, &s.block, sha256.Sum256(binary.BigEndian.AppendUint64([]byte("beta"), uint64(s.block.Height))))
}

// sessions makes blocks until n more sessions have begun.
func (s *stages) sessions(n int) {
	for want := s.block.Session + chain.Session(n); s.block.Session < want; {
		s.next(20)
	}
}

// call is a call that must succeed, made without a machine.
func (s *stages) call(from, to chain.Address, value *uint256.Int, input []byte) {
	s.t.Helper()
	s.view.BeginTx()
	defer s.view.EndTx()
	f := native.Frame{State: s.view, Block: &s.block, Caller: from, Self: to, Input: input, Gas: gasLimit}
	if value != nil {
		f.Value = *value
		s.view.SubBalance(from, value)
		s.view.AddBalance(to, value)
	}
	if res := s.set.Run(f); res.Err != nil {
		s.t.Fatalf("stage: %v", res.Err)
	}
}

// picture takes a picture of the state.
func (s *stages) picture() picture {
	return picture{state.NewOverlay(state.Empty{}, s.view.Diff()), s.block}
}

// Slot makes the stages a reader of their state.
func (s *stages) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return s.view.Slot(a, key), nil
}

func (s *stages) batch(id uint64) job.Batch {
	s.t.Helper()
	b, err := job.LoadBatch(s, id, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// spec is a job of two items with all four validators as auditors.
func (s *stages) spec() *job.Spec {
	return &job.Spec{
		Model: busyModel, ItemCount: 2, Price: *tokens(1), AuditPpm: 1_000_000, Panel: 4, BatchItems: 2,
		Items: []chain.Hash{{1}, {2}}, Originals: []chain.Hash{{3}, {4}},
	}
}

func (s *stages) escrow(spec *job.Spec) *uint256.Int {
	s.t.Helper()
	res := s.set.Run(native.Frame{State: s.view, Block: &s.block, Self: chain.AddrJobs, Input: job.PackQuote(spec), Gas: gasLimit, Static: true})
	if res.Err != nil {
		s.t.Fatal(res.Err)
	}
	t, err := job.UnpackQuote(res.Output)
	if err != nil {
		s.t.Fatal(err)
	}
	return &t.Total
}

// outputs are what the worker and every auditor compute.
func outputs() [][]byte { return [][]byte{{0, 1, 2, 3}, {0, 4, 5, 6}} }

func outputHashes() []chain.Hash {
	var all []chain.Hash
	for _, o := range outputs() {
		all = append(all, job.OutputHash(o))
	}
	return all
}

var salt = chain.Hash{7, 7}

func (s *stages) attestation(id uint64, auditor chain.Address) []byte {
	b := s.batch(id)
	return job.PackAuditCommit(id, 0, job.Attestation(b.Place(s.block.Genesis), auditor, salt, outputHashes()))
}

func (s *stages) commitment(id uint64) []byte {
	b := s.batch(id)
	root := job.Root(b.Place(s.block.Genesis), s.worker.address, b.First, salt, outputs())
	return job.PackCommit(id, 0, root, uint32(b.Count))
}
