package dispute

import (
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A Feed is what Step is called with: the case, the state that the step before has left (empty at first), and the
// tiles that tile.Work.Needs names, in its order. Sizes says how many hashes of Proof belong to each input.
type Feed struct {
	Case, State []byte
	Tiles       [][]byte
	Sizes       []uint64
	Proof       []chain.Hash
}

func readFeed(d *native.Decoder) (f Feed) {
	f.Case, f.State = d.Bytes(caseMax), d.Bytes(stateMax)
	f.Tiles = d.BytesList(tilesMax, tileMax)
	f.Sizes = d.Uint64s(net.OperandsMax)
	f.Proof = d.Hashes(proofMax)
	return f
}

// step does one step of the tile. It reports whether the call has not failed.
func (w *work) step(f *Feed) bool {
	k, err := DecodeCase(f.Case)
	if !w.Require(err == nil, "disputes: this is not the case") {
		return false
	}
	plan, err := k.Plan()
	if !w.Require(err == nil && w.Index < uint64(plan.Tiles()), "disputes: this is not the case") {
		return false
	}
	job := plan.Tile(int(w.Index))
	state, ok := w.resume(job, f.State)
	if !ok {
		return false
	}
	ask := job.Needs(state)
	if !w.Charge(gasWork*uint64(ask.Work)) || !chargeHashes(w.Call, sizeOf(f.Tiles), 2*len(f.Tiles)+len(f.Proof)) {
		return false
	}
	given, ok := w.check(&k, f, ask.Runs)
	if !ok || !w.Require(job.Step(&state, ask, given) == nil, "disputes: an operand is missing") {
		return false
	}
	w.Steps++
	if job.Done(state) {
		w.decide(state.Out)
		return !w.Failed()
	}
	w.State = sha256.Sum256(state.Encode())
	w.enter(w.Call, Feeding)
	logStepped(w.Call, &w.Dispute, state.Pos)
	return !w.Failed()
}

// resume takes up the state that was left.
func (w *work) resume(job *tile.Work, b []byte) (s tile.State, ok bool) {
	if w.State.IsZero() {
		return job.Begin(), w.Require(len(b) == 0, "disputes: no step was made yet")
	}
	if !w.Require(sha256.Sum256(b) == w.State, "disputes: this is not the state that the last step has left") {
		return s, false
	}
	s, err := job.DecodeState(b)
	return s, w.Require(err == nil, "disputes: this is not the state that the last step has left")
}

// check proves tiles to belong to the operands, and gives their elements.
func (w *work) check(k *Case, f *Feed, runs []tile.Run) (*tile.Served, bool) {
	tiles, proof, sizes := f.Tiles, f.Proof, f.Sizes
	for left := runs; len(left) > 0; {
		port := left[0].Port
		var places []uint64
		for ; len(left) > 0 && left[0].Port == port; left = left[1:] {
			for i := range left[0].Count {
				places = append(places, uint64(left[0].First+i))
			}
		}
		if !w.Require(len(tiles) >= len(places) && len(sizes) > 0 && sizes[0] <= uint64(len(proof)), "disputes: another number of tiles or proofs") {
			return nil, false
		}
		g, own := &k.Operands[port], proofOf(proof[:sizes[0]])
		count := (net.Count(g.Shape) + net.TileLen - 1) / net.TileLen
		if !w.Require(merkle.VerifyMany(tensorTag, g.Root, tiles[:len(places)], places, count, own) == nil, "disputes: tiles that are not the operand's") {
			return nil, false
		}
		tiles, proof, sizes = tiles[len(places):], proof[sizes[0]:], sizes[1:]
	}
	if !w.Require(len(tiles) == 0 && len(proof) == 0 && len(sizes) == 0, "disputes: more tiles or proofs than are needed") {
		return nil, false
	}
	return tile.NewServed(k.kinds(), runs, f.Tiles), true
}

// decide holds the tile against what the parties said it is.
func (w *work) decide(bytes []byte) {
	leaf := chain.Hash(merkle.Leaf(tensorTag, bytes))
	if w.Count == 1 {
		leaf = merkle.Top(tensorTag, 1, leaf)
	}
	decided := w.blame([2]bool{w.Nodes[0] != leaf, w.Nodes[1] != leaf})
	must.Hold(decided, "dispute: two different nodes equal a third")
}
