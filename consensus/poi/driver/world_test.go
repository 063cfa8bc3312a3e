package driver

// A small world for the tests: four validators with real keys and vote logs over a ledger in memory and a
// network in memory with delays, cuts and kills. Time is that of testing/synctest.

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/crypto/vrf"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/holiman/uint256"
)

// fakeLedger is what of a fakeChain survives a kill.
type fakeLedger struct {
	mu      sync.Mutex
	blocks  []*chain.Block
	seals   []*chain.Seal
	heights map[chain.Hash]int
}

// fakeChain is a ledger whose state root is a hash over the transactions since genesis.
type fakeChain struct {
	*fakeLedger
	world    *world
	executed map[chain.Hash]*chain.Block
	fail     error // of Execute: a local fault
	refuse   bool  // Build takes no transaction and does not say why
	commits  int
}

func newLedger(genesis *chain.Block) *fakeLedger {
	return &fakeLedger{
		blocks: []*chain.Block{genesis}, seals: []*chain.Seal{{}},
		heights: map[chain.Hash]int{genesis.Hash(): 0},
	}
}

func headOf(b *chain.Block) Head { return Head{b.Hash(), b.Header, b.Ext} }

func (c *fakeChain) Head() Head {
	c.mu.Lock()
	defer c.mu.Unlock()
	return headOf(c.blocks[len(c.blocks)-1])
}

func (c *fakeChain) parentOf(h chain.Hash) *chain.Block {
	if last := c.blocks[len(c.blocks)-1]; last.Hash() == h {
		return last
	}
	return c.executed[h]
}

func (c *fakeChain) Execute(_ context.Context, b *chain.Block) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	parent := c.parentOf(b.Header.ParentHash)
	if parent == nil {
		return errors.New("parent not executed")
	}
	if b.Header.Number != parent.Header.Number+1 || b.Header.StateRoot != stateRoot(parent, b.Txs) {
		return fmt.Errorf("%w: state root", ErrBad)
	}
	v := c.world.validators[b.Ext.Proposer]
	seed := c.world.seed(b.Ext.Session)
	alpha := sortition.Alpha(c.world.genesis, b.Ext.Session, b.Ext.View, seed)
	if _, err := vrf.Verify(v.VRFKey, alpha, b.Ext.VRFProof); err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	c.executed[b.Hash()] = b
	return nil
}

func stateRoot(parent *chain.Block, txs []*chain.Tx) chain.Hash {
	h := sha256.New()
	h.Write(parent.Header.StateRoot[:])
	for _, tx := range txs {
		x := tx.Hash()
		h.Write(x[:])
	}
	return chain.Hash(h.Sum(nil))
}

func (c *fakeChain) Build(_ context.Context, d Draft) (*chain.Block, []chain.Hash, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	parent := c.parentOf(d.Parent)
	if parent == nil {
		return nil, nil, errors.New("parent not executed")
	}
	if c.refuse {
		d.Txs = nil
	}
	b := &chain.Block{Txs: d.Txs}
	b.Ext = chain.Extension{
		Version: chain.ExtensionVersion, Session: d.Session, View: d.View, ParentView: d.ParentView,
		Proposer: d.Proposer, TimeMs: d.TimeMs, VRFProof: d.VRFProof,
	}
	b.Header = chain.Header{
		ParentHash: d.Parent, Coinbase: d.Coinbase, StateRoot: stateRoot(parent, d.Txs), TxRoot: chain.TxRoot(d.Txs),
		Number: parent.Header.Number + 1, GasLimit: 30_000_000, Time: d.TimeMs / 1000, Extra: b.Ext.Hash(),
	}
	c.executed[b.Hash()] = b
	return b, nil, nil
}

func (c *fakeChain) Commit(_ context.Context, hash chain.Hash, seal *chain.Seal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.executed[hash]
	if b == nil || b.Header.ParentHash != c.blocks[len(c.blocks)-1].Hash() {
		return errors.New("not an executed child of the head")
	}
	c.heights[hash] = len(c.blocks)
	c.blocks, c.seals = append(c.blocks, b), append(c.seals, seal)
	c.commits++
	return nil
}

func (c *fakeChain) Seed(s chain.Session, _ chain.Hash) ([32]byte, error) {
	return c.world.seed(s), nil
}

func (c *fakeChain) Validators(chain.Session) ([]chain.Validator, error) {
	return c.world.validators, nil
}

