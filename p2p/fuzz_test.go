package p2p

// Decoders against arbitrary bytes: no panic, nothing accepted that encodes differently, no frame
// longer than its limit.

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// addMutated adds a valid encoding and some that are nearly so.
func addMutated(f *testing.F, valid []byte) {
	f.Add(valid)
	for _, at := range []int{0, 1, len(valid) / 2, len(valid) - 1} {
		if at >= 0 && at < len(valid) {
			b := bytes.Clone(valid)
			b[at] ^= 1
			f.Add(b)
		}
	}
	f.Add(append(bytes.Clone(valid), 0))
	if len(valid) > 0 {
		f.Add(valid[:len(valid)-1])
	}
}

func FuzzHello(f *testing.F) {
	h := hello{version: ProtocolVersion, chainID: 7, genesis: [32]byte{1}, forkID: 3, height: 99}
	addMutated(f, h.encode())
	h.hasProof, h.voteKey, h.proof = true, [32]byte{2}, [64]byte{3}
	addMutated(f, h.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := decodeHello(b)
		if err != nil || h.version != ProtocolVersion {
			return
		}
		if got := h.encode(); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}

func FuzzVerdict(f *testing.F) {
	for v := range refusalsEnd + 1 {
		f.Add([]byte{byte(v)})
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := decodeVerdict(b); err == nil && (len(b) != 1 || v != Refusal(b[0]) || v >= refusalsEnd) {
			t.Errorf("got verdict %d of %x", v, b)
		}
	})
}

