package dispute

import (
	"crypto/sha256"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// due ends a dispute whose time is over (DISPUTE-4), and reports whether it did.
func (d *Dispute) due(c *native.Call) bool {
	if d.Phase == Missing || d.Phase == Ended || c.Now() < d.DeadlineMs || c.Failed() {
		return false
	}
	switch {
	case d.Phase == Answering || d.Shown == 1<<Challenger:
		d.end(c, Wrong)
	default:
		d.end(c, Stands)
	}
	return true
}

// end gives the verdict and the bond (DISPUTE-6).
func (d *Dispute) end(c *native.Call, v Verdict) {
	d.Phase, d.Verdict, d.DeadlineMs = Ended, v, 0
	bond := d.Bond
	d.Bond.Clear()
	switch v {
	case Stands:
		half := new(uint256.Int).Rsh(&bond, 1)
		c.Pay(d.Parties[Defender], half)
		c.Burn(bond.Sub(&bond, half))
	case Both:
		c.Burn(&bond)
	default:
		c.Pay(d.Parties[Challenger], &bond)
	}
	open := c.Uint64(openKey(d.Parties[Defender]))
	if c.Failed() {
		return
	}
	must.Hold(open > 0, "dispute: more disputes end than were opened")
	c.SetUint64(openKey(d.Parties[Defender]), open-1)
	logEnded(c, d)
}

// enter begins a phase, or a round of it.
func (d *Dispute) enter(c *native.Call, p Phase) {
	times := &c.Block().Params.Jobs
	lasts := times.DisputeAnswerMs
	switch p {
	case Answering:
		lasts = times.DisputeFirstMs
	case Judging, Feeding:
		lasts = times.DisputeFeedMs
	}
	d.Phase, d.Shown, d.DeadlineMs = p, 0, c.Now()+lasts
}

// work is one call's hold on a dispute.
type work struct {
	*native.Call
	Dispute
	raw  []byte
	side Side
}

// begin reads a dispute that must be in one of some phases and in time.
func begin(c *native.Call, id uint64, phases ...Phase) (w *work, ok bool) {
	w = &work{Call: c}
	w.Dispute, w.raw = loadDispute(c, id)
	return w, c.Require(w.Phase != Missing, "disputes: no such dispute") &&
		c.Require(slices.Contains(phases, w.Phase), "disputes: the dispute is "+w.Phase.String()+", not "+phases[0].String()) &&
		c.Require(c.Now() < w.DeadlineMs, "disputes: the time is over: poke")
}

// party requires that the caller is one, and has not answered in this round.
func (w *work) party() bool {
	if !w.Require(w.Caller() == w.Parties[0] || w.Caller() == w.Parties[1], "disputes: you are no party") {
		return false
	}
	if w.Caller() == w.Parties[1] {
		w.side = Challenger
	}
	return w.Require(w.Shown>>w.side&1 == 0, "disputes: you have answered already")
}

func (w *work) finish() {
	if !w.Failed() {
		w.SetRecord(recordKey(w.ID), w.raw, w.Encode())
	}
}

func runPoke(c *native.Call) {
	id := c.Args.Uint64()
	if !c.Ready() {
		return
	}
	d, raw := loadDispute(c, id)
	if c.Require(d.Phase != Missing, "disputes: no such dispute") && c.Require(d.due(c), "disputes: nothing is due") {
		c.SetRecord(recordKey(id), raw, d.Encode())
	}
}

// runAnswer takes the defender's claim.
func runAnswer(c *native.Call) {
	id := c.Args.Uint64()
	k := ReadClaim(c.Args)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Answering)
	if !ok || !w.party() || !c.Require(w.side == Defender, "disputes: the defender is to answer") || !w.takeClaim(c, Defender, nil, &k) {
		return
	}
	logAnswered(c, &w.Dispute)
	if w.Receipts[0] == w.Receipts[1] { // of one trace: an answer that does not follow from it is between the networks
		must.Hold(w.Kind != Network, "dispute: two results of one receipt")
		w.end(c, Undecided)
	} else {
		w.walk(Entries, w.entries(), w.Receipts)
	}
	w.finish()
}

// walk begins at the roots of two trees of equal shape.
func (w *work) walk(p Phase, count uint64, roots [2]chain.Hash) {
	w.Count, w.Nodes, w.Index = count, roots, 0
	w.Level, w.AtRoot = uint8(merkle.Depth(count)), true
	w.enter(w.Call, p)
}

