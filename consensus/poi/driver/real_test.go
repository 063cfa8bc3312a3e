package driver

// Four drivers over real ledgers, pools and vote logs on disk, in real time, with a network in memory that
// costs nothing: what is measured is the node's own work. BenchmarkFinality gives the figures.

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/holiman/uint256"
)

// realChain is a ledger and its pool as a node puts them together.
type realChain struct {
	*ledger.Ledger
	pool *mempool.Pool
}

func (c realChain) Account(a chain.Address) (mempool.Record, error) {
	acc, err := c.Ledger.Account(a)
	return mempool.Record{Nonce: acc.Nonce, Balance: acc.Balance}, err
}

func (c realChain) Head() Head {
	h, _ := c.Ledger.Head()
	return Head{h.Hash, h.Header, h.Ext}
}

func (c realChain) Execute(ctx context.Context, b *chain.Block) error {
	_, err := c.Ledger.Execute(ctx, b)
	if bad, ok := errors.AsType[*ledger.BadBlock](err); ok {
		return fmt.Errorf("%w: %w", ErrBad, bad)
	}
	return err
}

func (c realChain) Build(ctx context.Context, d Draft) (*chain.Block, []chain.Hash, error) {
	b, _, skips, err := c.Ledger.Build(ctx, ledger.BuildArgs(d))
	var hashes []chain.Hash
	for _, s := range skips {
		hashes = append(hashes, s.Hash)
	}
	return b, hashes, err
}

func (c realChain) Commit(ctx context.Context, hash chain.Hash, seal *chain.Seal) error {
	if err := c.Ledger.Commit(ctx, hash, seal); err != nil {
		return err
	}
	return c.setHead()
}

func (c realChain) setHead() error {
	h, _ := c.Ledger.Head()
	b, err := c.BlockByHeight(h.Height)
	if err != nil {
		return err
	}
	touched := []chain.Address{h.Header.Coinbase}
	for _, tx := range b.Txs {
		touched = append(touched, *tx.To)
	}
	return c.pool.SetHead(mempool.Head{
		Height: h.Height, TimeMs: h.Ext.TimeMs, BaseFee: h.Header.BaseFee, GasLimit: h.Header.GasLimit, Txs: b.Txs,
	}, c, touched)
}

func (c realChain) Urgent() (bool, uint64) { return false, 0 }

func (c realChain) HeadAt(h chain.Height) (Head, error) {
	x, err := c.Ledger.HeadAt(h)
	return Head{x.Hash, x.Header, x.Ext}, err
}

func (c realChain) BlockAt(h chain.Height) (*chain.Block, *chain.Seal, error) {
	b, err1 := c.BlockByHeight(h)
	s, err2 := c.Ledger.Seal(h)
	return b, s, errors.Join(err1, err2)
}

// realNet joins four nodes in one process.
type realNet struct {
	tb    testing.TB
	gen   *genesis.Genesis
	accs  []ledgertest.Account
	keys  []Keys
	mu    sync.Mutex
	nodes []*realNode
	nonce []uint64
}

type realNode struct {
	net    *realNet
	index  int
	dir    string
	chain  realChain
	driver *Driver
	inbox  chan Message
	cancel context.CancelFunc
	ended  chan error
	up     bool
}

func newRealNet(tb testing.TB) *realNet {
	gen, accs, validators := ledgertest.NewGenesis(ledgertest.Options{
		Validators: 4, Accounts: 64, Params: func(p *chain.Params) { p.HeartbeatMs = 500 },
	})
	n := &realNet{tb: tb, gen: gen, accs: accs, nonce: make([]uint64, len(accs))}
	id := gen.Build(ledgertest.Modules()).Hash()
	for i, v := range validators {
		keys := Keys{v.Keys.Vote, v.Keys.VRF}
		n.keys = append(n.keys, keys)
		x := &realNode{net: n, index: i, dir: tb.TempDir(), inbox: make(chan Message, 4096)}
		if err := votelog.Create(filepath.Join(x.dir, "votes"), id, keys.Vote.Public().XOnly()); err != nil {
			tb.Fatal(err)
		}
		n.nodes = append(n.nodes, x)
	}
	tb.Cleanup(func() {
		for _, x := range n.nodes {
			if x.up {
				x.stop()
			}
		}
	})
	return n
}

