package dispute

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	sigAnswer = "answer(uint64," + ClaimTypes + ")"
	sigSplit  = "split(uint64,bytes32,bytes32)"
	sigShow   = "show(uint64,bytes)"
	sigJudge  = "judge(uint64,uint8,bytes,bytes,bytes,bytes[],uint64[],bytes32[],bytes[],uint64[],bytes32[],bytes[])"
	sigExpand = "expand(uint64,bytes,bytes,bytes32,bytes[],uint64[],bytes32[])"
	sigStage  = "stage(uint64,bytes,bytes,bytes,uint64,uint64,bytes32[])"
	sigRerun  = "rerun(uint64,bytes,bytes32,bytes,bytes32[],bytes[],uint64[],bytes32[])"
	sigStep   = "step(uint64,bytes,bytes,bytes[],uint64[],bytes32[])"
	sigPoke   = "poke(uint64)"
	sigOf     = "disputeOf(uint64)"
	sigCount  = "disputeCount()"
)

// Module gives the contract.
func Module() native.Module {
	change := func(signature string, run func(*native.Call)) native.Method {
		return native.Method{Signature: signature, Returns: "()", Mutability: native.NonPayable, Run: run}
	}
	return native.Module{
		Name:    "disputes",
		Address: chain.AddrDisputes,
		Methods: []native.Method{
			change(sigAnswer, runAnswer),
			change(sigSplit, runSplit),
			change(sigShow, runShow),
			change(sigJudge, runJudge),
			change(sigExpand, runExpand),
			change(sigStage, runStage),
			change(sigRerun, runRerun),
			change(sigStep, runStep),
			change(sigPoke, runPoke),
			{Signature: sigOf, Returns: "(uint8,uint8,address,address,uint256,bytes32,bytes32,bytes32,uint64,uint64,uint8,uint64,uint8,uint8)", Run: runDisputeOf},
			{Signature: sigCount, Returns: "(uint64)", Run: runCount},
		},
	}
}

func runDisputeOf(c *native.Call) {
	id := c.Args.Uint64()
	if !c.Ready() {
		return
	}
	d, _ := loadDispute(c, id)
	if !c.Require(d.Phase != Missing, "disputes: no such dispute") {
		return
	}
	c.Out.Uint64(uint64(d.Phase))
	c.Out.Uint64(uint64(d.Verdict))
	c.Out.Address(d.Parties[Defender])
	c.Out.Address(d.Parties[Challenger])
	c.Out.Uint256(&d.Bond)
	c.Out.Hash(d.Model)
	c.Out.Hash(d.Receipts[Defender])
	c.Out.Hash(d.Receipts[Challenger])
	c.Out.Uint64(d.DeadlineMs)
	c.Out.Uint64(d.Entry)
	c.Out.Uint64(uint64(d.Level))
	c.Out.Uint64(d.Index)
	c.Out.Uint64(uint64(d.Kind))
	c.Out.Uint64(uint64(d.Depth))
}

func runCount(c *native.Call) {
	if c.Ready() {
		c.Out.Uint64(c.Uint64(countKey()))
	}
}
