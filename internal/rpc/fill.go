package rpc

import (
	"context"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
)

func (e *eth) addFill(t *Table) {
	t.Add(Method{
		Name: "eth_fillTransaction", Summary: "A transaction with what it leaves out filled in (nonce, gas, fees, chain id), ready to be signed.",
		Params: []string{"transaction"}, Cost: 10, Class: ClassCall,
	}, e.fill)
}

type filledForm struct {
	Raw Bytes        `json:"raw"` // encoded, with a signature of zeros
	Tx  unsignedForm `json:"tx"`
}

// unsignedForm is a transaction before it is signed. The signature's fields are zeros, for clients that read
// every transaction alike.
type unsignedForm struct {
	Type                 Uint64         `json:"type"`
	ChainID              *Uint64        `json:"chainId,omitempty"`
	Nonce                Uint64         `json:"nonce"`
	To                   *chain.Address `json:"to"`
	Gas                  Uint64         `json:"gas"`
	GasPrice             *Uint256       `json:"gasPrice"`
	MaxPriorityFeePerGas *Uint256       `json:"maxPriorityFeePerGas"`
	MaxFeePerGas         *Uint256       `json:"maxFeePerGas"`
	Value                Uint256        `json:"value"`
	Input                Bytes          `json:"input"`
	AccessList           *[]accessForm  `json:"accessList,omitempty"`
	AuthorizationList    *[]authForm    `json:"authorizationList,omitempty"`
	V                    Uint64         `json:"v"`
	R                    Uint256        `json:"r"`
	S                    Uint256        `json:"s"`
	YParity              *Uint64        `json:"yParity,omitempty"`
	Hash                 chain.Hash     `json:"hash"`
}

func formUnsigned(tx *chain.Tx) unsignedForm {
	f := unsignedForm{
		Type: Uint64(tx.Type), Nonce: Uint64(tx.Nonce), To: tx.To, Gas: Uint64(tx.Gas), Value: Uint256{tx.Value},
		Input: append(Bytes{}, tx.Data...), Hash: tx.Hash(),
	}
	if tx.Type < chain.TxTypeDynamicFee {
		f.GasPrice = &Uint256{tx.GasFeeCap}
	} else {
		f.MaxFeePerGas, f.MaxPriorityFeePerGas = &Uint256{tx.GasFeeCap}, &Uint256{tx.GasTipCap}
	}
	if tx.Type != chain.TxTypeLegacy {
		id, list := Uint64(tx.ChainID), formAccess(tx.AccessList)
		f.ChainID, f.AccessList, f.YParity = &id, &list, new(Uint64)
	}
	if tx.Type == chain.TxTypeSetCode {
		auths := formAuths(tx.Auths)
		f.AuthorizationList = &auths
	}
	return f
}

func (e *eth) fill(ctx context.Context, args callArgs) (*filledForm, error) {
	m, err := args.message(e.params.ChainID)
	if err != nil {
		return nil, err
	}
	if m.To == nil && len(m.Data) == 0 {
		return nil, Errorf(CodeRefused, "contract creation without any data provided")
	}
	if err := e.fillFees(&args, &m); err != nil {
		return nil, err
	}
	nonce, err := e.fillNonce(ctx, &args, m.From)
	if err != nil {
		return nil, err
	}
	if err := e.fillGas(ctx, &args, &m); err != nil {
		return nil, err
	}
	tx := args.unsigned(&m, nonce, e.params.ChainID)
	return &filledForm{tx.Encode(), formUnsigned(tx)}, nil
}

// fillFees names fees that stay good while the base fee doubles.
func (e *eth) fillFees(args *callArgs, m *exec.Message) error {
	if args.GasPrice != nil {
		return nil
	}
	base, err := e.baseFee(context.Background())
	if err != nil {
		return err
	}
	if args.MaxPriorityFeePerGas == nil {
		m.TipCap = *uint256.NewInt(tipWei)
		if args.MaxFeePerGas != nil && m.FeeCap.Lt(&m.TipCap) {
			m.TipCap = m.FeeCap
		}
	}
	if args.MaxFeePerGas == nil {
		m.FeeCap.Add(m.FeeCap.Lsh(&base.Int, 1), &m.TipCap)
	}
	if m.FeeCap.Lt(&m.TipCap) {
		return Errorf(CodeRefused, "maxFeePerGas (%s) < maxPriorityFeePerGas (%s)", m.FeeCap.Dec(), m.TipCap.Dec())
	}
	return nil
}

func (e *eth) fillNonce(ctx context.Context, args *callArgs, from chain.Address) (uint64, error) {
	if args.Nonce != nil {
		return uint64(*args.Nonce), nil
	}
	next, err := e.nonce(ctx, from, &BlockTag{word: "pending"})
	return uint64(next), err
}

// fillGas estimates as for a sender who has enough for the fees: what he has is seen when he sends.
func (e *eth) fillGas(ctx context.Context, args *callArgs, m *exec.Message) error {
	if args.Gas != nil {
		m.Gas = uint64(*args.Gas)
		return nil
	}
	st, err := e.open(scene{otherwise: "pending"})
	if err != nil {
		return err
	}
	defer st.Close()
	try := *m
	try.Gas, try.FeeCap, try.TipCap = chain.TxGasMaxLimit, uint256.Int{}, uint256.Int{}
	m.Gas, err = st.estimate(ctx, &try)
	return err
}
