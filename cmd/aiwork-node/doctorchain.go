package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/objects"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/p2p"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

const (
	clockOffMax  = 2 * time.Second // deadlines of the protocol are seconds
	headPoll     = 20 * time.Millisecond
	feeReserve   = 1_000_000_000_000_000_000 // base units beside the bond: one token for transactions
	peerWaitMax  = 5 * time.Second
	doctorPeers  = 8 // that are asked
	blockWaitMin = 6 * time.Second
)

func (d *doctor) nodeReached(ctx context.Context) {
	var s nodeStatus
	if err := d.client.Call(ctx, &s, "aiwork_status"); err != nil {
		d.failed("node", "start a node (`aiwork-node start`) or name one with --rpc", "%s does not answer: %v", d.client.URL(), err)
		return
	}
	d.node = &s
	d.ok("node", "%s answers, version %s, %d peers", d.client.URL(), s.Version, s.Peers)
}

func (d *doctor) nodeSynced(context.Context) {
	const name = "node synced"
	switch {
	case d.node == nil:
		d.notRun(name, "the node does not answer")
	case d.node.Syncing:
		d.failed(name, "wait until `aiwork-node status` says that it follows; a worker on a node that lags misses its leases",
			"it is at block %d of %d", d.node.Height, d.node.Highest)
	default:
		d.ok(name, "at block %d", d.node.Height)
	}
}

// chain compares the node's chain with that of the home, if the home has a genesis of its own.
func (d *doctor) chain(ctx context.Context) {
	const name = "chain"
	if d.node == nil {
		d.notRun(name, "the node does not answer")
		return
	}
	g, _, err := d.home.LoadGenesis()
	var id client.Uint64
	if err := d.client.Call(ctx, &id, "eth_chainId"); err != nil || id != d.node.ChainID {
		d.failed(name, "the node is out of order: restart it", "eth_chainId says %d (%v), aiwork_status %d", id, err, d.node.ChainID)
		return
	}
	if errors.Is(d.home.CheckInitialised(), home.ErrNotInitialised) {
		d.ok(name, "%d, genesis %s (this home names no chain to compare with)", d.node.ChainID, d.node.Genesis)
		return
	}
	if err != nil {
		d.failed(name, "put back genesis.json of the network", "%v", err)
		return
	}
	if ours := g.Build(system.Modules()).Hash(); ours != d.node.Genesis || g.Params.ChainID != uint64(d.node.ChainID) {
		d.failed(name, "name a node of the right network with --rpc, or another --home", "the node is of chain %d, genesis %s; this home of %d, %s",
			d.node.ChainID, d.node.Genesis, g.Params.ChainID, ours)
		return
	}
	d.ok(name, "%d, genesis %s, as in this home", d.node.ChainID, d.node.Genesis)
}

