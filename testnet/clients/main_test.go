package clients

// A devnet of four validators, started once for all tests of the package, and what runs clients on it.

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	startMax = time.Minute
	runMax   = 3 * time.Minute
	paceMs   = 300 // what `aiwork-node devnet` sets
)

var (
	rewrite = flag.Bool("rewrite", false, "renew the table in docs/ethereum.md")
	other   = flag.String("node", "", "URL of another node with chain id 20260 to try the clients on, to compare")
)

// devnet is the running network; the zero value is none.
type devnet struct {
	dir     string
	cluster *testnet.Cluster
}

var (
	started atomic.Bool
	network = sync.OnceValues(startDevnet)
)

func TestMain(m *testing.M) {
	code := m.Run()
	// Where no test asked for a network this starts none: the flag is set by the first that does.
	if started.Load() {
		if d, err := network(); err == nil {
			if err := errors.Join(d.cluster.Stop(), os.RemoveAll(d.dir)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// needDevnet gives the URL of the network's first node.
func needDevnet(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a network: not in short tests")
	}
	if *other != "" {
		return *other
	}
	started.Store(true)
	d, err := network()
	if err != nil {
		t.Fatal(err)
	}
	return d.cluster.URL(0)
}

func startDevnet() (d devnet, err error) {
	if d.dir, err = os.MkdirTemp("", "aiwork-clients-"); err != nil {
		return d, err
	}
	exe := filepath.Join(d.dir, "aiwork-node")
	build := exec.Command("go", "build", "-o", exe, "github.com/aiwork/aiwork-node/cmd/aiwork-node")
	if out, err := build.CombinedOutput(); err != nil {
		return d, fmt.Errorf("build: %w\n%s", err, out)
	}
	l := testnet.DefaultLayout()
	l.Workers = 0
	dir := filepath.Join(d.dir, "network")
	if err := l.ChoosePorts(); err != nil {
		return d, err
	}
	if err := testnet.Create(dir, l, system.Modules()); err != nil {
		return d, err
	}
	if d.cluster, err = testnet.Open(dir, exe, ""); err != nil {
		return d, err
	}
	d.cluster.Pace(paceMs)
	if err := d.cluster.Start(); err != nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	if err := d.cluster.WaitHeight(ctx, 0, 1); err != nil {
		return d, errors.Join(err, d.cluster.Stop())
	}
	return d, nil
}

// command is a client program about to run.
type command struct {
	dir  string   // "" is the package's folder
	env  []string // NAME=value, beside the caller's
	path string
	args []string
}

// run gives what the program printed. Its error is part of the answer.
func (c command) run(t *testing.T) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Dir = c.dir
	// A home of its own keeps the user's settings out, and the client from writing into his.
	cmd.Env = append(append(os.Environ(), "HOME="+t.TempDir(), "NO_COLOR=1", "FOUNDRY_DISABLE_NIGHTLY_WARNING=1"), c.env...)
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(c.path), strings.Join(c.args, " "), err, fault.String(), out.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// installed gives the path of a file of an npm package, or skips the test.
func installed(t *testing.T, name string, elem ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"node_modules", filepath.FromSlash(name)}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		testutil.Skip(t, "npm package "+name+" is not installed: run `npm ci --ignore-scripts --prefix testnet/clients`")
	}
	return path
}

// keyOf gives the private key of a funded account. Each client has accounts of its own, so that their nonces
// do not meet: cast 0, 3 and 4, viem 1 and 2, ethers 5, web3 6, hardhat 7, forge 8 and 9.
func keyOf(account int) string {
	b := testnet.Account(account).Bytes()
	return "0x" + hex.EncodeToString(b[:])
}

func addressOf(account int) string {
	a := testnet.Account(account).Public().Address()
	return "0x" + hex.EncodeToString(a[:])
}
