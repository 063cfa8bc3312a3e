package clients

// The table of clients and flows. What it says stands in docs/ethereum.md, and the test fails when the two
// differ: so a flow that a client stops doing is noticed like one that fails.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// flows are the rows of the table: what an application does with a chain, and how it is tried.
func flows() [][2]string {
	return [][2]string{
		{"reads", "chain id, heads, balance, nonce, code, storage"},
		{"block tags", "earliest, finalized, safe, latest, pending"},
		{"block hash", "computed again from the header's fields"},
		{"accounts", "eth_accounts"},
		{"fees", "gas price, tip, fee history"},
		{"deploy", "a contract with arguments"},
		{"call", "reading a contract"},
		{"send type 0", "legacy transaction"},
		{"send type 1", "access list (EIP-2930)"},
		{"send type 2", "dynamic fee (EIP-1559)"},
		{"send type 4", "delegation (EIP-7702): set, used, taken back"},
		{"type 3 refused", "blob transaction, with a clear reason"},
		{"receipt", "receipt, transaction and block agree"},
		{"send and wait", "eth_sendRawTransactionSync"},
		{"fill", "eth_fillTransaction"},
		{"nonces in a row", "many transactions of one account, with and without waiting"},
		{"logs", "by address, topics, range and block"},
		{"log filter", "new, changes, all, uninstall"},
		{"block filter", "new, changes, uninstall"},
		{"pending filter", "new, changes, uninstall"},
		{"subscribe heads", "WebSocket"},
		{"subscribe logs", "WebSocket"},
		{"subscribe pending", "WebSocket"},
		{"estimate", "the estimate is enough, and close"},
		{"estimate with overrides", "an account that has money only there"},
		{"call with overrides", "code, storage, balance and block"},
		{"access list", "eth_createAccessList"},
		{"trace calls", "callTracer, with logs and reasons"},
		{"trace state", "prestateTracer, with differences"},
		{"trace steps", "every instruction, or the transaction run again by the tool"},
		{"simulate", "eth_simulateV1: calls and blocks"},
		{"proof", "eth_getProof"},
		{"fork", "the tool runs code on a copy of the chain"},
		{"batch", "many requests at once"},
		{"custom error", "decoded from the data of a revert (code 3)"},
		{"revert reason", "text and panic; failed transactions"},
		{"ERC-20", "OpenZeppelin: transfers, allowances, events, signed approvals"},
		{"ERC-721", "OpenZeppelin: mint, transfer, refused receiver"},
		{"script", "a deployment script"},
		{"tests", "a project's own tests"},
		{"refusals", "nonce, funds, chain, garbage, unknown method"},
		{"cheat codes refused", "evm_, anvil_ and hardhat_ methods"},
		{"system contracts", "the chain's own contracts through their Solidity interfaces"},
	}
}

// table holds a cell for each client and flow that was tried.
type table struct {
	mu      sync.Mutex
	cells   map[string]map[string]bool // client, flow: it passed
	skipped []string
}

// client is a column of the table.
type client struct {
	name  string
	label string // with the version that package.json pins
	run   func(t *testing.T, column column)
}

// column is where a client's test puts what it finds.
type column struct {
	client string
	table  *table
}

// flow runs one check as a test of its own and notes how it ended.
func (c column) flow(t *testing.T, name string, check func(t *testing.T)) {
	if !slices.ContainsFunc(flows(), func(f [2]string) bool { return f[0] == name }) {
		t.Errorf("%s: the table has no flow %q", c.client, name)
	}
	passed := t.Run(strings.ReplaceAll(name, " ", "-"), check)
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	if c.table.cells[c.client] == nil {
		c.table.cells[c.client] = map[string]bool{}
	}
	c.table.cells[c.client][name] = passed
}

func TestClients(t *testing.T) {
	all := []client{
		{"cast", "cast 1.7.1", runCast},
		{"forge", "forge 1.7.1", runForge},
		{"viem", "viem 2.57.20", script("viem.mjs", 1, 2)},
		{"ethers", "ethers 6.17.0", script("ethers.mjs", 5)},
		{"web3", "web3 4.16.0", script("web3.mjs", 6)},
		{"hardhat", "hardhat 2.29.1", runHardhat},
	}
	tab := &table{cells: map[string]map[string]bool{}}
	t.Run("client", func(t *testing.T) {
		for _, c := range all {
			t.Run(c.name, func(t *testing.T) {
				t.Cleanup(func() {
					if t.Skipped() {
						tab.mu.Lock()
						defer tab.mu.Unlock()
						tab.skipped = append(tab.skipped, c.name)
					}
				})
				t.Parallel()
				c.run(t, column{c.name, tab})
			})
		}
	})
	if len(tab.cells) == 0 {
		t.Skip("no client is installed")
	}
	text := tab.markdown(all)
	t.Logf("clients and flows:\n%s", text)
	if len(tab.skipped) > 0 || *other != "" {
		return
	}
	compareWithDocs(t, text)
}

// markdown gives the table as it stands in the documentation.
func (tab *table) markdown(all []client) string {
	var b strings.Builder
	b.WriteString("| Flow | What |")
	for _, c := range all {
		fmt.Fprintf(&b, " %s |", c.label)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(all)) + "\n")
	for _, f := range flows() {
		fmt.Fprintf(&b, "| %s | %s |", f[0], f[1])
		for _, c := range all {
			cell := "-"
			if passed, tried := tab.cells[c.name][f[0]]; tried {
				cell = map[bool]string{true: "pass", false: "FAIL"}[passed]
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// compareWithDocs compares with the table between the marks in docs/ethereum.md, or puts it there.
func compareWithDocs(t *testing.T, text string) {
	t.Helper()
	const begin, end = "<!-- clients: made by go test ./testnet/clients -rewrite -->\n", "<!-- end of clients -->"
	path := filepath.Join(testutil.Root(t), "docs", "ethereum.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s: the marks of the table are missing", path)
	}
	switch {
	case old == text:
	case *rewrite:
		if err := os.WriteFile(path, []byte(before+begin+text+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/ethereum.md has another table:\n%s\nrun go test ./testnet/clients -rewrite and read the difference", old)
	}
}
