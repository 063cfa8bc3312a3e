package votelog

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const fuzzSalt = 0x1122334455667788

func groupBytes(salt uint64, p place, records ...Record) []byte {
	w := codec.NewWriter(256)
	for i := range records {
		appendFrame(w, salt, p, &records[i])
		p.seq++
	}
	return w.Out()
}

// resum puts the right checksum at the end of a head.
func resum(b []byte) []byte {
	at := headSize - 4
	binary.BigEndian.PutUint32(b[at:], crc32.Checksum(b[:at], castagnoli))
	return b
}

// FuzzScan reads any bytes as the frames of a log. What is read, written again, is the bytes themselves.
func FuzzScan(f *testing.F) {
	first := groupBytes(fuzzSalt, place{0, 0}, block(0, 1, 40), vote(0, 1, chain.VoteNotarize))
	second := groupBytes(fuzzSalt, place{2, 2}, certificate(0, 1), Record{Kind: Resume, Session: 3})
	head := make([]byte, headSize)
	both := append(append(head, first...), second...)
	f.Add(both)
	f.Add(both[:len(both)-3])
	spoiled := bytes.Clone(both)
	spoiled[headSize+frameHead+4] ^= 4
	f.Add(spoiled)
	f.Add(append(bytes.Clone(both), make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headSize {
			return
		}
		s := scanFrames(b, fuzzSalt)
		if s.end+s.torn > len(b) || s.end < headSize {
			t.Fatalf("end %d and torn %d of %d bytes", s.end, s.torn, len(b))
		}
		w := codec.NewWriter(len(b))
		at := headSize
		for i := range s.records {
			_, p, size, ok := readFrame(b[at:], fuzzSalt)
			if !ok || p.seq != uint64(i) {
				t.Fatalf("frame %d is not read again", i)
			}
			appendFrame(w, fuzzSalt, p, &s.records[i])
			at += size
		}
		if !bytes.Equal(w.Out(), b[headSize:s.end]) {
			t.Fatal("frames written again differ")
		}
	})
}

// FuzzRecord does the same for the body of one frame, past its checksum.
func FuzzRecord(f *testing.F) {
	for _, r := range []Record{block(1, 2, 9), vote(7, 8, chain.VoteFinalize), certificate(1, 1), {Kind: Resume, Session: 1}} {
		w := codec.NewWriter(64)
		r.append(w)
		f.Add(w.Out())
		f.Add(append(bytes.Clone(w.Out()), 0))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			return
		}
		w := codec.NewWriter(len(b))
		r.append(w)
		if !bytes.Equal(w.Out(), b) {
			t.Fatalf("got %x, want %x", w.Out(), b)
		}
	})
}

// FuzzHead reads any bytes as the head of a log and as a high-water file.
func FuzzHead(f *testing.F) {
	h := head{binding: bound, salt: 5, lost: true, floor: Mark{3, 4, chain.VoteNullify}}
	f.Add(h.encode())
	f.Add(bound.encodeHighWater(Mark{3, 4, chain.VoteNullify}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, ok := bound.decodeHighWater(b); ok && !bytes.Equal(bound.encodeHighWater(m), b) {
			t.Fatal("high-water file written again differs")
		}
		if len(b) < headSize {
			return
		}
		b = resum(bytes.Clone(b[:headSize]))
		if h, err := decodeHead(b); err == nil && !bytes.Equal(h.encode(), b) {
			t.Fatal("head written again differs")
		}
	})
}
