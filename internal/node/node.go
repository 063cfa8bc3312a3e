package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/holiman/uint256"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/consensus/poi/driver"
	"github.com/aiwork/aiwork-node/internal/blobs"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/config"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/health"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/objects"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/p2p"
)

// Options is what a node is made of.
type Options struct {
	Home    home.Home
	Config  *config.Config
	Version string
	Log     *slog.Logger
}

// Node is a running node.
type Node struct {
	home        home.Home
	cfg         *config.Config
	log         *slog.Logger
	genesis     *genesis.Genesis
	genesisFile []byte
	shelf       *shelf
	registry    *prometheus.Registry

	ledger *ledger.Ledger
	book   *compute.Book // of the ledger's live jobs, for auditor and JSON-RPC
	pool   *mempool.Pool
	paced  *pacedPool // nil: consensus has the pool itself
	net    *p2p.Net
	inbox  *driverNet
	driver *driver.Driver
	blobs  *blobs.Store
	offers *objects.Shelf // the models that peers may fetch

	fetchFrom uint64 // upkeep's: the place among the live jobs where the next round begins

	auditor *compute.Runner // nil: no validator account
	engine  *lazyEngine
	rpc     *rpc.Server
	health  *health.Server

	closers []func() error // of what was opened, in that order
}

// Open makes a node from a folder. Whatever fails, everything opened so far is closed again.
func Open(ctx context.Context, o Options) (*Node, error) {
	n := &Node{home: o.Home, cfg: o.Config, log: o.Log, registry: prometheus.NewRegistry()}
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context, Options) error{
		n.openLedger, n.openPool, n.openNetwork, n.openAuditor, n.openFaces,
	} {
		if err := step(ctx, o); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

func (n *Node) openLedger(ctx context.Context, _ Options) (err error) {
	if n.genesis, n.genesisFile, err = n.home.LoadGenesis(); err != nil {
		return err
	}
	if n.shelf, err = newShelf(n.home.Models()); err != nil {
		return err
	}
	n.ledger, err = ledger.Open(ctx, ledger.Options{Dir: n.home.Data(), Genesis: n.genesis, Modules: system.Modules(), Log: n.log})
	if err != nil {
		return err
	}
	n.book = compute.NewBook(bookStates{n.ledger})
	n.closers = append(n.closers, n.ledger.Close)
	head, _ := n.ledger.Head()
	return checkForks(n.genesis, head.Ext.TimeMs)
}

func (n *Node) openPool(context.Context, Options) error {
	o := mempool.Default(n.genesis.Params.ChainID)
	o.BytesMax, o.TxsMax, o.PerSenderMax = n.cfg.MempoolBytesMax, n.cfg.MempoolTxsMax, n.cfg.MempoolPerSenderMax
	o.SenderBytesMax = max(o.SenderBytesMax, n.cfg.MempoolPerSenderMax<<10)
	o.FeeCapMin = *uint256.NewInt(n.genesis.Params.BaseFeeFloor)
	if err := o.Check(); err != nil {
		return err
	}
	n.pool = mempool.New(o)
	head, _ := n.ledger.Head()
	if err := n.pool.SetHead(poolHead(n.ledger, head), poolState{n.ledger}, nil); err != nil {
		return err
	}
	n.loadJournal()
	n.closers = append(n.closers, n.saveJournal)
	return nil
}

// openNetwork makes what depends on each other: peers ask the driver and the blobs, which ask peers.
func (n *Node) openNetwork(ctx context.Context, _ Options) error {
	identity, err := p2p.LoadIdentity(n.home.P2PKey())
	if err != nil {
		return err
	}
	keys, err := n.validatorKeys()
	if err != nil {
		return err
	}
	src := &source{}
	n.offers = objects.NewShelf(modelFiles(n.home), n.log)
	if n.net, err = p2p.New(ctx, n.networkOptions(identity, keys, src)); err != nil {
		return err
	}
	n.closers = append(n.closers, n.net.Close)
	n.inbox = newDriverNet(n.net)
	n.blobs, err = blobs.Open(blobs.Options{Dir: n.home.Blobs(), Wanted: wanted{n.ledger}, Peers: n.net, Log: n.log})
	if err != nil {
		return err
	}
	n.driver, err = driver.New(driver.Options{
		Genesis: n.ledger.Genesis(), Params: n.ledger.Params(), Keys: keys, LogDir: n.home.VoteLog(),
		DiskFree: n.ledger.FreeBytes, Chain: &driverChain{ledger: n.ledger, pool: n.pool, log: n.log},
		Archive: archive{n.ledger}, Pool: n.consensusPool(), Net: n.inbox, Peers: driverPeers{n.net}, Log: n.log, Metrics: n.registry,
	})
	if err != nil {
		return err
	}
	src.open(n.driver, n.blobs)
	return nil
}

// consensusPool is the pool as consensus sees it.
func (n *Node) consensusPool() driver.Pool {
	if n.cfg.MempoolPaceMs == 0 {
		return n.pool
	}
	n.paced = newPacedPool(n.pool, n.ledger.Head, time.Duration(n.cfg.MempoolPaceMs)*time.Millisecond)
	return n.paced
}

func (n *Node) networkOptions(identity p2p.Identity, keys *driver.Keys, src *source) p2p.Options {
	head, _ := n.ledger.Head()
	o := p2p.Options{
		Identity: identity, Listen: n.cfg.P2PListen, Peers: n.cfg.P2PPeers, MaxPeers: n.cfg.P2PMaxPeers, MDNS: n.cfg.P2PMDNS,
		ChainID: n.genesis.Params.ChainID, Genesis: n.ledger.Genesis(),
		ForkID: genesis.ForkID(n.ledger.Genesis(), n.genesis.Params.Forks, head.Ext.TimeMs),
		Kinds:  frameKinds(), Source: src, Objects: &objectSource{shelf: n.offers, source: src}, Txs: intake(n.pool), Log: n.log, Metrics: n.registry,
	}
	if keys != nil {
		o.Prover = prover{keys.Vote}
	}
	for _, v := range n.genesis.Set() {
		o.Validators = append(o.Validators, v.VoteKey)
	}
	return o
}

// validatorKeys gives the keys of a validating node, nil for one that follows.
func (n *Node) validatorKeys() (*driver.Keys, error) {
	if !n.home.HasValidatorKeys() {
		return nil, nil
	}
	k, err := n.home.LoadValidatorKeys()
	if err != nil {
		return nil, err
	}
	return &driver.Keys{Vote: k.Vote, VRF: k.VRF}, nil
}

// openAuditor makes the part of a validator that re-executes work. It needs the account that the genesis
// names for the validator; without it the node validates but loses service bond when it is drawn.
func (n *Node) openAuditor(_ context.Context, o Options) error {
	if !n.home.HasValidatorKeys() {
		return nil
	}
	if !n.home.HasAccount() {
		n.log.Warn("no account key: this validator cannot audit and loses service bond when it is drawn")
		return nil
	}
	key, err := n.home.LoadAccount(o.Config.PasswordFile)
	if err != nil {
		return err
	}
	who := chain.Address(key.Public().Address())
	journal, err := compute.OpenJournal(n.home.Work(), n.ledger.Genesis(), who)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, journal.Close)
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("auditor: %w", err)
	}
	n.engine = &lazyEngine{options: engine.Options{
		Exe: exe, Args: []string{"engine", "--models", n.home.Models()}, ThreadsMax: n.cfg.EngineThreads, MemoryMaxBytes: int64(n.cfg.EngineMemoryMiB) << 20,
	}}
	n.closers = append(n.closers, n.engine.Close)
	m := &market{ledger: n.ledger, book: n.book, blobs: n.blobs, submit: n.submit, nonce: n.pool.NonceOf, key: key, who: who}
	stats := compute.NewMetrics(n.registry)
	party := compute.NewParty(compute.PartyOptions{
		Address: who, Market: m, Court: m, Counsel: counsel{n.engine.options}, BondMax: *tokens(n.cfg.ChallengeBondMax), Log: n.log, Metrics: stats,
	})
	n.auditor = compute.NewRunner(compute.Options{
		Address: who, Roles: []compute.Role{compute.RoleAuditor, compute.RoleChallenger}, Market: m, Engine: n.engine, Together: n.engine.Together, Journal: journal,
		Party: party, Watch: uint32(n.cfg.WatchPercent) * 10_000, Genesis: n.ledger.Genesis(), Poke: true, Log: n.log, Metrics: stats,
	})
	return nil
}

