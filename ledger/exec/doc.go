// Package exec is what a block does to the state: the only writer of accounts and slots.
//
// Its nouns: an [Input] is a block's surroundings and transactions; an [Engine] is the virtual machine with
// the system contracts; a [Run] is a block in the making, to which transactions are applied one by one; an
// [Output] holds the receipts; a [Message] is a call that is only tried. A [Fault] says why a transaction
// cannot stand in a block at all, and so why a block that holds it is bad.
//
// Rules:
//
//	EXEC-1  At the start of a block, before any transaction, the parent's hash goes to slot
//	        (height - 1) mod 8191 of the history contract (EIP-2935), then the native modules begin the block.
//	EXEC-2  A transaction needs the nonce of its sender, a fee cap of at least the base fee, room under the
//	        block's gas limit, a sender who owns gas * fee cap + value and has no code but a delegation.
//	EXEC-3  The sender pays gas used * (base fee + tip). The base fee part is burned, the tip goes to the
//	        coinbase. Gas used is at least the intrinsic gas and the floor of EIP-7623.
//	EXEC-4  Code runs on package vm under the rules of Osaka, from the first block. If the outermost call
//	        fails, all that it did is undone but the fee, the nonces and the delegations, and the receipt has
//	        status 0 with the reason.
//	EXEC-5  A call to the address of a native module runs it, from a transaction or from code, with the same
//	        state, journal and gas. BLOCKHASH reads the history contract.
//	EXEC-6  The base fee follows gas used over elapsed time, see [NextBaseFee].
//	EXEC-7  Tokens are neither made nor lost: what the accounts own less is what was burned ([Output.Burned]):
//	        base fees, and money that an account holds when it goes away (EIP-6780).
//
// Called by ledger (Execute, Build, and the sandboxes in which readers try and trace), and by
// internal/genesis (code of the history contract).
//
//	run := exec.Begin(view, &input, engine)
//	for _, tx := range candidates {
//		if err := run.Apply(tx); err != nil { ... } // a Fault: the transaction was left out
//	}
//	out := run.End()
package exec
