package sim

import (
	"container/heap"
	"fmt"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

// world is one run. Time is in milliseconds from its start.
type world struct {
	cfg     Config
	p       profile
	dice    *dice.Dice
	genesis chain.Hash
	set     *poi.Set
	keys    [][32]byte
	signers []poi.Crypto // by validator

	now    uint64
	queue  queue
	seq    uint64
	events uint64

	actors []actor
	nodes  []*node // the actors that are machines; honest ones first by index
	cuts   []bool  // directed links between actors
	bodies map[chain.Hash]*body
	chain  []sealed // by height: what the first honest ledger finalised
	waits  uint64   // ms from the making of each of these blocks to its first commit, summed
	check  checker
	err    error
}

// actor is a process on the network.
type actor interface {
	validator() int
	up() bool
	holds(h chain.Hash) bool
	// deliver hands a message over; body says that the proposed block came with it.
	deliver(from int, msg poi.Message, body bool)
}

// body is a block's content: all that matters of it is whether it is valid.
type body struct {
	ref  poi.BlockRef
	bad  bool
	made uint64 // ms
}

// sealed is a block in a ledger.
type sealed struct {
	ref  poi.BlockRef
	cert *chain.Certificate
}

// happening is what the queue holds.
type happening struct {
	at   uint64
	tie  uint64 // chance orders what happens in one millisecond
	seq  uint64
	kind happeningKind
	to   int // actor
	from int
	life int // of the node: what was under way for an earlier life is lost
	msg  poi.Message
	body bool
	in   poi.Input
	hash chain.Hash
}

type happeningKind uint8

const (
	happenMessage happeningKind = iota
	happenInput
	happenTimer
	happenFetch // hash is served by actor from to actor to
	happenSync
	happenRestart
	happenCrash
	happenCuts
	happenWork
	happenLate // an evil's delayed message
)

type queue []*happening

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.at != b.at {
		return a.at < b.at
	}
	if a.tie != b.tie {
		return a.tie < b.tie
	}
	return a.seq < b.seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*happening)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return x
}

// after queues h to happen in delay milliseconds.
func (w *world) after(delay uint64, h happening) {
	h.at, h.seq = w.now+delay, w.seq
	h.tie = w.dice.Below(16)
	w.seq++
	heap.Push(&w.queue, &h)
}

// fail records the first broken invariant.
func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %d ms: %s", w.now, fmt.Sprintf(format, args...))
	}
}

func (w *world) calm() bool { return w.now >= w.p.calm }

// send puts a message on the link, where it may be lost, late or doubled.
func (w *world) send(from, to int, msg poi.Message, body bool) {
	if from == to {
		return
	}
	if !w.calm() && (w.cuts[from*len(w.actors)+to] || chance(w.dice, w.p.drop)) {
		return
	}
	copies := 1
	if !w.calm() && chance(w.dice, w.p.duplicate) {
		copies = 2
	}
	for range copies {
		w.after(w.delay(from, to), happening{kind: happenMessage, from: from, to: to, msg: msg, body: body})
	}
}

func (w *world) delay(from, to int) uint64 {
	d := w.p.delayBase[w.actors[from].validator()*w.p.nodes+w.actors[to].validator()] + w.dice.Below(w.p.jitter+1)
	if !w.calm() && w.p.late > 0 && chance(w.dice, 300) {
		d += w.dice.Below(w.p.late + 1)
	}
	return d
}

// step lets the next thing happen.
func (w *world) step() {
	h := heap.Pop(&w.queue).(*happening)
	w.now = max(w.now, h.at)
	w.events++
	switch h.kind {
	case happenMessage:
		if a := w.actors[h.to]; a.up() {
			a.deliver(h.from, h.msg, h.body)
		}
	case happenCuts:
		w.drawCuts()
	case happenLate:
		w.send(h.from, h.to, h.msg, h.body)
	case happenFetch:
		w.serve(h)
	default:
		w.actors[h.to].(*node).happen(h)
	}
}

// serve answers a request for a body.
func (w *world) serve(h *happening) {
	n := w.actors[h.to].(*node)
	if n.life != h.life {
		return
	}
	cut := !w.calm() && (w.cuts[h.from*len(w.actors)+h.to] || chance(w.dice, w.p.drop))
	if from := w.actors[h.from]; from.up() && from.holds(h.hash) && !cut {
		n.held[h.hash] = true
		w.after(w.delay(h.from, h.to), happening{kind: happenInput, to: h.to, life: h.life, in: poi.Available{Block: w.bodies[h.hash].ref}})
		return
	}
	w.after(1, happening{kind: happenInput, to: h.to, life: h.life, in: poi.FetchFailed{Hash: h.hash}})
}

// drawCuts cuts other links than before, each direction by itself, or parts the network in two.
func (w *world) drawCuts() {
	if w.calm() {
		return
	}
	n := len(w.actors)
	split := chance(w.dice, 300)
	side := make([]bool, n)
	for i := range side {
		side[i] = chance(w.dice, 500)
	}
	for i := range w.cuts {
		w.cuts[i] = chance(w.dice, w.p.cut)
		if split {
			w.cuts[i] = side[i/n] != side[i%n]
		}
	}
	w.after(w.p.cutEvery, happening{kind: happenCuts})
}

// actorsOf lists the actors of a validator: two for twins.
func (w *world) actorsOf(validator int) []int {
	var out []int
	for i, a := range w.actors {
		if a.validator() == validator {
			out = append(out, i)
		}
	}
	return out
}

// opening is the session start that follows from a ledger of which boundary is the last block of the
// session before s.
func (w *world) opening(s chain.Session) poi.SessionStart {
	b := w.chain[s.FirstHeight()-1]
	return poi.SessionStart{
		Session: s, Set: w.set, Seed: w.seed(s), Boundary: b.ref, BoundaryCert: b.cert, NewEpoch: s%2 == 1,
	}
}

// seed follows from the finalised chain, as in the product.
func (w *world) seed(s chain.Session) [32]byte {
	if s <= firstSession {
		return sortition.FirstSeed(w.genesis)
	}
	var betas [][32]byte
	for h := (s - 1).FirstHeight(); h <= (s - 1).LastHeight(); h++ {
		betas = append(betas, w.chain[h].ref.Beta)
	}
	return sortition.NextSeed(w.seed(s-1), s, betas)
}
