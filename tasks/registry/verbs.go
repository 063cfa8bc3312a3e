package registry

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

func runRegister(c *native.Call) {
	payout, models := c.Args.Address(), c.Args.Hashes(ModelsMax)
	about := c.Args.String(AboutBytesMax)
	if !c.Ready() {
		return
	}
	bond := c.Value()
	w, raw := load(c, c.Caller())
	if !c.Require(w.State == Unknown, "registry: this account is a worker already") ||
		!c.Require(!reserved(payout), "registry: the payout address is zero or that of a system contract") ||
		!c.Require(!bond.Lt(bondMin(c)), "registry: the bond is below workerBondMin") ||
		!c.Require(bond.BitLen() <= 96, "registry: the bond is above the supply") ||
		!c.Require(len(models) > 0, "registry: name at least one model") {
		return
	}
	w = Worker{Address: c.Caller(), Payout: payout, State: Active, Bond: bond, Score: w.Score}
	if w.Score == 0 {
		w.Score = ScoreFull
	}
	w.store(c, raw)
	c.SetBytes(aboutKey(w.Address), []byte(about))
	setModels(c, w.Address, models)
	enlist(c, w.Address, weightOf(c, &bond))
	joinMarkets(c, &w)
	data := eventRegistered().Data()
	data.Address(payout)
	data.Uint256(&bond)
	c.Emit(eventRegistered(), []chain.Hash{native.WordOf(w.Address)}, data)
}

// reserved reports whether an address is one of the low 64 Ki, where system and precompiled contracts stand:
// what they are paid would be in none of their books.
func reserved(a chain.Address) bool {
	a[18], a[19] = 0, 0
	return a.IsZero()
}

// setModels writes the list of a worker that serves none, with what it offered for them before, if anything.
func setModels(c *native.Call, a chain.Address, models []chain.Hash, before ...Offer) {
	for i, m := range models {
		if !c.Require(!offerAt(c, a, m).Serves, "registry: a model is named twice") {
			return
		}
		o := Offer{Serves: true}
		if i < len(before) {
			o.Speed, o.Bucket = before[i].Speed, before[i].Bucket
		}
		o.store(c, a, m)
		c.Set(native.At(modelsKey(a), 1+uint64(i)), m)
	}
	c.SetUint64(modelsKey(a), uint64(len(models)))
}

// clearModels forgets a worker's list.
func clearModels(c *native.Call, a chain.Address) {
	for _, m := range models(c, a) {
		c.Set(servesKey(a, m), chain.Hash{})
	}
	c.SetUint64(modelsKey(a), 0)
}

func models(c *native.Call, a chain.Address) []chain.Hash {
	n := min(c.Uint64(modelsKey(a)), ModelsMax)
	out := make([]chain.Hash, 0, n)
	for i := range n {
		out = append(out, c.Get(native.At(modelsKey(a), 1+i)))
	}
	return out
}

// self loads the caller's record, or fails.
func self(c *native.Call) (w Worker, raw []byte, ok bool) {
	w, raw = load(c, c.Caller())
	return w, raw, c.Require(w.State != Unknown, "registry: this account is no worker")
}

func runAddBond(c *native.Call) {
	if !c.Ready() {
		return
	}
	value := c.Value()
	w, raw, ok := self(c)
	if !ok || !c.Require(!value.IsZero(), "registry: send the amount as the call's value") ||
		!c.Require(w.State != Leaving, "registry: this worker is leaving") {
		return
	}
	w.Bond.Add(&w.Bond, &value)
	if !c.Require(w.Bond.BitLen() <= 96, "registry: the bond is above the supply") {
		return
	}
	w.store(c, raw)
	reweigh(c, w.Address, weightOf(c, &w.Bond))
	data := eventBondAdded().Data()
	data.Uint256(&value)
	data.Uint256(&w.Bond)
	c.Emit(eventBondAdded(), []chain.Hash{native.WordOf(w.Address)}, data)
}

