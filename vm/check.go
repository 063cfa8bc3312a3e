package vm

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// TxFault says why a transaction cannot stand in a block. Values are never reused.
type TxFault uint8

// The faults of transactions.
const (
	TxFaultType         TxFault = iota + 1 // a type that the rule set does not have
	TxFaultNonceLow                        // the nonce was used already
	TxFaultNonceHigh                       // an earlier nonce is missing
	TxFaultNonceMax                        // the sender's nonce is at its end
	TxFaultSenderCode                      // the sender is a contract (EIP-3607)
	TxFaultTip                             // a tip above the fee cap
	TxFaultFeeCap                          // a fee cap below the block's base fee
	TxFaultFunds                           // the sender cannot pay
	TxFaultIntrinsic                       // less gas than the transaction costs before it runs
	TxFaultFloor                           // less gas than the floor of EIP-7623
	TxFaultGasMax                          // more gas than a transaction may ask for (EIP-7825)
	TxFaultBlockGas                        // more gas than the block has
	TxFaultInitSize                        // creation code too long (EIP-3860)
	TxFaultBlobCreate                      // a blob transaction that creates a contract
	TxFaultBlobNone                        // a blob transaction without blobs
	TxFaultBlobCount                       // more blobs than a transaction may name
	TxFaultBlobBlock                       // more blobs than a block may hold
	TxFaultBlobHash                        // a blob hash of an unknown version
	TxFaultBlobFee                         // a blob fee cap below the block's blob fee
	TxFaultAuthNone                        // no authorization in a type 4 transaction
	TxFaultAuthCreate                      // a type 4 transaction that creates a contract
	TxFaultCostOverflow                    // a cost beyond 256 bits
)

var txFaultTexts = [...]string{
	TxFaultType: "transaction type not supported", TxFaultNonceLow: "nonce too low",
	TxFaultNonceHigh: "nonce too high", TxFaultNonceMax: "nonce has max value",
	TxFaultSenderCode: "sender not an eoa", TxFaultTip: "max priority fee per gas higher than max fee per gas",
	TxFaultFeeCap: "max fee per gas less than block base fee", TxFaultFunds: "insufficient funds for gas * price + value",
	TxFaultIntrinsic: "intrinsic gas too low", TxFaultFloor: "gas below the floor for the transaction's data",
	TxFaultGasMax: "gas limit above the maximum of a transaction", TxFaultBlockGas: "gas limit above that of the block",
	TxFaultInitSize: "creation code size limit exceeded", TxFaultBlobCreate: "blob transaction creates a contract",
	TxFaultBlobNone: "blob transaction without blobs", TxFaultBlobCount: "too many blobs in a transaction",
	TxFaultBlobBlock: "too many blobs for a block", TxFaultBlobHash: "blob hash of an unknown version",
	TxFaultBlobFee:      "max fee per blob gas less than block blob gas fee",
	TxFaultAuthNone:     "empty authorization list",
	TxFaultAuthCreate:   "transaction with authorizations creates a contract",
	TxFaultCostOverflow: "gas times price plus value beyond 256 bits",
}

func (f TxFault) Error() string { return txFaultTexts[f] }

// typeSince is the rule set from which a type of transaction stands.
var typeSince = [...]fork.Fork{
	chain.TxTypeLegacy: fork.Frontier, chain.TxTypeAccessList: fork.Berlin, chain.TxTypeDynamicFee: fork.London,
	chain.TxTypeBlob: fork.Cancun, chain.TxTypeSetCode: fork.Prague,
}

// check refuses a transaction that cannot run, and gives its intrinsic gas and floor.
func (m *Machine) check(tx *Tx) (gas, floor uint64, err error) {
	if int(tx.Type) >= len(typeSince) || m.fork < typeSince[tx.Type] {
		return 0, 0, TxFaultType
	}
	if fault := m.checkForm(tx); fault != 0 {
		return 0, 0, fault
	}
	gas, floor = IntrinsicGas(m.fork, tx)
	if tx.Gas < gas {
		return 0, 0, TxFaultIntrinsic
	}
	if tx.Gas < floor {
		return 0, 0, TxFaultFloor
	}
	if fault := m.checkSender(tx); fault != 0 {
		return 0, 0, fault
	}
	return gas, floor, nil
}

