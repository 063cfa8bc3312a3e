package exec_test

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// The instructions that the programs of the matrix use.
const (
	opStop           = 0x00
	opIsZero         = 0x15
	opCodeCopy       = 0x39
	opReturnDataSize = 0x3d
	opReturnDataCopy = 0x3e
	opPop            = 0x50
	opMStore         = 0x52
	opGas            = 0x5a
	opJumpI          = 0x57
	opJumpDest       = 0x5b
	opPush0          = 0x5f
	opPush1          = 0x60
	opCall           = 0xf1
	opCallCode       = 0xf2
	opReturn         = 0xf3
	opDelegateCall   = 0xf4
	opStaticCall     = 0xfa
	opRevert         = 0xfd
)

// program is byte code in the making. Its data lies behind the instructions.
type program struct {
	code  []byte
	fixes []int // places of a PUSH2 of the data's offset
}

func (p *program) op(ops ...byte) { p.code = append(p.code, ops...) }

// push puts a number on the stack with as few bytes as it takes.
func (p *program) push(v *uint256.Int) {
	b := v.Bytes()
	p.op(opPush0 + byte(len(b)))
	p.op(b...)
}

func (p *program) pushInt(v uint64) { p.push(uint256.NewInt(v)) }

func (p *program) pushAddress(a chain.Address) {
	p.op(opPush1 + 19)
	p.op(a[:]...)
}

// loadData copies n bytes of the data to memory 0.
func (p *program) loadData(n int) {
	p.pushInt(uint64(n))
	p.fixes = append(p.fixes, len(p.code)+1)
	p.op(opPush1+1, 0, 0)
	p.op(opPush0, opCodeCopy)
}

// call calls to with the first n bytes of memory and leaves whether it succeeded on the stack. Gas 0 with all
// set passes on all there is; kind decides whether there is a value.
func (p *program) call(kind byte, to chain.Address, value *uint256.Int, n int, gas *uint64) {
	p.op(opPush0, opPush0)
	p.pushInt(uint64(n))
	p.op(opPush0)
	if kind == opCall || kind == opCallCode {
		p.push(value)
	}
	p.pushAddress(to)
	if gas == nil {
		p.op(opGas)
	} else {
		p.pushInt(*gas)
	}
	p.op(kind)
}

// keepFlag stores what call left at a place in memory, as a word.
func (p *program) keepFlag(at uint64) {
	p.pushInt(at)
	p.op(opMStore)
}

// give returns n bytes of memory from a place on.
func (p *program) give(at, n uint64) {
	p.pushInt(n)
	p.pushInt(at)
	p.op(opReturn)
}

// propagate ends as the last call has ended, with its answer.
func (p *program) propagate() {
	p.op(opReturnDataSize, opPush0, opPush0, opReturnDataCopy)
	p.op(opIsZero)
	target := len(p.code) + 1
	p.op(opPush1, 0, opJumpI)
	p.op(opReturnDataSize, opPush0, opReturn)
	p.code[target] = byte(len(p.code)) // programs are shorter than 256 bytes
	p.op(opJumpDest, opReturnDataSize, opPush0, opRevert)
}

// assemble gives the code with data behind it.
func (p *program) assemble(data []byte) []byte {
	for _, at := range p.fixes {
		binary.BigEndian.PutUint16(p.code[at:], uint16(len(p.code)))
	}
	return append(append([]byte{}, p.code...), data...)
}
