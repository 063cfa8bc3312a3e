package stake

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
	"github.com/holiman/uint256"
)

const (
	sigCount   = "validatorCount()"
	sigGet     = "validator(uint64)"
	sigIndexOf = "indexOf(address)"
	sigTopUp   = "topUpServiceBond(address)"
)

func eventAdded() native.Event {
	return native.Event{Signature: "ServiceBondAdded(address,uint256,uint256)", Indexed: 1}
}

func eventSlashed() native.Event {
	return native.Event{Signature: "ServiceBondSlashed(address,uint256,uint256)", Indexed: 1}
}

// Module gives the contract.
func Module() native.Module {
	return native.Module{
		Name:    "stake",
		Address: chain.AddrStake,
		Genesis: genesis,
		Methods: []native.Method{
			{Signature: sigCount, Returns: "(uint64)", Run: runCount},
			{Signature: sigGet, Returns: "(address,bytes32,bytes,uint256,uint256,string)", Run: runGet},
			{Signature: sigIndexOf, Returns: "(uint64,bool)", Run: runIndexOf},
			{Signature: sigTopUp, Returns: "()", Mutability: native.Payable, Run: runTopUp},
		},
	}
}

func runCount(c *native.Call) {
	if c.Ready() {
		c.Out.Uint64(c.Uint64(countKey()))
	}
}

func runGet(c *native.Call) {
	i := c.Args.Uint64()
	if !c.Ready() || !c.Require(i < c.Uint64(countKey()), "stake: no validator with this index") {
		return
	}
	v := load(c, i)
	c.Out.Address(v.Address)
	c.Out.Hash(v.VoteKey)
	c.Out.Bytes(v.VRFKey[:])
	c.Out.Uint256(&v.Stake)
	c.Out.Uint256(&v.ServiceBond)
	c.Out.String(v.Name)
}

func runIndexOf(c *native.Call) {
	a := c.Args.Address()
	if !c.Ready() {
		return
	}
	place := c.Uint64(indexKey(a))
	c.Out.Uint64(max(place, 1) - 1)
	c.Out.Bool(place != 0)
}

// runTopUp adds the value to a validator's service bond; anyone may pay it.
func runTopUp(c *native.Call) {
	a := c.Args.Address()
	if !c.Ready() {
		return
	}
	value, place := c.Value(), c.Uint64(indexKey(a))
	if !c.Require(place != 0, "stake: this account is no validator") ||
		!c.Require(!value.IsZero(), "stake: send the amount as the call's value") {
		return
	}
	i := place - 1
	bond, v := c.Uint256(bondKey(i)), decode(c.Record(recordKey(i), recordSize))
	if c.Failed() {
		return
	}
	now := new(uint256.Int).Add(&bond, &value)
	setBond(c, i, a, weight(&v.Stake), now)
	data := eventAdded().Data()
	data.Uint256(&value)
	data.Uint256(now)
	c.Emit(eventAdded(), []chain.Hash{native.WordOf(a)}, data)
}

// PackTopUp gives the input of topUpServiceBond(validator); the amount is the transaction's value.
func PackTopUp(validator chain.Address) []byte {
	e := native.NewInput(sigTopUp)
	e.Address(validator)
	return e.Out()
}
