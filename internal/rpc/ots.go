package rpc

import (
	"context"
	"errors"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/trace"
	"github.com/aiwork/aiwork-node/vm"
)

const (
	// otsLevel is the version of Otterscan's methods that these are.
	otsLevel = 8
	// otsPageMax bounds the transactions of a page. A search gives all of its last block beyond it.
	otsPageMax = 100
)

// addOts adds what the explorer Otterscan asks beyond Ethereum's methods.
func (e *eth) addOts(t *Table) {
	t.Add(Method{Name: "ots_getApiLevel", Summary: "Version of Otterscan's methods."},
		func(context.Context) (int, error) { return otsLevel, nil })
	t.Add(Method{Name: "erigon_getHeaderByNumber", Summary: "Header of a block, by which Otterscan sees that a node is one for it.", Params: []string{"block"}}, e.otsHeader)
	t.Add(Method{Name: "ots_hasCode", Summary: "Whether an account has code.", Params: []string{"address", "block"}}, e.otsHasCode)
	t.Add(Method{Name: "ots_getBlockDetails", Summary: "A block without its transactions, with its fees.", Params: []string{"block"}, Cost: 5}, e.otsBlock)
	t.Add(Method{Name: "ots_getBlockDetailsByHash", Summary: "A block without its transactions, with its fees.", Params: []string{"hash"}, Cost: 5},
		func(ctx context.Context, hash chain.Hash) (*otsBlockDetails, error) {
			return e.otsBlock(ctx, BlockTag{hash: &hash})
		})
	t.Add(Method{Name: "ots_getBlockTransactions", Summary: "A page of a block's transactions, the last ones first page.", Params: []string{"block", "page", "size"}, Cost: 5}, e.otsBlockTxs)
	t.Add(Method{Name: "ots_searchTransactionsBefore", Summary: "Transactions in which an address appears, from before a block back.", Params: []string{"address", "block", "size"}, Cost: 20, Class: ClassLogs}, e.otsBefore)
	t.Add(Method{Name: "ots_searchTransactionsAfter", Summary: "Transactions in which an address appears, from after a block on.", Params: []string{"address", "block", "size"}, Cost: 20, Class: ClassLogs}, e.otsAfter)
	t.Add(Method{Name: "ots_getTransactionBySenderAndNonce", Summary: "Hash of the transaction that an account sent with a nonce.", Params: []string{"sender", "nonce"}}, e.otsSent)
	t.Add(Method{Name: "ots_getInternalOperations", Summary: "Money moved, contracts created and destroyed inside a transaction.", Params: []string{"hash"}, Cost: 30, Class: ClassTrace}, e.otsOperations)
	t.Add(Method{Name: "ots_traceTransaction", Summary: "All calls of a transaction in order, with their depth.", Params: []string{"hash"}, Cost: 30, Class: ClassTrace}, e.otsTrace)
	t.Add(Method{Name: "ots_getTransactionError", Summary: "What a reverted transaction said.", Params: []string{"hash"}, Cost: 30, Class: ClassTrace}, e.otsError)
	t.Add(Method{Name: "ots_getContractCreator", Summary: "Who created a contract, in which transaction.", Params: []string{"address"}, Cost: 30, Class: ClassTrace}, e.otsCreator)
}

func (e *eth) otsHeader(_ context.Context, tag BlockTag) (*headerForm, error) {
	b, err := e.block(tag)
	if b == nil || err != nil {
		return nil, err
	}
	h := formHeader(&b.Header)
	return &h, nil
}

func (e *eth) otsHasCode(_ context.Context, a chain.Address, tag *BlockTag) (bool, error) {
	acc, err := e.account(a, tag)
	return !acc.CodeHash.IsZero(), err
}

// otsBlockForm is a block as Otterscan takes it. What it lacks or has beside others hides what is embedded.
type otsBlockForm struct {
	blockForm
	LogsBloom        *Bytes    `json:"logsBloom"`
	Transactions     *[]txForm `json:"transactions,omitempty"`
	TotalDifficulty  Uint64    `json:"totalDifficulty"`
	TransactionCount int       `json:"transactionCount"`
}

