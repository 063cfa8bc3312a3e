package sim

import (
	"fmt"
	"strings"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

// firstSession is the session in which runs begin, near its end, so that each passes a boundary.
const firstSession chain.Session = 2

// Limits of a run.
const (
	calmMsMax = 400_000   // progress must have come by then, after the calm
	eventsMax = 5_000_000 // a run that takes more is broken
)

// Result is what a run shows.
type Result struct {
	Seed          uint64
	Nodes         int
	Views         uint64 // entered by the machine that went furthest
	Events        uint64
	Heights       uint64 // finalised
	Nullified     uint64
	Crashes       uint64
	Evidences     uint64
	Equivocations uint64 // seen by an honest machine in time, each reported
	HonestViews   uint64 // after the calm, led by honest validators
	HonestBlocks  uint64 // of these, finalised
	SimulatedMs   uint64
	FinalityMs    uint64 // from the making of a block to the first commit, summed over heights
}

// Run plays one seed. The error names the rule of the package comment that was broken, and the command
// that plays the seed again.
func Run(c Config) (r Result, err error) {
	if c.Nodes != 0 && (c.Nodes < 4 || c.Nodes > NodesMax) {
		return Result{Seed: c.Seed}, fmt.Errorf("simulation: want 4 to %d nodes, got %d", NodesMax, c.Nodes)
	}
	w := newWorld(c)
	defer func() {
		if p := recover(); p != nil {
			err = w.blame(fmt.Errorf("SIM-11: panic at %d ms: %v", w.now, p))
		}
	}()
	w.run()
	if w.err != nil {
		return w.result(), w.blame(w.err)
	}
	return w.result(), nil
}

// blame adds the command that replays the run.
func (w *world) blame(err error) error {
	flags := ""
	if w.cfg.RealSignatures {
		flags = " --real-signatures"
	}
	return fmt.Errorf("seed %d: %w\nreplay: aiwork-node sim consensus --from %d --seeds 1 --nodes %d%s",
		w.cfg.Seed, err, w.cfg.Seed, w.cfg.Nodes, flags)
}

func newWorld(c Config) *world {
	d := dice.New(seedOf(c.Seed))
	w := &world{cfg: c, dice: d, p: newProfile(c, d), bodies: map[chain.Hash]*body{}}
	w.genesis = d.Hash()
	w.check = checker{w: w, votes: map[votePlace]chain.Vote{}, certs: map[certPlace]*chain.Certificate{}}
	w.makeKeys()
	w.makeSet()
	w.makeChain()
	w.makeActors()
	w.makeFaults()
	return w
}

func (w *world) makeSet() {
	members := make([]poi.Member, w.p.nodes)
	for i := range members {
		members[i] = poi.Member{Key: w.keys[i], Weight: w.p.weights[i], LeaderWeight: w.p.weights[i]}
	}
	set, err := poi.NewSet(members)
	if err != nil {
		w.fail("%v", err)
	}
	w.set = set
}

// makeChain makes up the blocks below the start, which all ledgers hold.
func (w *world) makeChain() {
	boundary := firstSession.FirstHeight() - 1
	w.chain = make([]sealed, boundary+1)
	ref := w.newBlock(poi.BlockRef{Height: boundary, Session: firstSession - 1, View: 40, TimeMs: epochMs - 100_000}, false)
	w.chain[boundary] = sealed{ref: ref}
	for i := uint64(1); i <= w.p.offset; i++ {
		pv := ref.View
		if i == 1 {
			pv = 0
		}
		ref = w.newBlock(poi.BlockRef{
			Parent: ref.Hash, Height: ref.Height + 1, Session: firstSession, View: chain.View(i), ParentView: pv,
			TimeMs: ref.TimeMs + 1000,
		}, false)
		w.chain = append(w.chain, sealed{ref: ref})
	}
}

func (w *world) makeActors() {
	start := chain.Height(len(w.chain) - 1)
	add := func(i int) {
		n := &node{w: w, id: len(w.actors), index: i, honest: w.p.roles[i] == roleHonest, ledger: start}
		n.skew = int64(w.dice.Below(2*w.p.skew+1)) - int64(w.p.skew)
		n.drift = int64(w.dice.Below(2*w.p.drift+1)) - int64(w.p.drift)
		w.actors, w.nodes = append(w.actors, n), append(w.nodes, n)
	}
	for i, role := range w.p.roles {
		switch role {
		case roleHonest:
			add(i)
		case roleTwin:
			add(i)
			add(i)
		case roleEvil:
			w.actors = append(w.actors, &evil{w: w, id: len(w.actors), index: i, made: map[chain.Hash]bool{}, done: map[act]int{}})
		}
	}
	w.cuts = make([]bool, len(w.actors)*len(w.actors))
}

// makeFaults queues what strikes at set times.
func (w *world) makeFaults() {
	if w.p.cutEvery > 0 {
		w.after(0, happening{kind: happenCuts})
	}
	for _, n := range w.nodes {
		if w.p.crashes > 0 {
			for range w.dice.Below(uint64(w.p.crashes) + 1) {
				w.after(w.dice.Below(w.p.calm), happening{kind: happenCrash, to: n.id})
			}
		}
		if w.p.workMode == 2 {
			for at := uint64(0); at < w.p.calm; at += draw(w.dice, 100, 1000) {
				w.after(at, happening{kind: happenWork, to: n.id})
			}
			for at := w.p.calm / 700 * 700; at < w.p.calm+30_000; at += 700 {
				w.after(at+w.dice.Below(60), happening{kind: happenWork, to: n.id})
			}
		}
	}
}

// run lets the world go on until the goal is reached, time is over or a check fails.
func (w *world) run() {
	for _, n := range w.nodes {
		n.boot()
	}
	var goal, counted chain.Height
	var settled uint64
	for w.err == nil {
		if w.queue.Len() == 0 {
			w.fail("nothing is left to happen")
			return
		}
		w.step()
		if !w.calm() {
			continue
		}
		if settled == 0 {
			settled = w.now + 4*w.slowestDelta()
		}
		if goal == 0 && w.now >= settled {
			goal = max(w.top()+chain.Height(w.p.extra), firstSession.LastHeight()+3)
			counted = w.top() + 2 // the next may follow views lost before
		}
		if w.now > w.p.calm+calmMsMax || w.events > eventsMax {
			w.stuck(goal)
			return
		}
		if w.events%16 == 0 && goal > 0 && w.bottom() >= goal {
			break
		}
	}
	if w.err == nil {
		w.finish(counted)
	}
}

// finish makes the checks that need the whole run.
func (w *world) finish(counted chain.Height) {
	for _, n := range w.nodes {
		if n.honest && n.alive {
			n.witness.settle(n)
		}
	}
	views, blocks := w.share(counted)
	if blocks+2 < views*95/100 {
		w.fail("SIM-10: %d views after the calm were led by honest validators, and %d brought a block", views, blocks)
	}
}

// top and bottom are the heights of the honest ledgers that are furthest and least far.
func (w *world) top() (h chain.Height) { return chain.Height(len(w.chain) - 1) }

func (w *world) bottom() chain.Height {
	h := ^chain.Height(0)
	for _, n := range w.nodes {
		if n.honest {
			h = min(h, n.ledger)
		}
	}
	return h
}

// slowestDelta is the greatest Delta that an honest machine has come to.
func (w *world) slowestDelta() uint64 {
	d := w.p.delta
	for _, n := range w.nodes {
		if n.honest && n.alive {
			d = max(d, n.m.Standing().Delta)
		}
	}
	return uint64(d)
}

func (w *world) stuck(goal chain.Height) {
	var text strings.Builder
	for _, n := range w.nodes {
		if n.honest {
			text.WriteString(fmt.Sprintf("\n  node %d of weight %d: height %d, up %v: %+v", n.index, w.p.weights[n.index], n.ledger, n.alive, n.m.Standing()))
		}
	}
	w.fail("SIM-9: no progress to height %d after the calm at %d ms%s", goal, w.p.calm, text.String())
}

// share counts, above height from, the views led by honest validators, and how many of them brought a
// block. Views after a session's last block was notarized bring none and are left out.
func (w *world) share(from chain.Height) (views, blocks uint64) {
	for h := from + 1; int(h) < len(w.chain); h++ {
		ref := w.chain[h].ref
		first := w.chain[h-1].ref.View + 1
		if chain.SessionOf(h) != chain.SessionOf(h-1) {
			first = 1
		}
		for v := first; v <= ref.View; v++ {
			if i := w.set.Leader(w.genesis, ref.Session, v, w.seed(ref.Session)); w.p.roles[i] == roleHonest && !w.p.lost[i] {
				views++
				if v == ref.View {
					blocks++
				}
			}
		}
	}
	return views, blocks
}

func (w *world) result() Result {
	r := Result{
		Seed: w.cfg.Seed, Nodes: w.p.nodes, Events: w.events, SimulatedMs: w.now, FinalityMs: w.waits,
		Heights:   uint64(len(w.chain)) - uint64(firstSession.FirstHeight()) - w.p.offset,
		Evidences: uint64(w.check.evidences), Equivocations: uint64(w.check.equivocations),
	}
	for _, n := range w.nodes {
		if n.m == nil {
			continue
		}
		s := n.m.Standing()
		r.Views, r.Nullified = max(r.Views, s.Views), max(r.Nullified, s.Nullified)
		r.Crashes += uint64(n.life - 1)
	}
	r.HonestViews, r.HonestBlocks = w.share(w.chain[len(w.chain)-1].ref.Height - chain.Height(min(w.p.extra-2, uint64(len(w.chain)-1))))
	return r
}
