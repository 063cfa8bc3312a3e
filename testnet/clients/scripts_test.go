package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// contract is what the compiler made of one of the test contracts.
type contract struct {
	ABI      json.RawMessage `json:"abi"`
	Bytecode string          `json:"bytecode"`
}

var compiled struct {
	sync.Mutex
	text []byte
}

// contractsFile compiles the test contracts, once, and gives a file of this test with the result.
func contractsFile(t *testing.T) string {
	t.Helper()
	node := testutil.Tool(t, "node", "nodejs")
	installed(t, "solc", "package.json")
	installed(t, "@openzeppelin/contracts", "package.json")
	path := filepath.Join(t.TempDir(), "contracts.json")
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.text == nil {
		if _, err := (command{path: node, args: []string{"compile.mjs", path}}).run(t); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		compiled.text = text
	}
	if err := os.WriteFile(path, compiled.text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contracts(t *testing.T) map[string]contract {
	t.Helper()
	contractsFile(t)
	var all map[string]contract
	if err := json.Unmarshal(compiled.text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// ended is how a script says that a flow ended.
type ended struct {
	Flow  string `json:"flow"`
	Fault string `json:"fault"`
	MS    int    `json:"ms"`
}

// script gives a client whose flows are one of the folder's JavaScript programs.
func script(name string, accounts ...int) func(*testing.T, column) {
	return func(t *testing.T, col column) {
		node := testutil.Tool(t, "node", "nodejs")
		installed(t, strings.TrimSuffix(name, ".mjs"), "package.json")
		args := []string{name, needDevnet(t)}
		for _, a := range accounts {
			args = append(args, keyOf(a))
		}
		out, err := command{path: node, env: []string{"CONTRACTS=" + contractsFile(t)}, args: args}.run(t)
		if err != nil {
			t.Error(err)
		}
		judge(t, col, out)
	}
}

// judge makes a test of each flow that a script has reported. A script that reports none has failed.
func judge(t *testing.T, col column, out string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(out) {
		var e ended
		if json.Unmarshal([]byte(line), &e) != nil || e.Flow == "" {
			continue // a tool's own words
		}
		n++
		col.flow(t, e.Flow, func(t *testing.T) {
			if e.Fault != "" {
				t.Errorf("after %d ms: %s", e.MS, e.Fault)
			}
		})
	}
	if n == 0 {
		t.Errorf("%s reported no flow: %s", col.client, out)
	}
}