type otsBlockDetails struct {
	Block     otsBlockForm `json:"block"`
	Issuance  otsIssuance  `json:"issuance"`
	TotalFees Uint256      `json:"totalFees"`
}

// otsIssuance is zero throughout: proposers live on fees.
type otsIssuance struct {
	BlockReward Uint64 `json:"blockReward"`
	UncleReward Uint64 `json:"uncleReward"`
	Issuance    Uint64 `json:"issuance"`
}

func (e *eth) otsBlock(_ context.Context, tag BlockTag) (*otsBlockDetails, error) {
	b, receipts, err := e.withReceipts(tag)
	if b == nil || err != nil {
		return nil, err
	}
	d := &otsBlockDetails{Block: otsBlockForm{blockForm: formBlock(b, false), TransactionCount: len(b.Txs)}}
	for _, r := range receipts {
		var fee uint256.Int
		d.TotalFees.Add(&d.TotalFees.Int, fee.Mul(uint256.NewInt(r.GasUsed), &r.EffectivePrice))
	}
	return d, nil
}

// withReceipts gives a block with its receipts, nil if there is none.
func (e *eth) withReceipts(tag BlockTag) (*chain.Block, []*chain.Receipt, error) {
	b, err := e.block(tag)
	if b == nil || err != nil {
		return nil, nil, err
	}
	receipts, err := e.chain.Receipts(b.Header.Number)
	if err == nil && len(receipts) != len(b.Txs) {
		err = errReceipts
	}
	return b, receipts, err
}

var errReceipts = errors.New("receipts of the block are missing: run `aiwork-node db verify`")

type otsBlockTxs struct {
	FullBlock otsBlockForm `json:"fullblock"`
	Receipts  []otsReceipt `json:"receipts"`
}

// otsReceipt is a receipt without its logs.
type otsReceipt struct {
	receiptForm
	Logs      *Bytes  `json:"logs"`
	LogsBloom *Bytes  `json:"logsBloom"`
	Timestamp *Uint64 `json:"timestamp,omitempty"` // of searches, whose transactions are of many blocks
}

// otsBlockTxs gives a page; page 0 has the block's last transactions.
func (e *eth) otsBlockTxs(_ context.Context, tag BlockTag, page, size Uint64) (*otsBlockTxs, error) {
	if err := checkPage(size); err != nil {
		return nil, err
	}
	b, receipts, err := e.withReceipts(tag)
	if b == nil || err != nil {
		return nil, err
	}
	n := uint64(len(b.Txs))
	end := n - min(n, min(uint64(page), n)*uint64(size))
	start := end - min(end, uint64(size))
	out := &otsBlockTxs{FullBlock: otsBlockForm{blockForm: formBlock(b, false), TransactionCount: len(b.Txs)}}
	txs := []txForm{}
	out.FullBlock.Transactions, out.Receipts = &txs, []otsReceipt{}
	forms := formReceipts(b, receipts)
	for i := start; i < end; i++ {
		txs = append(txs, shortTx(b, int(i)))
		out.Receipts = append(out.Receipts, otsReceipt{receiptForm: forms[i]})
	}
	return out, nil
}

func checkPage(size Uint64) error {
	if size == 0 || size > otsPageMax {
		return Errorf(CodeParams, "a page has 1 to %d transactions, not %d", otsPageMax, size)
	}
	return nil
}

// shortTx is a transaction of whose input only the selector is shown.
func shortTx(b *chain.Block, i int) txForm {
	f := formTx(b.Txs[i], &b.Header, i)
	f.Input = f.Input[:min(4, len(f.Input))]
	return f
}

// otsPage is a page of a search; both lists have the newest first.
type otsPage struct {
	Txs       []txForm     `json:"txs"`
	Receipts  []otsReceipt `json:"receipts"`
	FirstPage bool         `json:"firstPage"` // nothing is newer
	LastPage  bool         `json:"lastPage"`  // nothing is older
}

