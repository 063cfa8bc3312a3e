package program

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

func TestZZDigest(t *testing.T) {
	modules := filepath.Join(testutil.Root(t), "tools", "onnxref", "node_modules")
	for _, c := range realCases(t) {
		h := sha256.New()
		for _, v := range runReal(t, modules, c) {
			var b [4]byte
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(kernel.Canonical(v)))
			h.Write(b[:])
		}
		t.Logf("DIGEST %s %x", c.name, h.Sum(nil)[:8])
	}
}
