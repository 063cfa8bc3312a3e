package evmdiff

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/vm"
)

// code makes a contract of so many snippets. Each leaves the stack as high as it found it, so that most
// programs go on to their end; raw bytes now and then, so that some do not.
func (g *generator) code(snippets int) []byte {
	a := &assembler{g: g}
	for range g.IntN(4) {
		a.push(g.word()) // something for DUP and SWAP to reach
		a.depth++
	}
	a.snippets(snippets, 0)
	a.end()
	return a.code
}

// initCode makes creation code: a few snippets, then it returns something as the new code.
func (g *generator) initCode() []byte {
	a := &assembler{g: g}
	a.snippets(g.IntN(initSnippets), 1)
	switch g.IntN(4) {
	case 0: // whatever memory holds
		a.end()
		return a.code
	case 1: // an address to delegate to, or to begin with the forbidden byte
		a.push(uint256.NewInt(0xef << 8))
		a.op(vm.PUSH0, vm.MSTORE)
		a.num(pick[uint64](g, 1, 2, 23))
		a.num(30)
		a.op(vm.RETURN)
		return a.code
	}
	child := (&generator{Rand: g.Rand, places: g.places}).code(1 + g.IntN(5))
	// PUSH2 size DUP1 PUSH2 from PUSH0 CODECOPY PUSH0 RETURN: 12 bytes before the child.
	a.op(vm.PUSH2)
	a.code = append(a.code, byte(len(child)>>8), byte(len(child)))
	a.op(vm.DUP1, vm.PUSH2)
	from := len(a.code) + 6
	a.code = append(a.code, byte(from>>8), byte(from))
	a.op(vm.PUSH0, vm.CODECOPY, vm.PUSH0, vm.RETURN)
	return append(a.code, child...)
}

// assembler writes code. depth is how many words the code written so far leaves.
type assembler struct {
	g     *generator
	code  []byte
	depth int
}

func (a *assembler) op(ops ...vm.Op) {
	for _, op := range ops {
		a.code = append(a.code, byte(op))
	}
}

// push writes a push of x, sometimes with zeros before it.
func (a *assembler) push(x *uint256.Int) {
	n := x.ByteLen()
	if a.g.chance(8) {
		n += a.g.IntN(33 - n)
	}
	word := x.Bytes32()
	if n == 0 {
		a.op(vm.PUSH0)
		return
	}
	a.op(vm.PUSH1 + vm.Op(n-1))
	a.code = append(a.code, word[32-n:]...)
}

func (a *assembler) num(n uint64) { a.push(uint256.NewInt(n)) }

func (a *assembler) address() {
	addr := a.g.place()
	a.push(new(uint256.Int).SetBytes20(addr[:]))
}

// value pushes one word: a number, something of the environment, or a copy from the stack.
func (a *assembler) value() {
	g := a.g
	switch g.IntN(7) {
	case 0:
		a.op(pick(g, vm.ADDRESS, vm.ORIGIN, vm.CALLER, vm.CALLVALUE, vm.CALLDATASIZE, vm.CODESIZE, vm.GASPRICE,
			vm.RETURNDATASIZE, vm.COINBASE, vm.TIMESTAMP, vm.NUMBER, vm.PREVRANDAO, vm.GASLIMIT, vm.CHAINID,
			vm.SELFBALANCE, vm.BASEFEE, vm.BLOBBASEFEE, vm.PC, vm.MSIZE, vm.GAS))
	case 1:
		if a.depth > 0 {
			a.op(vm.DUP1 + vm.Op(g.IntN(min(a.depth, 16))))
			return
		}
		a.op(vm.GAS)
	case 2:
		a.num(g.Uint64N(100))
		a.op(vm.CALLDATALOAD)
	case 3:
		a.offset()
		a.op(vm.MLOAD)
	case 4:
		a.key()
		a.op(pick(g, vm.SLOAD, vm.SLOAD, vm.TLOAD))
	default:
		a.push(g.word())
	}
}

// offset pushes a place in memory, rarely one that nobody can pay.
func (a *assembler) offset() {
	if a.g.chance(60) {
		a.push(a.g.word())
		return
	}
	a.num(a.g.Uint64N(300))
}

// size pushes a number of bytes.
func (a *assembler) size() {
	switch {
	case a.g.chance(80):
		a.push(a.g.word())
	case a.g.chance(3):
		a.num(32 * a.g.Uint64N(10))
	default:
		a.num(a.g.Uint64N(200))
	}
}

func (a *assembler) key() { a.num(a.g.Uint64N(4)) }

// nestMax bounds loops and branches inside each other.
const nestMax = 3

func (a *assembler) snippets(n, nest int) {
	for range n {
		a.snippet(nest)
	}
}