// tag is that of the tree that is walked.
func (d *Dispute) tag() string {
	switch {
	case d.Phase == Tiles:
		return tensorTag
	case d.inTrace():
		return traceTag
	}
	return receiptTag
}

// runSplit takes the children of a party's node (DISPUTE-2).
func runSplit(c *native.Call) {
	id := c.Args.Uint64()
	left, right := c.Args.Hash(), c.Args.Hash()
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Entries, Tiles)
	if !ok || !w.party() || !c.Charge(3*(native.GasHash+4*native.GasHashWord)) {
		return
	}
	node := chain.Hash(merkle.Node(w.tag(), left, right))
	if w.AtRoot {
		node = merkle.Top(w.tag(), w.Count, node)
	}
	if !c.Require(node == w.Nodes[w.side], "disputes: these are not the children of your node") {
		return
	}
	w.Kids[2*w.side], w.Kids[2*w.side+1] = left, right
	w.Shown |= 1 << w.side
	if w.Shown == 3 {
		w.descend()
	}
	w.finish()
}

// descend goes down to the first child in which both differ, and through nodes that have only one.
func (w *work) descend() {
	w.Rounds++
	which := 0
	if w.Kids[0] == w.Kids[2] {
		which = 1
	}
	w.Nodes = [2]chain.Hash{w.Kids[which], w.Kids[2+which]}
	must.Hold(w.Nodes[0] != w.Nodes[1], "dispute: equal children of different nodes")
	w.Level, w.Index, w.AtRoot = w.Level-1, 2*w.Index+uint64(which), false
	for w.Level > 0 && 2*w.Index+1 >= merkle.Width(w.Count, int(w.Level)-1) {
		w.Level, w.Index = w.Level-1, 2*w.Index
	}
	logNarrowed(w.Call, &w.Dispute)
	switch {
	case w.Level > 0:
		w.enter(w.Call, w.Phase)
	case w.Phase == Tiles:
		w.enter(w.Call, Feeding)
	case w.Index == 0 && !w.Scope.IsZero() && !w.answer():
		leaf := chain.Hash(merkle.Leaf(receiptTag, emptyEntry()))
		w.blame([2]bool{w.Nodes[0] != leaf, w.Nodes[1] != leaf})
	case w.Index == 0 && !w.inTrace():
		w.end(w.Call, Undecided) // the inputs differ: what they are is not decided here
	default:
		w.Entry = w.Index
		w.enter(w.Call, Showing)
	}
}

// runShow takes the entry behind a party's leaf.
func runShow(c *native.Call) {
	id := c.Args.Uint64()
	entry := c.Args.Bytes(EntryBytesMax)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Showing)
	if !ok || !w.party() || !chargeHashes(c, len(entry), 2) {
		return
	}
	if !c.Require(w.wellFormed(entry), "disputes: the entry is malformed") ||
		!c.Require(merkle.Leaf(w.tag(), entry) == w.Nodes[w.side], "disputes: this is not your entry") {
		return
	}
	w.Shown |= 1 << w.side
	if w.Shown == 3 {
		w.Rounds++
		w.enter(c, Judging)
	}
	logShown(c, &w.Dispute, w.side, entry)
	w.finish()
}

// wellFormed says whether bytes are an entry of a receipt, or a step of a trace or none.
func (d *Dispute) wellFormed(entry []byte) bool {
	var err error
	switch {
	case !d.inTrace():
		_, err = DecodeEntry(entry)
	case len(entry) > 0:
		_, err = DecodeStep(entry)
	}
	return err == nil
}

// runJudge understands the operator that made what differs, and decides what follows from it without a tile.
func runJudge(c *native.Call) {
	id := c.Args.Uint64()
	j := readJudgement(c.Args)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Judging)
	if !ok {
		return
	}
	if !c.Require(!w.inTrace(), "disputes: this is about a step: stage") {
		return
	}
	if b, ok := w.operator(&j); ok {
		w.judge(&j, &b)
	}
	w.finish()
}

// runStep goes on with the tile, and ends the dispute with it.
func runStep(c *native.Call) {
	id := c.Args.Uint64()
	f := readFeed(c.Args)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Feeding)
	if !ok || !chargeHashes(c, len(f.Case)+len(f.State), 4) || !c.Charge(gasStep) ||
		!c.Require(sha256.Sum256(f.Case) == w.Case, "disputes: this is not the case") {
		return
	}
	if w.step(&f) {
		w.finish()
	}
}
