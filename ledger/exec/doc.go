// Package exec is what a block does to the state: the only writer of accounts and slots.
//
// Its nouns: an [Input] is a block's surroundings and transactions; a [Run] is a block in the making,
// to which transactions are applied one by one; an [Output] holds the receipts. A [Fault] says why a
// transaction cannot stand in a block at all, and so why a block that holds it is bad.
//
// Rules:
//
//	EXEC-1  At the start of a block, before any transaction, the parent's hash goes to slot
//	        (height - 1) mod 8191 of the history contract (EIP-2935), then the native modules begin the block.
//	EXEC-2  A transaction needs the nonce of its sender, a fee cap of at least the base fee, room under the
//	        block's gas limit, and a sender who owns gas * fee cap + value.
//	EXEC-3  The sender pays gas used * (base fee + tip). The base fee part is burned, the tip goes to the
//	        coinbase. Gas used is at least the intrinsic gas and the floor of EIP-7623.
//	EXEC-4  A call to a native module runs it; if it fails, all that it did is undone but the fee, the
//	        nonce goes up and the receipt has status 0 with the reason.
//	EXEC-5  A call to an address with other code, or to an address that Ethereum reserves for precompiled
//	        contracts, fails in the same way: there is no machine for it yet. Anything else is a transfer.
//	EXEC-6  The base fee follows gas used over elapsed time, see [NextBaseFee].
//	EXEC-7  Tokens are neither made nor lost: what the accounts own less is what was burned ([Output.Burned]).
//
// Called by ledger (Execute, Build), internal/genesis (code of the history contract) and, through
// [Call] and [Estimate], by the RPC.
//
//	run := exec.Begin(view, &input, modules)
//	for _, tx := range candidates {
//		if err := run.Apply(tx); err != nil { ... } // a Fault: the transaction was left out
//	}
//	out := run.End()
package exec