// runSetModels replaces the caller's list of models.
func runSetModels(c *native.Call) {
	next := c.Args.Hashes(ModelsMax)
	if !c.Ready() {
		return
	}
	w, _, ok := self(c)
	if !ok || !c.Require(w.State != Leaving, "registry: this worker is leaving") ||
		!c.Require(len(next) > 0, "registry: name at least one model") {
		return
	}
	before := make([]Offer, 0, len(next))
	for _, m := range next {
		before = append(before, offerAt(c, w.Address, m))
	}
	if w.State == Active {
		leaveMarkets(c, w.Address)
	}
	clearModels(c, w.Address)
	setModels(c, w.Address, next, before...)
	if w.State == Active {
		joinMarkets(c, &w)
	}
	c.Emit(eventModels(), []chain.Hash{native.WordOf(w.Address)}, eventModels().Data())
}

func runDrain(c *native.Call) {
	if !c.Ready() {
		return
	}
	w, raw, ok := self(c)
	if !ok || !c.Require(w.State == Active, "registry: only an active worker can drain") {
		return
	}
	changeState(c, &w, raw, Draining)
}

func runResume(c *native.Call) {
	if !c.Ready() {
		return
	}
	w, raw, ok := self(c)
	if !ok || !c.Require(w.State == Draining || w.State == Suspended, "registry: this worker is not draining or suspended") ||
		!c.Require(!w.Bond.Lt(bondMin(c)), "registry: the bond is below workerBondMin, add to it first") {
		return
	}
	changeState(c, &w, raw, Active)
	reweigh(c, w.Address, weightOf(c, &w.Bond))
}

// changeState moves a worker to another state, with the count of its models' servers and a log.
func changeState(c *native.Call, w *Worker, raw []byte, next State) {
	if w.State == Active {
		leaveMarkets(c, w.Address)
	}
	if next == Active {
		joinMarkets(c, w)
	}
	w.State = next
	w.store(c, raw)
	data := eventState().Data()
	data.Uint64(uint64(next))
	c.Emit(eventState(), []chain.Hash{native.WordOf(w.Address)}, data)
}

// runRefresh brings a worker's weight up to its bond, once it may change again. Anyone may call it.
func runRefresh(c *native.Call) {
	a := c.Args.Address()
	if !c.Ready() {
		return
	}
	w, _ := load(c, a)
	if !c.Require(w.State != Unknown && w.State != Leaving, "registry: this account is no worker, or leaving") {
		return
	}
	ok := reweigh(c, a, weightOf(c, &w.Bond))
	c.Require(ok, "registry: the weight changed too few sessions ago (SnapshotSessions)")
}

// runUnregister begins the unbonding time.
func runUnregister(c *native.Call) {
	if !c.Ready() {
		return
	}
	w, raw, ok := self(c)
	if !ok || !c.Require(w.State != Leaving, "registry: this worker is leaving already") ||
		!c.Require(w.Exposure.IsZero(), "registry: work is not settled yet; drain first") {
		return
	}
	if !c.Require(reweigh(c, w.Address, 0), "registry: the weight changed too few sessions ago; drain and try later") {
		return
	}
	w.UnbondMs = c.Now() + c.Block().Params.Jobs.UnbondMs
	changeState(c, &w, raw, Leaving)
}

// runWithdraw pays the bond back to the worker (REG-6).
func runWithdraw(c *native.Call) {
	if !c.Ready() {
		return
	}
	w, raw, ok := self(c)
	if !ok || !c.Require(w.State == Leaving, "registry: unregister first") ||
		!c.Require(c.Now() >= w.UnbondMs, "registry: the unbonding time is not over") ||
		!c.Require(w.Exposure.IsZero(), "registry: work is not settled yet") ||
		!c.Require(delist(c, w.Address), "registry: draws may still look at this worker's weight; try some sessions later") {
		return
	}
	bond := w.Bond
	clearModels(c, w.Address)
	gone := Worker{
		Address: w.Address, Slashed: w.Slashed, SlashCount: w.SlashCount, MissedCount: w.MissedCount, LateCount: w.LateCount,
		Score: w.Score,
	}
	gone.store(c, raw)
	c.Pay(w.Address, &bond)
	data := eventWithdrawn().Data()
	data.Uint256(&bond)
	c.Emit(eventWithdrawn(), []chain.Hash{native.WordOf(w.Address)}, data)
}

