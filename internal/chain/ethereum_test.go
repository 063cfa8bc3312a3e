// Real blocks of Ethereum: their transactions, receipts and headers have here the hashes, senders and
// roots that they have there.
package chain

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// hexNumber and hexBytes read the strings of Ethereum's JSON.
type hexNumber uint64

func (n *hexNumber) UnmarshalText(b []byte) error {
	*n = 0
	for _, c := range strings.TrimPrefix(string(b), "0x") {
		*n = *n<<4 | hexNumber(strings.IndexRune("0123456789abcdef", c))
	}
	return nil
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(strings.TrimPrefix(string(b), "0x"))
	return err
}

type ethereumBlock struct {
	Hash     Hash
	Senders  []Address
	TxHashes []Hash
	Block    hexBytes
	Receipts []struct {
		Type, Status, CumulativeGasUsed hexNumber
		LogsBloom                       hexBytes
		Logs                            []struct {
			Address Address
			Topics  []Hash
			Data    hexBytes
		}
	}
}

func (e *ethereumBlock) receipts(t *testing.T) (out []*Receipt) {
	t.Helper()
	for i, in := range e.Receipts {
		r := &Receipt{TxType: uint8(in.Type), Status: uint8(in.Status), CumulativeGas: uint64(in.CumulativeGasUsed)}
		for _, l := range in.Logs {
			r.Logs = append(r.Logs, Log{l.Address, l.Topics, l.Data})
		}
		r.Bloom.AddLogs(r.Logs)
		if !bytes.Equal(r.Bloom[:], in.LogsBloom) {
			t.Errorf("receipt %d: bloom %x, want %x", i, r.Bloom, in.LogsBloom)
		}
		out = append(out, r)
	}
	return out
}

// items gives the raw items of a list.
func items(t *testing.T, list []byte) (out [][]byte) {
	t.Helper()
	outer := rlp.NewReader(list)
	r := outer.List()
	for r.More() {
		out = append(out, r.Raw())
	}
	if r.End() != nil || outer.End() != nil {
		t.Fatal(r.Err(), outer.Err())
	}
	return out
}

// envelope gives the EIP-2718 bytes of a transaction in an Ethereum block: a list is a legacy one, a
// string holds the others.
func envelope(t *testing.T, item []byte) []byte {
	t.Helper()
	r := rlp.NewReader(item)
	if r.IsList() {
		return item
	}
	return r.Bytes()
}

func TestEthereumBlock(t *testing.T) {
	raw, err := os.ReadFile("testdata/ethereum-block.json")
	if err != nil {
		t.Fatal(err)
	}
	var e ethereumBlock
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	parts := items(t, e.Block)
	header := items(t, parts[0])
	var txs []*Tx
	for i, item := range items(t, parts[1]) {
		tx, err := DecodeTx(envelope(t, item))
		if err != nil {
			t.Fatal(err)
		}
		sender, err := tx.Sender()
		if err != nil || sender != e.Senders[i] || tx.Hash() != e.TxHashes[i] {
			t.Errorf("tx %d: got sender %s, hash %s, %v, want %s %s", i, sender, tx.Hash(), err, e.Senders[i], e.TxHashes[i])
		}
		txs = append(txs, tx)
	}
	h := readEthereumHeader(t, header)
	receipts := e.receipts(t)
	if got := TxRoot(txs); got != h.TxRoot {
		t.Errorf("transaction root: got %s, want %s", got, h.TxRoot)
	}
	if got := ReceiptRoot(receipts); got != h.ReceiptRoot {
		t.Errorf("receipt root: got %s, want %s", got, h.ReceiptRoot)
	}
	var bloom Bloom
	for _, r := range receipts {
		bloom.Or(&r.Bloom)
		for _, l := range r.Logs {
			if !bloom.Has(l.Address[:]) {
				t.Error("the bloom lacks an address")
			}
		}
	}
	if bloom != h.Bloom || bloom.Has([]byte("not there")) {
		t.Errorf("bloom: got %x, want %x", bloom, h.Bloom)
	}
	// Ours differs in two fields that are free there: extra data is empty, and there is a beacon block.
	ours := items(t, h.Encode())
	for _, i := range []int{12, 19} {
		ours[i] = header[i]
	}
	again := rlp.AppendList(nil, bytes.Join(ours, nil))
	if !bytes.Equal(again, parts[0]) {
		t.Errorf("header: got %x, want %x", again, parts[0])
	}
}

// readEthereumHeader reads a header of Ethereum's into ours, with the free fields set to our constants.
func readEthereumHeader(t *testing.T, fields [][]byte) *Header {
	t.Helper()
	fields = append([][]byte(nil), fields...)
	fields[12] = rlp.AppendBytes(nil, make([]byte, 32))
	fields[19] = fields[12]
	h, err := DecodeHeader(rlp.AppendList(nil, bytes.Join(fields, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The whole test chain of the execution APIs: every transaction of a type that we know encodes to the
// same bytes, and every block of only such ones has the transaction root of its header.
func TestEthereumChain(t *testing.T) {
	b := untar(t, testutil.Shared(t, "data", "evm", "execution-apis.tar.zst"), "tests/chain.rlp")
	blocks, roots, txs, refused := 0, 0, 0, 0
	for r := rlp.NewReader(b); r.More(); blocks++ {
		parts := items(t, r.Raw())
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		var known []*Tx
		all := items(t, parts[1])
		for _, item := range all {
			enc := envelope(t, item)
			tx, err := DecodeTx(enc)
			if err != nil {
				if err != TxBlob {
					t.Errorf("block %d: %v", blocks, err)
				}
				refused++
				continue
			}
			if got := tx.appendEnvelope(nil, true); !bytes.Equal(got, enc) {
				t.Errorf("block %d: got %x, want %x", blocks, got, enc)
			}
			if _, err := tx.Sender(); err != nil {
				t.Errorf("block %d: %v", blocks, err)
			}
			known = append(known, tx)
		}
		txs += len(known)
		if len(known) < len(all) {
			continue
		}
		roots++
		want := Hash(rlp.NewReader(items(t, parts[0])[4]).Bytes())
		if got := TxRoot(known); got != want {
			t.Errorf("block %d: root %s, want %s", blocks, got, want)
		}
	}
	if blocks != 54 || roots != 48 || txs != 243 || refused != 6 {
		t.Errorf("got %d blocks, %d roots, %d transactions, %d refused, want 54, 48, 243, 6", blocks, roots, txs, refused)
	}
}

// untar gives a file of a .tar.zst archive.
func untar(t *testing.T, archive, name string) []byte {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if h.Name == name {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
}
