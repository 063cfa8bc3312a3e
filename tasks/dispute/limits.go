package dispute

// Limits. They are part of the protocol.
const (
	OpenMax   = 8 // disputes that a defender has to answer at once
	gwei      = 1_000_000_000
	headMax   = 1 << 14 // bytes of a network's head
	opMax     = 1 << 15 // of an operator: one with branches is as long as these
	weightMax = 128     // of a weight's leaf
	partsMax  = 128     // leaves of a model, or entries, that one call shows
	proofMax  = 2048    // hashes of one proof
	tilesMax  = 1024    // tiles that one step reads
	tileMax   = 512     // bytes of a tile
	caseMax   = 1 << 16 // bytes of a composite operator's case
	tileCase  = 1 << 15 // bytes of any other operator's: each step shows it beside what it reads
	stateMax  = 1 << 14 // bytes of a state
	chunkMax  = 1024    // bytes of a pipeline's result, or of its beginning, that a claim shows

	gasStep = 200_000 // of every step of a tile, and of understanding an operator: also of asking what a step needs
	gasWork = 200     // of each position and each element that is read: 50 to 260 ns, see BenchmarkStep of package tile
)

// ResultBytesMax bounds the result of a network that can be disputed: claims show all of it.
const ResultBytesMax = 1 << 16

// EntryBytesMax bounds an encoded Entry that is shown on chain; runs with larger ones are the committee's.
const EntryBytesMax = 1 << 14

// Kind is what a disputed result comes from: it says what a claim shows, and what the leaves of a receipt are. Values are
// never reused.
type Kind uint8

// The kinds.
const (
	Network Kind = iota + 1
	Pipeline
	Language
)

// String names the kind as RPC and CLI show it.
func (k Kind) String() string { return pick(int(k), "none", "network", "pipeline", "language") }

// DepthMax bounds how deep a dispute goes: into a step of a pipeline, and into composite operators within each other.
const DepthMax = 12

// Phase says how far a dispute is.
type Phase uint8

// The phases.
const (
	Missing   Phase = iota // there is no such dispute
	Answering              // the defender is to name its receipt
	Entries                // both show nodes of their receipts
	Showing                // both show the entries in which they differ
	Judging                // anybody shows the operator: the challenger sees to it
	Expanding              // both name a receipt of what the operator stands for, or of a pipeline's step
	Tiles                  // both show nodes of the output in which they differ
	Feeding                // anybody hands operands in: the challenger sees to it
	Ended
)

// String names the phase as RPC and CLI show it.
func (p Phase) String() string {
	return pick(int(p), "missing", "answering", "entries", "showing", "judging", "expanding", "tiles", "feeding", "ended")
}

// Verdict is how a dispute ended.
type Verdict uint8

// The verdicts. Values are never reused.
const (
	NoVerdict Verdict = iota
	Stands            // the challenger has shown nothing
	Wrong             // the defender is wrong, or was silent
	Both              // both are wrong
	Undecided         // not for this contract to decide
)

// String names the verdict as RPC and CLI show it.
func (v Verdict) String() string {
	return pick(int(v), "none", "stands", "wrong", "both", "undecided")
}

func pick(i int, names ...string) string {
	if i < len(names) {
		return names[i]
	}
	return "invalid"
}

// Side is a party.
type Side uint8

// The parties.
const (
	Defender Side = iota
	Challenger
)