func (a *assembler) snippet(nest int) {
	g := a.g
	switch k := g.IntN(100); {
	case k < 18:
		a.arithmetic()
	case k < 28:
		a.value()
		a.offset()
		a.op(pick(g, vm.MSTORE, vm.MSTORE, vm.MSTORE8))
	case k < 42:
		a.store()
	case k < 48:
		a.copies()
	case k < 52:
		a.size()
		a.offset()
		a.op(vm.KECCAK256)
		a.sink()
	case k < 56:
		a.log()
	case k < 70:
		a.call()
	case k < 74:
		a.create()
	case k < 77:
		a.address()
		a.op(pick(g, vm.BALANCE, vm.EXTCODESIZE, vm.EXTCODEHASH))
		a.sink()
	case k < 79:
		a.num(blockNumber - g.Uint64N(300))
		a.op(vm.BLOCKHASH)
		a.sink()
	case k < 85:
		a.stack()
	case k < 91 && nest < nestMax:
		a.branch(nest)
	case k < 96 && nest < nestMax:
		a.loop(nest)
	case k < 97:
		a.raw()
	case k < 98:
		a.jumpOver()
	default:
		a.value()
		a.sink()
	}
}

// sink takes the top of the stack and puts it where it can be seen.
func (a *assembler) sink() {
	switch a.g.IntN(4) {
	case 0:
		a.op(vm.POP)
	case 1:
		a.key()
		a.op(vm.SSTORE)
	default:
		a.offset()
		a.op(vm.MSTORE)
	}
}

func (a *assembler) arithmetic() {
	g := a.g
	two := []vm.Op{
		vm.ADD, vm.MUL, vm.SUB, vm.DIV, vm.SDIV, vm.MOD, vm.SMOD, vm.EXP, vm.SIGNEXTEND, vm.LT, vm.GT, vm.SLT, vm.SGT,
		vm.EQ, vm.AND, vm.OR, vm.XOR, vm.BYTE, vm.SHL, vm.SHR, vm.SAR,
	}
	a.value()
	for range 1 + g.IntN(4) {
		switch g.IntN(6) {
		case 0:
			a.op(pick(g, vm.ISZERO, vm.NOT, vm.CLZ))
		case 1:
			a.depth++
			a.value()
			a.depth--
			a.push(g.word())
			a.op(pick(g, vm.ADDMOD, vm.MULMOD))
		default:
			a.depth++
			a.value()
			a.depth--
			if g.chance(3) {
				a.op(vm.SWAP1)
			}
			a.op(pick(g, two...))
		}
	}
	a.sink()
}

func (a *assembler) store() {
	a.value()
	a.depth++
	a.key()
	a.depth--
	a.op(pick(a.g, vm.SSTORE, vm.SSTORE, vm.SSTORE, vm.TSTORE))
}

func (a *assembler) copies() {
	g := a.g
	a.size()
	a.offset()
	a.offset()
	switch op := pick(g, vm.CALLDATACOPY, vm.CODECOPY, vm.MCOPY, vm.EXTCODECOPY, vm.RETURNDATACOPY); op {
	case vm.EXTCODECOPY:
		a.address()
		a.op(op)
	case vm.RETURNDATACOPY:
		a.op(vm.POP, vm.POP, vm.POP)
		a.op(vm.RETURNDATASIZE) // all of it, or one byte too much
		if g.chance(12) {
			a.num(1)
			a.op(vm.ADD)
		}
		a.op(vm.PUSH0)
		a.offset()
		a.op(op)
	default:
		a.op(op)
	}
}

func (a *assembler) log() {
	n := a.g.IntN(5)
	for range n {
		a.push(a.g.word())
	}
	a.size()
	a.offset()
	a.op(vm.LOG0 + vm.Op(n))
}

func (a *assembler) call() {
	g := a.g
	if g.chance(3) {
		a.push(g.word()) // an argument
		a.offset()
		a.op(vm.MSTORE)
	}
	op := pick(g, vm.CALL, vm.CALL, vm.CALL, vm.CALLCODE, vm.DELEGATECALL, vm.STATICCALL)
	a.size()
	a.offset()
	a.size()
	a.offset()
	if op == vm.CALL || op == vm.CALLCODE {
		a.num(pick[uint64](g, 0, 0, 0, 1, 7, 100_000))
	}
	a.address()
	switch g.IntN(4) {
	case 0:
		a.num(g.Uint64N(10_000))
	case 1:
		a.num(g.Uint64N(100_000))
	case 2:
		a.push(g.word())
	default:
		a.op(vm.GAS)
	}
	a.op(op)
	a.sink()
}

// create copies some creation code into memory and runs it.
func (a *assembler) create() {
	g := a.g
	init := g.smallInit()
	a.push(new(uint256.Int).SetBytes(init))
	a.op(vm.PUSH0, vm.MSTORE)
	salted := g.chance(2)
	if salted {
		a.num(g.Uint64N(3))
	}
	a.num(uint64(len(init)))
	a.num(uint64(32 - len(init)))
	a.num(pick[uint64](g, 0, 0, 1, 100_000))
	if salted {
		a.op(vm.CREATE2)
	} else {
		a.op(vm.CREATE)
	}
	if g.chance(2) { // call what was made
		a.op(vm.DUP1)
		a.op(vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.PUSH0, vm.SWAP1+4, vm.GAS, vm.CALL, vm.POP)
	}
	a.sink()
}

