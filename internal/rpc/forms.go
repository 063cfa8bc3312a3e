package rpc

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// headerForm is a header as clients expect it. Constant fields are those of the header's encoding, so
// that a client can compute the hash.
type headerForm struct {
	Hash                  chain.Hash    `json:"hash"`
	ParentHash            chain.Hash    `json:"parentHash"`
	Sha3Uncles            chain.Hash    `json:"sha3Uncles"`
	Miner                 chain.Address `json:"miner"`
	StateRoot             chain.Hash    `json:"stateRoot"`
	TransactionsRoot      chain.Hash    `json:"transactionsRoot"`
	ReceiptsRoot          chain.Hash    `json:"receiptsRoot"`
	LogsBloom             Bytes         `json:"logsBloom"`
	Difficulty            Uint64        `json:"difficulty"`
	Number                Uint64        `json:"number"`
	GasLimit              Uint64        `json:"gasLimit"`
	GasUsed               Uint64        `json:"gasUsed"`
	Timestamp             Uint64        `json:"timestamp"`
	ExtraData             chain.Hash    `json:"extraData"`
	MixHash               chain.Hash    `json:"mixHash"`
	Nonce                 Bytes         `json:"nonce"`
	BaseFeePerGas         Uint256       `json:"baseFeePerGas"`
	WithdrawalsRoot       chain.Hash    `json:"withdrawalsRoot"`
	BlobGasUsed           Uint64        `json:"blobGasUsed"`
	ExcessBlobGas         Uint64        `json:"excessBlobGas"`
	ParentBeaconBlockRoot chain.Hash    `json:"parentBeaconBlockRoot"`
	RequestsHash          chain.Hash    `json:"requestsHash"`
}

// blockForm adds what a block has beside its header. Transactions are hashes or txForm.
type blockForm struct {
	headerForm
	Size         Uint64   `json:"size"`
	Transactions []any    `json:"transactions"`
	Uncles       []string `json:"uncles"`
	Withdrawals  []string `json:"withdrawals"`
}

func formHeader(h *chain.Header) headerForm {
	fixed := chain.HeaderConstants()
	return headerForm{
		Hash: h.Hash(), ParentHash: h.ParentHash, Sha3Uncles: fixed.OmmersHash, Miner: h.Coinbase,
		StateRoot: h.StateRoot, TransactionsRoot: h.TxRoot, ReceiptsRoot: h.ReceiptRoot, LogsBloom: h.Bloom[:],
		Number: Uint64(h.Number), GasLimit: Uint64(h.GasLimit), GasUsed: Uint64(h.GasUsed), Timestamp: Uint64(h.Time),
		ExtraData: h.Extra, MixHash: h.MixHash, Nonce: make(Bytes, 8), BaseFeePerGas: Uint256{h.BaseFee},
		WithdrawalsRoot: fixed.WithdrawalsRoot, RequestsHash: fixed.RequestsHash,
	}
}

// formBlockHead forms a block without its transactions.
func formBlockHead(b *chain.Block) blockForm {
	return blockForm{
		headerForm: formHeader(&b.Header), Size: Uint64(len(b.Encode())),
		Transactions: []any{}, Uncles: []string{}, Withdrawals: []string{},
	}
}

func formBlock(b *chain.Block, full bool) blockForm {
	f := formBlockHead(b)
	for i, tx := range b.Txs {
		if full {
			f.Transactions = append(f.Transactions, formTx(tx, &b.Header, i))
		} else {
			f.Transactions = append(f.Transactions, tx.Hash())
		}
	}
	return f
}

type accessForm struct {
	Address     chain.Address `json:"address"`
	StorageKeys []chain.Hash  `json:"storageKeys"`
}

// txForm is a transaction; its place is null while it waits in the pool.
type txForm struct {
	Type                 Uint64         `json:"type"`
	ChainID              *Uint64        `json:"chainId,omitempty"`
	Hash                 chain.Hash     `json:"hash"`
	Nonce                Uint64         `json:"nonce"`
	From                 chain.Address  `json:"from"`
	To                   *chain.Address `json:"to"`
	Value                Uint256        `json:"value"`
	Gas                  Uint64         `json:"gas"`
	GasPrice             Uint256        `json:"gasPrice"`
	MaxFeePerGas         *Uint256       `json:"maxFeePerGas,omitempty"`
	MaxPriorityFeePerGas *Uint256       `json:"maxPriorityFeePerGas,omitempty"`
	Input                Bytes          `json:"input"`
	AccessList           *[]accessForm  `json:"accessList,omitempty"`
	AuthorizationList    *[]authForm    `json:"authorizationList,omitempty"`
	V                    Uint64         `json:"v"`
	R                    Uint256        `json:"r"`
	S                    Uint256        `json:"s"`
	YParity              *Uint64        `json:"yParity,omitempty"`
	BlockHash            *chain.Hash    `json:"blockHash"`
	BlockNumber          *Uint64        `json:"blockNumber"`
	BlockTimestamp       *Uint64        `json:"blockTimestamp"`
	TransactionIndex     *Uint64        `json:"transactionIndex"`
}

// formTx forms a transaction at a place, or a waiting one when h is nil.
func formTx(tx *chain.Tx, h *chain.Header, index int) txForm {
	from, _ := tx.Sender() // whatever is in the pool or a block has a valid signature
	return formTxFrom(tx, from, h, index)
}

