package vm

// Fault says why a call ended otherwise than by returning. All but FaultRevert take the gas of the call.
type Fault uint8

// The faults of running code.
const (
	FaultRevert      Fault = iota + 1 // the code said so; its answer is kept
	FaultGas                          // out of gas
	FaultInstruction                  // no instruction of the rule set
	FaultUnderflow                    // fewer words on the stack than needed
	FaultOverflow                     // more than 1024 words on the stack
	FaultJump                         // a jump to something that is no JUMPDEST
	FaultStatic                       // a change inside a static call
	FaultReturnData                   // more return data read than there is
	FaultDepth                        // calls too deep
	FaultBalance                      // less money than to be sent
	FaultNonce                        // the creator's nonce is at its end
	FaultCollision                    // the new contract's address is taken
	FaultCodeSize                     // the new contract is longer than 24576 bytes
	FaultCodePrefix                   // the new contract begins with 0xef
	FaultInitSize                     // the creation code is longer than 49152 bytes
	FaultPrecompile                   // a built-in contract refused its input
)

var faultTexts = [...]string{
	FaultRevert: "execution reverted", FaultGas: "out of gas", FaultInstruction: "invalid opcode",
	FaultUnderflow: "stack underflow", FaultOverflow: "stack overflow", FaultJump: "invalid jump destination",
	FaultStatic: "write in a static call", FaultReturnData: "return data out of bounds",
	FaultDepth: "call depth exceeded", FaultBalance: "insufficient balance for transfer",
	FaultNonce: "nonce at its end", FaultCollision: "contract address collision",
	FaultCodeSize: "code size limit exceeded", FaultCodePrefix: "code begins with 0xef",
	FaultInitSize: "creation code size limit exceeded", FaultPrecompile: "precompiled contract refused its input",
}

func (f Fault) Error() string { return faultTexts[f] }
