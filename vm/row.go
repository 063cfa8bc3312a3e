package vm

import "github.com/aiwork/aiwork-node/vm/fork"

// Row is what a rule set says of an instruction before it looks at the operands. For those whose price
// depends on what was touched before (EIP-2929) Gas is zero.
type Row struct {
	Gas       uint64
	Pops      int // words that it needs
	StackMax  int // words that there may be so that the stack does not overflow
	Undefined bool
}

// RowOf gives an instruction's row. It is for explaining what happened: it makes the whole table anew.
func RowOf(f fork.Fork, op Op) Row {
	e := newTable(f)[op]
	if e.gas == undefined {
		return Row{StackMax: stackMax, Undefined: true}
	}
	return Row{Gas: e.gas, Pops: int(e.need), StackMax: int(e.need) + int(e.room)}
}
