package p2p

import "github.com/aiwork/aiwork-node/internal/codec"

// Limits of objects, which both sides know.
const (
	ObjectBytesMax   = 2 << 30
	ObjectGroupBytes = 256 << 10 // all groups of an object but the last have so many bytes
	ObjectSpanMax    = 16        // groups asked for at once
	ObjectsFoundMax  = 8         // objects that a peer tells of a model

	objectGroupsMax      = ObjectBytesMax / ObjectGroupBytes
	objectRequestMax     = 64
	objectAnswerBytesMax = 1 + 8 + 4 + 32*objectGroupsMax + 4 + ObjectGroupBytes
)

// An ObjectInfo names an object: the BLAKE3-256 hash of its bytes and how many they are.
type ObjectInfo struct {
	ID   [32]byte
	Size uint64
}

// ObjectSums are what a peer says of an object's groups. Nothing in it has been checked but its shape.
type ObjectSums struct {
	Size uint64
	Sums [][32]byte // of each group
	Last []byte     // the bytes of the last group, which alone prove the size
}

type objectKind uint8

const (
	objectFind   objectKind = iota + 1 // which objects hold a model
	objectSize                         // of an object
	objectSums                         // of an object's groups
	objectGroups                       // the bytes of some groups
	objectsEnd
)

var objectNames = [...]string{objectFind: "find", objectSize: "size", objectSums: "sums", objectGroups: "groups"}

// An objectRequest asks one peer for one thing.
type objectRequest struct {
	kind  objectKind
	id    [32]byte
	first uint32 // of groups
	count uint32
}

func (q *objectRequest) valid() bool {
	switch q.kind {
	case objectFind, objectSize, objectSums:
		return true
	case objectGroups:
		return q.count >= 1 && q.count <= ObjectSpanMax && q.first < objectGroupsMax && q.first+q.count <= objectGroupsMax
	}
	return false
}

func (q *objectRequest) encode() []byte {
	w := codec.NewWriter(objectRequestMax)
	w.U8(uint8(q.kind))
	w.Fixed(q.id[:])
	if q.kind == objectGroups {
		w.U32(q.first)
		w.U32(q.count)
	}
	return w.Out()
}

func decodeObjectRequest(b []byte) (objectRequest, error) {
	r := codec.NewReader(b)
	q := objectRequest{kind: objectKind(r.U8())}
	r.Fixed(q.id[:])
	if q.kind == objectGroups {
		q.first = r.U32()
		q.count = r.U32()
	}
	if r.Err() == nil && !q.valid() {
		r.Fail(FaultFrame)
	}
	return q, r.End()
}

// An objectAnswer is the first frame of an answer. After that of groups each group follows as a frame of its own.
type objectAnswer struct {
	code  answerCode
	found []ObjectInfo
	size  uint64
	sums  ObjectSums
}

func (a *objectAnswer) encode(kind objectKind) []byte {
	w := codec.NewWriter(16 + 40*len(a.found) + 32*len(a.sums.Sums) + len(a.sums.Last))
	w.U8(uint8(a.code))
	if a.code != answerHere {
		return w.Out()
	}
	switch kind {
	case objectFind:
		w.Count(len(a.found))
		for _, o := range a.found {
			w.Fixed(o.ID[:])
			w.U64(o.Size)
		}
	case objectSize:
		w.U64(a.size)
	case objectSums:
		w.U64(a.sums.Size)
		w.Count(len(a.sums.Sums))
		for i := range a.sums.Sums {
			w.Fixed(a.sums.Sums[i][:])
		}
		w.Bytes(a.sums.Last)
	}
	return w.Out()
}

func decodeObjectAnswer(kind objectKind, b []byte) (objectAnswer, error) {
	r := codec.NewReader(b)
	a := objectAnswer{code: answerCode(r.U8())}
	if r.Err() == nil && (a.code == 0 || a.code >= answersEnd) {
		r.Fail(FaultFrame)
	}
	if r.Err() != nil || a.code != answerHere {
		return a, r.End()
	}
	switch kind {
	case objectFind:
		a.found = make([]ObjectInfo, r.Count(ObjectsFoundMax))
		for i := range a.found {
			r.Fixed(a.found[i].ID[:])
			a.found[i].Size = r.U64()
			checkObjectSize(r, a.found[i].Size)
		}
	case objectSize:
		a.size = r.U64()
		checkObjectSize(r, a.size)
	case objectSums:
		a.sums.Size = r.U64()
		checkObjectSize(r, a.sums.Size)
		n := r.Count(objectGroupsMax)
		if 32*n > r.Len() {
			r.Fail(FaultFrame)
			break
		}
		a.sums.Sums = make([][32]byte, n)
		for i := range a.sums.Sums {
			r.Fixed(a.sums.Sums[i][:])
		}
		a.sums.Last = r.Bytes(ObjectGroupBytes)
	}
	return a, r.End()
}

func checkObjectSize(r *codec.Reader, size uint64) {
	if r.Err() == nil && (size < 1 || size > ObjectBytesMax) {
		r.Fail(FaultFrame)
	}
}
