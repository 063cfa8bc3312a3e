package evmdiff

// What is tested: the precompile vectors that go-ethereum publishes in its module, with answer, gas and
// refusal, on the rule set that each file is for.

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// vectorFiles says which contract and rule set a file is for. The G1Mul and G2Mul files are products of one
// pair, which the final rules do with the sums of products.
var vectorFiles = map[string]struct {
	addr  chain.Address
	rules fork.Fork
}{
	"ecRecover":          {chain.Address{19: 1}, fork.Osaka},
	"modexp":             {chain.Address{19: 5}, fork.Byzantium},
	"modexp_eip2565":     {chain.Address{19: 5}, fork.Berlin},
	"modexp_eip7883":     {chain.Address{19: 5}, fork.Osaka},
	"bn256Add":           {chain.Address{19: 6}, fork.Osaka},
	"bn256ScalarMul":     {chain.Address{19: 7}, fork.Osaka},
	"bn256Pairing":       {chain.Address{19: 8}, fork.Osaka},
	"blake2F":            {chain.Address{19: 9}, fork.Osaka},
	"fail-blake2f":       {chain.Address{19: 9}, fork.Osaka},
	"pointEvaluation":    {chain.Address{19: 0x0a}, fork.Osaka},
	"blsG1Add":           {chain.Address{19: 0x0b}, fork.Osaka},
	"blsG1Mul":           {chain.Address{19: 0x0c}, fork.Osaka},
	"blsG1MultiExp":      {chain.Address{19: 0x0c}, fork.Osaka},
	"blsG2Add":           {chain.Address{19: 0x0d}, fork.Osaka},
	"blsG2Mul":           {chain.Address{19: 0x0e}, fork.Osaka},
	"blsG2MultiExp":      {chain.Address{19: 0x0e}, fork.Osaka},
	"blsPairing":         {chain.Address{19: 0x0f}, fork.Osaka},
	"blsMapG1":           {chain.Address{19: 0x10}, fork.Osaka},
	"blsMapG2":           {chain.Address{19: 0x11}, fork.Osaka},
	"fail-blsG1Add":      {chain.Address{19: 0x0b}, fork.Osaka},
	"fail-blsG1Mul":      {chain.Address{19: 0x0c}, fork.Osaka},
	"fail-blsG1MultiExp": {chain.Address{19: 0x0c}, fork.Osaka},
	"fail-blsG2Add":      {chain.Address{19: 0x0d}, fork.Osaka},
	"fail-blsG2Mul":      {chain.Address{19: 0x0e}, fork.Osaka},
	"fail-blsG2MultiExp": {chain.Address{19: 0x0e}, fork.Osaka},
	"fail-blsPairing":    {chain.Address{19: 0x0f}, fork.Osaka},
	"fail-blsMapG1":      {chain.Address{19: 0x10}, fork.Osaka},
	"fail-blsMapG2":      {chain.Address{19: 0x11}, fork.Osaka},
	"p256Verify":         {chain.Address{18: 1}, fork.Osaka},
}

// vectorsMin is how many vectors there are at least, so that none goes missing unseen.
const vectorsMin = 1883

type vector struct {
	Name, Input, Expected, ExpectedError string
	Gas                                  uint64
}

func TestPrecompileVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(gethDir(t), "core/vm/testdata/precompiles/*.json"))
	if err != nil || len(files) != len(vectorFiles) {
		t.Fatalf("got %d files and error %v, want %d files", len(files), err, len(vectorFiles))
	}
	count := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		where, ok := vectorFiles[name]
		if !ok {
			t.Errorf("%s: no contract is known for it", name)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(text, &vectors); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		contract := precompile.New(where.rules).At(&where.addr)
		for _, v := range vectors {
			count++
			checkVector(t, name, contract, &v)
		}
	}
	t.Logf("%d vectors", count)
	if count < vectorsMin {
		t.Errorf("got %d vectors, want at least %d", count, vectorsMin)
	}
}

// gethDir gives the folder of go-ethereum's module.
func gethDir(t *testing.T) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/ethereum/go-ethereum").Output()
	if err != nil {
		t.Fatalf("where go-ethereum's module is: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func checkVector(t *testing.T, file string, c *precompile.Contract, v *vector) {
	in, err := hex.DecodeString(v.Input)
	if err != nil {
		t.Fatalf("%s %s: %v", file, v.Name, err)
	}
	out, ok := c.Run(in)
	if wantOK := v.ExpectedError == ""; ok != wantOK {
		t.Errorf("%s %s: accepted %v, want %v", file, v.Name, ok, wantOK)
	}
	if got := hex.EncodeToString(out); ok && got != v.Expected {
		t.Errorf("%s %s: got %s, want %s", file, v.Name, got, v.Expected)
	}
	if got := c.Price(in); v.Gas != 0 && got != v.Gas {
		t.Errorf("%s %s: gas: got %d, want %d", file, v.Name, got, v.Gas)
	}
}