func (n *Node) openFaces(_ context.Context, o Options) (err error) {
	n.registerGauges()
	table := rpc.NewTable()
	c := rpcChain{n.ledger}
	pool := rpcPool{n.pool, n}
	rpc.AddEth(table, c, pool, n, n.ledger.Params(), o.Version)
	rpc.AddAiwork(table, c, rpcBlobs{n.blobs}, n.book, n, n.ledger.Params())
	rpc.AddDiscover(table, o.Version)
	n.rpc, err = rpc.Listen(table, rpc.Options{
		Listen: n.cfg.RPCListen, Hosts: n.cfg.RPCHosts, Origins: n.cfg.RPCOrigins, Limits: rpc.DefaultLimits(), Log: n.log,
		Feeds: rpc.Feeds(c, pool, n), Metrics: rpc.NewMetrics(n.registry),
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.rpc.Close)
	n.health, err = health.Listen(n.cfg.MetricsListen, n.registry, n.checks())
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.health.Close)
	return nil
}

// Run runs the node until ctx ends or a part fails, and closes it.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := map[string]func(context.Context) error{
		"health": n.health.Run, "network": n.net.Run, "frames": n.inbox.run, "consensus": n.driver.Run,
		"rpc": n.rpc.Run, "upkeep": n.upkeep, "models": n.offers.Run,
	}
	if n.paced != nil {
		parts["pace"] = n.paced.Run
	}
	if n.auditor != nil {
		parts["auditor"] = func(ctx context.Context) error { return n.auditor.Run(ctx, nil) }
	}
	var running sync.WaitGroup
	for name, run := range parts {
		running.Go(func() {
			if err := run(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	n.log.Info("node running", "chain", n.genesis.Params.ChainID, "genesis", n.ledger.Genesis(),
		"rpc", n.rpc.Addr(), "metrics", n.health.Addr(), "validator", n.home.HasValidatorKeys())
	<-ctx.Done()
	running.Wait()
	err := n.close()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// close undoes what was opened, last first.
func (n *Node) close() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(errs...)
}
