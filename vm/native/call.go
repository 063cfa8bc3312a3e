package native

import (
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/holiman/uint256"
)

// Call is what a method works with. It keeps its first error (NATIVE-2): after that, reads give zero and
// nothing is changed any more, so a method may go on, but it must not divide by, loop up to or assert
// what it has read before it has asked Failed.
type Call struct {
	Args *Decoder // the arguments, in order; end with Ready
	Out  *Encoder // the results, in order

	*run
	self chain.Address // whose slots and balance this call works on
}

// run is what calls between modules within one frame share.
type run struct {
	state    State
	block    *Block
	caller   chain.Address
	value    uint256.Int
	gas      uint64
	free     bool // nothing is charged: hooks and readers
	readonly bool
	err      error
	output   []byte
}

func newCall(f *Frame) *Call {
	return &Call{
		run:  &run{state: f.State, block: f.Block, caller: f.Caller, value: f.Value, gas: f.Gas, readonly: f.Static},
		self: f.Self,
	}
}

// systemCall gives a call without meter, for hooks.
func systemCall(st State, b *Block, self chain.Address) *Call {
	return &Call{run: &run{state: st, block: b, free: true}, self: self}
}

// Inspect gives a call that only reads the slots of self, without gas: typed readers use it to run a
// contract's own reading code outside of the chain. Err tells whether r failed.
func Inspect(r SlotReader, self chain.Address) *Call {
	c := &Call{run: &run{block: &Block{Params: &chain.Params{}}, free: true, readonly: true}, self: self}
	c.state = &inspected{from: r, fail: func(err error) {
		if c.err == nil {
			c.err = err
		}
	}}
	return c
}

// As gives the same call working on the slots and balance of another module.
func (c *Call) As(self chain.Address) *Call { return &Call{run: c.run, self: self} }

// Caller gives the immediate caller (NATIVE-7).
func (c *Call) Caller() chain.Address { return c.caller }

// Self gives the module's address.
func (c *Call) Self() chain.Address { return c.self }

// Value gives the value that came with the call.
func (c *Call) Value() uint256.Int { return c.value }

// Block gives the block that the call stands in.
func (c *Call) Block() *Block { return c.block }

// Now gives protocol time in ms: the parent block's time.
func (c *Call) Now() uint64 { return c.block.ParentTimeMs }

// Err gives the first error.
func (c *Call) Err() error { return c.err }

// Failed reports whether the call has an error.
func (c *Call) Failed() bool { return c.err != nil }

// Fail refuses the call, unless it has failed before.
func (c *Call) Fail(reason string) {
	if c.err == nil {
		c.err = NewRevert(reason)
	}
}

// Require fails the call with reason unless cond is true, and reports whether the call goes on.
func (c *Call) Require(cond bool, reason string) bool {
	if !cond {
		c.Fail(reason)
	}
	return c.err == nil
}

// Ready ends the reading of arguments and reports whether the call goes on.
func (c *Call) Ready() bool {
	if err := c.Args.End(); err != nil {
		c.Fail("bad arguments: " + err.Error())
	}
	return c.err == nil
}

// Charge takes gas, or fails the call with ErrOutOfGas. It reports whether the call goes on.
func (c *Call) Charge(gas uint64) bool {
	switch {
	case c.err != nil || c.lost():
		return false
	case c.free:
	case gas > c.gas:
		c.gas, c.err = 0, ErrOutOfGas
		return false
	default:
		c.gas -= gas
	}
	return true
}

// lost reports whether the state below could not be read, which ends the call: what it reads would be
// taken for a broken ledger (NATIVE-9).
func (c *Call) lost() bool {
	err := c.state.Err()
	if err != nil && c.err == nil {
		c.err = err
	}
	return err != nil
}

// writable charges for a change and fails where nothing may change.
func (c *Call) writable(gas uint64) bool {
	if c.readonly {
		c.Fail("a static call may not change anything")
	}
	return c.Charge(gas)
}

// Hash gives SHA-256 of b, charged.
func (c *Call) Hash(b []byte) chain.Hash {
	if !c.Charge(GasHash + GasHashWord*words(len(b))) {
		return chain.Hash{}
	}
	return sha256.Sum256(b)
}

// Pay moves amount from this module to another account; it runs no code there (NATIVE-5). What the
// module does not have cannot be owed: that would be a broken ledger.
func (c *Call) Pay(to chain.Address, amount *uint256.Int) {
	if amount.IsZero() || !c.writable(c.touch(to)+GasPay) {
		return
	}
	if held := c.state.Balance(to); c.lost() || held.IsZero() && !c.Charge(GasNewAccount) {
		return
	}
	c.take(amount)
	c.state.AddBalance(to, amount)
}

// Burn takes amount of this module's balance out of the world and counts it in slot BurnedKey.
func (c *Call) Burn(amount *uint256.Int) {
	if amount.IsZero() {
		return
	}
	total := c.Uint256(BurnedKey())
	_, over := total.AddOverflow(&total, amount)
	must.Hold(!over, "native: burned total overflows")
	c.SetUint256(BurnedKey(), &total)
	if c.Failed() {
		return
	}
	c.take(amount)
}

// take lowers this module's balance.
func (c *Call) take(amount *uint256.Int) {
	held := c.state.Balance(c.self)
	if c.lost() {
		return
	}
	must.Hold(!held.Lt(amount), "native: module pays more than it holds")
	c.state.SubBalance(c.self, amount)
}

// touch gives the price of the next touch of an account and marks it as touched.
func (c *Call) touch(a chain.Address) uint64 {
	if c.err != nil || c.free || c.state.WarmAddress(a) {
		return GasWarm
	}
	return GasColdAccount
}

// Endow gives this module new balance. Only genesis hooks may call it.
func (c *Call) Endow(amount *uint256.Int) {
	must.Hold(c.free && c.block.Height == 0, "native: balance made outside of genesis")
	c.state.AddBalance(c.self, amount)
}

// Event names an event: its signature, whose first Indexed types are topics.
type Event struct {
	Signature string
	Indexed   int
}

// Emit adds a log. Topics are the indexed values as words; data has the rest, encoded with Event.Data.
func (c *Call) Emit(e Event, topics []chain.Hash, data *Encoder) {
	must.Hold(len(topics) == e.Indexed, "native: indexed values missing")
	body := data.Out()
	if !c.writable(GasLog + GasLogTopic*uint64(1+len(topics)) + GasLogByte*uint64(len(body))) {
		return
	}
	all := append(make([]chain.Hash, 0, 1+len(topics)), Topic(e.Signature))
	c.state.AddLog(chain.Log{Address: c.self, Topics: append(all, topics...), Data: body})
}

// Data gives an encoder of the values that are not indexed.
func (e Event) Data() *Encoder { return &Encoder{types: typesOf(e.Signature)[e.Indexed:]} }

// Decode gives the topics after the first and a decoder of the rest, if the log is of this event.
func (e Event) Decode(l *chain.Log) (topics []chain.Hash, d *Decoder, ok bool) {
	if len(l.Topics) != 1+e.Indexed || l.Topics[0] != Topic(e.Signature) {
		return nil, nil, false
	}
	return l.Topics[1:], newDecoder(typesOf(e.Signature)[e.Indexed:], l.Data), true
}
