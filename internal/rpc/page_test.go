package rpc

// The page of methods in docs/ is the table's own description. Renew it with
//
//	go test ./internal/rpc -run TestPage -rewrite

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

var rewrite = flag.Bool("rewrite", false, "renew docs/rpc.md")

func TestPage(t *testing.T) {
	table := NewTable()
	AddEth(table, nil, nil, nil, &chain.Params{}, "")
	AddAiwork(table, nil, nil, nil, nil, &chain.Params{})
	AddDiscover(table, "")
	var page bytes.Buffer
	table.WriteMarkdown(&page)
	path := filepath.Join(testutil.Root(t), "docs", "rpc.md")
	if *rewrite {
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page.Bytes()) {
		t.Errorf("%s differs from the methods: run make docs", path)
	}
}
