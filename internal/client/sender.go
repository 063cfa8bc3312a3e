package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// receiptPollInterval is how often a Sender asks for a receipt: a few blocks on a busy devnet.
const receiptPollInterval = 20 * time.Millisecond

// Log is an entry of a receipt.
type Log struct {
	Address chain.Address `json:"address"`
	Topics  []chain.Hash  `json:"topics"`
	Data    Bytes         `json:"data"`
}

// Receipt is what became of a transaction.
type Receipt struct {
	TxHash            chain.Hash `json:"transactionHash"`
	BlockHash         chain.Hash `json:"blockHash"`
	BlockNumber       Uint64     `json:"blockNumber"`
	Status            Uint64     `json:"status"`
	GasUsed           Uint64     `json:"gasUsed"`
	EffectiveGasPrice Uint256    `json:"effectiveGasPrice"`
	Logs              []Log      `json:"logs"`
	RevertReason      string     `json:"revertReason"`
}

// Fee gives what the sender paid for gas.
func (r *Receipt) Fee() uint256.Int {
	var fee uint256.Int
	fee.Mul(uint256.NewInt(uint64(r.GasUsed)), &r.EffectiveGasPrice.Int)
	return fee
}

// Reverted is the error of a transaction that was included but did nothing.
type Reverted struct {
	Receipt *Receipt
}

func (e *Reverted) Error() string {
	reason := e.Receipt.RevertReason
	if reason == "" {
		reason = "no reason given"
	}
	return fmt.Sprintf("transaction %s reverted in block %d: %s", e.Receipt.TxHash, e.Receipt.BlockNumber, reason)
}

// Sender sends the transactions of one account. Calls are safe for concurrent use; they take nonces in
// turn, so nobody else should send for the account meanwhile.
type Sender struct {
	client  *Client
	key     secp.PrivateKey
	address chain.Address

	mu      sync.Mutex // held while a nonce is taken and the transaction handed over
	chainID uint64
	nonce   uint64
	known   bool
}

// NewSender gives a sender of key's account.
func NewSender(c *Client, key secp.PrivateKey) *Sender {
	return &Sender{client: c, key: key, address: chain.Address(key.Public().Address())}
}

// Address gives the sender's account.
func (s *Sender) Address() chain.Address { return s.address }

// Call is a transaction to be: To receives Value and Data. Gas 0 means the node's estimate.
type Call struct {
	To    chain.Address
	Value uint256.Int
	Data  []byte
	Gas   uint64
}

// Send signs the call, hands it to the node and waits for its receipt. A reverted transaction is a
// *Reverted error. The call is not repeated: what has been handed over once may still be included.
func (s *Sender) Send(ctx context.Context, c Call) (*Receipt, error) {
	hash, err := s.Submit(ctx, c)
	if err != nil {
		return nil, err
	}
	r, err := s.client.WaitReceipt(ctx, hash)
	if r == nil {
		// It may never be included: the next call asks the node which nonce is free.
		s.forget()
	}
	return r, err
}

func (s *Sender) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = false
}

// Submit signs the call and hands it to the node without waiting for a block.
func (s *Sender) Submit(ctx context.Context, c Call) (chain.Hash, error) {
	if c.Gas == 0 {
		gas, err := s.Estimate(ctx, c)
		if err != nil {
			return chain.Hash{}, err
		}
		c.Gas = gas + gas/4
	}
	fee, err := s.client.FeeCap(ctx)
	if err != nil {
		return chain.Hash{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for attempt := 0; ; attempt++ {
		hash, err := s.submitLocked(ctx, c, fee)
		if err == nil || attempt >= 3 || !strings.Contains(err.Error(), "nonce too low") {
			return hash, err
		}
		s.known = false
	}
}

func (s *Sender) submitLocked(ctx context.Context, c Call, fee Fee) (chain.Hash, error) {
	if err := s.refresh(ctx); err != nil {
		return chain.Hash{}, err
	}
	tx := &chain.Tx{
		Type: 2, ChainID: s.chainID, Nonce: s.nonce, GasTipCap: fee.Tip, GasFeeCap: fee.Cap,
		Gas: c.Gas, To: &c.To, Value: c.Value, Data: c.Data,
	}
	signed, err := chain.SignTx(tx, s.key, s.chainID)
	if err != nil {
		return chain.Hash{}, fmt.Errorf("sign: %w", err)
	}
	if err := s.client.SendRaw(ctx, signed.Encode()); err != nil {
		s.known = false
		return chain.Hash{}, err
	}
	s.nonce++
	return signed.Hash(), nil
}

// refresh asks for chain id and nonce where they are not known.
func (s *Sender) refresh(ctx context.Context) error {
	if s.known {
		return nil
	}
	var id, nonce Uint64
	if err := s.client.Call(ctx, &id, "eth_chainId"); err != nil {
		return err
	}
	if err := s.client.Call(ctx, &nonce, "eth_getTransactionCount", s.address, "pending"); err != nil {
		return err
	}
	s.chainID, s.nonce, s.known = uint64(id), uint64(nonce), true
	return nil
}

// Estimate asks the node what gas the call takes on its head. What the call refuses is a *Error.
func (s *Sender) Estimate(ctx context.Context, c Call) (uint64, error) {
	var gas Uint64
	args := map[string]any{"from": s.address, "to": c.To, "value": Uint256{c.Value}, "data": Bytes(c.Data)}
	if err := s.client.Call(ctx, &gas, "eth_estimateGas", args); err != nil {
		return 0, err
	}
	return uint64(gas), nil
}

// Fee is what a transaction offers per unit of gas, in wei.
type Fee struct{ Cap, Tip uint256.Int }

// FeeCap gives an offer that stays good while the base fee doubles.
func (c *Client) FeeCap(ctx context.Context) (Fee, error) {
	var price Uint256
	if err := c.Call(ctx, &price, "eth_gasPrice"); err != nil {
		return Fee{}, err
	}
	var fee Fee
	fee.Tip.SetUint64(1e6)
	fee.Cap.Add(fee.Cap.Lsh(&price.Int, 1), &fee.Tip)
	return fee, nil
}

// SendRaw hands an encoded transaction to the node. A transaction that the node has already is no error.
func (c *Client) SendRaw(ctx context.Context, raw []byte) error {
	err := c.Call(ctx, nil, "eth_sendRawTransaction", Bytes(raw))
	if err != nil && strings.Contains(err.Error(), "already known") {
		return nil
	}
	return err
}

// ErrDropped says that the node no longer knows a transaction that is in no block.
var ErrDropped = errors.New("the transaction is in no block and the node has dropped it")

// WaitReceipt waits until a transaction is in a block, which is final at once, or ctx ends.
func (c *Client) WaitReceipt(ctx context.Context, hash chain.Hash) (*Receipt, error) {
	tick := time.NewTicker(receiptPollInterval)
	defer tick.Stop()
	for {
		var r *Receipt
		if err := c.Call(ctx, &r, "eth_getTransactionReceipt", hash); err != nil {
			return nil, err
		}
		if r != nil {
			if r.Status != 1 {
				return r, &Reverted{r}
			}
			return r, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("transaction %s: no receipt: %w", hash, ctx.Err())
		}
	}
}
