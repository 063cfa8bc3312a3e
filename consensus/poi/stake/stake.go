package stake

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Limits and units.
const (
	ValidatorsMax = 1024
	NameBytesMax  = 32
	WeightUnit    = 10_000_000_000 // base units of stake for one unit of weight
	Gwei          = 1_000_000_000  // base units in the unit of bonds in chain.JobParams
)

// recordSize is that of a validator's fixed record: address, vote key, VRF key, name, stake.
const recordSize = 20 + 32 + 33 + 1 + NameBytesMax + 32

func countKey() chain.Hash                { return native.Key("count") }
func recordKey(i uint64) chain.Hash       { return native.Key("validator", native.U64(i)) }
func bondKey(i uint64) chain.Hash         { return native.Key("bond", native.U64(i)) }
func auditorKey(i uint64) chain.Hash      { return native.At(native.Key("auditor"), i) }
func indexKey(a chain.Address) chain.Hash { return native.Key("index", a[:]) }

// genesis writes the set and gives the contract the balance that backs it (STAKE-1).
func genesis(c *native.Call, g *native.Genesis) {
	must.Hold(len(g.Validators) <= ValidatorsMax, "genesis: more validators than ValidatorsMax")
	c.SetUint64(countKey(), uint64(len(g.Validators)))
	for i := range g.Validators {
		v, at := &g.Validators[i], uint64(i)
		must.Hold(c.Uint64(indexKey(v.Address)) == 0, "genesis: two validators with one account")
		c.SetRecord(recordKey(at), nil, encode(v))
		c.SetUint64(indexKey(v.Address), at+1)
		c.Endow(&v.Stake)
		c.Endow(&v.ServiceBond)
		setBond(c, at, v.Address, weight(&v.Stake), &v.ServiceBond)
	}
}

func encode(v *chain.Validator) []byte {
	must.Hold(len(v.Name) <= NameBytesMax, "genesis: validator name longer than NameBytesMax")
	w := codec.NewWriter(recordSize)
	w.Fixed(v.Address[:])
	w.Fixed(v.VoteKey[:])
	w.Fixed(v.VRFKey[:])
	w.U8(uint8(len(v.Name)))
	name := make([]byte, NameBytesMax)
	copy(name, v.Name)
	w.Fixed(name)
	stake := v.Stake.Bytes32()
	w.Fixed(stake[:])
	return w.Out()
}

func decode(b []byte) (v chain.Validator) {
	r := codec.NewReader(b)
	r.Fixed(v.Address[:])
	r.Fixed(v.VoteKey[:])
	r.Fixed(v.VRFKey[:])
	n := r.U8()
	var name [NameBytesMax]byte
	r.Fixed(name[:])
	v.Name = string(name[:min(int(n), NameBytesMax)])
	var stake [32]byte
	r.Fixed(stake[:])
	v.Stake.SetBytes32(stake[:])
	return v
}

// weight gives a stake in units of WeightUnit (STAKE-4).
func weight(stake *uint256.Int) uint64 {
	w := new(uint256.Int).Div(stake, uint256.NewInt(WeightUnit))
	must.Hold(w.IsUint64() && w.Uint64() < 1<<63, "stake: weight above 2^63")
	return w.Uint64()
}

// setBond writes a service bond and the word that draws are made from: account, weight, fitness.
func setBond(c *native.Call, i uint64, a chain.Address, weight uint64, bond *uint256.Int) {
	c.SetUint256(bondKey(i), bond)
	least := new(uint256.Int).Mul(uint256.NewInt(c.Block().Params.Jobs.ServiceBondMin), uint256.NewInt(Gwei))
	w := codec.NewWriter(32)
	w.Fixed(a[:])
	w.U64(weight)
	w.U16(0)
	w.U8(0)
	w.Bool(!bond.Lt(least))
	c.Set(auditorKey(i), chain.Hash(w.Out()))
}

// Auditor is a validator as draws see it.
type Auditor struct {
	Address chain.Address
	Index   uint64
	Weight  uint64
	Fit     bool // its service bond is large enough (STAKE-2)
}

// Auditors reads all validators in the order of the set: one slot each.
func Auditors(c *native.Call) []Auditor {
	s := c.As(chain.AddrStake)
	n := s.Uint64(countKey())
	var out []Auditor
	for i := uint64(0); i < n && !c.Failed(); i++ {
		w := s.Get(auditorKey(i))
		r := codec.NewReader(w[:])
		a := Auditor{Index: i}
		r.Fixed(a.Address[:])
		a.Weight = r.U64()
		r.U16()
		r.U8()
		a.Fit = r.Bool()
		out = append(out, a)
	}
	return out
}

// Slash takes a share of a validator's service bond, in millionths rounded down, and moves it from this
// contract to the account that calls (STAKE-3). It gives the amount, zero for who is no validator.
func Slash(c *native.Call, validator chain.Address, sharePpm uint64) (amount uint256.Int) {
	return SlashAtMost(c, validator, sharePpm, nil)
}

// SlashAtMost is Slash with an amount that is not passed; nil is none.
func SlashAtMost(c *native.Call, validator chain.Address, sharePpm uint64, most *uint256.Int) (amount uint256.Int) {
	s := c.As(chain.AddrStake)
	place := s.Uint64(indexKey(validator))
	if place == 0 || c.Failed() {
		return amount
	}
	i := place - 1
	bond := s.Uint256(bondKey(i))
	amount.MulDivOverflow(&bond, uint256.NewInt(min(sharePpm, 1_000_000)), uint256.NewInt(1_000_000))
	if most != nil && most.Lt(&amount) {
		amount = *most
	}
	var left uint256.Int
	left.Sub(&bond, &amount)
	v := decode(s.Record(recordKey(i), recordSize))
	if c.Failed() {
		return uint256.Int{}
	}
	setBond(s, i, validator, weight(&v.Stake), &left)
	s.Pay(c.Self(), &amount)
	data := eventSlashed().Data()
	data.Uint256(&amount)
	data.Uint256(&left)
	s.Emit(eventSlashed(), []chain.Hash{native.WordOf(validator)}, data)
	return amount
}

// Validators reads the whole set from any reader of the state.
func Validators(r native.SlotReader) ([]chain.Validator, error) {
	c := native.Inspect(r, chain.AddrStake)
	n := min(c.Uint64(countKey()), ValidatorsMax)
	out := make([]chain.Validator, 0, n)
	for i := range n {
		out = append(out, load(c, i))
	}
	return out, c.Err()
}

func load(c *native.Call, i uint64) chain.Validator {
	v := decode(c.Record(recordKey(i), recordSize))
	v.ServiceBond = c.Uint256(bondKey(i))
	return v
}

// IndexOf gives a validator's place in the set, from any reader of the state.
func IndexOf(r native.SlotReader, a chain.Address) (index uint64, found bool, err error) {
	c := native.Inspect(r, chain.AddrStake)
	place := c.Uint64(indexKey(a))
	return max(place, 1) - 1, place != 0, c.Err()
}
