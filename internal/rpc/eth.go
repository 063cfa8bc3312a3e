package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// eth answers Ethereum's methods from the ledger and the pool.
type eth struct {
	chain   Chain
	pool    Pool
	network Network
	params  *chain.Params
	version string
	filters *filters
}

// AddEth fills a table with eth_*, net_*, web3_* and txpool_*.
func AddEth(t *Table, c Chain, p Pool, n Network, params *chain.Params, version string) {
	e := &eth{chain: c, pool: p, network: n, params: params, version: version, filters: newFilters(time.Now)}
	e.addBlocks(t)
	e.addState(t)
	e.addCalls(t)
	e.addSimulate(t)
	e.addAccessList(t)
	e.addFill(t)
	e.addLookups(t)
	e.addRaw(t)
	e.addAbout(t)
	e.addTraces(t)
	e.addOts(t)
	addProofs(t, e)
	e.addTransactions(t)
	e.addFees(t)
	e.addNode(t)
	e.addPool(t)
	e.addFilters(t)
}

func (e *eth) addNode(t *Table) {
	t.Add(Method{Name: "eth_chainId", Summary: "Id of the chain, as signed into transactions."},
		func(context.Context) (Uint64, error) { return Uint64(e.params.ChainID), nil })
	t.Add(Method{Name: "eth_syncing", Summary: "False, or how far the node is with catching up."}, e.syncing)
	t.Add(Method{Name: "eth_accounts", Summary: "Empty: the node holds no accounts for callers."},
		func(context.Context) ([]chain.Address, error) { return []chain.Address{}, nil })
	t.Add(Method{Name: "eth_protocolVersion", Summary: "Version of the wire protocol."},
		func(context.Context) (Uint64, error) { return 1, nil })
	t.Add(Method{Name: "eth_mining", Summary: "False: blocks are made by validators."},
		func(context.Context) (bool, error) { return false, nil })
	t.Add(Method{Name: "net_version", Summary: "Id of the chain, in decimal."},
		func(context.Context) (string, error) { return fmt.Sprint(e.params.ChainID), nil })
	t.Add(Method{Name: "net_listening", Summary: "Whether the node takes connections of peers."},
		func(context.Context) (bool, error) { return true, nil })
	t.Add(Method{Name: "net_peerCount", Summary: "Number of connected peers."},
		func(context.Context) (Uint64, error) { return Uint64(e.network.PeerCount()), nil })
	t.Add(Method{Name: "web3_clientVersion", Summary: "Name and version of this program."},
		func(context.Context) (string, error) { return "aiwork-node/" + e.version, nil })
	t.Add(Method{Name: "web3_sha3", Summary: "Keccak-256 of the data.", Params: []string{"data"}},
		func(_ context.Context, data Bytes) (chain.Hash, error) { return keccak.Sum256(data), nil })
}

func (e *eth) syncing(context.Context) (any, error) {
	current, highest, syncing := e.network.Behind()
	if !syncing {
		return false, nil
	}
	return formSync(current, highest), nil
}

type syncForm struct {
	StartingBlock Uint64 `json:"startingBlock"`
	CurrentBlock  Uint64 `json:"currentBlock"`
	HighestBlock  Uint64 `json:"highestBlock"`
}

func formSync(current, highest chain.Height) syncForm {
	return syncForm{0, Uint64(current), Uint64(highest)}
}