func (c *fakeChain) Urgent() (bool, uint64) { return false, 0 }

func (c *fakeChain) HeadAt(h chain.Height) (Head, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int(h) >= len(c.blocks) {
		return Head{}, ErrUnknown
	}
	return headOf(c.blocks[h]), nil
}

func (c *fakeChain) BlockAt(h chain.Height) (*chain.Block, *chain.Seal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int(h) >= len(c.blocks) {
		return nil, nil, ErrUnknown
	}
	return c.blocks[h], c.seals[h], nil
}

func (c *fakeChain) BlockByHash(hash chain.Hash) (*chain.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.heights[hash]
	if !ok {
		return nil, ErrUnknown
	}
	return c.blocks[h], nil
}

// fakePool gives its transactions in the order in which they came; those that the ledger holds are gone.
type fakePool struct {
	mu      sync.Mutex
	ledger  *fakeLedger
	txs     []*chain.Tx
	changed chan struct{}
}

func (p *fakePool) add(tx *chain.Tx) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.txs {
		if x.Hash() == tx.Hash() {
			return
		}
	}
	p.txs = append(p.txs, tx)
	close(p.changed)
	p.changed = make(chan struct{})
}

// gone drops what a committed block holds.
func (p *fakePool) gone(b *chain.Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.txs = slices.DeleteFunc(p.txs, func(tx *chain.Tx) bool {
		return slices.ContainsFunc(b.Txs, func(x *chain.Tx) bool { return x.Hash() == tx.Hash() })
	})
}

func (p *fakePool) Best(uint64, int) []*chain.Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.txs)
}

func (p *fakePool) Get(h chain.Hash) *chain.Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tx := range p.txs {
		if tx.Hash() == h {
			return tx
		}
	}
	return nil
}

func (p *fakePool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *fakePool) Stats() mempool.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return mempool.Stats{Pending: len(p.txs)}
}

// world holds the nodes and the network between them.
type world struct {
	t          *testing.T
	params     chain.Params
	genesis    chain.Hash
	first      *chain.Block
	validators []chain.Validator
	keys       []Keys
	delay      time.Duration
	nodes      []*node

	mu     sync.Mutex
	cut    map[[2]int]bool
	tap    func(from, to int, kind byte, payload []byte) // sees every frame that is delivered
	faults map[string]int
}

// node is one process; run starts it and stop kills it.
type node struct {
	w      *world
	index  int
	keys   *Keys
	ledger *fakeLedger
	dir    string
	pool   *fakePool
	free   uint64 // disk space that it sees
	peers  Peers  // whom it asks; nil: all others
	wrap   func(voteLog) voteLog

	driver *Driver
	chain  *fakeChain
	inbox  chan Message
	cancel context.CancelFunc
	ended  chan error
	up     bool
	sends  int // frames left to send before a kill; negative: no kill
}

func newWorld(t *testing.T, n int) *world {
	w := &world{
		t: t, delay: time.Millisecond, cut: make(map[[2]int]bool), faults: make(map[string]int),
		params: chain.Params{
			ChainID: 7, BlockGasLimit: 30_000_000, HeartbeatMs: 2000, DrawIntervalMs: 20, DeltaFloorMs: 30,
			FutureMs: 500, EpochMs: 3_600_000,
		},
	}
	w.first = &chain.Block{}
	w.first.Ext = chain.Extension{Version: chain.ExtensionVersion, TimeMs: uint64(time.Now().UnixMilli())}
	w.first.Header = chain.Header{Extra: w.first.Ext.Hash(), TxRoot: chain.TxRoot(nil), Time: w.first.Ext.TimeMs / 1000}
	w.genesis = w.first.Hash()
	for i := range n {
		k := Keys{Vote: testKey(t, i, 1), VRF: testKey(t, i, 2)}
		w.keys = append(w.keys, k)
		w.validators = append(w.validators, chain.Validator{
			Name: fmt.Sprintf("v%d", i), Address: chain.Address{19: byte(i + 1)}, VoteKey: k.Vote.Public().XOnly(),
			VRFKey: k.VRF.Public().Compressed(), Stake: *uint256.NewInt(1_000_000_000_000_000_000),
		})
	}
	for i := range n {
		w.addNode(&w.keys[i])
	}
	return w
}