// Get reads a worker inside a call; its State is Unknown when there is none.
func Get(c *native.Call, a chain.Address) Worker {
	w, _ := load(c.As(chain.AddrRegistry), a)
	return w
}

// Collateral gives the part of a bond that work of a value stands on when a share of it is audited (REG-4).
// A share of 0 counts as the smallest there is.
func Collateral(value *uint256.Int, sharePpm uint64) (need uint256.Int) {
	share := min(max(sharePpm, 1), 1_000_000)
	num, den := uint256.NewInt(3*(1_000_000-share)), uint256.NewInt(2*share)
	need.Mul(value, num)
	need.Add(&need, new(uint256.Int).SubUint64(den, 1))
	need.Div(&need, den)
	if need.Lt(value) {
		need.Set(value)
	}
	return need
}

// Room reports whether a worker can be given work: it is active, its bond is large enough, and need more
// of it is free.
func Room(c *native.Call, w *Worker, need *uint256.Int) bool {
	var all uint256.Int
	_, over := all.AddOverflow(&w.Exposure, need)
	return w.State == Active && !w.Bond.Lt(bondMin(c)) && !over && !all.Gt(&w.Bond)
}

// Expose lets need more of a worker's bond stand for work. The caller has asked Room.
func Expose(c *native.Call, a chain.Address, need *uint256.Int) {
	r := c.As(chain.AddrRegistry)
	w, raw := load(r, a)
	w.Exposure.Add(&w.Exposure, need)
	if !c.Failed() {
		w.store(r, raw)
	}
}

// Release frees what Expose bound, when the work is settled, refused or taken away.
func Release(c *native.Call, a chain.Address, need *uint256.Int) {
	r := c.As(chain.AddrRegistry)
	w, raw := load(r, a)
	if c.Failed() {
		return
	}
	mustCover(&w.Exposure, need)
	w.Exposure.Sub(&w.Exposure, need)
	w.store(r, raw)
}

// Slash takes a share of a worker's bond, in millionths rounded down, suspends the worker, and moves the
// amount from this contract to the account that calls.
func Slash(c *native.Call, a chain.Address, sharePpm uint64) (lost uint256.Int) {
	r := c.As(chain.AddrRegistry)
	w, raw := load(r, a)
	if c.Failed() || w.State == Unknown {
		return lost
	}
	lost.MulDivOverflow(&w.Bond, uint256.NewInt(min(sharePpm, 1_000_000)), uint256.NewInt(1_000_000))
	w.SlashCount++
	w.Passed = 0
	w.lower(scoreWrong)
	next := Suspended
	if w.State == Leaving {
		next = Leaving
	}
	take(&w, &lost)
	changeState(r, &w, raw, next)
	r.Pay(c.Self(), &lost)
	logLoss(r, eventSlashed(), &w, &lost)
	return lost
}

// Miss takes a fixed amount for a lease that ran out or was given back, or what is left of the bond, and
// moves it from this contract to the account that calls. The worker stays active, and its score falls if it is to blame.
func Miss(c *native.Call, a chain.Address, fine *uint256.Int, blamed bool) (lost uint256.Int) {
	r := c.As(chain.AddrRegistry)
	w, raw := load(r, a)
	if c.Failed() || w.State == Unknown {
		return lost
	}
	lost = *fine
	if w.Bond.Lt(&lost) {
		lost = w.Bond
	}
	w.MissedCount++
	if blamed {
		w.lower(scoreMissed)
	}
	take(&w, &lost)
	w.store(r, raw)
	r.Pay(c.Self(), &lost)
	logLoss(r, eventMissed(), &w, &lost)
	return lost
}

func take(w *Worker, lost *uint256.Int) {
	mustCover(&w.Bond, lost)
	w.Bond.Sub(&w.Bond, lost)
	w.Slashed.Add(&w.Slashed, lost)
}

func logLoss(r *native.Call, e native.Event, w *Worker, lost *uint256.Int) {
	data := e.Data()
	data.Uint256(lost)
	data.Uint256(&w.Bond)
	r.Emit(e, []chain.Hash{native.WordOf(w.Address)}, data)
}