func FuzzRequest(f *testing.F) {
	for _, q := range []Request{AskStatus(), AskBlocks(5, 128), AskBlock([32]byte{1}), AskCertificate([]byte("key")), AskBlob([32]byte{2})} {
		addMutated(f, q.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := decodeRequest(b)
		if err != nil {
			return
		}
		if got := q.encode(); !bytes.Equal(got, b) || !q.valid() || len(b) > requestBytesMax {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, a := range []answer{{code: answerBusy}, {code: answerNotFound}, {answerHere, [][]byte{{1, 2}, {}, {3}}}} {
		addMutated(f, a.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAnswer(b)
		if err != nil {
			return
		}
		if got := a.encode(); !bytes.Equal(got, b) || a.size() != len(b) && a.code == answerHere {
			t.Errorf("got %x, want %x", got, b)
		}
		for _, q := range []Request{AskStatus(), AskBlocks(1, 2), AskBlob([32]byte{})} {
			if r, err := q.response(Peer{}, a); err == nil && len(r.Items) > q.itemsMax() {
				t.Errorf("got %d items, want at most %d", len(r.Items), q.itemsMax())
			}
		}
	})
}

func FuzzTxs(f *testing.F) {
	addMutated(f, EncodeTxs([][]byte{{1}}))
	addMutated(f, EncodeTxs([][]byte{{1, 2, 3}, bytes.Repeat([]byte{4}, 300), {5}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		txs, err := DecodeTxs(b)
		if err != nil {
			return
		}
		if got := EncodeTxs(txs); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}

func FuzzFrame(f *testing.F) {
	const limit = 200 << 10
	for _, size := range []int{1, 100, readChunkBytes, readChunkBytes + 1, limit, limit + 1} {
		var w bytes.Buffer
		if err := writeFrame(&w, make([]byte, size)); err != nil {
			f.Fatal(err)
		}
		f.Add(w.Bytes())
		f.Add(w.Bytes()[:w.Len()-1])
	}
	f.Add(binary.BigEndian.AppendUint32(nil, 1<<32-1))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := readFrame(bytes.NewReader(b), limit)
		if err != nil {
			return
		}
		if len(body) == 0 || len(body) > limit || !bytes.Equal(body, b[headBytes:headBytes+len(body)]) {
			t.Errorf("got a body of %d bytes out of %d", len(body), len(b))
		}
		if cap(body) > 2*len(body)+readChunkBytes {
			t.Errorf("got room of %d for %d bytes", cap(body), len(body))
		}
	})
}

func FuzzDirectFrame(f *testing.F) {
	add := func(k byte, payload []byte) { f.Add(append(appendDirect(nil, frame{k, payload}), payload...), true) }
	add(kindVote, []byte("vote"))
	add(kindBlock, make([]byte, 70<<10))
	add(kindPing, make([]byte, 8))
	add(kindTxs, EncodeTxs([][]byte{{1}}))
	f.Add(appendDirect(nil, frame{99, nil}), false)
	f.Add([]byte{0, 0, 0, 0, 1}, false)
	n := &Net{table: newTable(1, nil), scores: newScores()}
	for _, k := range testKinds() {
		n.kinds[k.ID] = k
	}
	n.kinds[kindPing] = Kind{ID: kindPing, BytesMax: 8}
	n.kinds[kindTxs] = Kind{ID: kindTxs, BytesMax: BatchBytesMax}
	f.Fuzz(func(t *testing.T, b []byte, validator bool) {
		r := &remote{}
		r.validator.Store(NoValidator)
		if validator {
			r.validator.Store(1)
		}
		in := bytes.NewReader(b)
		k, size, err := n.readHead(r, in)
		if err != nil {
			return
		}
		payload, err := readBody(in, size)
		if err != nil {
			return
		}
		if len(payload) > k.BytesMax || k.ValidatorsOnly && !validator {
			t.Errorf("got %d bytes of kind %d, validator %v", len(payload), k.ID, validator)
		}
		if got := append(appendDirect(nil, frame{k.ID, payload}), payload...); !bytes.HasPrefix(b, got) {
			t.Errorf("got %x, want a prefix of %x", got, b)
		}
	})
}

func FuzzObjectRequest(f *testing.F) {
	for _, q := range []objectRequest{
		{kind: objectFind, id: [32]byte{1}},
		{kind: objectSize, id: [32]byte{2}},
		{kind: objectSums, id: [32]byte{3}},
		{kind: objectGroups, id: [32]byte{4}, first: 7, count: ObjectSpanMax},
		{kind: objectGroups, first: objectGroupsMax - 1, count: 1},
	} {
		addMutated(f, q.encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := decodeObjectRequest(b)
		if err != nil {
			return
		}
		if got := q.encode(); !bytes.Equal(got, b) || !q.valid() || len(b) > objectRequestMax {
			t.Errorf("got %x, want %x", got, b)
		}
		if q.kind == objectGroups && uint64(q.first)+uint64(q.count) > objectGroupsMax {
			t.Errorf("groups %d and %d more: beyond every object", q.first, q.count)
		}
	})
}

func FuzzObjectAnswer(f *testing.F) {
	add := func(kind objectKind, a objectAnswer) {
		valid := a.encode(kind)
		for _, at := range []int{0, 1, len(valid) / 2, len(valid) - 1} {
			b := bytes.Clone(valid)
			b[at%len(b)] ^= 1
			f.Add(uint8(kind), b)
		}
		f.Add(uint8(kind), valid)
		f.Add(uint8(kind), append(bytes.Clone(valid), 0))
	}
	for kind := objectFind; kind < objectsEnd; kind++ {
		add(kind, objectAnswer{code: answerBusy})
		add(kind, objectAnswer{code: answerNotFound})
	}
	add(objectFind, objectAnswer{code: answerHere, found: []ObjectInfo{{[32]byte{1}, 5}, {[32]byte{2}, ObjectBytesMax}}})
	add(objectSize, objectAnswer{code: answerHere, size: 77})
	add(objectSums, objectAnswer{code: answerHere, sums: ObjectSums{Size: 9, Sums: [][32]byte{{1}, {2}}, Last: []byte("last")}})
	add(objectGroups, objectAnswer{code: answerHere})
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		k := objectKind(kind)
		if k == 0 || k >= objectsEnd {
			return
		}
		a, err := decodeObjectAnswer(k, b)
		if err != nil {
			return
		}
		if got := a.encode(k); !bytes.Equal(got, b) || len(b) > objectAnswerBytesMax {
			t.Errorf("got %x, want %x", got, b)
		}
		for _, o := range append(a.found, ObjectInfo{Size: max(a.size, 1)}, ObjectInfo{Size: max(a.sums.Size, 1)}) {
			if o.Size > ObjectBytesMax || o.Size == 0 {
				t.Errorf("an object of %d bytes was let through", o.Size)
			}
		}
	})
}
