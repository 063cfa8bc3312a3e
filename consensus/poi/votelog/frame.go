package votelog

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	magic         = "aiwvotes"
	formatVersion = 1
	headSize      = 8 + 4 + 32 + 32 + 8 + 1 + 17 + 4 // see head.encode
	frameHead     = 4 + 4 + 8 + 8                    // length, checksum, number, group
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head stands at the start of a log file.
type head struct {
	binding
	salt  uint64 // by chance for each file; seeds the checksums, so that no block can hold a forged frame
	lost  bool   // the log replaces a lost one (LOG-5)
	floor Mark   // the highest mark before a rewrite: votes that were pruned still count for LOG-3
}

func (h *head) encode() []byte {
	w := codec.NewWriter(headSize)
	w.Fixed([]byte(magic))
	w.U32(formatVersion)
	w.Fixed(h.genesis[:])
	w.Fixed(h.key[:])
	w.U64(h.salt)
	w.Bool(h.lost)
	w.U64(uint64(h.floor.Session))
	w.U64(uint64(h.floor.View))
	w.U8(uint8(h.floor.VoteKind))
	w.U32(crc32.Checksum(w.Out(), castagnoli))
	return w.Out()
}

// decodeHead reads the first headSize bytes of a log. A version that is not ours is ErrFormat, all else
// that is wrong a fault of the codec.
func decodeHead(b []byte) (h head, err error) {
	if len(b) < headSize {
		return head{}, codec.FaultShort
	}
	b = b[:headSize]
	r := codec.NewReader(b)
	var m [len(magic)]byte
	r.Fixed(m[:])
	version := r.U32()
	r.Fixed(h.genesis[:])
	r.Fixed(h.key[:])
	h.salt = r.U64()
	h.lost = r.Bool()
	h.floor = Mark{chain.Session(r.U64()), chain.View(r.U64()), chain.VoteKind(r.U8())}
	sum := r.U32()
	if err := r.End(); err != nil {
		return head{}, err
	}
	sound := sum == crc32.Checksum(b[:headSize-4], castagnoli)
	if string(m[:]) != magic || !sound || h.floor.VoteKind > voteKindMax {
		return head{}, codec.FaultValue
	}
	if version != formatVersion {
		return head{}, ErrFormat
	}
	return h, nil
}

// A place is where a frame stands in its file: its number, and the number of the first frame that was
// appended in the same group. A group is written only after the one before it is synced, so a sound frame
// proves that everything before its group was whole once.
type place struct{ seq, group uint64 }

// appendFrame writes one record as a frame.
func appendFrame(w *codec.Writer, salt uint64, p place, r *Record) {
	body := codec.NewWriter(recordHead + len(r.Payload))
	r.append(body)
	w.U32(uint32(body.Len()))
	w.U32(frameSum(salt, p, body.Out()))
	w.U64(p.seq)
	w.U64(p.group)
	w.Fixed(body.Out())
}

// frameSum covers the file and the place too, so that no frame is taken for one of elsewhere.
func frameSum(salt uint64, p place, body []byte) uint32 {
	var seed [24]byte
	binary.BigEndian.PutUint64(seed[:], salt)
	binary.BigEndian.PutUint64(seed[8:], p.seq)
	binary.BigEndian.PutUint64(seed[16:], p.group)
	return crc32.Update(crc32.Checksum(seed[:], castagnoli), castagnoli, body)
}

// readFrame reads the frame at the start of b. ok is false when it is not sound.
func readFrame(b []byte, salt uint64) (r Record, p place, size int, ok bool) {
	if len(b) < frameHead {
		return Record{}, place{}, 0, false
	}
	n := binary.BigEndian.Uint32(b)
	if n < recordHead || n > recordSizeMax || int(n) > len(b)-frameHead {
		return Record{}, place{}, 0, false
	}
	p = place{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
	body := b[frameHead : frameHead+int(n)]
	if p.group > p.seq || binary.BigEndian.Uint32(b[4:]) != frameSum(salt, p, body) {
		return Record{}, place{}, 0, false
	}
	r, err := decodeRecord(body)
	return r, p, frameHead + int(n), err == nil
}

// A scan is what a log file holds.
type scan struct {
	records []Record
	end     int  // where the last sound frame ends
	torn    int  // bytes behind it up to the zeros that fill the file
	damaged bool // something that was synced cannot be read
}

// scanFrames reads all frames of a file with the salt. Records share memory with b.
func scanFrames(b []byte, salt uint64) scan {
	s := scan{end: headSize}
	var last place
	for {
		r, p, size, ok := readFrame(b[s.end:], salt)
		if !ok || !s.follows(last, p) {
			break
		}
		s.records = append(s.records, r)
		s.end += size
		last = p
	}
	rest := b[s.end:]
	for len(rest) > 0 && rest[len(rest)-1] == 0 {
		rest = rest[:len(rest)-1]
	}
	s.torn = len(rest)
	s.damaged = groupBehind(rest, salt, uint64(len(s.records)))
	return s
}

// follows reports whether p is the next place after last.
func (s *scan) follows(last, p place) bool {
	next := uint64(len(s.records))
	return p.seq == next && (p.group == next || next > 0 && p.group == last.group)
}

// groupBehind reports whether b holds a sound frame of a group that began after frame next: then frame
// next was synced, and its damage is not the torn end of the last group.
func groupBehind(b []byte, salt, next uint64) bool {
	for at := 1; at+frameHead+recordHead <= len(b); at++ {
		if group := binary.BigEndian.Uint64(b[at+16:]); group <= next || group-next > uint64(len(b)) {
			continue
		}
		if _, _, _, ok := readFrame(b[at:], salt); ok {
			return true
		}
	}
	return false
}
