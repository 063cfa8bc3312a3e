package testnet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
)

// Bounds of a load.
const (
	SendersMax     = 20_000
	LoadNodesMax   = 64
	LoadRateMax    = 100_000.0
	loadTxsMax     = 4_000_000 // pre-signed transfers of one phase
	LoadSecondsMax = 24 * 3600
)

// LoadOptions describe who sends what to whom. Nothing in them is particular to this project's nodes,
// except that MetricsURLs and PIDs, where given, let the report say what the load costs them.
type LoadOptions struct {
	URLs        []string        // JSON-RPC of the nodes; a sender always uses the same one
	MetricsURLs []string        // of the same nodes, for finality; may be empty
	PIDs        func() []Target // the nodes' processes, for CPU and memory; may be nil
	Funder      secp.PrivateKey // pays for all
	Senders     int
	Seed        uint64 // of the senders' keys
	BatchItems  int    // transfers in one HTTP request
	Backlog     int    // transfers that wait for a block at once when saturating
	LanesPerURL int    // HTTP connections to each node
	ResendAfter time.Duration
	DrainMax    time.Duration // after the last second of a phase
	FeeCapWei   uint64        // 0: 64 times the base fee at funding
}

// DefaultLoad gives what rule 37 asks for.
func DefaultLoad(urls []string, funder secp.PrivateKey) LoadOptions {
	return LoadOptions{
		URLs: urls, Funder: funder, Senders: 1000, BatchItems: 50, Backlog: 4096, LanesPerURL: 2,
		ResendAfter: 10 * time.Second, DrainMax: 30 * time.Second,
	}
}

// Check refuses options that cannot work.
func (o *LoadOptions) Check() error {
	switch {
	case len(o.URLs) == 0 || len(o.URLs) > LoadNodesMax:
		return fmt.Errorf("%d node URLs: want 1 to %d", len(o.URLs), LoadNodesMax)
	case o.Senders < 1 || o.Senders > SendersMax:
		return fmt.Errorf("%d senders: want 1 to %d", o.Senders, SendersMax)
	case o.BatchItems < 1 || o.BatchItems > 1000:
		return fmt.Errorf("%d transfers a request: want 1 to 1000", o.BatchItems)
	case o.LanesPerURL < 1 || o.LanesPerURL > 64:
		return fmt.Errorf("%d connections a node: want 1 to 64", o.LanesPerURL)
	case o.Backlog < 1:
		return errors.New("backlog: want at least 1")
	}
	return nil
}

// Phase is a stretch of load.
type Phase struct {
	Name     string
	Duration time.Duration
	Rate     float64         // transfers offered a second; 0: as many as the nodes take (saturation)
	Overload bool            // latency counts from the real send, since nodes are expected to refuse
	Stop     <-chan struct{} // ends the phase early when it is closed; may be nil
}

// Load sends pre-signed transfers from many accounts and sees what becomes of them. It speaks JSON-RPC
// only. Its methods are called by one goroutine.
type Load struct {
	opt     LoadOptions
	clients []*client.Client
	chainID uint64
	feeCap  uint64
	senders []*loadSender

	mu      sync.Mutex                 // guards what follows, and every sender and transfer
	txs     map[chain.Hash]*loadTx     // of the phase
	blocks  map[chain.Height]SeenBlock // all that were ever seen
	open    int                        // accepted, in no block yet
	height  chain.Height               // up to which blocks were looked at
	receipt []Acknowledged             // all transfers ever seen in a block
}

// SeenBlock is a block as a node told of it.
type SeenBlock struct {
	Hash    chain.Hash
	Txs     int
	GasUsed uint64
	At      time.Time
}

// Acknowledged is a transfer that a client was told is in a block.
type Acknowledged struct {
	Tx, Block chain.Hash
	Height    chain.Height
	Sent, At  time.Time
}

// NewLoad connects to nothing yet.
func NewLoad(o LoadOptions) (*Load, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	l := &Load{opt: o, blocks: map[chain.Height]SeenBlock{}, txs: map[chain.Hash]*loadTx{}}
	for _, u := range o.URLs {
		c, err := client.New(u)
		if err != nil {
			return nil, err
		}
		l.clients = append(l.clients, c)
	}
	return l, nil
}

// Close drops idle connections.
func (l *Load) Close() {
	for _, c := range l.clients {
		c.Close()
	}
}

// phase is a running Phase.
type phase struct {
	Phase
	start, end time.Time
	closing    atomic.Bool // nothing new is sent any more

	mu       sync.Mutex
	offered  int
	accepted int
	refused  int
	failed   int // requests without an answer
	resent   int
	reasons  map[string]int
}

// Run signs a phase's transfers, sends them, waits until what was accepted is in blocks, and reports.
func (l *Load) Run(ctx context.Context, p Phase) (*LoadReport, error) {
	if err := l.sign(p); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := l.here(ctx); err != nil {
		return nil, err
	}
	before := l.measure(ctx)
	run := &phase{Phase: p, start: time.Now(), reasons: map[string]int{}}
	run.end = run.start.Add(p.Duration)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	parts.Go(func() { l.watch(ctx) })
	lanes := l.lanes(p)
	for i := range lanes {
		parts.Go(func() { l.drive(ctx, run, lanes[i], len(lanes)) })
	}
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	after := l.measure(ctx)
	run.closing.Store(true)
	l.drain(ctx)
	return l.report(run, before, after), ctx.Err()
}

// Outstanding gives how many accepted transfers are in no block yet.
func (l *Load) Outstanding() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Receipts gives every transfer that was seen in a block, in the order in which they were seen.
func (l *Load) Receipts() []Acknowledged {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.receipt[:len(l.receipt):len(l.receipt)]
}

// drain waits until every accepted transfer is in a block, with a limit.
func (l *Load) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.opt.DrainMax)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for l.Outstanding() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// wait ends with the phase.
func (p *Phase) wait(ctx context.Context) error {
	t := time.NewTimer(p.Duration)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.Stop:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// FundTransfers is how many transfers each sender can pay for after Fund, at the fee cap.
const FundTransfers = 2000

// MetricsURLs gives the metrics pages of the validators.
func (c *Cluster) MetricsURLs() (out []string) {
	for i := range c.Validators {
		out = append(out, "http://"+loopback(c.Layout.MetricsPort+i)+"/metrics")
	}
	return out
}

// Targets gives the processes that run.
func (c *Cluster) Targets() (out []Target) {
	for _, p := range c.All() {
		out = append(out, Target{p.Name, p.PID()})
	}
	return out
}
