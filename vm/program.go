package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/vm/fork"
)

// A program is a code in the form that runProgram runs. It is cut into blocks: stretches that are entered at
// their first instruction only and left at their last. What a block's instructions cost and need of the
// stack whatever their operands is paid and checked once, at its beginning. Instructions that often follow
// each other are one, with their constants at hand, and jumps to constants lead straight to a block.
//
// None of it can be seen from outside. Gas is observed as the plain loop would show it: each instruction that
// shows gas or takes more of it knows what the rest of its block has been paid for (rest). A block that
// cannot be paid, or does not find the stack that it needs, is run by the plain loop, which ends in it with
// the fault that comes first.
type program struct {
	rules  fork.Fork
	ins    []instr
	rest   []rest // beside ins
	blocks []block
	consts []uint256.Int

	// The block that begins at each place of the code with a JUMPDEST; noBlock where none does.
	entries []uint32
}

// noBlock is not the index of a block that can be jumped to.
const noBlock = 1<<32 - 1

// instr is one instruction. What n, m and arg mean is said at its form.
type instr struct {
	form form
	n    uint8
	m    uint16
	arg  uint32
}

// rest says of an instruction where the one after it stands in the code, and what gas the block has taken
// for those that follow.
type rest struct {
	pc  uint32
	gas uint32
}

// block is a stretch without jumps inside.
type block struct {
	gas   uint64
	need  uint16 // words on the stack
	room  uint16 // how many more there may be, so that it does not overflow
	first uint32 // of ins
	pc    uint32
}

// blockAt gives the block to which a jump leads, or noBlock.
func (p *program) blockAt(pc *uint256.Int) uint32 {
	if pc[1]|pc[2]|pc[3] != 0 || pc[0] >= uint64(len(p.entries)) {
		return noBlock
	}
	return p.entries[pc[0]]
}

// size is about the memory that it takes, in bytes.
func (p *program) size() int {
	return 16*len(p.ins) + 24*len(p.blocks) + 32*len(p.consts) + 4*len(p.entries)
}

const (
	// A code is worth translating when it has jumped heatMin times, and once more for each heatBytes bytes of it.
	// So the work of translating is bounded by work that was paid for, whatever codes there are: 24,576 bytes
	// have to pay for at least 12,320 jumps, which is some 150,000 gas.
	heatMin   = 32
	heatBytes = 2
)

// ready gives the program of a code if it was made already.
func (m *Machine) ready(c *Code) *program {
	if c.program != nil && c.program.rules == m.fork {
		return c.program
	}
	if m.codes.eager {
		return m.translate(c)
	}
	return nil
}

// hot counts a jump of the plain loop and gives the program of the code once it is worth having one.
func (m *Machine) hot(c *Code) *program {
	c.heat++
	if c.heat < heatMin+c.size/heatBytes {
		return nil
	}
	return m.translate(c)
}

func (m *Machine) translate(c *Code) *program {
	if c.program == nil || c.program.rules != m.fork {
		c.program = m.translator.translate(c, m.fork, m.table)
		if c.kept {
			m.codes.grow(c.program.size())
		}
	}
	return c.program
}

// form is what an instr does. A form with an Op's number is that instruction.
type form uint8

// The other forms. x is the top of the stack, y the word below it. A constant is consts[arg], a target
// blocks[arg]; depth d means the word that DUPd copies. First those in the gap after the arithmetic ones.
const (
	formFall      form = 0x0c + iota // the block ends, the next one follows
	formDo                           // the instruction n, by do, which moves sp by int16(m)
	formPlain                        // the plain loop goes on at arg, and ends there
	formPushSmall                    // arg
)

const (
	formPush       form = 0x21 + iota // constant
	formPush2                         // m, then arg
	formPushDup                       // arg, then the word at depth n, arg counted in
	formDup                           // depth n
	formDup2                          // depth n, then depth m
	formSwap                          // x with the word n below it
	formSwap2                         // x with the word n below it, then with the word m below it
	formSlide                         // x takes the place of the word n below it, and m words go
	formPop                           // n words go
	formJumpTo                        // target
	formJumpIf                        // target if x is not zero
	formJumpUnless                    // target if x is zero
	formAddSmall                      // x + arg
	formNone                          // none: what is given where nothing fits
	formTakeConst                     // x - constant: becomes formAddConst
)

const (
	formJumpLt     form = 0xa5 + iota // target if (x < y) != n, both go
	formJumpGt                        // the same with x > y
	formJumpSlt                       // and so on
	formJumpSgt                       //
	formJumpEq                        //
	formJumpLtDup                     // target if (word at depth m < x) != n, x goes
	formJumpGtDup                     //
	formJumpSltDup                    //
	formJumpSgtDup                    //
	formJumpEqDup                     //
	formAddConst                      // constant + x
	formMulConst                      //
	formAndConst                      //
	formEqConst                       //
	formSubConst                      // constant - x
	formDivByConst                    // x / constant
	formLtConst                       // constant < x
	formGtConst                       //
	formShlBy                         // x << n, with n from 1 to 63
	formShrBy                         //
	formSarBy                         //
	formShlWide                       // the same with any n
	formShrWide                       //
	formSarWide                       //
	formAddDup                        // word at depth n + x
	formSubDup                        //
	formMulDup                        //
	formAndDup                        //
	formOrDup                         //
	formLtDup                         //
	formGtDup                         //
	formSltDup                        //
	formSgtDup                        //
	formEqDup                         //
	formLoadAt                        // memory at arg
	formLoadDup                       // memory at the word at depth n
	formStoreAt                       // x to memory at arg
	formStoreDup                      // x to memory at the word at depth n
	formStoreSwap                     // x to memory at y
	formAddLoad                       // memory at x + y
	formAdd2                          // the sum of the three upper words
	formNotEqual                      // x != y
	formNotLess                       //
	formNotGreater                    //
	formIsNotZero                     // 1 if x is not zero
)

// leads reports whether arg is a target.
func (f form) leads() bool {
	return f >= formJumpTo && f <= formJumpUnless || f >= formJumpLt && f <= formJumpEqDup
}
