package rpc

import (
	"encoding/json"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// callArgs is a call or a transaction to be, as clients describe it. Blob fields are read to be refused.
type callArgs struct {
	Type                 *Uint64         `json:"type"`
	ChainID              *Uint64         `json:"chainId"`
	From                 *chain.Address  `json:"from"`
	To                   *chain.Address  `json:"to"`
	Gas                  *Uint64         `json:"gas"`
	GasPrice             *Uint256        `json:"gasPrice"`
	MaxFeePerGas         *Uint256        `json:"maxFeePerGas"`
	MaxPriorityFeePerGas *Uint256        `json:"maxPriorityFeePerGas"`
	Value                *Uint256        `json:"value"`
	Nonce                *Uint64         `json:"nonce"`
	Data                 *Bytes          `json:"data"`
	Input                *Bytes          `json:"input"`
	AccessList           *[]accessForm   `json:"accessList"`
	AuthorizationList    *[]authForm     `json:"authorizationList"`
	MaxFeePerBlobGas     json.RawMessage `json:"maxFeePerBlobGas"`
	BlobVersionedHashes  json.RawMessage `json:"blobVersionedHashes"`
	Blobs                json.RawMessage `json:"blobs"`
	Commitments          json.RawMessage `json:"commitments"`
	Proofs               json.RawMessage `json:"proofs"`
}

// authForm is an authorization to delegate (EIP-7702).
type authForm struct {
	ChainID Uint256       `json:"chainId"`
	Address chain.Address `json:"address"`
	Nonce   Uint64        `json:"nonce"`
	YParity Uint64        `json:"yParity"`
	R       Uint256       `json:"r"`
	S       Uint256       `json:"s"`
}

func formAuths(auths []chain.Authorization) []authForm {
	out := make([]authForm, len(auths))
	for i, a := range auths {
		out[i] = authForm{Uint256{a.ChainID}, a.Address, Uint64(a.Nonce), Uint64(a.V), Uint256{a.R}, Uint256{a.S}}
	}
	return out
}

func formAccess(list []chain.AccessTuple) []accessForm {
	out := make([]accessForm, len(list))
	for i, t := range list {
		out[i] = accessForm{t.Address, append([]chain.Hash{}, t.Slots...)}
	}
	return out
}

// check refuses what no transaction of this chain can say.
func (a *callArgs) check(chainID uint64) error {
	switch {
	case given(a.MaxFeePerBlobGas, a.BlobVersionedHashes, a.Blobs, a.Commitments, a.Proofs) || a.Type != nil && *a.Type == chain.TxTypeBlob:
		return Errorf(CodeParams, "blob transactions are not supported: this chain keeps no blobs")
	case a.Type != nil && *a.Type > chain.TxTypeSetCode:
		return Errorf(CodeParams, "transaction type %d not supported", *a.Type)
	case a.ChainID != nil && uint64(*a.ChainID) != chainID:
		return Errorf(CodeParams, "chainId does not match node's (have=%d, want=%d)", *a.ChainID, chainID)
	case a.GasPrice != nil && (a.MaxFeePerGas != nil || a.MaxPriorityFeePerGas != nil):
		return Errorf(CodeParams, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
	case a.Data != nil && a.Input != nil && string(*a.Data) != string(*a.Input):
		return Errorf(CodeParams, `both "data" and "input" are set and not equal. Please use "input" to pass transaction call data`)
	case a.AuthorizationList != nil && len(*a.AuthorizationList) == 0 && a.Type != nil && *a.Type == chain.TxTypeSetCode:
		return Errorf(CodeParams, "%s", vm.TxFaultAuthNone)
	}
	return nil
}

func given(fields ...json.RawMessage) bool {
	for _, f := range fields {
		if len(f) > 0 && string(f) != "null" && string(f) != "[]" {
			return true
		}
	}
	return false
}

// message gives the call as the machine tries it.
func (a *callArgs) message(chainID uint64) (exec.Message, error) {
	if err := a.check(chainID); err != nil {
		return exec.Message{}, err
	}
	m := exec.Message{To: a.To, Gas: callGasMax, Data: a.data(), AccessList: a.access()}
	if a.From != nil {
		m.From = *a.From
	}
	if a.Gas != nil {
		m.Gas = min(uint64(*a.Gas), callGasMax)
	}
	if a.Value != nil {
		m.Value = a.Value.Int
	}
	m.FeeCap, m.TipCap = a.fees()
	var err error
	m.Auths, err = a.auths()
	return m, err
}

// fees gives fee cap and tip cap; what is not named is zero.
func (a *callArgs) fees() (feeCap, tipCap uint256.Int) {
	if a.GasPrice != nil {
		return a.GasPrice.Int, a.GasPrice.Int
	}
	if a.MaxFeePerGas != nil {
		feeCap = a.MaxFeePerGas.Int
	}
	if a.MaxPriorityFeePerGas != nil {
		tipCap = a.MaxPriorityFeePerGas.Int
	}
	return feeCap, tipCap
}

func (a *callArgs) data() []byte {
	switch {
	case a.Input != nil:
		return *a.Input
	case a.Data != nil:
		return *a.Data
	}
	return nil
}

func (a *callArgs) access() []chain.AccessTuple {
	if a.AccessList == nil {
		return nil
	}
	out := make([]chain.AccessTuple, len(*a.AccessList))
	for i, t := range *a.AccessList {
		out[i] = chain.AccessTuple{Address: t.Address, Slots: t.StorageKeys}
	}
	return out
}

func (a *callArgs) auths() ([]chain.Authorization, error) {
	if a.AuthorizationList == nil {
		return nil, nil
	}
	var out []chain.Authorization
	for i, f := range *a.AuthorizationList {
		if f.YParity > 255 {
			return nil, Errorf(CodeParams, "authorizationList: entry %d: yParity is one byte", i)
		}
		out = append(out, chain.Authorization{
			ChainID: f.ChainID.Int, Address: f.Address, Nonce: uint64(f.Nonce), V: uint8(f.YParity), R: f.R.Int, S: f.S.Int,
		})
	}
	return out, nil
}

// intrinsic gives what a message costs before it runs, and the floor of EIP-7623.
func intrinsic(m *exec.Message) (gas, floor uint64) {
	return vm.IntrinsicGas(fork.Latest, &vm.Tx{To: m.To, Data: m.Data, Access: m.AccessList, Auths: m.Auths})
}
