package node

// A whole node in this process: a network of one validator, which makes blocks, serves, reports that it is
// ready, stops in order and goes on from where it was.

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/config"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/p2p"
)

const nodeWait = 20 * time.Second

// newHome makes the folder of the only validator of a network.
func newHome(t *testing.T) home.Home {
	t.Helper()
	h := home.Home{Dir: t.TempDir()}
	if err := h.Create(); err != nil {
		t.Fatal(err)
	}
	keys, err := h.CreateValidatorKeys()
	if err != nil {
		t.Fatal(err)
	}
	account := ledgertest.NewAccount("validator")
	if err := h.StorePlainAccount(account.Key); err != nil {
		t.Fatal(err)
	}
	v := genesis.NewValidator(ledgertest.ChainID, "one", account.Address, genesis.Keys{Vote: keys.Vote, VRF: keys.VRF},
		ledgertest.Tokens(10_000), ledgertest.Tokens(10_000))
	alloc := []genesis.Alloc{{Address: account.Address, Balance: genesis.Amount{Int: *ledgertest.Tokens(1000)}}}
	g := genesis.Devnet(ledgertest.ChainID, uint64(time.Now().UnixMilli()), alloc, []genesis.Validator{v})
	if _, err := h.Init(g.Encode(), system.Modules()); err != nil {
		t.Fatal(err)
	}
	if _, err := p2p.LoadIdentity(h.P2PKey()); err != nil {
		t.Fatal(err)
	}
	return h
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func testConfig(t *testing.T, h home.Home) *config.Config {
	c := config.Default(h.Dir)
	c.RPCListen, c.MetricsListen = freeAddress(t), freeAddress(t)
	_, port, _ := net.SplitHostPort(freeAddress(t))
	c.P2PListen = []string{"/ip4/127.0.0.1/tcp/" + port}
	return c
}

// running is a node that runs until stop.
type running struct {
	t      *testing.T
	client *client.Client
	cfg    *config.Config
	cancel context.CancelFunc
	ended  chan error
}

func startNode(t *testing.T, h home.Home) *running {
	t.Helper()
	cfg := testConfig(t, h)
	n, err := Open(t.Context(), Options{Home: h, Config: cfg, Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, cfg: cfg, cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- n.Run(ctx) }()
	if r.client, err = client.New("http://" + cfg.RPCListen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	return r
}

func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("end of the node: got %v, want nil", err)
		}
	case <-time.After(nodeWait):
		r.t.Fatal("the node does not stop")
	}
}

// poll asks until the answer is yes.
func poll(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(nodeWait); ; {
		if ask() {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %s", what, nodeWait)
		}
	}
}

func (r *running) height() (h chain.Height) {
	var n client.Uint64
	if err := r.client.Call(r.t.Context(), &n, "eth_blockNumber"); err != nil {
		return 0
	}
	return chain.Height(n)
}

func TestNodeRunsStopsAndGoesOn(t *testing.T) {
	h := newHome(t)
	r := startNode(t, h)
	poll(t, "two blocks", func() bool { return r.height() >= 2 })
	poll(t, "ready", func() bool {
		resp, err := http.Get("http://" + r.cfg.MetricsListen + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	var block struct {
		Hash chain.Hash `json:"hash"`
	}
	if err := r.client.Call(t.Context(), &block, "eth_getBlockByNumber", "0x2", false); err != nil {
		t.Fatal(err)
	}
	was, before := block.Hash, r.height()
	r.stop()

	r = startNode(t, h)
	poll(t, "more blocks", func() bool { return r.height() > before })
	if err := r.client.Call(t.Context(), &block, "eth_getBlockByNumber", "0x2", false); err != nil || block.Hash != was {
		t.Errorf("block 2 after the restart: got %s, %v, want %s", block.Hash, err, was)
	}
	r.stop()
}

// What cannot be opened leaves nothing open behind it: the next try in the same process succeeds.
func TestOpenFailsCleanly(t *testing.T) {
	h := newHome(t)
	cfg := testConfig(t, h)
	ln, err := net.Listen("tcp", cfg.RPCListen)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Home: h, Config: cfg, Version: "test", Log: slog.New(slog.DiscardHandler)}
	_, port, _ := net.SplitHostPort(cfg.RPCListen)
	if _, err := strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	if n, err := Open(t.Context(), o); err == nil {
		_ = n.close()
		t.Fatal("a port in use: got a node")
	} else if !strings.Contains(err.Error(), port) {
		t.Errorf("a port in use: got %v, want it named", err)
	}
	ln.Close()
	n, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("second try: %v", err)
	}
	if err := n.close(); err != nil {
		t.Error(err)
	}
}

func TestUnknownForkStopsTheNode(t *testing.T) {
	g := &genesis.Genesis{}
	g.Params.Forks = []chain.Fork{{Name: "later", ActivationMs: 1000}}
	if err := checkForks(g, 999); err != nil {
		t.Errorf("before the fork: got %v", err)
	}
	if err := checkForks(g, 1000); err == nil || !strings.Contains(err.Error(), "later") || !strings.Contains(err.Error(), "install") {
		t.Errorf("at the fork: got %v, want what to do", err)
	}
}