// checkTry is check for a transaction that is only tried.
func (m *Machine) checkTry(tx *Tx) (gas, floor uint64, fault TxFault) {
	if int(tx.Type) >= len(typeSince) || m.fork < typeSince[tx.Type] {
		return 0, 0, TxFaultType
	}
	total, ok := cost(tx)
	gas, floor = IntrinsicGas(m.fork, tx)
	switch {
	case tx.To == nil && len(tx.Data) > chain.InitCodeSizeMax:
		fault = TxFaultInitSize
	case tx.FeeCap.Lt(&tx.TipCap):
		fault = TxFaultTip
	case tx.FeeCap.Lt(&m.block.BaseFee):
		fault = TxFaultFeeCap
	case tx.Type == chain.TxTypeBlob:
		fault = m.checkBlobs(tx)
	case len(tx.Auths) > 0 && tx.To == nil:
		fault = TxFaultAuthCreate
	case tx.Gas < gas:
		fault = TxFaultIntrinsic
	case tx.Gas < floor:
		fault = TxFaultFloor
	case tx.Nonce+1 == 0:
		fault = TxFaultNonceMax
	case !ok:
		fault = TxFaultCostOverflow
	case m.tooPoor(tx.From, &total):
		fault = TxFaultFunds
	}
	return gas, floor, fault
}

// checkForm needs nothing of the state.
func (m *Machine) checkForm(tx *Tx) TxFault {
	switch {
	case m.fork >= fork.Osaka && tx.Gas > chain.TxGasMaxLimit:
		return TxFaultGasMax
	case tx.Gas > m.block.GasLimit:
		return TxFaultBlockGas
	case m.fork >= fork.Shanghai && tx.To == nil && len(tx.Data) > chain.InitCodeSizeMax:
		return TxFaultInitSize
	case tx.FeeCap.Lt(&tx.TipCap):
		return TxFaultTip
	case m.fork >= fork.London && tx.FeeCap.Lt(&m.block.BaseFee):
		return TxFaultFeeCap
	case tx.Type == chain.TxTypeBlob:
		return m.checkBlobs(tx)
	case tx.Type == chain.TxTypeSetCode && tx.To == nil:
		return TxFaultAuthCreate
	case tx.Type == chain.TxTypeSetCode && len(tx.Auths) == 0:
		return TxFaultAuthNone
	}
	return 0
}

func (m *Machine) checkBlobs(tx *Tx) TxFault {
	n := uint64(len(tx.Blobs))
	switch {
	case tx.To == nil:
		return TxFaultBlobCreate
	case n == 0:
		return TxFaultBlobNone
	case n > m.block.BlobsMax:
		return TxFaultBlobBlock
	case m.fork >= fork.Osaka && n > blobsPerTxMax:
		return TxFaultBlobCount
	case tx.BlobFeeCap.Lt(&m.block.BlobBaseFee):
		return TxFaultBlobFee
	}
	for i := range tx.Blobs {
		if tx.Blobs[i][0] != 1 {
			return TxFaultBlobHash
		}
	}
	return 0
}

func (m *Machine) checkSender(tx *Tx) TxFault {
	nonce := m.st.Nonce(tx.From)
	total, ok := cost(tx)
	code := m.codeOf(tx.From)
	switch {
	case tx.Nonce < nonce:
		return TxFaultNonceLow
	case tx.Nonce > nonce:
		return TxFaultNonceHigh
	case nonce+1 == 0:
		return TxFaultNonceMax
	case code != nil && !(code.delegated && m.fork >= fork.Prague):
		return TxFaultSenderCode
	case !ok:
		return TxFaultCostOverflow
	case m.tooPoor(tx.From, &total):
		return TxFaultFunds
	}
	return 0
}
