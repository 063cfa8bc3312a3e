package testnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/config"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/p2p"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Bounds of a cluster on one machine.
const (
	ValidatorsMax = 20
	WorkersMax    = 20
)

const clusterFile = "cluster.json"

// drainMax is how long workers finish what is begun when the cluster stops: a restart takes up the rest.
const drainMax = 4 * time.Second

// Layout is what a cluster's folder remembers.
type Layout struct {
	ChainID     uint64 `json:"chainId"`
	Validators  int    `json:"validators"`
	Workers     int    `json:"workers"`
	RPCPort     int    `json:"rpcPort"`     // of the first validator; the others follow
	MetricsPort int    `json:"metricsPort"` // likewise, workers behind validators
	P2PPort     int    `json:"p2pPort"`

	// Market changes the market's parameters of a network that is made; nil leaves those of a devnet.
	Market func(*chain.JobParams) `json:"-"`
}

// DefaultLayout is the devnet of the README.
func DefaultLayout() Layout {
	return Layout{ChainID: 20260, Validators: 4, Workers: 2, RPCPort: 8545, MetricsPort: 9545, P2PPort: 26600}
}

// Check refuses layouts that cannot work.
func (l *Layout) Check() error {
	switch {
	case l.Validators < 1 || l.Validators > ValidatorsMax:
		return fmt.Errorf("%d validators: want 1 to %d", l.Validators, ValidatorsMax)
	case l.Workers < 0 || l.Workers > WorkersMax:
		return fmt.Errorf("%d workers: want 0 to %d", l.Workers, WorkersMax)
	}
	for _, p := range []int{l.RPCPort, l.MetricsPort, l.P2PPort} {
		if p < 1024 || p+l.Validators+l.Workers > 65535 {
			return fmt.Errorf("port %d: want 1024 to %d", p, 65535-l.Validators-l.Workers)
		}
	}
	return nil
}

// Cluster is a network of processes in a folder.
type Cluster struct {
	Dir        string
	Layout     Layout
	Validators []*Process
	Workers    []*Process
}

// Create makes the folder of a new network, which begins now.
func Create(dir string, l Layout, modules *native.Set) error {
	if err := l.Check(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, clusterFile)); err == nil {
		return fmt.Errorf("%s holds a network already", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("network folder: %w", err)
	}
	g, keys, err := newGenesis(l)
	if err != nil {
		return err
	}
	peers, err := createIdentities(dir, l)
	if err != nil {
		return err
	}
	for i := range l.Validators {
		if err := createValidator(dir, l, i, g.Encode(), keys[i], peers, modules); err != nil {
			return err
		}
	}
	for i := range l.Workers {
		h := workerHome(dir, i)
		if err := h.Create(); err != nil {
			return err
		}
		if err := h.StorePlainAccount(Account(firstWorkerAccount + i)); err != nil {
			return err
		}
	}
	// This file comes last: without it the folder is not a network, and can be made anew.
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, clusterFile), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("network folder: %w", err)
	}
	return nil
}

// ShareModels lets all nodes use the models of one folder, by a link in each that has no models of its own.
func (c *Cluster) ShareModels(folder string) error {
	target, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if info, err := os.Stat(target); err != nil || !info.IsDir() {
		return fmt.Errorf("models: %s is no folder: `aiwork-node model pull --models %s` makes it", folder, folder)
	}
	var homes []home.Home
	for i := range c.Layout.Validators {
		homes = append(homes, validatorHome(c.Dir, i))
	}
	for i := range c.Layout.Workers {
		homes = append(homes, workerHome(c.Dir, i))
	}
	for _, h := range homes {
		if _, err := os.Stat(h.Models()); err == nil {
			continue
		}
		if err := os.Symlink(target, h.Models()); err != nil {
			return fmt.Errorf("models: %w", err)
		}
	}
	return nil
}

func validatorHome(dir string, i int) home.Home {
	return home.Home{Dir: filepath.Join(dir, "validator"+strconv.Itoa(i))}
}

func workerHome(dir string, i int) home.Home {
	return home.Home{Dir: filepath.Join(dir, "worker"+strconv.Itoa(i))}
}

// tokens gives n tokens in base units.
func tokens(n uint64) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1e18))
}

func address(key secp.PrivateKey) chain.Address { return chain.Address(key.Public().Address()) }

// newGenesis funds the accounts and makes the validators' keys.
func newGenesis(l Layout) (*genesis.Genesis, []home.ValidatorKeys, error) {
	var alloc []genesis.Alloc
	fund := func(key secp.PrivateKey, n uint64) {
		alloc = append(alloc, genesis.Alloc{Address: address(key), Balance: genesis.Amount{Int: *tokens(n)}})
	}
	for i := range AccountsMax {
		fund(Account(i), 1_000_000)
	}
	var keys []home.ValidatorKeys
	var validators []genesis.Validator
	for i := range l.Validators {
		account := Account(firstValidatorAccount + i)
		fund(account, 10_000)
		k := home.ValidatorKeys{Vote: home.NewKey(), VRF: home.NewKey()}
		keys = append(keys, k)
		validators = append(validators, genesis.NewValidator(l.ChainID, "validator"+strconv.Itoa(i), address(account),
			genesis.Keys{Vote: k.Vote, VRF: k.VRF}, tokens(1_000_000), tokens(10_000)))
	}
	for i := range l.Workers {
		fund(Account(firstWorkerAccount+i), 10_000)
	}
	g := genesis.Devnet(l.ChainID, uint64(time.Now().UnixMilli()), alloc, validators)
	if l.Market != nil {
		l.Market(&g.Params.Jobs)
	}
	return g, keys, g.Check()
}