func testKey(t *testing.T, i, j int) secp.PrivateKey {
	k, err := secp.ParsePrivateKey(sha256.Sum256([]byte{byte(i), byte(j)}))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (w *world) seed(s chain.Session) [32]byte {
	return sha256.Sum256(append(w.genesis[:], byte(s), byte(s>>8)))
}

func (w *world) addNode(keys *Keys) *node {
	n := &node{
		w: w, index: len(w.nodes), keys: keys, ledger: newLedger(w.first), free: 1 << 40, sends: -1,
		dir: filepath.Join(w.t.TempDir(), "votes"),
	}
	n.pool = &fakePool{ledger: n.ledger, changed: make(chan struct{})}
	if keys != nil {
		if err := votelog.Create(n.dir, w.genesis, keys.Vote.Public().XOnly()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.nodes = append(w.nodes, n)
	return n
}

// start runs the node as a new process over what it has on disk.
func (n *node) start() {
	n.w.t.Helper()
	if n.peers == nil {
		n.peers = n
	}
	ch := &fakeChain{fakeLedger: n.ledger, world: n.w, executed: make(map[chain.Hash]*chain.Block)}
	inbox := make(chan Message, 4096)
	d, err := New(Options{
		Genesis: n.w.genesis, Params: &n.w.params, Keys: n.keys, LogDir: n.dir,
		Chain: ch, Archive: ch, Pool: n.pool, Net: n, Peers: n.peers,
		DiskFree: func() (uint64, error) { n.w.mu.Lock(); defer n.w.mu.Unlock(); return n.free, nil },
	})
	if err != nil {
		n.w.t.Fatal(err)
	}
	if n.wrap != nil {
		open := d.openVotes
		d.openVotes = func() (voteLog, votelog.Replay, error) {
			l, r, err := open()
			return n.wrap(l), r, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.w.mu.Lock()
	n.driver, n.chain, n.inbox, n.cancel, n.up, n.sends = d, ch, inbox, cancel, true, -1
	n.ended = make(chan error, 1)
	n.w.mu.Unlock()
	go func() { n.ended <- d.Run(ctx) }()
}

// stop kills the node. What it has on disk stays.
func (n *node) stop() error {
	n.w.mu.Lock()
	n.up = false
	n.w.mu.Unlock()
	n.cancel()
	return <-n.ended
}

func (n *node) setFree(free uint64) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.free = free
}

func (w *world) startAll() {
	for _, n := range w.nodes {
		n.start()
	}
}

func (w *world) stopAll() {
	for _, n := range w.nodes {
		if n.up {
			if err := n.stop(); err != nil {
				w.t.Errorf("node %d: %v", n.index, err)
			}
		}
	}
}

func (n *node) height() chain.Height { return chain.Height(n.count() - 1) }

func (n *node) count() int {
	n.ledger.mu.Lock()
	defer n.ledger.mu.Unlock()
	return len(n.ledger.blocks)
}

// reach waits until all running nodes have the height, for at most a virtual time.
func (w *world) reach(h chain.Height, within time.Duration) {
	w.t.Helper()
	w.until(fmt.Sprintf("height %d", h), within, func() bool {
		return !slices.ContainsFunc(w.nodes, func(n *node) bool { return n.up && n.height() < h })
	})
}

func (w *world) until(what string, within time.Duration, ok func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			for _, n := range w.nodes {
				if n.driver == nil {
					continue
				}
				w.t.Logf("node %d: up %v, height %d, %+v", n.index, n.up, n.height(), n.driver.Status())
			}
			w.t.Fatalf("%s not reached within %v", what, within)
		}
	}
}

// agree checks that all ledgers are prefixes of one.
func (w *world) agree() {
	w.t.Helper()
	for h := 0; ; h++ {
		var want *chain.Block
		for _, n := range w.nodes {
			if h >= n.count() {
				continue
			}
			n.ledger.mu.Lock()
			b := n.ledger.blocks[h]
			n.ledger.mu.Unlock()
			if want == nil {
				want = b
			}
			if b.Hash() != want.Hash() {
				w.t.Fatalf("height %d: node %d has %v, another %v", h, n.index, b.Hash(), want.Hash())
			}
		}
		if want == nil {
			return
		}
	}
}

// The network. Frames arrive after the delay, in order, unless the link is cut then.

func (w *world) send(from, to int, kind byte, payload []byte) bool {
	w.mu.Lock()
	src, dst := w.nodes[from], w.nodes[to]
	if src.sends == 0 {
		src.up = false
		go src.cancel()
	}
	if src.sends >= 0 {
		src.sends--
	}
	ok := src.up && dst.up && !w.cut[[2]int{from, to}]
	inbox := dst.inbox
	w.mu.Unlock()
	if !ok {
		return false
	}
	time.AfterFunc(w.delay, func() {
		w.mu.Lock()
		ok := w.nodes[to].up && !w.cut[[2]int{from, to}]
		tap := w.tap
		w.mu.Unlock()
		if !ok {
			return
		}
		if tap != nil {
			tap(from, to, kind, payload)
		}
		select {
		case inbox <- Message{From: fmt.Sprint(from), Kind: kind, Payload: payload}:
		default:
		}
	})
	return true
}

func (w *world) partition(groups ...[]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	side := make(map[int]int)
	for g, members := range groups {
		for _, i := range members {
			side[i] = g
		}
	}
	clear(w.cut)
	for i := range w.nodes {
		for j := range w.nodes {
			if side[i] != side[j] {
				w.cut[[2]int{i, j}] = true
			}
		}
	}
}

func (n *node) Inbox() <-chan Message { return n.inbox }

func (n *node) Broadcast(kind byte, payload []byte) {
	for i, to := range n.w.nodes {
		if i != n.index && to.keys != nil {
			n.w.send(n.index, i, kind, payload)
		}
	}
}

func (n *node) Announce(kind byte, payload []byte) {
	for i, to := range n.w.nodes {
		if i != n.index && to.keys == nil {
			n.w.send(n.index, i, kind, payload)
		}
	}
	b, _, _ := n.chain.BlockAt(n.height())
	n.pool.gone(b)
}

func (n *node) SendTo(v int, kind byte, payload []byte) bool {
	return v < len(n.w.nodes) && v != n.index && n.w.send(n.index, v, kind, payload)
}

func (n *node) SendPeer(id string, kind byte, payload []byte) bool {
	var i int
	fmt.Sscan(id, &i)
	return n.w.send(n.index, i, kind, payload)
}

func (n *node) ForwardTxs(v int, txs [][]byte) bool {
	n.w.mu.Lock()
	ok := n.w.nodes[v].up && !n.w.cut[[2]int{n.index, v}]
	n.w.mu.Unlock()
	for _, enc := range txs {
		if tx, err := chain.DecodeTx(enc); err == nil && ok {
			n.w.nodes[v].pool.add(tx)
		}
	}
	return ok
}

func (n *node) Punish(id string, f Fault) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.faults[fmt.Sprintf("%s: %v", id, f)]++
}

// reachable lists the nodes that can be asked, the wanted one first.
func (n *node) reachable(first int) (out []*node) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	for i := range n.w.nodes {
		x := n.w.nodes[(max(first, 0)+i)%len(n.w.nodes)]
		if x != n && x.up && !n.w.cut[[2]int{n.index, x.index}] {
			out = append(out, x)
		}
	}
	return out
}