// clock measures how far this clock is from the proposers': a block's time is its proposer's, and it is here moments
// later.
func (d *doctor) clock(ctx context.Context) {
	const name = "clock"
	if d.node == nil {
		d.notRun(name, "the node does not answer")
		return
	}
	var params chain.Params
	if err := d.client.Call(ctx, &params, "aiwork_params"); err != nil {
		d.notRun(name, "aiwork_params: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(blockWaitMin, 3*time.Duration(params.HeartbeatMs)*time.Millisecond))
	defer cancel()
	first, tick := d.node.Height, time.NewTicker(headPoll)
	defer tick.Stop()
	for {
		var s nodeStatus
		if err := d.client.Call(ctx, &s, "aiwork_status"); err == nil && s.Height > first {
			off := time.Since(time.UnixMilli(int64(s.TimeMs))).Round(time.Millisecond)
			if off.Abs() > clockOffMax {
				d.failed(name, "set this machine's clock (an NTP client does), and look at the node's machine", "%s after the newest block's time, want at most %s", off, clockOffMax)
				return
			}
			d.ok(name, "%s after the newest block's time", off)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.notRun(name, "no new block came to compare with")
			return
		}
	}
}

func (d *doctor) account(ctx context.Context) {
	const name = "account"
	key, err := d.home.LoadAccount(d.c.String("password-file"))
	if err != nil {
		d.failed(name, "see the reason; `aiwork-node keys new` makes a key", "%v", err)
		d.notRun("bond", "there is no account")
		return
	}
	who := chain.Address(key.Public().Address())
	if d.node == nil {
		d.notRun(name, "%s; the node does not answer", who.Checksum())
		d.notRun("bond", "the node does not answer")
		return
	}
	var balance client.Uint256
	if err := d.client.Call(ctx, &balance, "eth_getBalance", who, "latest"); err != nil {
		d.failed(name, "see the reason", "%s: %v", who.Checksum(), err)
		return
	}
	var w *workerRecord
	if err := d.client.Call(ctx, &w, "aiwork_getWorker", who); err != nil {
		d.failed("bond", "see the reason", "%v", err)
		return
	}
	d.balance(who, &balance.Int, w)
	d.bond(ctx, w)
}

// balance says whether the account can pay for what comes: fees, and the bond unless it is there already.
func (d *doctor) balance(who chain.Address, has *uint256.Int, w *workerRecord) {
	need, err := term.ParseAWO(d.c.String("bond"))
	if err != nil {
		d.failed("account", "give --bond an amount of tokens", "%v", err)
		return
	}
	if w != nil {
		need.Clear()
	}
	need.Add(&need, uint256.NewInt(feeReserve))
	if has.Lt(&need) {
		d.failed("account", "send it tokens, or enrol with a lower --bond", "%s has %s AWO, needs %s for bond and fees", who.Checksum(), term.AWO(has), term.AWO(&need))
		return
	}
	d.ok("account", "%s has %s AWO", who.Checksum(), term.AWO(has))
}

func (d *doctor) bond(ctx context.Context, w *workerRecord) {
	const name = "bond"
	if w == nil {
		d.notRun(name, "not enrolled yet: `aiwork-node worker` does it")
		return
	}
	d.bonded = true
	var params chain.Params
	if err := d.client.Call(ctx, &params, "aiwork_params"); err != nil {
		d.notRun(name, "aiwork_params: %v", err)
		return
	}
	least := new(uint256.Int).Mul(uint256.NewInt(params.Jobs.WorkerBondMin), uint256.NewInt(1e9))
	lost := ""
	if w.Slashes > 0 || w.Missed > 0 {
		lost = fmt.Sprintf(", slashed %d times, %d leases missed", w.Slashes, w.Missed)
	}
	switch {
	case w.State == registry.Leaving.String():
		d.failed(name, "`aiwork-node worker withdraw` ends its leaving; then it can be enrolled anew", "this worker is leaving")
	case w.Bond.Lt(least):
		d.failed(name, "start `aiwork-node worker` with a higher --bond, which adds what is missing", "%s AWO, the network asks for %s%s", term.AWO(&w.Bond.Int), term.AWO(least), lost)
	default:
		d.ok(name, "%s AWO, %s behind unsettled work, %s%s", term.AWO(&w.Bond.Int), term.AWO(&w.Exposure.Int), w.State, lost)
	}
	for _, id := range w.Models {
		if !d.models.Has(id) {
			d.failed("enrolled models", "`aiwork-node model pull "+id.String()+"`, or start the worker again, which enrols it for what is here",
				"it is enrolled for %s, which is not here", id)
		}
	}
}

// ports looks whether the worker's own port can be had. A worker needs no other: it only dials.
func (d *doctor) ports(context.Context) {
	const name = "ports"
	address := d.c.String("metrics")
	if address == "" {
		d.notRun(name, "no --metrics; the worker listens on nothing else")
		return
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		d.failed(name, "stop what has the port (a worker that runs already?) or choose another --metrics", "%v", err)
		return
	}
	_ = ln.Close()
	d.ok(name, "%s is free", address)
}

// peers asks each peer for an object that nobody has: who says so can be fetched from.
func (d *doctor) peers(ctx context.Context) {
	const name = "peers for downloads"
	const todo = "let the node be reached (p2p.listen), or name a peer with --peer"
	n, err := findNetwork(ctx, d.client, d.home, d.c.StringSlice("peer"))
	if err != nil {
		d.notRun(name, "%v", err)
		return
	}
	f, err := n.fetcher(nil, nil)
	if err != nil {
		d.failed(name, todo, "%v", err)
		return
	}
	defer f.Close()
	list := f.Objects().Peers()
	list = list[:min(len(list), doctorPeers)]
	reached, last := 0, error(nil)
	for _, p := range list {
		one, cancel := context.WithTimeout(ctx, peerWaitMax)
		_, err := f.Objects().Size(one, p, objects.ID{0xd0, 0xc7})
		cancel()
		if err == nil || errors.Is(err, p2p.ErrNotFound) || errors.Is(err, p2p.ErrBusy) {
			reached++
		} else {
			last = err
		}
	}
	if reached == 0 {
		text, _, _ := strings.Cut(fmt.Sprint(last), "\n")
		d.failed(name, todo, "none of %d serves objects: %s", len(list), text)
		return
	}
	d.ok(name, "%d of %d", reached, len(list))
}