// createIdentities makes the peers' keys first, since every node's list names all of them.
func createIdentities(dir string, l Layout) (peers []string, err error) {
	for i := range l.Validators {
		h := validatorHome(dir, i)
		if err := h.Create(); err != nil {
			return nil, err
		}
		id, err := p2p.LoadIdentity(h.P2PKey())
		if err != nil {
			return nil, err
		}
		peers = append(peers, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", l.P2PPort+i, id.ID()))
	}
	return peers, nil
}

func createValidator(dir string, l Layout, i int, file []byte, keys home.ValidatorKeys, peers []string, modules *native.Set) error {
	h := validatorHome(dir, i)
	if err := h.StoreValidatorKeys(keys); err != nil {
		return err
	}
	if err := h.StorePlainAccount(Account(firstValidatorAccount + i)); err != nil {
		return err
	}
	c := config.Default(h.Dir)
	c.RPCListen = loopback(l.RPCPort + i)
	c.MetricsListen = loopback(l.MetricsPort + i)
	port := l.P2PPort + i
	c.P2PListen = []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port), fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", port)}
	for k, p := range peers {
		if k != i {
			c.P2PPeers = append(c.P2PPeers, p)
		}
	}
	if err := os.WriteFile(h.Config(), c.File(), 0o600); err != nil {
		return fmt.Errorf("network folder: %w", err)
	}
	_, err := h.Init(file, modules)
	return err
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ErrNoCluster says that a folder holds no network.
var ErrNoCluster = errors.New("no network here")

// Open reads a network's folder. Exe is the binary that its processes run; workerExe, if not "", another
// one for the workers.
func Open(dir, exe, workerExe string) (*Cluster, error) {
	text, err := os.ReadFile(filepath.Join(dir, clusterFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoCluster)
	}
	if err != nil {
		return nil, fmt.Errorf("network folder: %w", err)
	}
	c := &Cluster{Dir: dir}
	if err := json.Unmarshal(text, &c.Layout); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, clusterFile), err)
	}
	if err := c.Layout.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, clusterFile), err)
	}
	if workerExe == "" {
		workerExe = exe
	}
	for i := range c.Layout.Validators {
		h := validatorHome(dir, i)
		c.Validators = append(c.Validators, NewProcess(filepath.Base(h.Dir), exe, []string{"--home", h.Dir, "start"}, nil, filepath.Join(h.Dir, "node.log")))
	}
	for i := range c.Layout.Workers {
		h := workerHome(dir, i)
		// Each worker talks to another validator, so that no single one is all workers' way in.
		url := c.URL(i % c.Layout.Validators)
		args := []string{
			"--home", h.Dir, "worker", "--rpc", url, "--metrics", loopback(c.Layout.MetricsPort + c.Layout.Validators + i),
			"--drain-max", drainMax.String(),
		}
		c.Workers = append(c.Workers, NewProcess(filepath.Base(h.Dir), workerExe, args, nil, filepath.Join(h.Dir, "worker.log")))
	}
	return c, nil
}

// URL gives the JSON-RPC address of validator i.
func (c *Cluster) URL(i int) string { return "http://" + loopback(c.Layout.RPCPort+i) }

// Client gives a client of validator i.
func (c *Cluster) Client(i int) *client.Client {
	cl, err := client.New(c.URL(i))
	if err != nil {
		panic(err) // the address is our own
	}
	return cl
}

// All gives every process, validators first.
func (c *Cluster) All() []*Process {
	return append(append([]*Process{}, c.Validators...), c.Workers...)
}

// CheckPorts tells which of the cluster's ports are in use, before anything is started.
func (c *Cluster) CheckPorts() error {
	for i := range c.Layout.Validators + c.Layout.Workers {
		ports := []int{c.Layout.MetricsPort + i}
		if i < c.Layout.Validators {
			ports = append(ports, c.Layout.RPCPort+i, c.Layout.P2PPort+i)
		}
		for _, p := range ports {
			ln, err := net.Listen("tcp", loopback(p))
			if err != nil {
				return fmt.Errorf("port %d is in use: stop what uses it (another devnet?), or choose others with --rpc-port, --metrics-port and --p2p-port", p)
			}
			ln.Close()
		}
	}
	return nil
}

// Start starts every process.
func (c *Cluster) Start() error {
	for _, p := range c.All() {
		if err := p.Start(); err != nil {
			return errors.Join(err, c.Stop())
		}
	}
	return nil
}

// Pace makes transactions rest for so many milliseconds before a block takes them, from the next start of the
// validators on; 0 takes that away.
func (c *Cluster) Pace(ms int) {
	for _, p := range c.Validators {
		p.Setenv("AIWORK_MEMPOOL_PACE_MS", strconv.Itoa(ms))
	}
}

// Stop stops workers first, so that they can drain, then validators.
func (c *Cluster) Stop() error {
	return errors.Join(stopAll(c.Workers), stopAll(c.Validators))
}

func stopAll(ps []*Process) error {
	errs := make(chan error, len(ps))
	for _, p := range ps {
		go func() { errs <- p.Stop() }()
	}
	var all []error
	for range ps {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// pollInterval is how often waiting looks again.
const pollInterval = 20 * time.Millisecond

// WaitHeight waits until validator i has finalised a height.
func (c *Cluster) WaitHeight(ctx context.Context, i int, h chain.Height) error {
	cl := c.Client(i)
	defer cl.Close()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		var got client.Uint64
		err := cl.Call(ctx, &got, "eth_blockNumber")
		if err == nil && chain.Height(got) >= h {
			return nil
		}
		select {
		case <-tick.C:
		case <-c.Validators[i].Done():
			return c.Validators[i].Failure()
		case <-ctx.Done():
			return fmt.Errorf("%s: height %d not reached: %w", c.Validators[i].Name, h, errors.Join(ctx.Err(), err))
		}
	}
}
