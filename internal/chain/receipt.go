package chain

import (
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/holiman/uint256"
)

// Limits of a stored receipt. Gas keeps real ones far below them.
const (
	ReceiptSizeMax   = 16 << 20 // bytes of a stored receipt
	ReceiptLogsMax   = 1 << 18
	LogTopicsMax     = 4
	ReceiptReasonMax = 256 // bytes of the text of a fault
)

// Statuses of a receipt.
const (
	StatusFailed = 0 // gas was paid, all else was undone
	StatusOK     = 1
)

// Log is what a contract tells the outside.
type Log struct {
	Address Address
	Topics  []Hash
	Data    []byte
}

// Receipt is the outcome of a transaction. The fields from GasUsed on are not part of the receipt root.
type Receipt struct {
	TxType        uint8
	Status        uint8
	CumulativeGas uint64 // gas used in the block up to and with this transaction
	Bloom         Bloom  // of Logs
	Logs          []Log

	GasUsed         uint64
	EffectivePrice  uint256.Int // wei per gas
	ContractAddress *Address    // of the contract created, if any
	Reason          string      // why it failed, for people
}

// Encode gives the form that the receipt root commits to (EIP-2718 and 658).
func (r *Receipt) Encode() []byte { return r.append(nil) }

func (r *Receipt) append(dst []byte) []byte {
	logs := 0
	for i := range r.Logs {
		logs += rlp.SizeList(logSize(&r.Logs[i]))
	}
	n := rlp.SizeUint64(uint64(r.Status)) + rlp.SizeUint64(r.CumulativeGas) +
		rlp.SizeBytes(r.Bloom[:]) + rlp.SizeList(logs)
	if dst == nil {
		dst = make([]byte, 0, 1+rlp.SizeList(n))
	}
	if r.TxType != TxTypeLegacy {
		dst = append(dst, r.TxType)
	}
	dst = rlp.AppendListHeader(dst, n)
	dst = rlp.AppendUint64(dst, uint64(r.Status))
	dst = rlp.AppendUint64(dst, r.CumulativeGas)
	dst = rlp.AppendBytes(dst, r.Bloom[:])
	dst = rlp.AppendListHeader(dst, logs)
	for i := range r.Logs {
		dst = r.Logs[i].append(dst)
	}
	return dst
}

func logSize(l *Log) int {
	return addressItemSize + rlp.SizeList(hashItemSize*len(l.Topics)) + rlp.SizeBytes(l.Data)
}

func (l *Log) append(dst []byte) []byte {
	dst = rlp.AppendListHeader(dst, logSize(l))
	dst = rlp.AppendBytes(dst, l.Address[:])
	dst = rlp.AppendListHeader(dst, hashItemSize*len(l.Topics))
	for i := range l.Topics {
		dst = rlp.AppendBytes(dst, l.Topics[i][:])
	}
	return rlp.AppendBytes(dst, l.Data)
}

// EncodeStored gives the form kept in the store: all fields but the bloom, which follows from the logs.
func (r *Receipt) EncodeStored() []byte {
	w := codec.NewWriter(128)
	w.U8(r.TxType)
	w.U8(r.Status)
	w.U64(r.CumulativeGas)
	w.U64(r.GasUsed)
	price := r.EffectivePrice.Bytes32()
	w.Fixed(price[:])
	w.Bool(r.ContractAddress != nil)
	if r.ContractAddress != nil {
		w.Fixed(r.ContractAddress[:])
	}
	w.Bytes([]byte(r.Reason[:min(len(r.Reason), ReceiptReasonMax)]))
	w.Count(len(r.Logs))
	for i := range r.Logs {
		writeLog(w, &r.Logs[i])
	}
	return w.Out()
}

func writeLog(w *codec.Writer, l *Log) {
	must.Hold(len(l.Topics) <= LogTopicsMax, "log with more than four topics")
	w.Fixed(l.Address[:])
	w.U8(uint8(len(l.Topics)))
	for i := range l.Topics {
		w.Fixed(l.Topics[i][:])
	}
	w.Bytes(l.Data)
}

// DecodeStoredReceipt reads what EncodeStored gave and computes the bloom.
func DecodeStoredReceipt(b []byte) (*Receipt, error) {
	if len(b) > ReceiptSizeMax {
		return nil, FaultSize
	}
	c := codec.NewReader(b)
	r := &Receipt{TxType: c.U8(), Status: c.U8(), CumulativeGas: c.U64(), GasUsed: c.U64()}
	if r.TxType > TxTypeSetCode || r.TxType == TxTypeBlob || r.Status > StatusOK {
		c.Fail(codec.FaultValue)
	}
	var price [32]byte
	c.Fixed(price[:])
	r.EffectivePrice.SetBytes(price[:])
	if c.Bool() {
		r.ContractAddress = new(Address)
		c.Fixed(r.ContractAddress[:])
	}
	r.Reason = string(c.Bytes(ReceiptReasonMax))
	readLogs(c, r)
	if err := c.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	r.Bloom.AddLogs(r.Logs)
	return r, nil
}

func readLogs(c *codec.Reader, r *Receipt) {
	n := c.Count(ReceiptLogsMax)
	for range n {
		if c.Err() != nil {
			return
		}
		r.Logs = append(r.Logs, readLog(c))
	}
}

func readLog(c *codec.Reader) Log {
	var l Log
	c.Fixed(l.Address[:])
	n := c.U8()
	if n > LogTopicsMax {
		c.Fail(codec.FaultLimit)
		return l
	}
	if n > 0 {
		l.Topics = make([]Hash, n)
	}
	for i := range l.Topics {
		c.Fixed(l.Topics[i][:])
	}
	if data := c.Bytes(ReceiptSizeMax); data != nil {
		l.Data = append([]byte(nil), data...)
	}
	return l
}
