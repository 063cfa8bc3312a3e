package keystore

// The keystore tests of github.com/ethereum/tests, where they lie beside the repository.

import (
	"archive/tar"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

func TestEthereumVectors(t *testing.T) {
	archive, err := os.Open(testutil.Shared(t, "data", "evm", "ethereum-tests-tx-rlp-trie.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	unpacked, err := zstd.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer unpacked.Close()
	for r := tar.NewReader(unpacked); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatalf("basic_tests.json is not in the archive: %v", err)
		}
		if header.Name != "./KeyStoreTests/basic_tests.json" {
			continue
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		checkVectors(t, raw, 5)
		return
	}
}
