package node

// The official request and response cases of Ethereum's JSON-RPC: our answers have the keys that theirs
// have. Values differ, since the chains do.

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

const caseBytesMax = 4 << 20

// twins are our calls whose answers are of the same kind as those of a case.
var twins = []struct {
	file, method, params string
	ours                 []string // keys that we add
	theirs               []string // keys that we leave out, because of what they belong to
}{
	{"eth_getBlockByNumber/get-latest", "eth_getBlockByNumber", `["0x2",true]`, nil, nil},
	{"eth_getBlockByNumber/get-block-prague-fork", "eth_getBlockByHash", `["BLOCK2",true]`, nil, nil},
	{"eth_getTransactionByHash/get-legacy-tx", "eth_getTransactionByHash", `["TX0"]`, []string{".chainId"}, nil}, // theirs is older than EIP-155
	{"eth_getTransactionByHash/get-access-list", "eth_getTransactionByHash", `["TX1"]`, nil, nil},
	{"eth_getTransactionByHash/get-dynamic-fee", "eth_getTransactionByHash", `["TX2"]`, nil, []string{".accessList[].address", ".accessList[].storageKeys"}},
	{"eth_getTransactionReceipt/get-legacy-receipt", "eth_getTransactionReceipt", `["TX0"]`, []string{".status"}, []string{".root"}}, // before Byzantium
	{"eth_getTransactionReceipt/get-access-list", "eth_getTransactionReceipt", `["TX3"]`, nil, nil},
	{"eth_getTransactionReceipt/get-dynamic-fee", "eth_getTransactionReceipt", `["TX3"]`, nil, nil},
	{"eth_getLogs/filter-with-blockHash", "eth_getLogs", `[{"blockHash":"BLOCK3"}]`, nil, nil},
	{"eth_feeHistory/fee-history", "eth_feeHistory", `["0x1","0x2",[95,99]]`, nil, nil},
	{"eth_getBlockReceipts/get-block-receipts-latest", "eth_getBlockReceipts", `["0x3"]`, nil, nil},
	{"eth_syncing/check-syncing", "eth_syncing", `[]`, nil, nil},
	{"txpool_contentFrom/get-content-from-address", "txpool_contentFrom", `["ALICE"]`, nil, nil},
	{"txpool_status/get-status", "txpool_status", `[]`, nil, nil},
}

func TestOfficialCases(t *testing.T) {
	cases := readCases(t, testutil.Shared(t, "data", "evm", "execution-apis.tar.zst"))
	w := newRPCWorld(t)
	for _, tw := range twins {
		t.Run(tw.file, func(t *testing.T) {
			w.t = t
			theirs, ok := cases[tw.file]
			if !ok {
				t.Fatalf("no such case; there are %d", len(cases))
			}
			got := w.ask(tw.method, w.fillIn(tw.params))
			if got.Error != nil {
				t.Fatal(got.Error)
			}
			want, have := keys(decode(t, theirs), ""), keys(decode(t, got.Result), "")
			for k := range have {
				if !want[k] && !slices.Contains(tw.ours, k) {
					t.Errorf("%s: theirs has no such key", k)
				}
			}
			for k := range want {
				if !have[k] && !slices.Contains(tw.theirs, k) {
					t.Errorf("%s: ours has no such key", k)
				}
			}
		})
	}
}

// keys lists the paths of all object keys; elements of a list share one path. Of a list of unlike
// transactions only what stands outside it counts.
func keys(v any, at string) map[string]bool {
	out := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		for k, of := range v {
			out[at+"."+k] = true
			if k == "transactions" {
				continue
			}
			for inner := range keys(of, at+"."+k) {
				out[inner] = true
			}
		}
	case []any:
		for _, of := range v {
			for inner := range keys(of, at+"[]") {
				out[inner] = true
			}
		}
	}
	return out
}

// readCases gives the answers of the cases that have one.
func readCases(t *testing.T, archive string) map[string]json.RawMessage {
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
	out := map[string]json.RawMessage{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if path.Ext(h.Name) != ".io" || h.Size > caseBytesMax {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := path.Join(path.Base(path.Dir(h.Name)), strings.TrimSuffix(path.Base(h.Name), ".io"))
		for line := range strings.Lines(string(text)) {
			var reply rpcReply
			if answer, ok := strings.CutPrefix(line, "<< "); ok && json.Unmarshal([]byte(answer), &reply) == nil && reply.Error == nil {
				out[name] = reply.Result
			}
		}
	}
}
