package exec_test

// The rows of the matrix that stand in a dispute: a job whose worker has opened a false result of a small pipeline, which is
// led through every phase, into a step's network and into a composite operator of it.

import (
	"math/rand/v2"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

type rowAdder = func(to chain.Address, name string, who actor, value *uint256.Int, input []byte) *method

const claimArgs = "uint8,bytes,bytes32,bytes,bytes32[],bytes[],uint64[],bytes32[])"

// disputeRows adds a row for every method of a dispute. The auditor is the challenger.
func (s *stages) disputeRows(id uint64, add rowAdder, view func(to chain.Address, name string, args ...func(*native.Encoder))) {
	run := receipttest.Pipeline(s.t)
	step := run.Traces[1]
	lying := *run
	lying.Traces = slices.Clone(run.Traces)
	lying.Traces[1] = receipttest.Lie(step, step.Model.Net.FirstOf(0), rand.New(rand.NewPCG(1, 2)))
	liar, honest := receipt.NewPipelineAdvocate(lying.Course()), receipt.NewPipelineAdvocate(run.Course())
	s.openedBy(id, liar.Claim().Result, run.ID())

	challenge := job.PackChallenge(id, 0, 0, honest.Claim())
	add(chain.AddrJobs, "challenge(uint64,uint32,uint32,"+claimArgs, s.auditor, tokens(10), challenge)
	s.call(s.auditor.address, chain.AddrJobs, tokens(10), challenge)
	view(chain.AddrDisputes, "disputeCount()")
	view(chain.AddrDisputes, "disputeOf(uint64)", func(e *native.Encoder) { e.Uint64(1) })

	p := &receipttest.Play{ID: 1, Third: s.stranger.address, Load: func(id uint64) dispute.Dispute {
		d, err := dispute.Load(s, id)
		if err != nil {
			s.t.Fatal(err)
		}
		return d
	}}
	p.Sides = [2]*receipt.Advocate{liar, honest}
	p.Feeder = p.Sides[dispute.Challenger]
	who := map[chain.Address]actor{s.worker.address: s.worker, s.auditor.address: s.auditor, s.stranger.address: s.stranger}
	names := map[string]string{
		"answer": "answer(uint64," + claimArgs, "split": "split(uint64,bytes32,bytes32)", "show": "show(uint64,bytes)",
		"stage": "stage(uint64,bytes,bytes,bytes,uint64,uint64,bytes32[])", "rerun": "rerun(uint64,bytes,bytes32,bytes,bytes32[],bytes[],uint64[],bytes32[])",
		"judge":  "judge(uint64,uint8,bytes,bytes,bytes,bytes[],uint64[],bytes32[],bytes[],uint64[],bytes32[],bytes[])",
		"expand": "expand(uint64,bytes,bytes,bytes32,bytes[],uint64[],bytes32[])", "step": "step(uint64,bytes,bytes,bytes[],uint64[],bytes32[])",
	}
	last := map[string]bool{"split": true, "show": true, "rerun": true, "expand": true} // both answer; the row is the second one's
	p.Send = func(method string, from chain.Address, input []byte) {
		if name := names[method]; name != "" && (!last[method] || from == s.auditor.address) {
			add(chain.AddrDisputes, name, who[from], nil, input)
			delete(names, method)
		}
		s.call(from, chain.AddrDisputes, nil, input)
	}
	p.Run(s.t)

	s.call(s.auditor.address, chain.AddrJobs, nil, job.PackPoke(id, 0))

	m, in := receipttest.Network(1)
	trace := receipttest.Trace(s.t, m, in)
	other := receipttest.Lie(trace, m.Net.FirstOf(3), rand.New(rand.NewPCG(1, 2)))
	claim := job.PackChallenge(id+1, 0, 0, receipt.NewAdvocate(trace).Claim())
	s.pokedRow(id+1, m.Net.ID(), receipt.NewAdvocate(other).Claim().Result, claim, add)
}

// pokedRow adds the row of a dispute that nobody has answered.
func (s *stages) pokedRow(id uint64, model chain.Hash, result, challenge []byte, add rowAdder) {
	s.call(s.worker.address, chain.AddrRegistry, nil, registry.PackResume())
	s.openedBy(id, result, model)
	s.call(s.auditor.address, chain.AddrJobs, tokens(10), challenge)
	s.next(job.DefaultParams().DisputeFirstMs)
	s.next(20)
	add(chain.AddrDisputes, "poke(uint64)", s.stranger, nil, dispute.PackPoke(2))
}

// openedBy brings a new job of one item to where the worker has opened a result.
func (s *stages) openedBy(id uint64, result []byte, model chain.Hash) {
	s.t.Helper()
	s.call(s.worker.address, chain.AddrRegistry, nil, registry.PackSetModels([]chain.Hash{model}))
	spec := s.spec()
	spec.Model, spec.ItemCount, spec.Items, spec.Originals, spec.BatchItems, spec.Panel = model, 1, spec.Items[:1], nil, 1, 1
	s.call(s.requester.address, chain.AddrJobs, s.escrow(spec), job.PackCreate(spec))
	s.sessions(3)
	s.call(s.stranger.address, chain.AddrJobs, nil, job.PackPoke(id, 0))
	outputs := [][]byte{job.Output{Result: result}.Encode()}
	b := s.batch(id)
	root := job.Root(b.Place(s.block.Genesis), s.worker.address, b.First, salt, outputs)
	s.call(s.worker.address, chain.AddrJobs, nil, job.PackCommit(id, 0, root, 1))
	s.sessions(3)
	s.call(s.stranger.address, chain.AddrJobs, nil, job.PackPoke(id, 0))
	list, err := job.LoadAuditors(s, id, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range list {
		hash := []chain.Hash{job.OutputHash(outputs[0])}
		s.call(a.Address, chain.AddrJobs, nil, job.PackAuditCommit(id, 0, job.Attestation(b.Place(s.block.Genesis), a.Address, salt, hash)))
	}
	s.call(s.worker.address, chain.AddrJobs, nil, job.PackOpen(id, 0, salt, outputs))
}
