package dispute

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// EventKind names the contract's events.
type EventKind uint8

// The events, in the order of a dispute's life.
const (
	DisputeOpened EventKind = iota + 1
	DisputeAnswered
	DisputeNarrowed // to a node on some level of a tree: at level 0, to an entry or a tile
	EntryShown
	DisputeJudged   // the operator is understood; its output has so many tiles
	DisputeDeepened // into what an entry stands for, whose receipts have so many entries
	DisputeStepped  // the tile's state after a step
	DisputeEnded
	eventEnd
)

func (k EventKind) event() native.Event {
	signatures := [...]native.Event{
		DisputeOpened:   {Signature: "DisputeOpened(uint64,address,address,bytes32,bytes32,uint64)", Indexed: 3},
		DisputeAnswered: {Signature: "DisputeAnswered(uint64,bytes32)", Indexed: 1},
		DisputeNarrowed: {Signature: "DisputeNarrowed(uint64,uint8,uint8,uint64)", Indexed: 1},
		EntryShown:      {Signature: "EntryShown(uint64,address,bytes)", Indexed: 2},
		DisputeJudged:   {Signature: "DisputeJudged(uint64,uint64,uint64)", Indexed: 1},
		DisputeDeepened: {Signature: "DisputeDeepened(uint64,uint8,uint64,uint64)", Indexed: 1},
		DisputeStepped:  {Signature: "DisputeStepped(uint64,uint32,uint64)", Indexed: 1},
		DisputeEnded:    {Signature: "DisputeEnded(uint64,uint8,uint16,uint32)", Indexed: 1},
	}
	return signatures[k]
}

// String gives the event's name.
func (k EventKind) String() string {
	if k == 0 || k >= eventEnd {
		return "invalid"
	}
	name := k.event().Signature
	for i := range name {
		if name[i] == '(' {
			return name[:i]
		}
	}
	return name
}

func emit(c *native.Call, k EventKind, d *Dispute, topics []chain.Hash, fill func(e *native.Encoder)) {
	if c.Failed() {
		return
	}
	e := k.event().Data()
	fill(e)
	c.Emit(k.event(), append([]chain.Hash{native.WordOfUint64(d.ID)}, topics...), e)
}

func logOpened(c *native.Call, d *Dispute) {
	emit(c, DisputeOpened, d, []chain.Hash{native.WordOf(d.Parties[0]), native.WordOf(d.Parties[1])}, func(e *native.Encoder) {
		e.Hash(d.Model)
		e.Hash(d.Receipts[Challenger])
		e.Uint64(d.DeadlineMs)
	})
}

func logAnswered(c *native.Call, d *Dispute) {
	emit(c, DisputeAnswered, d, nil, func(e *native.Encoder) { e.Hash(d.Receipts[Defender]) })
}

func logNarrowed(c *native.Call, d *Dispute) {
	emit(c, DisputeNarrowed, d, nil, func(e *native.Encoder) {
		e.Uint64(uint64(d.Phase))
		e.Uint64(uint64(d.Level))
		e.Uint64(d.Index)
	})
}

func logShown(c *native.Call, d *Dispute, s Side, entry []byte) {
	emit(c, EntryShown, d, []chain.Hash{native.WordOf(d.Parties[s])}, func(e *native.Encoder) { e.Bytes(entry) })
}

func logJudged(c *native.Call, d *Dispute, tiles int) {
	emit(c, DisputeJudged, d, nil, func(e *native.Encoder) {
		e.Uint64(d.Entry)
		e.Uint64(uint64(tiles))
	})
}

func logDeepened(c *native.Call, d *Dispute) {
	emit(c, DisputeDeepened, d, nil, func(e *native.Encoder) {
		e.Uint64(uint64(d.Depth))
		e.Uint64(uint64(d.Path[d.Depth-1]))
		e.Uint64(d.entries())
	})
}

func logStepped(c *native.Call, d *Dispute, pos uint64) {
	emit(c, DisputeStepped, d, nil, func(e *native.Encoder) {
		e.Uint64(uint64(d.Steps))
		e.Uint64(pos)
	})
}

func logEnded(c *native.Call, d *Dispute) {
	emit(c, DisputeEnded, d, nil, func(e *native.Encoder) {
		e.Uint64(uint64(d.Verdict))
		e.Uint64(uint64(d.Rounds))
		e.Uint64(uint64(d.Steps))
	})
}

// A Log is a decoded event. Fields that the event does not have are zero.
type Log struct {
	Kind     EventKind
	Dispute  uint64
	Accounts [2]chain.Address // defender and challenger, or who has shown an entry
	Phase    Phase
	Level    uint8  // of a tree; where the dispute goes deeper, how deep
	Index    uint64 // a node, or an entry
	Entry    []byte
	Tiles    uint64 // or entries, where the dispute goes deeper
	Steps    uint32
	Pos      uint64
	Verdict  Verdict
	Rounds   uint16
}

// DecodeLog reads one of the contract's events; ok is false for any other log.
func DecodeLog(l *chain.Log) (out Log, ok bool) {
	if l.Address != chain.AddrDisputes {
		return out, false
	}
	for k := DisputeOpened; k < eventEnd; k++ {
		topics, d, is := k.event().Decode(l)
		if !is {
			continue
		}
		out.Kind, out.Dispute = k, number(topics[0])
		for i, t := range topics[1:] {
			out.Accounts[i] = chain.Address(t[12:])
		}
		out.read(d)
		return out, d.End() == nil
	}
	return out, false
}

func (l *Log) read(d *native.Decoder) {
	switch l.Kind {
	case DisputeOpened:
		d.Hash()
		d.Hash()
		d.Uint64()
	case DisputeAnswered:
		d.Hash()
	case DisputeNarrowed:
		l.Phase, l.Level, l.Index = Phase(d.Uint64()), uint8(d.Uint64()), d.Uint64()
	case EntryShown:
		l.Entry = d.Bytes(EntryBytesMax)
	case DisputeJudged:
		l.Index, l.Tiles = d.Uint64(), d.Uint64()
	case DisputeDeepened:
		l.Level, l.Index, l.Tiles = uint8(d.Uint64()), d.Uint64(), d.Uint64()
	case DisputeStepped:
		l.Steps, l.Pos = uint32(d.Uint64()), d.Uint64()
	case DisputeEnded:
		l.Verdict, l.Rounds, l.Steps = Verdict(d.Uint64()), uint16(d.Uint64()), uint32(d.Uint64())
	}
}

func number(w chain.Hash) (n uint64) {
	for _, b := range w[24:] {
		n = n<<8 | uint64(b)
	}
	return n
}
