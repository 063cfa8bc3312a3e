package testnet_test

// What the tests of this folder share: the program, built once; networks of it on free ports; and its
// command line.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/testnet"
)

// waitMax is how long any condition may take on a loaded machine.
const waitMax = 3 * time.Minute

// windowMs is how long each party of a job has in networks of tests: what is killed or slow must not lose by that.
const windowMs = 60_000

// program builds the node once. It stays in build/, where the next run finds it up to date.
func program(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs real processes: not in short tests")
	}
	exe := filepath.Join(testutil.Root(t), "build", "test", "aiwork-node")
	if err := built(exe); err != nil {
		t.Fatal(err)
	}
	return exe
}

var once struct {
	sync.Once
	err error
}

func built(exe string) error {
	once.Do(func() {
		build := exec.Command("go", "build", "-trimpath", "-o", exe, "github.com/aiwork/aiwork-node/cmd/aiwork-node")
		if out, err := build.CombinedOutput(); err != nil {
			once.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	return once.err
}

// startNetwork starts a network that ends with the test.
func startNetwork(t *testing.T, validators, workers int) *testnet.Cluster {
	t.Helper()
	exe := program(t)
	c := createNetwork(t, exe, validators, workers)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	for i := range c.Validators {
		if err := c.WaitHeight(ctx, i, 1); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// createNetwork makes a network's folder without starting anything.
func createNetwork(t *testing.T, exe string, validators, workers int) *testnet.Cluster {
	t.Helper()
	l := testnet.DefaultLayout()
	l.Validators, l.Workers = validators, workers
	if err := l.ChoosePorts(); err != nil {
		t.Fatal(err)
	}
	l.Market = func(p *chain.JobParams) {
		p.LeaseMs, p.AuditCommitMs, p.OpenMs, p.AuditRevealMs = windowMs, windowMs, windowMs, windowMs
		p.ContestMs = 0 // nobody is to look at open results: batches settle as soon as auditors have revealed
	}
	dir := filepath.Join(t.TempDir(), "network")
	if err := testnet.Create(dir, l, system.Modules()); err != nil {
		t.Fatal(err)
	}
	c, err := testnet.Open(dir, exe, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is how a command ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// command runs the program to its end. Variables are NAME=value; none of the caller's own settings count.
func command(t *testing.T, variables []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, variables...)
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("aiwork-node %s: still runs after %s: %s", strings.Join(args, " "), waitMax, fault.String())
	}
	return outcome{out.String(), fault.String(), cmd.ProcessState.ExitCode()}
}

// refused checks that a command ended with a code and with every given text in its last line of errors.
func (o outcome) refused(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code: got %d, want %d; %s%s", o.code, code, o.stderr, o.stdout)
	}
	for _, want := range texts {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("error: got %q, want %q in it", o.stderr, want)
		}
	}
}

// succeeded checks that a command did its work, and gives what it printed.
func (o outcome) succeeded(t *testing.T) string {
	t.Helper()
	if o.code != 0 {
		t.Fatalf("exit code: got %d, want 0; %s", o.code, o.stderr)
	}
	return o.stdout
}

// Ports of single listeners lie above those of networks (ports.go) and below those that the system gives to whoever asks for any.
const singlePorts, singlePortsMax = 32_000, 32_760

var singles atomic.Uint32 // ports that freePort has looked at

// freePort gives a port that nobody listens on at the moment, and another one each time.
func freePort(t *testing.T) int {
	t.Helper()
	const n = singlePortsMax - singlePorts
	for range n {
		p := singlePorts + (os.Getpid()+int(singles.Add(1)))%n
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p)); err == nil {
			ln.Close()
			return p
		}
	}
	t.Fatal("no free port")
	return 0
}

// place is where a single node listens.
type place struct{ rpc, metrics, p2p string }

func freePlace(t *testing.T) place {
	return place{
		fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", freePort(t)),
	}
}

func (p place) flags() []string {
	return []string{"--rpc", p.rpc, "--metrics", p.metrics, "--p2p", p.p2p}
}

// startNode runs `start` in a home until the test ends.
func startNode(t *testing.T, home string, p place, flags ...string) *testnet.Process {
	t.Helper()
	args := append(append([]string{"--home", home, "start"}, p.flags()...), flags...)
	node := testnet.NewProcess(filepath.Base(home), program(t), args, nil, filepath.Join(home, "node.log"))
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(); err != nil {
			t.Error(err)
		}
	})
	return node
}

func dial(t *testing.T, address string) *client.Client {
	t.Helper()
	if !strings.HasPrefix(address, "http") {
		address = "http://" + address
	}
	c, err := client.New(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// eventually asks until the answer is yes. The last answer's words stand in the failure.
func eventually(t *testing.T, what string, ask func(context.Context) (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, words := ask(ctx)
		if yes {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %s", what, waitMax, words)
		}
	}
}

func height(ctx context.Context, c *client.Client) (chain.Height, error) {
	var h client.Uint64
	err := c.Call(ctx, &h, "eth_blockNumber")
	return chain.Height(h), err
}

// peerAddress gives a multiaddr of a running node.
func peerAddress(t *testing.T, c *client.Client) string {
	t.Helper()
	var s struct {
		P2PAddresses []string `json:"p2pAddresses"`
	}
	if err := c.Call(t.Context(), &s, "aiwork_status"); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.P2PAddresses {
		if strings.Contains(a, "/tcp/") {
			return a
		}
	}
	t.Fatalf("no TCP address among %v", s.P2PAddresses)
	return ""
}