func (e *eth) otsBefore(ctx context.Context, a chain.Address, before, size Uint64) (*otsPage, error) {
	head, _ := e.chain.Head()
	q := AppearanceQuery{Address: a, To: head.Height, Back: true}
	if before > 0 {
		q.To = chain.Height(before) - 1
	}
	page, more, err := e.otsSearch(ctx, q, size)
	if err != nil {
		return nil, err
	}
	page.FirstPage, page.LastPage = before == 0, !more
	return page, nil
}

func (e *eth) otsAfter(ctx context.Context, a chain.Address, after, size Uint64) (*otsPage, error) {
	head, _ := e.chain.Head()
	q := AppearanceQuery{Address: a, To: head.Height}
	if after > 0 {
		q.From = min(chain.Height(after), head.Height) + 1
	}
	page, more, err := e.otsSearch(ctx, q, size)
	if err != nil {
		return nil, err
	}
	slices.Reverse(page.Txs)
	slices.Reverse(page.Receipts)
	page.FirstPage, page.LastPage = !more, after == 0
	return page, nil
}

func (e *eth) otsSearch(ctx context.Context, q AppearanceQuery, size Uint64) (*otsPage, bool, error) {
	if err := checkPage(size); err != nil {
		return nil, false, err
	}
	q.Enough = int(size)
	places, more, err := e.chain.Appearances(ctx, q)
	if err != nil {
		return nil, false, err
	}
	page := &otsPage{Txs: []txForm{}, Receipts: []otsReceipt{}}
	var b *chain.Block
	var forms []receiptForm
	for _, p := range places {
		if b == nil || b.Header.Number != p.Height {
			if err := ctx.Err(); err != nil {
				return nil, false, err
			}
			var receipts []*chain.Receipt
			if b, receipts, err = e.withReceipts(BlockTag{height: &p.Height}); err != nil {
				return nil, false, err
			}
			if b == nil || p.Index >= len(receipts) {
				return nil, false, errReceipts
			}
			forms = formReceipts(b, receipts)
		}
		time := Uint64(b.Header.Time)
		page.Txs = append(page.Txs, shortTx(b, p.Index))
		page.Receipts = append(page.Receipts, otsReceipt{receiptForm: forms[p.Index], Timestamp: &time})
	}
	return page, more, nil
}

func (e *eth) otsSent(_ context.Context, sender chain.Address, nonce Uint64) (*chain.Hash, error) {
	p, found, err := e.chain.SentTx(sender, uint64(nonce))
	if !found || err != nil {
		return nil, err
	}
	b, err := e.chain.BlockByHeight(p.Height)
	if b == nil || err != nil || p.Index >= len(b.Txs) {
		return nil, err
	}
	hash := b.Txs[p.Index].Hash()
	return &hash, nil
}

// frames runs a final transaction again and lists its calls.
func (e *eth) frames(ctx context.Context, hash chain.Hash) ([]trace.Frame, error) {
	t := trace.NewFrames()
	err := e.replayTx(ctx, hash, func(run *trace.Run, tx *chain.Tx) error {
		if err := run.Watch(tx, t); err != nil {
			return err
		}
		_, err := t.List()
		return err
	})
	if err != nil {
		return nil, err
	}
	return t.List()
}

// otsOperation is something that a contract did with money or contracts.
type otsOperation struct {
	Type  int           `json:"type"`
	From  chain.Address `json:"from"`
	To    chain.Address `json:"to"`
	Value Uint256       `json:"value"`
}

// Types of operations, in Otterscan's numbers.
const (
	otsTransfer = iota
	otsDestruct
	otsCreate
	otsCreate2
)