// smallInit is creation code of at most 32 bytes.
func (g *generator) smallInit() []byte {
	a := &assembler{g: g}
	for len(a.code) < 10 {
		switch g.IntN(5) {
		case 0:
			a.num(g.Uint64N(3))
			a.key()
			a.op(vm.SSTORE)
		case 1:
			a.op(vm.CALLER, vm.SELFDESTRUCT)
		case 2:
			a.op(vm.ADDRESS, vm.SELFDESTRUCT)
		default:
			a.op(vm.GAS, vm.POP)
		}
	}
	// The new code is what lies in memory after one MSTORE: a contract that destroys itself, or stores, or nothing.
	runtime := pick(g, uint64(0x33ff), 0x30ff, 0x5f545f55, 0x6001600255, 0x5f5ffd, 0xef00, 0)
	a.num(runtime)
	a.op(vm.PUSH0, vm.MSTORE)
	n := uint64((uint256.NewInt(runtime).BitLen() + 7) / 8)
	a.num(n)
	a.num(32 - n)
	a.op(pick(g, vm.RETURN, vm.RETURN, vm.RETURN, vm.REVERT))
	return a.code[:min(len(a.code), 32)]
}

// stack moves words about and takes away again what it added.
func (a *assembler) stack() {
	g := a.g
	n := 1 + g.IntN(17)
	for i := range n {
		a.num(uint64(i) + g.Uint64N(1000))
	}
	for range g.IntN(12) {
		if g.chance(2) {
			a.op(vm.SWAP1 + vm.Op(g.IntN(max(1, min(n-1, 16)))))
		} else {
			a.op(vm.DUP1+vm.Op(g.IntN(min(n, 16))), pick(g, vm.ADD, vm.SUB, vm.POP))
			if a.code[len(a.code)-1] != byte(vm.POP) {
				n--
				if n == 0 {
					break
				}
			}
		}
	}
	for range n {
		a.op(vm.POP)
	}
}

// label writes a push of a place that is not known yet and gives where it must be filled in.
func (a *assembler) label() int {
	a.op(vm.PUSH2)
	a.code = append(a.code, 0, 0)
	return len(a.code) - 2
}

// here makes a label's place a jump destination here.
func (a *assembler) here(label int) {
	a.code[label], a.code[label+1] = byte(len(a.code)>>8), byte(len(a.code))
	a.op(vm.JUMPDEST)
}

func (a *assembler) branch(nest int) {
	a.value()
	if a.g.chance(2) {
		a.depth++
		a.value()
		a.depth--
		a.op(pick(a.g, vm.LT, vm.GT, vm.SLT, vm.SGT, vm.EQ))
	}
	if a.g.chance(2) {
		a.op(vm.ISZERO)
	}
	other := a.label()
	a.op(vm.JUMPI)
	a.snippets(1+a.g.IntN(2), nest+1)
	if !a.g.chance(3) {
		a.here(other)
		return
	}
	done := a.label()
	a.op(vm.JUMP)
	a.here(other)
	a.snippets(1, nest+1)
	a.here(done)
}

// loop runs its body a few times, counting down on the stack.
func (a *assembler) loop(nest int) {
	a.num(1 + a.g.Uint64N(pick[uint64](a.g, 3, 20)))
	a.depth++
	again := len(a.code)
	a.op(vm.JUMPDEST)
	a.snippets(1+a.g.IntN(2), nest+1)
	a.num(1)
	a.op(vm.SWAP1, vm.SUB, vm.DUP1, vm.PUSH2)
	a.code = append(a.code, byte(again>>8), byte(again))
	a.op(vm.JUMPI, vm.POP)
	a.depth--
}

// jumpOver leaves bytes that are never run, or jumps to a wrong place.
func (a *assembler) jumpOver() {
	over := a.label()
	a.op(vm.JUMP)
	for range a.g.IntN(6) {
		a.code = append(a.code, byte(a.g.IntN(256)))
	}
	if a.g.chance(4) {
		a.op(vm.PUSH1 + vm.Op(a.g.IntN(3))) // hides the destination
	}
	a.here(over)
}

func (a *assembler) raw() {
	if a.g.chance(2) {
		a.code = append(a.code, byte(a.g.IntN(256)))
		return
	}
	a.op(pick(a.g, vm.POP, vm.DUP16, vm.SWAP16, vm.ADD, vm.PUSH0, vm.JUMPDEST, vm.Op(0xfe)))
}

// end finishes the program.
func (a *assembler) end() {
	g := a.g
	switch g.IntN(10) {
	case 0:
		a.address()
		a.op(vm.SELFDESTRUCT)
	case 1:
		a.op(vm.STOP)
	case 2:
		a.size()
		a.offset()
		a.op(vm.REVERT)
	case 3: // runs off
	default:
		a.size()
		a.offset()
		a.op(vm.RETURN)
	}
}
