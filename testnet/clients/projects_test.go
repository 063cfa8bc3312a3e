package clients

// Forge and hardhat work on projects: sources, a configuration, output folders. This folder is such a
// project for both; what they write goes to a folder of the test.

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// project is a tool in this folder with its environment.
type project struct {
	command
	url string
}

func (p project) try(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	c := p.command
	c.env = append(append([]string{}, c.env...), env...)
	c.args = append(append([]string{}, c.args...), args...)
	return c.run(t)
}

func (p project) must(t *testing.T, env []string, args ...string) string {
	t.Helper()
	out, err := p.try(t, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func runForge(t *testing.T, col column) {
	exe := installed(t, "@foundry-rs/forge-linux-amd64", "bin", "forge")
	testutil.Tool(t, "node", "nodejs")
	installed(t, "solc", "package.json")
	installed(t, "@openzeppelin/contracts", "package.json")
	build := t.TempDir()
	p := project{url: needDevnet(t), command: command{path: exe, env: []string{
		"FOUNDRY_OUT=" + filepath.Join(build, "out"), "FOUNDRY_CACHE_PATH=" + filepath.Join(build, "cache"),
		"FOUNDRY_BROADCAST=" + filepath.Join(build, "broadcast"), "ETH_RPC_URL=",
	}}}
	board := ""
	col.flow(t, "deploy", func(t *testing.T) {
		out := p.must(t, nil, "create", "contracts/Board.sol:Board", "--rpc-url", p.url, "--private-key", keyOf(8), "--broadcast", "--json",
			"--constructor-args", "forge")
		var made struct{ DeployedTo string }
		if err := json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &made); err != nil || made.DeployedTo == "" {
			t.Fatalf("forge create: %v: %s", err, out)
		}
		board = made.DeployedTo
	})
	scripted := func(t *testing.T, contract string, account int) string {
		return p.must(t, []string{"KEY=" + keyOf(account)}, "script", "foundry/Deploy.s.sol:"+contract, "--rpc-url", p.url, "--broadcast", "--slow")
	}
	col.flow(t, "script", func(t *testing.T) {
		want(t, scripted(t, "Deploy", 8), "ONCHAIN EXECUTION COMPLETE & SUCCESSFUL")
	})
	col.flow(t, "send type 4", func(t *testing.T) {
		want(t, scripted(t, "Delegate", 9), "ONCHAIN EXECUTION COMPLETE & SUCCESSFUL")
		files, err := filepath.Glob(filepath.Join(build, "broadcast", "Deploy.s.sol", "20260", "run-latest.json"))
		if err != nil || len(files) != 1 {
			t.Fatalf("broadcast file: got %v, %v", files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		want(t, string(text), `"type": "0x4"`)
	})
	col.flow(t, "tests", func(t *testing.T) {
		want(t, p.must(t, nil, "test", "--match-path", "foundry/Float32.t.sol"), "3 tests passed, 0 failed")
	})
	col.flow(t, "fork", func(t *testing.T) {
		out := p.must(t, []string{"BOARD=" + board}, "test", "--fork-url", p.url, "--match-path", "foundry/Fork.t.sol")
		want(t, out, "4 tests passed, 0 failed")
	})
}

func runHardhat(t *testing.T, col column) {
	node := testutil.Tool(t, "node", "nodejs")
	cli := installed(t, "hardhat", "internal", "cli", "bootstrap.js")
	build := t.TempDir()
	env := []string{
		"NODE=" + needDevnet(t), "KEY=" + keyOf(7), "BUILD=" + build, "CONTRACTS=" + contractsFile(t), "HARDHAT_DISABLE_TELEMETRY_PROMPT=true",
	}
	p := project{command: command{path: node, env: env, args: []string{cli}}}
	p.must(t, nil, "compile", "--quiet")
	out, err := p.try(t, nil, "run", "--no-compile", "--network", "devnet", "hardhat/flows.cjs")
	if err != nil {
		t.Error(err)
	}
	judge(t, col, out)
	tested, err := p.try(t, nil, "test", "--no-compile", "--network", "devnet", "hardhat/tokens.test.cjs")
	if err != nil {
		t.Error(err)
	}
	for flow, words := range map[string]string{"tests": "3 passing", "ERC-20": "\u2714 ERC-20", "ERC-721": "\u2714 ERC-721"} {
		col.flow(t, flow, func(t *testing.T) { want(t, tested, words) })
	}
	var left struct {
		Board string `json:"board"`
		Head  int    `json:"head"`
	}
	text, err := os.ReadFile(filepath.Join(build, "board.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &left); err != nil {
		t.Fatal(err)
	}
	copied := []string{"FORK=" + strconv.Itoa(left.Head), "BOARD=" + left.Board}
	out, err = p.try(t, copied, "run", "--no-compile", "hardhat/fork.cjs")
	if err != nil {
		t.Error(err)
	}
	judge(t, col, out)
}
