package registry

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	sigRegister   = "register(address,bytes32[],string)"
	sigAddBond    = "addBond()"
	sigSetModels  = "setModels(bytes32[])"
	sigDrain      = "drain()"
	sigResume     = "resume()"
	sigRefresh    = "refresh(address)"
	sigUnregister = "unregister()"
	sigWithdraw   = "withdrawBond()"
	sigWorker     = "worker(address)"
	sigCount      = "workerCount()"
	sigAt         = "workerAt(uint64)"
	sigModels     = "modelsOf(address)"
	sigServers    = "servers(bytes32)"
	sigOffer      = "offer(bytes32[],uint64[],uint256[],bytes)"
	sigOfferOf    = "offerOf(address,bytes32)"
	sigMarketOf   = "marketOf(bytes32)"
	sigStanding   = "standingOf(address)"
	sigCapability = "capabilityOf(address)"
)

// Module gives the contract.
func Module() native.Module {
	change := func(signature string, run func(*native.Call)) native.Method {
		return native.Method{Signature: signature, Returns: "()", Mutability: native.NonPayable, Run: run}
	}
	return native.Module{
		Name:    "registry",
		Address: chain.AddrRegistry,
		Methods: []native.Method{
			{Signature: sigRegister, Returns: "()", Mutability: native.Payable, Run: runRegister},
			{Signature: sigAddBond, Returns: "()", Mutability: native.Payable, Run: runAddBond},
			change(sigSetModels, runSetModels),
			change(sigOffer, runOffer),
			change(sigDrain, runDrain),
			change(sigResume, runResume),
			change(sigRefresh, runRefresh),
			change(sigUnregister, runUnregister),
			change(sigWithdraw, runWithdraw),
			{Signature: sigWorker, Returns: "(uint8,address,uint256,uint256,uint256,uint64,uint32,uint32,string)", Run: runWorker},
			{Signature: sigCount, Returns: "(uint64)", Run: runCount},
			{Signature: sigAt, Returns: "(address)", Run: runAt},
			{Signature: sigModels, Returns: "(bytes32[])", Run: runModels},
			{Signature: sigServers, Returns: "(uint64)", Run: runServers},
			{Signature: sigOfferOf, Returns: "(bool,uint32,uint256)", Run: runOfferOf},
			{Signature: sigMarketOf, Returns: "(uint64,uint64,uint64,uint256)", Run: runMarketOf},
			{Signature: sigStanding, Returns: "(uint32,uint32,uint16,uint64,uint64)", Run: runStanding},
			{Signature: sigCapability, Returns: "(bytes32,uint64)", Run: runCapability},
		},
	}
}

func runWorker(c *native.Call) {
	a := c.Args.Address()
	if !c.Ready() {
		return
	}
	w, _ := load(c, a)
	about := c.Bytes(aboutKey(a))
	c.Out.Uint64(uint64(w.State))
	c.Out.Address(w.Payout)
	c.Out.Uint256(&w.Bond)
	c.Out.Uint256(&w.Exposure)
	c.Out.Uint256(&w.Slashed)
	c.Out.Uint64(w.UnbondMs)
	c.Out.Uint64(uint64(w.SlashCount))
	c.Out.Uint64(uint64(w.MissedCount))
	c.Out.String(string(about))
}

func runCount(c *native.Call) {
	if c.Ready() {
		c.Out.Uint64(c.Uint64(rosterKey()))
	}
}

func runAt(c *native.Call) {
	i := c.Args.Uint64()
	if !c.Ready() || !c.Require(i < c.Uint64(rosterKey()), "registry: no worker at this place") {
		return
	}
	c.Out.Address(entryOf(c.Get(entryKey(i + 1))).address)
}

func runModels(c *native.Call) {
	a := c.Args.Address()
	if c.Ready() {
		c.Out.Hashes(models(c, a))
	}
}

func runServers(c *native.Call) {
	m := c.Args.Hash()
	if c.Ready() {
		c.Out.Uint64(marketAt(c, m).Servers)
	}
}

func mustCover(have, need *uint256.Int) {
	must.Hold(!have.Lt(need), "registry: more taken than there is")
}
