package evmdiff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// Program is a world and the transactions that run in it one after the other.
type Program struct {
	World World
	Txs   []vm.Tx
}

const (
	eoas          = 3 // accounts with keys
	contractsMax  = 5
	txsMax        = 5
	snippetsMax   = 24 // of a contract
	initSnippets  = 6  // of creation code
	delegatedAt   = 2  // the account with a key that delegates at first
	firstContract = 0xc0
)

// keyOf gives the key of the i-th account that can sign.
func keyOf(i int) secp.PrivateKey {
	key, err := secp.ParsePrivateKey([32]byte{31: byte(i + 1)})
	if err != nil {
		panic(err) // one, two and three are keys
	}
	return key
}

func eoa(i int) chain.Address {
	return chain.Address(keyOf(i).Public().Address())
}

func contractAddress(i int) chain.Address { return chain.Address{0: firstContract, 19: byte(i + 1)} }

// generator makes the parts of a Program from one source of chance.
type generator struct {
	*rand.Rand
	places []chain.Address // that code calls
	nonces [eoas]uint64    // of the next transaction or authorization of each account
	last   uint256.Int     // the last random word
}

// Generate makes the program of a seed.
func Generate(seed uint64) *Program {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6169776f726b))}
	contracts := 1 + g.IntN(contractsMax)
	for i := range contracts {
		g.places = append(g.places, contractAddress(i))
	}
	for i := range eoas {
		g.places = append(g.places, eoa(i))
	}
	g.places = append(g.places, coinbase, chain.Address{0: 0xde, 19: 0xad}, created(eoa(0), 1), created(contractAddress(0), 1))
	p := &Program{World: World{}}
	for i := range contracts {
		p.World[contractAddress(i)] = &Account{
			Nonce: 1, Balance: *uint256.NewInt(g.Uint64N(3) * 1000), Code: g.code(1 + g.IntN(snippetsMax)), Slots: g.slots(),
		}
	}
	for i := range eoas {
		p.World[eoa(i)] = &Account{Nonce: g.Uint64N(2), Balance: uint256.Int{0, 1 << 20}}
		g.nonces[i] = p.World[eoa(i)].Nonce
	}
	if g.chance(2) {
		to := contractAddress(g.IntN(contracts))
		p.World[eoa(delegatedAt)].Code = append([]byte{0xef, 1, 0}, to[:]...)
	}
	for range 1 + g.IntN(txsMax) {
		p.Txs = append(p.Txs, g.tx())
	}
	return p
}

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) slots() map[chain.Hash]chain.Hash {
	slots := map[chain.Hash]chain.Hash{}
	for range g.IntN(4) {
		slots[chain.Hash{31: byte(g.IntN(4))}] = chain.Hash{31: byte(1 + g.IntN(3))}
	}
	return slots
}

func (g *generator) tx() vm.Tx {
	from := g.IntN(eoas)
	tx := vm.Tx{
		Type: pick[uint8](g, chain.TxTypeLegacy, chain.TxTypeAccessList, chain.TxTypeDynamicFee, chain.TxTypeSetCode),
		From: eoa(from), Nonce: g.nonces[from], Gas: g.gasLimit(),
		FeeCap: *uint256.NewInt(baseFee + g.Uint64N(50)), Value: *uint256.NewInt(pick[uint64](g, 0, 0, 1, 5000)),
		Data: g.data(),
	}
	tx.TipCap = tx.FeeCap
	if tx.Type >= chain.TxTypeDynamicFee {
		tx.TipCap = *uint256.NewInt(g.Uint64N(1 + tx.FeeCap[0]))
	}
	to := g.place()
	tx.To = &to
	if g.chance(6) && tx.Type != chain.TxTypeSetCode {
		tx.To, tx.Data = nil, g.initCode()
	}
	if tx.Type >= chain.TxTypeAccessList {
		tx.Access = g.access()
	}
	before := g.nonces
	g.nonces[from]++
	if tx.Type == chain.TxTypeSetCode {
		tx.Auths = g.auths()
	}
	least, floor := vm.IntrinsicGas(fork.Osaka, &tx)
	switch least = max(least, floor); g.IntN(60) {
	case 0: // refused
		tx.Nonce += pick[uint64](g, 1, ^uint64(0))
		g.nonces = before
	case 1:
		tx.Gas = least - 1
		g.nonces = before
	default:
		tx.Gas = max(tx.Gas, least)
	}
	return tx
}

func (g *generator) gasLimit() uint64 {
	switch g.IntN(4) {
	case 0:
		return 21_000 + g.Uint64N(30_000)
	case 1:
		return 50_000 + g.Uint64N(200_000)
	case 2:
		return 200_000 + g.Uint64N(800_000)
	}
	return 2_000_000
}

func (g *generator) data() []byte {
	var data []byte
	for range g.IntN(5) {
		word := g.word().Bytes32()
		data = append(data, word[:]...)
	}
	return data[:len(data)-min(len(data), g.IntN(20))]
}

