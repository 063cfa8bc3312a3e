package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/blobs"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/vm"
)

const (
	tipWei = 1_000_000
	// An auditor that comes too late loses service bond: its offer stays good while the base fee rises to
	// 16 times what it is. What it pays is the base fee.
	feeCapShift = 4
)

// market is the market inside a validator: what its auditor needs, without a detour over JSON-RPC.
type market struct {
	ledger *ledger.Ledger
	book   *compute.Book
	blobs  *blobs.Store
	submit func(context.Context, *chain.Tx) error
	nonce  func(chain.Address) (uint64, bool) // after waiting transactions
	key    secp.PrivateKey
	who    chain.Address

	mu sync.Mutex // held from the choice of a nonce until the transaction is in the pool
}

func (m *market) Genesis(context.Context) (chain.Hash, error) { return m.ledger.Genesis(), nil }

// Heads tells of commits until ctx ends.
func (m *market) Heads(ctx context.Context) (<-chan chain.Height, error) {
	out := make(chan chain.Height, 1)
	go func() {
		defer close(out)
		for {
			head, changed := m.ledger.Head()
			select {
			case out <- head.Height:
			default: // the reader has not looked yet, and will see this head too
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (m *market) Agenda(_ context.Context, who chain.Address) (compute.Agenda, error) {
	return m.book.Agenda(who)
}

func (m *market) Over(_ context.Context, k compute.Key) (bool, error) {
	view, err := m.ledger.State()
	if err != nil {
		return false, err
	}
	defer view.Close()
	return compute.AttemptOver(view, m.who, k)
}

func (m *market) Blob(ctx context.Context, id chain.Hash) ([]byte, error) {
	b, err := m.blobs.Fetch(ctx, blobs.ID(id))
	if errors.Is(err, blobs.ErrMissing) {
		return nil, fmt.Errorf("%w: %w", compute.ErrNoBlob, err)
	}
	return b, err
}

func (m *market) PutBlob(ctx context.Context, data []byte) error {
	return m.blobs.Put(ctx, data, blobs.IDOf(data))
}

// Send tries the call on the head, submits it and waits until it is in a block.
func (m *market) Send(ctx context.Context, c compute.Call) error {
	gas, err := m.estimate(ctx, c)
	if err != nil {
		return err
	}
	tx, err := m.put(ctx, c, gas)
	if err != nil {
		return err
	}
	return m.wait(ctx, tx.Hash())
}

func (m *market) estimate(ctx context.Context, c compute.Call) (uint64, error) {
	head, _ := m.ledger.Head()
	gas, r, err := m.ledger.Estimate(ctx, &exec.Message{From: m.who, To: &c.To, Gas: chain.TxGasMaxLimit, Value: c.Value, Data: c.Data}, head.Ext.TimeMs+1)
	if err != nil {
		return 0, err
	}
	switch r.Fault {
	case 0:
		return compute.GasLimit(gas), nil
	case vm.FaultRevert:
		return 0, &compute.Refused{Reason: exec.Reason(r.Fault, r.Output)}
	}
	return 0, r.Fault
}

func (m *market) put(ctx context.Context, c compute.Call, gas uint64) (*chain.Tx, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	nonce, waiting := m.nonce(m.who)
	if !waiting {
		acc, err := m.ledger.Account(m.who)
		if err != nil {
			return nil, err
		}
		nonce = acc.Nonce
	}
	head, _ := m.ledger.Head()
	tip := uint256.NewInt(tipWei)
	feeCap := m.ledger.NextBaseFee(head, head.Ext.TimeMs+1)
	feeCap.Add(feeCap.Lsh(&feeCap, feeCapShift), tip)
	params := m.ledger.Params()
	tx, err := chain.SignTx(&chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: params.ChainID, Nonce: nonce, GasTipCap: *tip, GasFeeCap: feeCap,
		Gas: gas, To: &c.To, Value: c.Value, Data: c.Data,
	}, m.key, params.ChainID)
	if err != nil {
		return nil, err
	}
	if err = m.submit(ctx, tx); errors.Is(err, mempool.FaultFunds) {
		err = fmt.Errorf("%w: %w", compute.ErrFunds, err)
	}
	return tx, err
}

func (m *market) wait(ctx context.Context, hash chain.Hash) error {
	for {
		_, changed := m.ledger.Head()
		height, index, found, err := m.ledger.TxLookup(hash)
		if err != nil {
			return err
		}
		if found {
			receipts, err := m.ledger.Receipts(height)
			if err != nil {
				return err
			}
			if r := receipts[index]; r.Status == 0 {
				return &compute.Refused{Reason: r.Reason}
			}
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("transaction %s: in no block: %w", hash, ctx.Err())
		}
	}
}