func (x *realNode) start() {
	tb := x.net.tb
	l, err := ledger.Open(context.Background(), ledger.Options{
		Dir: filepath.Join(x.dir, "chain"), Genesis: x.net.gen, Modules: ledgertest.Modules(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	x.chain = realChain{l, mempool.New(mempool.Default(ledgertest.ChainID))}
	if err := x.chain.setHead(); err != nil {
		tb.Fatal(err)
	}
	d, err := New(Options{
		Genesis: l.Genesis(), Params: l.Params(), Keys: &x.net.keys[x.index], LogDir: filepath.Join(x.dir, "votes"),
		Chain: x.chain, Archive: x.chain, Pool: x.chain.pool, Net: x, Peers: x,
		DiskFree: func() (uint64, error) { return 1 << 40, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	x.net.mu.Lock()
	x.driver, x.cancel, x.ended, x.up = d, cancel, make(chan error, 1), true
	x.net.mu.Unlock()
	go func() { x.ended <- d.Run(ctx) }()
}

func (x *realNode) stop() {
	x.net.mu.Lock()
	x.up = false
	x.net.mu.Unlock()
	x.cancel()
	if err := <-x.ended; err != nil {
		x.net.tb.Errorf("node %d: %v", x.index, err)
	}
	if err := x.chain.Close(); err != nil {
		x.net.tb.Error(err)
	}
}

func (x *realNode) Inbox() <-chan Message { return x.inbox }

func (x *realNode) to(i int) *realNode {
	x.net.mu.Lock()
	defer x.net.mu.Unlock()
	if y := x.net.nodes[i]; y.up && y != x {
		return y
	}
	return nil
}

func (x *realNode) SendTo(v int, kind byte, payload []byte) bool {
	y := x.to(v)
	if y == nil {
		return false
	}
	select {
	case y.inbox <- Message{fmt.Sprint(x.index), kind, payload}:
	default:
	}
	return true
}

func (x *realNode) Broadcast(kind byte, payload []byte) {
	for i := range x.net.nodes {
		x.SendTo(i, kind, payload)
	}
}

func (x *realNode) Announce(byte, []byte) {}

func (x *realNode) SendPeer(id string, kind byte, payload []byte) bool {
	var i int
	fmt.Sscan(id, &i)
	return x.SendTo(i, kind, payload)
}

func (x *realNode) ForwardTxs(v int, txs [][]byte) bool {
	y := x.to(v)
	for _, enc := range txs {
		if tx, err := chain.DecodeTx(enc); err == nil && y != nil {
			y.chain.pool.Add(tx, false)
		}
	}
	return y != nil
}

func (x *realNode) Punish(id string, f Fault) {
	x.net.tb.Errorf("node %d punished %s: %v", x.index, id, f)
}

func (x *realNode) Block(ctx context.Context, v int, hash chain.Hash) ([]byte, string, error) {
	for i := range x.net.nodes {
		if y := x.to((max(v, 0) + i) % len(x.net.nodes)); y != nil {
			if enc, err := y.driver.Source().Block(ctx, hash); err == nil {
				return enc, fmt.Sprint(y.index), nil
			}
		}
	}
	return nil, "", ErrUnknown
}

func (x *realNode) Blocks(ctx context.Context, _ string, from chain.Height, count int) ([][]byte, string, error) {
	for i := range x.net.nodes {
		if y := x.to(i); y != nil {
			if items, err := y.driver.Source().Blocks(ctx, from, count, 4<<20); err == nil {
				return items, fmt.Sprint(y.index), nil
			}
		}
	}
	return nil, "", ErrUnknown
}

func (x *realNode) Height() (h chain.Height) {
	for i := range x.net.nodes {
		if y := x.to(i); y != nil {
			h = max(h, y.driver.Status().FinalHeight)
		}
	}
	return h
}

// transfer signs the next transfer of an account.
func (n *realNet) transfer(from int) *chain.Tx {
	to := n.accs[(from+1)%len(n.accs)].Address
	tx, err := chain.SignTx(&chain.Tx{
		Type: 2, ChainID: ledgertest.ChainID, Nonce: n.nonce[from], Gas: 21000, To: &to,
		GasFeeCap: *uint256.NewInt(1e12), GasTipCap: *uint256.NewInt(1e9), Value: *uint256.NewInt(1),
	}, n.accs[from].Key, ledgertest.ChainID)
	if err != nil {
		n.tb.Fatal(err)
	}
	n.nonce[from]++
	return tx
}

// submit puts a transaction into one pool, and copies of it into the others as gossip would.
func (n *realNet) submit(tx *chain.Tx, at int) {
	n.tb.Helper()
	if err := n.nodes[at].chain.pool.Add(tx, true); err != nil {
		n.tb.Fatal(err)
	}
	for i, x := range n.nodes {
		if i == at || !x.up {
			continue
		}
		if again, err := chain.DecodeTx(tx.Encode()); err == nil {
			x.chain.pool.Add(again, false)
		}
	}
}

// settled waits until a node has committed a transaction.
func (x *realNode) settled(ctx context.Context, tx *chain.Tx) error {
	for {
		_, moved := x.chain.Ledger.Head()
		if _, _, ok, err := x.chain.TxLookup(tx.Hash()); ok || err != nil {
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestRealLedgers(t *testing.T) {
	n := newRealNet(t)
	for _, x := range n.nodes {
		x.start()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	send := func(from, at int) {
		t.Helper()
		tx := n.transfer(from)
		n.submit(tx, at)
		for _, x := range n.nodes {
			if x.up {
				if err := x.settled(ctx, tx); err != nil {
					t.Fatalf("node %d: %v, %+v", x.index, err, x.driver.Status())
				}
			}
		}
	}
	for i := range 40 { // over a session's end
		send(i%8, i%4)
	}
	n.nodes[2].stop()
	for i := range 4 {
		send(i, i%2)
	}
	n.nodes[2].start()
	for i := range 4 {
		send(i, 2)
	}
	for _, x := range n.nodes {
		x.stop()
		x.start()
	}
	for i := range 4 {
		send(i, 3)
	}
	for _, x := range n.nodes {
		if got := x.driver.Evidence(); len(got) > 0 {
			t.Errorf("node %d: evidence %+v", x.index, got)
		}
	}
}

// BenchmarkFinality measures from the submission of a transfer at one node to its commit there: one at a
// time on an idle chain, and at 100 a second.
func BenchmarkFinality(b *testing.B) {
	b.Run("load=idle", func(b *testing.B) {
		n := newRealNet(b)
		for _, x := range n.nodes {
			x.start()
		}
		var took []time.Duration
		i := 0
		for b.Loop() {
			tx := n.transfer(i % len(n.accs))
			start := time.Now()
			n.submit(tx, i%4)
			if err := n.nodes[i%4].settled(b.Context(), tx); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			i++
		}
		report(b, n, took)
	})
	for _, rate := range []int{100, 1000} {
		b.Run(fmt.Sprintf("load=%d", rate), func(b *testing.B) { underLoad(b, rate) })
	}
}

func underLoad(b *testing.B, rate int) {
	n := newRealNet(b)
	for _, x := range n.nodes {
		x.start()
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	var took []time.Duration
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	i := 0
	for b.Loop() {
		<-tick.C
		tx, at := n.transfer(i%len(n.accs)), i%4
		i++
		start := time.Now()
		n.submit(tx, at)
		wait.Go(func() {
			if err := n.nodes[at].settled(b.Context(), tx); err == nil {
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	report(b, n, took)
}

func report(b *testing.B, n *realNet, took []time.Duration) {
	slices.Sort(took)
	at := func(p int) float64 { return took[min(len(took)*p/100, len(took)-1)].Seconds() * 1000 }
	b.ReportMetric(at(50), "p50-ms")
	b.ReportMetric(at(99), "p99-ms")
	s := n.nodes[0].driver.Status()
	b.ReportMetric(float64(s.Nullified), "nullified")
	b.ReportMetric(float64(s.FinalHeight), "blocks")
	b.ReportMetric(0, "ns/op")
}