func (g *generator) access() (list []chain.AccessTuple) {
	for range g.IntN(4) {
		t := chain.AccessTuple{Address: g.place()}
		for range g.IntN(4) {
			t.Slots = append(t.Slots, chain.Hash{31: byte(g.IntN(4))})
		}
		list = append(list, t)
	}
	return list
}

// auths gives authorizations, most of which hold.
func (g *generator) auths() (list []chain.Authorization) {
	for range 1 + g.IntN(3) {
		who := g.IntN(eoas)
		a := chain.Authorization{ChainID: *uint256.NewInt(pick[uint64](g, 0, chainID, chainID, 9)), Nonce: g.nonces[who]}
		if !g.chance(4) {
			a.Address = g.place()
		}
		a = chain.SignAuthorization(a, keyOf(who))
		switch {
		case g.chance(10):
			a.S[3] ^= 1 << 60
		case g.chance(10):
			a.Nonce++ // another signer than the one meant
		case a.ChainID[0] != 9:
			g.nonces[who]++
		}
		list = append(list, a)
	}
	return list
}

// place gives an address: mostly of the program, some of built-in contracts.
func (g *generator) place() chain.Address {
	switch g.IntN(5) {
	case 0:
		return pick(g, chain.Address{19: byte(g.IntN(0x13))}, chain.Address{18: 1}, chain.Address{19: 4})
	case 1:
		return pick(g, g.places...)
	}
	return g.places[g.IntN(min(len(g.places), contractsMax))]
}

// word gives a number on which rules turn: at an edge, or much like the one before.
func (g *generator) word() *uint256.Int {
	x := new(uint256.Int)
	switch g.IntN(10) {
	case 8:
		return x.Set(&g.last)
	case 9:
		x.Set(&g.last)
		x[g.IntN(4)] += pick[uint64](g, 1, 1<<63, ^uint64(0))
		return x
	case 0:
		return x
	case 1, 2, 3:
		return x.SetUint64(g.Uint64N(5))
	case 4:
		return x.SetUint64(pick[uint64](g, 31, 32, 33, 64, 255, 256, 257, 1<<16, 1<<32, 1<<63, 1<<64-1))
	case 5:
		return x.Sub(x.Lsh(uint256.NewInt(1), uint(g.IntN(256))), uint256.NewInt(g.Uint64N(3)))
	case 6:
		addr := g.place()
		return x.SetBytes20(addr[:])
	}
	x[0], x[1], x[2], x[3] = g.Uint64(), g.Uint64(), g.Uint64(), g.Uint64()
	g.last = *x.Rsh(x, uint(g.IntN(256)))
	return x
}

// Run runs the program on both sides and says where they first differ.
func (p *Program) Run(ours, geth Side) error {
	for i := range p.Txs {
		a, b := ours.Run(&p.Txs[i]), geth.Run(&p.Txs[i])
		if err := Compare(&a, &b); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
	}
	if a, b := ours.Root(), geth.Root(); a != b {
		return fmt.Errorf("root: ours %s, geth %s\n%s", a, b, p.differences(ours, geth))
	}
	return nil
}

// differences lists accounts that are not the same, of those that a program can name.
func (p *Program) differences(ours, geth Side) string {
	var b strings.Builder
	var keys []chain.Hash
	for i := range 256 {
		keys = append(keys, chain.Hash{31: byte(i)})
	}
	list := []chain.Address{coinbase, {0: 0xde, 19: 0xad}, {18: 1}}
	for addr := range p.World {
		list = append(list, addr)
		for n := range byte(20) {
			list = append(list, created(addr, n))
		}
	}
	for i := range 0x13 {
		list = append(list, chain.Address{19: byte(i)})
	}
	slices.SortFunc(list, func(a, b chain.Address) int { return slices.Compare(a[:], b[:]) })
	for _, addr := range list {
		if x, y := ours.Dump(addr, keys), geth.Dump(addr, keys); x != y {
			fmt.Fprintf(&b, "%s\n  ours %s\n  geth %s\n", addr, x, y)
		}
	}
	return b.String()
}

// String shows the whole program.
func (p *Program) String() string {
	var b strings.Builder
	for addr, a := range p.World {
		fmt.Fprintf(&b, "account %s nonce %d balance %s code %x slots %x\n", addr, a.Nonce, a.Balance.Dec(), a.Code, a.Slots)
	}
	for i := range p.Txs {
		t := &p.Txs[i]
		to := "creation"
		if t.To != nil {
			to = t.To.String()
		}
		fmt.Fprintf(&b, "transaction %d: type %d from %s nonce %d to %s gas %d value %s fee %s tip %s data %x access %v auths %+v\n",
			i, t.Type, t.From, t.Nonce, to, t.Gas, t.Value.Dec(), t.FeeCap.Dec(), t.TipCap.Dec(), t.Data, t.Access, t.Auths)
	}
	return b.String()
}
