package vm

import "github.com/aiwork/aiwork-node/vm/fork"

// stackMax is the greatest number of words on the stack of a frame.
const stackMax = 1024

// entry is what the loop asks before an instruction: the gas that it takes whatever its operands, the
// words that it needs, how many more than those there may be so that the stack does not overflow, and by
// how many words it changes the stack.
type entry struct {
	gas  uint64
	need uint16
	room uint16
	grow int16
}

// undefined is the gas of an instruction that the rule set does not have: no frame can have so much.
const undefined = 1<<64 - 1

type table [256]entry

func (t *table) set(op Op, gas uint64, pops, pushes int) {
	t[op] = entry{
		gas: gas, need: uint16(pops), room: uint16(stackMax - pops - max(0, pushes-pops)), grow: int16(pushes - pops),
	}
}

// Gas of instructions with names of their own.
const (
	gasBase         = 2
	gasVeryLow      = 3
	gasLow          = 5
	gasMid          = 8
	gasHigh         = 10
	gasJumpdest     = 1
	gasBlockHash    = 20
	gasKeccak       = 30
	gasKeccakWord   = 6
	gasCopyWord     = 3
	gasLog          = 375
	gasLogTopic     = 375
	gasLogByte      = 8
	gasCreate       = 32_000
	gasCodeByte     = 200
	gasInitWord     = 2
	gasCallValue    = 9_000
	gasCallStipend  = 2_300
	gasNewAccount   = 25_000
	gasWarm         = 100
	gasColdAccount  = 2_600
	gasColdSlot     = 2_100
	gasSlotSet      = 20_000
	gasSlotReset    = 5_000
	gasDestruct     = 5_000
	refundDestruct  = 24_000
	gasExp          = 10
	gasMemoryWord   = 3
	memoryQuadratic = 512
)

// newTable gives the instructions of a rule set. For Berlin and later the price of touching an account
// or slot is added by the instruction itself.
func newTable(f fork.Fork) *table {
	t := &table{}
	for i := range t {
		t[i] = entry{gas: undefined, room: stackMax}
	}
	t.arithmetic()
	t.environment()
	t.stackAndFlow()
	t.accounts(f)
	t.later(f)
	return t
}

func (t *table) arithmetic() {
	t.set(STOP, 0, 0, 0)
	for _, op := range []Op{ADD, SUB, LT, GT, SLT, SGT, EQ, AND, OR, XOR, BYTE} {
		t.set(op, gasVeryLow, 2, 1)
	}
	for _, op := range []Op{MUL, DIV, SDIV, MOD, SMOD, SIGNEXTEND} {
		t.set(op, gasLow, 2, 1)
	}
	t.set(ADDMOD, gasMid, 3, 1)
	t.set(MULMOD, gasMid, 3, 1)
	t.set(EXP, gasExp, 2, 1)
	t.set(ISZERO, gasVeryLow, 1, 1)
	t.set(NOT, gasVeryLow, 1, 1)
	t.set(KECCAK256, gasKeccak, 2, 1)
}

func (t *table) environment() {
	for _, op := range []Op{
		ADDRESS, ORIGIN, CALLER, CALLVALUE, CALLDATASIZE, CODESIZE, GASPRICE, COINBASE, TIMESTAMP, NUMBER,
		PREVRANDAO, GASLIMIT, PC, MSIZE, GAS,
	} {
		t.set(op, gasBase, 0, 1)
	}
	t.set(CALLDATALOAD, gasVeryLow, 1, 1)
	t.set(CALLDATACOPY, gasVeryLow, 3, 0)
	t.set(CODECOPY, gasVeryLow, 3, 0)
	t.set(BLOCKHASH, gasBlockHash, 1, 1)
}

func (t *table) stackAndFlow() {
	t.set(POP, gasBase, 1, 0)
	t.set(MLOAD, gasVeryLow, 1, 1)
	t.set(MSTORE, gasVeryLow, 2, 0)
	t.set(MSTORE8, gasVeryLow, 2, 0)
	t.set(JUMP, gasMid, 1, 0)
	t.set(JUMPI, gasHigh, 2, 0)
	t.set(JUMPDEST, gasJumpdest, 0, 0)
	for i := range Op(32) {
		t.set(PUSH1+i, gasVeryLow, 0, 1)
	}
	for i := range Op(16) {
		t.set(DUP1+i, gasVeryLow, int(i)+1, int(i)+2)
		t.set(SWAP1+i, gasVeryLow, int(i)+2, int(i)+2)
	}
	for i := range Op(5) {
		t.set(LOG0+i, gasLog+gasLogTopic*uint64(i), int(i)+2, 0)
	}
	t.set(RETURN, 0, 2, 0)
	t.set(CREATE, gasCreate, 3, 1)
}

// accounts sets the prices of touching accounts and slots, which grew with the state (EIP-150, EIP-1884).
func (t *table) accounts(f fork.Fork) {
	extcode, balance, sload, call, destruct := uint64(20), uint64(20), uint64(50), uint64(40), uint64(0)
	if f >= fork.Tangerine {
		extcode, balance, sload, call, destruct = 700, 400, 200, 700, gasDestruct
	}
	if f >= fork.Istanbul {
		balance, sload = 700, 800
	}
	if f >= fork.Berlin {
		extcode, balance, sload, call = 0, 0, 0, 0
	}
	t.set(BALANCE, balance, 1, 1)
	t.set(EXTCODESIZE, extcode, 1, 1)
	t.set(EXTCODECOPY, extcode, 4, 0)
	t.set(SLOAD, sload, 1, 1)
	t.set(SSTORE, 0, 2, 0)
	t.set(CALL, call, 7, 1)
	t.set(CALLCODE, call, 7, 1)
	t.set(SELFDESTRUCT, destruct, 1, 0)
	if f >= fork.Homestead {
		t.set(DELEGATECALL, call, 6, 1)
	}
	if f >= fork.Byzantium {
		t.set(STATICCALL, call, 6, 1)
	}
	if f >= fork.Constantinople {
		hash := uint64(400)
		if f >= fork.Istanbul {
			hash = balance
		}
		t.set(EXTCODEHASH, hash, 1, 1)
	}
}

// later adds the instructions that came after Frontier.
func (t *table) later(f fork.Fork) {
	if f >= fork.Byzantium {
		t.set(RETURNDATASIZE, gasBase, 0, 1)
		t.set(RETURNDATACOPY, gasVeryLow, 3, 0)
		t.set(REVERT, 0, 2, 0)
	}
	if f >= fork.Constantinople {
		t.set(SHL, gasVeryLow, 2, 1)
		t.set(SHR, gasVeryLow, 2, 1)
		t.set(SAR, gasVeryLow, 2, 1)
		t.set(CREATE2, gasCreate, 4, 1)
	}
	if f >= fork.Istanbul {
		t.set(CHAINID, gasBase, 0, 1)
		t.set(SELFBALANCE, gasLow, 0, 1)
	}
	if f >= fork.London {
		t.set(BASEFEE, gasBase, 0, 1)
	}
	if f >= fork.Shanghai {
		t.set(PUSH0, gasBase, 0, 1)
	}
	if f >= fork.Cancun {
		t.set(TLOAD, gasWarm, 1, 1)
		t.set(TSTORE, gasWarm, 2, 0)
		t.set(MCOPY, gasVeryLow, 3, 0)
		t.set(BLOBHASH, gasVeryLow, 1, 1)
		t.set(BLOBBASEFEE, gasBase, 0, 1)
	}
	if f >= fork.Osaka {
		t.set(CLZ, gasLow, 1, 1)
	}
}