func (e *eth) addBlocks(t *Table) {
	t.Add(Method{Name: "eth_blockNumber", Summary: "Height of the newest final block."},
		func(context.Context) (Uint64, error) {
			head, _ := e.chain.Head()
			return Uint64(head.Height), nil
		})
	t.Add(Method{Name: "eth_getBlockByNumber", Summary: "A block by height or word.", Params: []string{"block", "full"}}, e.getBlock)
	t.Add(Method{Name: "eth_getBlockByHash", Summary: "A block by hash.", Params: []string{"hash", "full"}},
		func(ctx context.Context, hash chain.Hash, full *bool) (*blockForm, error) {
			return e.getBlock(ctx, BlockTag{hash: &hash}, full)
		})
	t.Add(Method{Name: "eth_getBlockReceipts", Summary: "All receipts of a block.", Params: []string{"block"}, Cost: 5}, e.getBlockReceipts)
	t.Add(Method{Name: "eth_getBlockTransactionCountByNumber", Summary: "Number of transactions in a block.", Params: []string{"block"}}, e.countTxs)
	t.Add(Method{Name: "eth_getBlockTransactionCountByHash", Summary: "Number of transactions in a block.", Params: []string{"hash"}},
		func(ctx context.Context, hash chain.Hash) (*Uint64, error) {
			return e.countTxs(ctx, BlockTag{hash: &hash})
		})
	t.Add(Method{Name: "eth_getUncleCountByBlockNumber", Summary: "Zero: there are no uncles.", Params: []string{"block"}},
		func(context.Context, BlockTag) (Uint64, error) { return 0, nil })
	t.Add(Method{Name: "eth_getUncleCountByBlockHash", Summary: "Zero: there are no uncles.", Params: []string{"hash"}},
		func(context.Context, chain.Hash) (Uint64, error) { return 0, nil })
	t.Add(Method{Name: "eth_getUncleByBlockNumberAndIndex", Summary: "Null: there are no uncles.", Params: []string{"block", "index"}},
		func(context.Context, BlockTag, Uint64) (*blockForm, error) { return nil, nil })
	t.Add(Method{Name: "eth_getUncleByBlockHashAndIndex", Summary: "Null: there are no uncles.", Params: []string{"hash", "index"}},
		func(context.Context, chain.Hash, Uint64) (*blockForm, error) { return nil, nil })
	t.Add(Method{Name: "eth_getLogs", Summary: "Logs that match a filter.", Params: []string{"filter"}, Cost: 20, Class: ClassLogs}, e.getLogs)
}

// height gives the height that a tag names; found is false for blocks that do not exist yet.
func (e *eth) height(tag BlockTag) (h chain.Height, found bool, err error) {
	head, _ := e.chain.Head()
	switch {
	case tag.hash != nil:
		b, err := e.block(tag)
		if b == nil || err != nil {
			return 0, false, err
		}
		return b.Header.Number, true, nil
	case tag.height != nil:
		return *tag.height, *tag.height <= head.Height, nil
	case tag.word == "earliest":
		return 0, true, nil
	default:
		return head.Height, true, nil
	}
}

// block gives the block that a tag names, or nil.
func (e *eth) block(tag BlockTag) (*chain.Block, error) {
	if tag.hash != nil {
		b, err := e.chain.BlockByHash(*tag.hash)
		// The ledger also knows blocks that were executed and are not final: those are nobody's business yet.
		if head, _ := e.chain.Head(); b == nil || err != nil || b.Header.Number > head.Height {
			return nil, err
		}
		return b, nil
	}
	h, found, err := e.height(tag)
	if !found || err != nil {
		return nil, err
	}
	return e.chain.BlockByHeight(h)
}

func (e *eth) getBlock(_ context.Context, tag BlockTag, full *bool) (*blockForm, error) {
	b, err := e.block(tag)
	if b == nil || err != nil {
		return nil, err
	}
	f := formBlock(b, full != nil && *full)
	return &f, nil
}

func (e *eth) getBlockReceipts(_ context.Context, tag BlockTag) (*[]receiptForm, error) {
	b, err := e.block(tag)
	if b == nil || err != nil {
		return nil, err
	}
	receipts, err := e.chain.Receipts(b.Header.Number)
	if err != nil {
		return nil, err
	}
	forms := formReceipts(b, receipts)
	return &forms, nil
}

func (e *eth) countTxs(_ context.Context, tag BlockTag) (*Uint64, error) {
	b, err := e.block(tag)
	if b == nil || err != nil {
		return nil, err
	}
	n := Uint64(len(b.Txs))
	return &n, nil
}