func (n *node) Block(ctx context.Context, validator int, hash chain.Hash) ([]byte, string, error) {
	for _, x := range n.reachable(validator) {
		if enc, err := x.driver.Source().Block(ctx, hash); err == nil {
			return enc, fmt.Sprint(x.index), nil
		}
	}
	return nil, "", ErrUnknown
}

func (n *node) Blocks(ctx context.Context, peer string, from chain.Height, count int) ([][]byte, string, error) {
	first := 0
	fmt.Sscan(peer, &first)
	for _, x := range n.reachable(first) {
		if items, err := x.driver.Source().Blocks(ctx, from, count, 4<<20); err == nil {
			return items, fmt.Sprint(x.index), nil
		}
	}
	return nil, "", ErrUnknown
}

func (n *node) Height() (h chain.Height) {
	for _, x := range n.reachable(0) {
		h = max(h, x.height())
	}
	return h
}

// transfer makes a signed transaction.
func (w *world) transfer(nonce uint64) *chain.Tx {
	w.t.Helper()
	tx := &chain.Tx{
		Type: 2, ChainID: 7, Nonce: nonce, Gas: 21000, To: &chain.Address{1},
		GasFeeCap: *uint256.NewInt(1e9), GasTipCap: *uint256.NewInt(1),
	}
	signed, err := chain.SignTx(tx, testKey(w.t, 99, 1), 7)
	if err != nil {
		w.t.Fatal(err)
	}
	return signed
}
