package job

import (
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

func take(from, v *uint256.Int) {
	must.Hold(!from.Lt(v), "job: escrow pays more than it holds")
	from.Sub(from, v)
}

func readBatch(d *native.Decoder) (job uint64, batch uint32) { return d.Uint64(), uint32(d.Uint64()) }

// runPoke does what is due at a batch and tips the caller for it from the escrow.
func runPoke(c *native.Call) {
	id, index := readBatch(c.Args)
	if !c.Ready() {
		return
	}
	w, moved, ok := begin(c, id, index)
	if !ok || !c.Require(moved, "jobs: nothing is due at this batch") {
		return
	}
	w.tip()
	w.end()
}

// tip pays for a poke, while the job is live and has tips left.
func (w *work) tip() {
	if !w.useful || !w.j.State.Live() || w.j.TipsLeft == 0 || w.Failed() {
		return
	}
	w.j.TipsLeft--
	take(&w.j.Escrow, &w.j.Tip)
	w.j.Tips.Add(&w.j.Tips, &w.j.Tip)
	w.Pay(w.Caller(), &w.j.Tip)
}

// runRelease gives a batch back, for half of what a missed lease costs, or for nothing when an input
// cannot be had.
func runRelease(c *native.Call) {
	id, index := readBatch(c.Args)
	why := Reason(c.Args.Uint64())
	if !c.Ready() || !c.Require(why > LeaseOver && why < reasonEnd, "jobs: unknown reason") {
		return
	}
	w, _, ok := begin(c, id, index)
	if !ok || !w.holds() {
		return
	}
	fine := w.fine()
	fine.Rsh(fine, 1)
	if why == InputMissing {
		fine.Clear()
	}
	w.missed(c.Caller(), fine, why)
	w.end()
}

// mine requires that the batch is in a state and the caller its worker.
func (w *work) mine(s BatchState) bool {
	return w.Require(w.b.State == s, "jobs: the batch is "+w.b.State.String()+", not "+s.String()) &&
		w.Require(w.b.Worker == w.Caller(), "jobs: this batch was drawn for another worker")
}

// holds requires that the caller has a lease on the batch.
func (w *work) holds() bool {
	if w.b.State == Assigned && w.b.Hedged && w.b.Second.Worker == w.Caller() {
		return true
	}
	return w.mine(Assigned)
}

// runCommit takes the worker's commitment to its outputs.
func runCommit(c *native.Call) {
	id, index := readBatch(c.Args)
	root, count := c.Args.Hash(), c.Args.Uint64()
	if !c.Ready() {
		return
	}
	w, _, ok := begin(c, id, index)
	if !ok || !w.holds() ||
		!c.Require(count == uint64(w.b.Count), "jobs: the batch has another number of items") ||
		!c.Require(!root.IsZero(), "jobs: the root is zero") {
		return
	}
	w.first()
	registry.Unlease(c, w.b.Worker, uint64(w.b.LoadMs))
	w.b.Root, w.b.HedgeMs = root, 0
	w.ask(Committed)
	logCommitted(c, &w.b)
	w.end()
}

// seat finds the caller among those who were asked to audit.
func (w *work) seat() (i uint64, ok bool) {
	for i = range min(uint64(w.b.Auditors), AuditorsMax) {
		if auditorOf(w.Get(auditorKey(w.place(), i))).Address == w.Caller() {
			return i, true
		}
	}
	w.Fail("jobs: you were not drawn to audit this batch")
	return 0, false
}

// runAuditCommit takes an auditor's commitment, before it can see anything of the worker's outputs.
func runAuditCommit(c *native.Call) {
	id, index := readBatch(c.Args)
	attestation := c.Args.Hash()
	if !c.Ready() {
		return
	}
	w, _, ok := begin(c, id, index)
	if !ok || !c.Require(w.b.State == Auditing, "jobs: the batch is "+w.b.State.String()+", not auditing") {
		return
	}
	i, ok := w.seat()
	if !ok || !c.Require(w.b.Sealed>>i&1 == 0, "jobs: you have committed already") {
		return
	}
	c.Set(sealKey(w.place(), i), attestation)
	w.b.Sealed |= 1 << i
	logAuditCommitted(c, &w.b)
	if w.b.Sealed == full(w.b.Auditors) {
		w.sealed()
	}
	w.end()
}

// runOpen shows the outputs behind the worker's root.
func runOpen(c *native.Call) {
	id, index := readBatch(c.Args)
	salt, outputs := c.Args.Hash(), c.Args.BytesList(BatchItemsMax, OutputBytesMax)
	if !c.Ready() {
		return
	}
	w, _, ok := begin(c, id, index)
	if !ok || !w.mine(Opening) ||
		!c.Require(len(outputs) == int(w.b.Count), "jobs: the batch has another number of items") ||
		!w.check(salt, outputs) {
		return
	}
	w.publish(outputs)
	w.b.Opened = true
	logOpened(c, &w.b, salt, outputs)
	w.reveal()
	w.end()
}

// check holds outputs against the root, charged for the hashing.
func (w *work) check(salt chain.Hash, outputs [][]byte) bool {
	var bytes int
	for _, o := range outputs {
		bytes += len(o)
		if _, ok := DecodeOutput(o); !w.Require(ok, "jobs: an output is malformed") {
			return false
		}
	}
	const hashes = 5 // salt, output, leaf, its share of nodes and root
	if !w.Charge(uint64(len(outputs))*(hashes*native.GasHash+16*native.GasHashWord) + uint64(bytes)) {
		return false
	}
	root := Root(w.place(), w.b.Worker, w.b.First, salt, outputs)
	return w.Require(root == w.b.Root, "jobs: salt and outputs do not lead to the committed root")
}

// publish writes outputs for everyone to read, and notes what auditors are compared with.
func (w *work) publish(outputs [][]byte) {
	for i, b := range outputs {
		w.SetBytes(outputKey(w.j.ID, w.b.First+uint32(i)), b)
		o, ok := DecodeOutput(b)
		must.Hold(ok, "jobs: an output that was checked is malformed")
		if o.Fault != NoFault {
			w.b.Faults |= 1 << i
		}
		if !o.Blob.IsZero() {
			nameBlob(w.Call, &w.j, o.Blob)
		}
	}
	hashes := make([]chain.Hash, 0, len(outputs))
	for _, i := range Sampled(w.b.Sample) {
		hashes = append(hashes, OutputHash(outputs[i]))
	}
	w.b.Digest = SampleDigest(hashes)
}

// runAuditReveal shows what an auditor has committed to.
func runAuditReveal(c *native.Call) {
	id, index := readBatch(c.Args)
	salt, hashes := c.Args.Hash(), c.Args.Hashes(BatchItemsMax)
	if !c.Ready() {
		return
	}
	w, _, ok := begin(c, id, index)
	disputed := w.b.State == Disputed && w.b.Paused == Revealing
	if !ok || !c.Require(w.b.State == Revealing || disputed, "jobs: the batch is "+w.b.State.String()+", not revealing") ||
		!c.Require(len(hashes) == bits.OnesCount64(w.b.Sample), "jobs: the sample has another number of items") {
		return
	}
	i, ok := w.seat()
	if !ok || !c.Require(w.b.Sealed>>i&1 == 1, "jobs: you have not committed") ||
		!c.Require(w.b.Revealed>>i&1 == 0, "jobs: you have revealed already") ||
		!c.Charge(2*native.GasHash+native.GasHashWord*(8+2*uint64(len(hashes)))) {
		return
	}
	made := Attestation(w.place(), c.Caller(), salt, hashes)
	if !c.Require(made == c.Get(sealKey(w.place(), i)), "jobs: salt and hashes are not what you committed to") {
		return
	}
	digest := SampleDigest(hashes)
	c.Set(sealKey(w.place(), i), digest)
	w.b.Revealed |= 1 << i
	logAuditRevealed(c, &w.b, !w.b.Opened || digest == w.b.Digest)
	if !disputed {
		w.hasten()
	}
	if !disputed && w.due() {
		w.decide()
	}
	w.end()
}