func (e *eth) addState(t *Table) {
	t.Add(Method{Name: "eth_getBalance", Summary: "Balance of an account, in base units.", Params: []string{"address", "block"}},
		func(_ context.Context, a chain.Address, tag *BlockTag) (Uint256, error) {
			acc, err := e.account(a, tag)
			return Uint256{acc.Balance}, err
		})
	t.Add(Method{Name: "eth_getTransactionCount", Summary: "Nonce of an account; with pending, after its waiting transactions.", Params: []string{"address", "block"}}, e.nonce)
	t.Add(Method{Name: "eth_getAccountInfo", Summary: "Balance, nonce and code of an account at once.", Params: []string{"address", "block"}}, e.accountInfo)
	t.Add(Method{Name: "eth_getCode", Summary: "Code of an account.", Params: []string{"address", "block"}}, e.code)
	t.Add(Method{Name: "eth_getStorageAt", Summary: "A storage slot of an account.", Params: []string{"address", "slot", "block"}}, e.storage)
}

// view gives the state after the block that a tag names, the head's if there is none. What pending would
// add to it is left to the calls that run code.
func (e *eth) view(tag *BlockTag) (state.Reader, func(), error) {
	latest := BlockTag{word: "latest"}
	h, found, err := e.height(*cmp.Or(tag, &latest))
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, Errorf(CodeRefused, "header not found")
	}
	view, _, release, err := e.chain.StateAt(h)
	return view, release, err
}

func (e *eth) account(a chain.Address, tag *BlockTag) (state.Account, error) {
	view, release, err := e.view(tag)
	if err != nil {
		return state.Account{}, err
	}
	defer release()
	acc, _, err := view.Account(a)
	return acc, err
}

func (e *eth) nonce(_ context.Context, a chain.Address, tag *BlockTag) (Uint64, error) {
	if tag != nil && tag.word == "pending" {
		if next, ok := e.pool.NonceOf(a); ok {
			return Uint64(next), nil
		}
	}
	acc, err := e.account(a, tag)
	return Uint64(acc.Nonce), err
}

func (e *eth) code(_ context.Context, a chain.Address, tag *BlockTag) (Bytes, error) {
	view, release, err := e.view(tag)
	if err != nil {
		return nil, err
	}
	defer release()
	acc, found, err := view.Account(a)
	if !found || err != nil {
		return Bytes{}, err
	}
	code, err := view.Code(acc.CodeHash)
	return append(Bytes{}, code...), err
}

type accountInfoForm struct {
	Balance Uint256 `json:"balance"`
	Nonce   Uint64  `json:"nonce"`
	Code    Bytes   `json:"code"`
}

func (e *eth) accountInfo(_ context.Context, a chain.Address, tag *BlockTag) (*accountInfoForm, error) {
	view, release, err := e.view(tag)
	if err != nil {
		return nil, err
	}
	defer release()
	acc, found, err := view.Account(a)
	if !found || err != nil {
		return &accountInfoForm{Code: Bytes{}}, err
	}
	code, err := view.Code(acc.CodeHash)
	return &accountInfoForm{Uint256{acc.Balance}, Uint64(acc.Nonce), append(Bytes{}, code...)}, err
}

func (e *eth) storage(_ context.Context, a chain.Address, slot Slot, tag *BlockTag) (chain.Hash, error) {
	view, release, err := e.view(tag)
	if err != nil {
		return chain.Hash{}, err
	}
	defer release()
	return view.Slot(a, chain.Hash(slot))
}

func (e *eth) addTransactions(t *Table) {
	t.Add(Method{Name: "eth_sendRawTransaction", Summary: "Take in a signed transaction.", Params: []string{"transaction"}, Cost: 2, Class: ClassSend}, e.sendRaw)
	t.Add(Method{Name: "eth_sendRawTransactionSync", Summary: "Take in a signed transaction and answer with its receipt, when it is final.", Params: []string{"transaction", "timeoutMs"}, Cost: 5, Class: ClassWait}, e.sendRawSync)
	t.Add(Method{Name: "eth_getTransactionByHash", Summary: "A transaction, in a block or waiting.", Params: []string{"hash"}}, e.txByHash)
	t.Add(Method{Name: "eth_getTransactionReceipt", Summary: "What became of a transaction.", Params: []string{"hash"}}, e.receipt)
	t.Add(Method{Name: "eth_getTransactionByBlockNumberAndIndex", Summary: "A transaction by its place.", Params: []string{"block", "index"}}, e.txByPlace)
	t.Add(Method{Name: "eth_getTransactionByBlockHashAndIndex", Summary: "A transaction by its place.", Params: []string{"hash", "index"}},
		func(ctx context.Context, hash chain.Hash, index Uint64) (*txForm, error) {
			return e.txByPlace(ctx, BlockTag{hash: &hash}, index)
		})
}

