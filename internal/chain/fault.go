package chain

import "fmt"

// A Fault says why a block, header, vote or certificate is refused without looking at state. Peers are
// scored by it, so values are never reused.
type Fault uint8

const (
	FaultEncoding  Fault = iota + 1 // the bytes are not of the one accepted form
	FaultSize                       // more bytes than the limit
	FaultConstant                   // a header field that must be a constant is not
	FaultTxRoot                     // the header's transaction root is not that of the body
	FaultExtension                  // the header's extra data is not the extension's hash
	FaultTime                       // the header's seconds are not those of the extension's milliseconds
	FaultGasUsed                    // more gas used than the block's limit
	FaultView                       // a view of zero, or a parent view not below the view
	FaultKind                       // an unknown kind of vote, or one that may not stand here
	FaultNullify                    // a nullify vote that names a block
	FaultSigners                    // the signers' bitmap does not fit the signatures or the set
	FaultVersion                    // an unknown version

)

var faultTexts = [...]string{
	FaultEncoding:  "encoding not canonical",
	FaultSize:      "too large",
	FaultConstant:  "header: constant field differs",
	FaultTxRoot:    "header: transaction root does not match the body",
	FaultExtension: "header: extra data is not the hash of the extension",
	FaultTime:      "header: time does not match the extension",
	FaultGasUsed:   "header: gas used above the gas limit",
	FaultView:      "view out of order",
	FaultKind:      "kind of vote not allowed here",
	FaultNullify:   "nullify vote names a block",
	FaultSigners:   "signers do not fit the signatures",
	FaultVersion:   "unknown version",
}

func (f Fault) Error() string { return faultTexts[f] }

// A TxFault says why a transaction is refused without looking at state. The texts are those of other
// Ethereum nodes wherever wallets read them. Peers are scored by it, so values are never reused.
type TxFault uint8

const (
	TxEncoding    TxFault = iota + 1 // the bytes are not of the one accepted form
	TxType                           // a type that nobody defined
	TxBlob                           // type 3: there is no blob layer
	_                                // retired: type 4 was refused
	_                                // retired: creations were refused
	TxSize                           // more than TxSizeMax bytes
	TxChainID                        // signed for another chain
	TxUnprotected                    // a legacy signature that is good on every chain
	TxSignature                      // the signature is malformed or recovers to no key
	TxFeeOrder                       // the tip cap is above the fee cap
	TxFeeOverflow                    // gas * fee cap + value does not fit 256 bits
	TxGasMax                         // more gas than a transaction may ask for
	TxGasLow                         // less gas than the transaction's bytes cost
	TxGasFloor                       // less gas than the floor for its data
	TxNonceMax                       // the nonce has no successor
	TxInitCode                       // creation code above its limit
	TxAuthNone                       // type 4 without an authorization
	TxAuthCreate                     // type 4 without a receiver
)

var txFaultTexts = [...]string{
	TxEncoding:    "invalid transaction encoding",
	TxType:        "transaction type not supported",
	TxBlob:        "transaction type not supported: this chain has no blobs (type 3)",
	TxSize:        "oversized data",
	TxChainID:     "invalid chain id for signer",
	TxUnprotected: "only replay-protected (EIP-155) transactions are accepted",
	TxSignature:   "invalid sender: bad signature",
	TxFeeOrder:    "max priority fee per gas higher than max fee per gas",
	TxFeeOverflow: "gas * price + value does not fit 256 bits",
	TxGasMax:      "transaction gas limit too high",
	TxGasLow:      "intrinsic gas too low",
	TxGasFloor:    "insufficient gas for floor data gas cost",
	TxNonceMax:    "nonce has max value",
	TxInitCode:    "max initcode size exceeded",
	TxAuthNone:    "set code transaction must have at least one authorization",
	TxAuthCreate:  "set code transaction must not be a create transaction",
}

func (f TxFault) Error() string { return txFaultTexts[f] }

// because names the fault and keeps the cause from the encoding below: errors.Is finds both.
func because(fault, cause error) error { return fmt.Errorf("%w: %w", fault, cause) }
