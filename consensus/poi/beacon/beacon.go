package beacon

import (
	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// RingSessions is the number of seeds that are kept.
const RingSessions = 8192

// Lookahead is the number of sessions between a request and the seed that answers it (BEACON-4).
const Lookahead = 2

const (
	sigSeedOf = "seedOf(uint64)"
	sigLatest = "latestSession()"
)

// Module gives the contract.
func Module() native.Module {
	return native.Module{
		Name:    "beacon",
		Address: chain.AddrBeacon,
		Begin:   begin,
		Methods: []native.Method{
			{Signature: sigSeedOf, Returns: "(bytes32,bool)", Run: seedOf},
			{Signature: sigLatest, Returns: "(uint64,bool)", Run: latestSession},
		},
	}
}

// The slots: "beta" has one word for each height of a session, "seed" one for each session in the ring,
// "latest" the number of seeds written since genesis.
func betaKey(h chain.Height) chain.Hash {
	return native.At(native.Key("beta"), (uint64(h)-1)%chain.SessionHeights)
}

func seedKey(s chain.Session) chain.Hash {
	return native.At(native.Key("seed"), uint64(s)%RingSessions)
}

func countKey() chain.Hash { return native.Key("latest") }

// begin keeps a block's beta, and at a session's first height fixes the session's seed.
func begin(c *native.Call, beta [32]byte) {
	h := c.Block().Height
	must.Hold(h > 0, "beacon: block without height")
	if s := chain.SessionOf(h); h == s.FirstHeight() {
		count := c.Uint64(countKey())
		must.Hold(c.Failed() || count == uint64(s), "beacon: a session's seed is missing")
		c.Set(seedKey(s), newSeed(c, s))
		c.SetUint64(countKey(), uint64(s)+1)
	}
	c.Set(betaKey(h), beta)
}

func newSeed(c *native.Call, s chain.Session) chain.Hash {
	if s == 0 {
		return sortition.FirstSeed(c.Block().Genesis)
	}
	betas := make([][32]byte, 0, chain.SessionHeights)
	for h := (s - 1).FirstHeight(); h <= (s - 1).LastHeight(); h++ {
		betas = append(betas, c.Get(betaKey(h)))
	}
	return sortition.NextSeed(c.Get(seedKey(s-1)), s, betas)
}

// SeedIn reads R_s inside a call; known is false when it is not written yet or has left the ring.
func SeedIn(c *native.Call, s chain.Session) (seed [32]byte, known bool) {
	b := c.As(chain.AddrBeacon)
	count := b.Uint64(countKey())
	if uint64(s) >= count || count-uint64(s) > RingSessions {
		return seed, false
	}
	seed = b.Get(seedKey(s))
	return seed, !c.Failed()
}

// Seed reads R_s from any reader of the state; known is false when it is not written yet or has left the ring.
func Seed(r native.SlotReader, s chain.Session) (seed [32]byte, known bool, err error) {
	c := native.Inspect(r, chain.AddrBeacon)
	seed, known = SeedIn(c, s)
	return seed, known, c.Err()
}

func seedOf(c *native.Call) {
	s := chain.Session(c.Args.Uint64())
	if !c.Ready() {
		return
	}
	seed, known := SeedIn(c, s)
	c.Out.Hash(seed)
	c.Out.Bool(known)
}

func latestSession(c *native.Call) {
	if !c.Ready() {
		return
	}
	count := c.Uint64(countKey())
	c.Out.Uint64(max(count, 1) - 1)
	c.Out.Bool(count > 0)
}

// PackSeedOf gives the input of seedOf(session).
func PackSeedOf(s chain.Session) []byte {
	e := native.NewInput(sigSeedOf)
	e.Uint64(uint64(s))
	return e.Out()
}