func (e *eth) sendRaw(ctx context.Context, raw Bytes) (chain.Hash, error) {
	tx, err := chain.DecodeTx(raw)
	if err != nil {
		return chain.Hash{}, fmt.Errorf("transaction: %w", err)
	}
	if err := e.pool.Submit(ctx, tx); err != nil {
		return chain.Hash{}, err
	}
	return tx.Hash(), nil
}

// Bounds of eth_sendRawTransactionSync.
const (
	syncWaitDefault = 2 * time.Second
	syncWaitMax     = 5 * time.Second
)

// sendRawSync waits for the receipt. What is not final in time is pending still: code 4 says so, as in
// EIP-7966, with the hash to ask for.
func (e *eth) sendRawSync(ctx context.Context, raw Bytes, timeoutMs *Uint64) (*receiptForm, error) {
	hash, err := e.sendRaw(ctx, raw)
	if err != nil {
		return nil, err
	}
	wait := syncWaitDefault
	if timeoutMs != nil && *timeoutMs > 0 {
		wait = time.Duration(min(uint64(*timeoutMs), uint64(syncWaitMax.Milliseconds()))) * time.Millisecond
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		_, changed := e.chain.Head()
		if r, err := e.receipt(ctx, hash); r != nil || err != nil {
			return r, err
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, &Error{Code: CodePending, Message: fmt.Sprintf("the transaction is in no block after %s: ask for its receipt later", wait), Data: hash}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (e *eth) txByHash(_ context.Context, hash chain.Hash) (*txForm, error) {
	h, index, found, err := e.chain.TxPlace(hash)
	if err != nil {
		return nil, err
	}
	if found {
		return e.txAt(h, index)
	}
	if tx := e.pool.Get(hash); tx != nil {
		f := formTx(tx, nil, 0)
		return &f, nil
	}
	return nil, nil
}

func (e *eth) txAt(h chain.Height, index int) (*txForm, error) {
	b, err := e.chain.BlockByHeight(h)
	if b == nil || err != nil || index >= len(b.Txs) {
		return nil, err
	}
	f := formTx(b.Txs[index], &b.Header, index)
	return &f, nil
}

func (e *eth) txByPlace(_ context.Context, tag BlockTag, index Uint64) (*txForm, error) {
	b, err := e.block(tag)
	if b == nil || err != nil || uint64(index) >= uint64(len(b.Txs)) {
		return nil, err
	}
	f := formTx(b.Txs[index], &b.Header, int(index))
	return &f, nil
}

func (e *eth) receipt(_ context.Context, hash chain.Hash) (*receiptForm, error) {
	h, index, found, err := e.chain.TxPlace(hash)
	if !found || err != nil {
		return nil, err
	}
	b, err := e.chain.BlockByHeight(h)
	if b == nil || err != nil {
		return nil, err
	}
	receipts, err := e.chain.Receipts(h)
	if err != nil {
		return nil, err
	}
	if index >= len(receipts) {
		return nil, errors.New("receipts of the block are missing: run `aiwork-node db verify`")
	}
	return &formReceipts(b, receipts)[index], nil
}

// bumped gives v plus a share of it in percent.
func bumped(v uint256.Int, percent uint64) uint256.Int {
	var more uint256.Int
	more.Div(more.Mul(&v, uint256.NewInt(percent)), uint256.NewInt(100))
	more.Add(&more, &v)
	return more
}