// otsOperations leaves out what was undone.
func (e *eth) otsOperations(ctx context.Context, hash chain.Hash) ([]otsOperation, error) {
	frames, err := e.frames(ctx, hash)
	if err != nil {
		return nil, err
	}
	out := []otsOperation{}
	for i := range frames {
		f := &frames[i]
		if kind, ok := operationOf(f); ok && f.Depth > 0 && !f.Undone {
			out = append(out, otsOperation{kind, f.From, f.To, Uint256{f.Value}})
		}
	}
	return out, nil
}

func operationOf(f *trace.Frame) (kind int, ok bool) {
	switch f.Op {
	case vm.CALL:
		return otsTransfer, !f.Value.IsZero()
	case vm.SELFDESTRUCT:
		return otsDestruct, true
	case vm.CREATE:
		return otsCreate, true
	case vm.CREATE2:
		return otsCreate2, true
	}
	return 0, false
}

// otsCall is a call inside a transaction.
type otsCall struct {
	Type   string        `json:"type"`
	Depth  int           `json:"depth"`
	From   chain.Address `json:"from"`
	To     chain.Address `json:"to"`
	Value  *Uint256      `json:"value"` // null where a call cannot move money
	Input  Bytes         `json:"input"`
	Output Bytes         `json:"output"`
}

func (e *eth) otsTrace(ctx context.Context, hash chain.Hash) ([]otsCall, error) {
	frames, err := e.frames(ctx, hash)
	if err != nil {
		return nil, err
	}
	out := make([]otsCall, len(frames))
	for i := range frames {
		f := &frames[i]
		out[i] = otsCall{f.Op.String(), f.Depth, f.From, f.To, nil, append(Bytes{}, f.Input...), append(Bytes{}, f.Output...)}
		if f.Op != vm.STATICCALL && f.Op != vm.DELEGATECALL {
			out[i].Value = &Uint256{f.Value}
		}
	}
	return out, nil
}

// otsError runs only transactions again that have failed.
func (e *eth) otsError(ctx context.Context, hash chain.Hash) (Bytes, error) {
	r, err := e.receipt(ctx, hash)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, Errorf(CodeRefused, "transaction not found")
	}
	if r.Status == chain.StatusOK {
		return Bytes{}, nil
	}
	frames, err := e.frames(ctx, hash)
	if err != nil {
		return nil, err
	}
	return append(Bytes{}, frames[0].Output...), nil
}

type otsCreator struct {
	Hash    chain.Hash    `json:"hash"`
	Creator chain.Address `json:"creator"`
}

// otsCreator knows the block; whether a transaction created the contract by itself the receipts tell, else
// the block is run again.
func (e *eth) otsCreator(ctx context.Context, a chain.Address) (*otsCreator, error) {
	h, found, err := e.chain.CreatedAt(a)
	if !found || err != nil || h == 0 { // of those of genesis nobody is the creator
		return nil, err
	}
	b, receipts, err := e.withReceipts(BlockTag{height: &h})
	if b == nil || err != nil {
		return nil, err
	}
	for i, r := range receipts {
		if r.Status == chain.StatusOK && r.ContractAddress != nil && *r.ContractAddress == a {
			from, err := b.Txs[i].Sender()
			return &otsCreator{b.Txs[i].Hash(), from}, err
		}
	}
	var out *otsCreator
	err = e.replay(h, func(run *trace.Run, b *chain.Block) (err error) {
		out, err = findCreator(pauses(ctx), run, b, a)
		return err
	})
	return out, err
}

func findCreator(ctx context.Context, run *trace.Run, b *chain.Block, a chain.Address) (*otsCreator, error) {
	for _, tx := range b.Txs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := trace.NewFrames()
		if err := run.Watch(tx, t); err != nil {
			return nil, err
		}
		frames, err := t.List()
		if err != nil {
			return nil, err
		}
		for i := range frames {
			f := &frames[i]
			if (f.Op == vm.CREATE || f.Op == vm.CREATE2) && f.To == a && !f.Undone {
				return &otsCreator{tx.Hash(), f.From}, nil
			}
		}
	}
	return nil, nil
}
