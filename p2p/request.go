package p2p

import (
	"github.com/aiwork/aiwork-node/internal/codec"
)

// A Request asks one peer for one thing. Make it with the Ask functions.
type Request struct {
	kind   requestKind
	height uint64
	count  uint32
	hash   [32]byte
	key    []byte
}

type requestKind uint8

const (
	requestStatus requestKind = iota + 1
	requestBlocks
	requestBlock
	requestCertificate
	requestBlob
	requestsEnd
)

var requestNames = [...]string{
	requestStatus:      "status",
	requestBlocks:      "blocks",
	requestBlock:       "block",
	requestCertificate: "certificate",
	requestBlob:        "blob",
}

// AskStatus asks for the peer's finalised height.
func AskStatus() Request { return Request{kind: requestStatus} }

// AskBlocks asks for up to count (at most RangeBlocksMax) blocks with seals from a height on.
func AskBlocks(from uint64, count int) Request {
	return Request{kind: requestBlocks, height: from, count: uint32(min(max(count, 1), RangeBlocksMax))}
}

// AskBlock asks for the block with this hash.
func AskBlock(hash [32]byte) Request { return Request{kind: requestBlock, hash: hash} }

// AskCertificate asks for the certificate that key (1 to CertKeyBytesMax bytes) names.
func AskCertificate(key []byte) Request { return Request{kind: requestCertificate, key: key} }

// AskBlob asks for the blob with this id.
func AskBlob(id [32]byte) Request { return Request{kind: requestBlob, hash: id} }

func (q *Request) valid() bool {
	switch q.kind {
	case requestStatus, requestBlock, requestBlob:
		return true
	case requestBlocks:
		return q.count >= 1 && q.count <= RangeBlocksMax
	case requestCertificate:
		return len(q.key) >= 1 && len(q.key) <= CertKeyBytesMax
	}
	return false
}

// itemsMax is how many items an answer may have.
func (q *Request) itemsMax() int {
	if q.kind == requestBlocks {
		return int(q.count)
	}
	return 1
}

func (q *Request) encode() []byte {
	w := codec.NewWriter(requestBytesMax)
	w.U8(uint8(q.kind))
	switch q.kind {
	case requestBlocks:
		w.U64(q.height)
		w.U32(q.count)
	case requestBlock, requestBlob:
		w.Fixed(q.hash[:])
	case requestCertificate:
		w.Bytes(q.key)
	}
	return w.Out()
}

func decodeRequest(b []byte) (Request, error) {
	r := codec.NewReader(b)
	q := Request{kind: requestKind(r.U8())}
	switch q.kind {
	case requestBlocks:
		q.height = r.U64()
		q.count = r.U32()
	case requestBlock, requestBlob:
		r.Fixed(q.hash[:])
	case requestCertificate:
		q.key = r.Bytes(CertKeyBytesMax)
	}
	if r.Err() == nil && !q.valid() {
		r.Fail(FaultFrame)
	}
	return q, r.End()
}

// A Response is a peer's answer. Nothing in it has been checked but its size and shape.
type Response struct {
	From   Peer
	Height uint64   // answer to AskStatus
	Items  [][]byte // answer to the others: one item, or the blocks in order
}

type answerCode uint8

const (
	answerHere answerCode = iota + 1
	answerNotFound
	answerBusy
	answersEnd
)

// An answer is what is sent for a request.
type answer struct {
	code  answerCode
	items [][]byte
}

func (a *answer) size() int {
	size := 1 + 4
	for _, it := range a.items {
		size += 4 + len(it)
	}
	return size
}

func (a *answer) encode() []byte {
	w := codec.NewWriter(a.size())
	w.U8(uint8(a.code))
	if a.code != answerHere {
		return w.Out()
	}
	w.Count(len(a.items))
	for _, it := range a.items {
		w.Bytes(it)
	}
	return w.Out()
}

func decodeAnswer(b []byte) (answer, error) {
	r := codec.NewReader(b)
	a := answer{code: answerCode(r.U8())}
	if r.Err() == nil && (a.code == 0 || a.code >= answersEnd) {
		r.Fail(FaultFrame)
	}
	if a.code == answerHere {
		n := r.Count(RangeBlocksMax)
		if n == 0 {
			r.Fail(FaultFrame)
		}
		a.items = make([][]byte, n)
		for i := range a.items {
			a.items[i] = r.Bytes(replyBytesMax)
		}
	}
	return a, r.End()
}

// response checks an answer's shape against what was asked.
func (q *Request) response(from Peer, a answer) (Response, error) {
	out := Response{From: from}
	switch a.code {
	case answerNotFound:
		return out, ErrNotFound
	case answerBusy:
		return out, ErrBusy
	}
	if len(a.items) > q.itemsMax() {
		return out, FaultAnswer
	}
	if q.kind == requestBlob && len(a.items[0]) > BlobBytesMax {
		return out, FaultAnswer
	}
	if q.kind != requestStatus {
		out.Items = a.items
		return out, nil
	}
	r := codec.NewReader(a.items[0])
	out.Height = r.U64()
	return out, r.End()
}