func formTxFrom(tx *chain.Tx, from chain.Address, h *chain.Header, index int) txForm {
	f := txForm{
		Type: Uint64(tx.Type), Hash: tx.Hash(), Nonce: Uint64(tx.Nonce), From: from, To: tx.To, Value: Uint256{tx.Value},
		Gas: Uint64(tx.Gas), GasPrice: Uint256{tx.GasFeeCap}, Input: tx.Data, V: Uint64(tx.V), R: Uint256{tx.R}, S: Uint256{tx.S},
	}
	if tx.Type != chain.TxTypeLegacy || tx.ChainID != 0 {
		id := Uint64(tx.ChainID)
		f.ChainID = &id
	}
	if tx.Type != chain.TxTypeLegacy {
		f.formTyped(tx)
	}
	if h != nil {
		hash, number, time, i := h.Hash(), Uint64(h.Number), Uint64(h.Time), Uint64(index)
		f.BlockHash, f.BlockNumber, f.BlockTimestamp, f.TransactionIndex = &hash, &number, &time, &i
		f.GasPrice = Uint256{tx.EffectivePrice(&h.BaseFee)}
	}
	return f
}

func (f *txForm) formTyped(tx *chain.Tx) {
	list, parity := formAccess(tx.AccessList), Uint64(tx.V)
	f.AccessList, f.YParity = &list, &parity
	if tx.Type >= chain.TxTypeDynamicFee {
		f.MaxFeePerGas, f.MaxPriorityFeePerGas = &Uint256{tx.GasFeeCap}, &Uint256{tx.GasTipCap}
	}
	if tx.Type == chain.TxTypeSetCode {
		auths := formAuths(tx.Auths)
		f.AuthorizationList = &auths
	}
}

type logForm struct {
	Address          chain.Address `json:"address"`
	Topics           []chain.Hash  `json:"topics"`
	Data             Bytes         `json:"data"`
	BlockNumber      Uint64        `json:"blockNumber"`
	BlockHash        chain.Hash    `json:"blockHash"`
	BlockTimestamp   Uint64        `json:"blockTimestamp"`
	TransactionHash  chain.Hash    `json:"transactionHash"`
	TransactionIndex Uint64        `json:"transactionIndex"`
	LogIndex         Uint64        `json:"logIndex"`
	Removed          bool          `json:"removed"`
}

func formLog(e *LogEntry) logForm {
	topics := e.Log.Topics
	if topics == nil {
		topics = []chain.Hash{}
	}
	return logForm{
		Address: e.Log.Address, Topics: topics, Data: e.Log.Data, BlockNumber: Uint64(e.Height), BlockHash: e.BlockHash,
		BlockTimestamp: Uint64(e.Time), TransactionHash: e.TxHash, TransactionIndex: Uint64(e.TxIndex), LogIndex: Uint64(e.Index),
	}
}

type receiptForm struct {
	TransactionHash   chain.Hash     `json:"transactionHash"`
	TransactionIndex  Uint64         `json:"transactionIndex"`
	BlockHash         chain.Hash     `json:"blockHash"`
	BlockNumber       Uint64         `json:"blockNumber"`
	From              chain.Address  `json:"from"`
	To                *chain.Address `json:"to"`
	Type              Uint64         `json:"type"`
	Status            Uint64         `json:"status"`
	CumulativeGasUsed Uint64         `json:"cumulativeGasUsed"`
	GasUsed           Uint64         `json:"gasUsed"`
	EffectiveGasPrice Uint256        `json:"effectiveGasPrice"`
	ContractAddress   *chain.Address `json:"contractAddress"`
	Logs              []logForm      `json:"logs"`
	LogsBloom         Bytes          `json:"logsBloom"`
	RevertReason      string         `json:"revertReason,omitempty"`
}

// formReceipts forms the receipts of a block.
func formReceipts(b *chain.Block, receipts []*chain.Receipt) []receiptForm {
	out := make([]receiptForm, len(receipts))
	logIndex := 0
	for i, r := range receipts {
		tx := b.Txs[i]
		from, _ := tx.Sender()
		out[i] = receiptForm{
			TransactionHash: tx.Hash(), TransactionIndex: Uint64(i), BlockHash: b.Hash(), BlockNumber: Uint64(b.Header.Number),
			From: from, To: tx.To, Type: Uint64(r.TxType), Status: Uint64(r.Status), CumulativeGasUsed: Uint64(r.CumulativeGas),
			GasUsed: Uint64(r.GasUsed), EffectiveGasPrice: Uint256{r.EffectivePrice}, ContractAddress: r.ContractAddress,
			Logs: []logForm{}, LogsBloom: r.Bloom[:], RevertReason: r.Reason,
		}
		for _, l := range r.Logs {
			e := LogEntry{Log: l, Height: b.Header.Number, BlockHash: b.Hash(), Time: b.Header.Time, TxHash: tx.Hash(), TxIndex: i, Index: logIndex}
			out[i].Logs = append(out[i].Logs, formLog(&e))
			logIndex++
		}
	}
	return out
}

// maxUint256 gives the larger of two.
func maxUint256(a, b uint256.Int) uint256.Int {
	if a.Gt(&b) {
		return a
	}
	return b
}
