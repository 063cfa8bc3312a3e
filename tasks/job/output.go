package job

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// InputFault is what a worker reports instead of a result when an item's input cannot be processed. It is
// part of the output that auditors compare, so it must follow from the input alone.
type InputFault uint8

// The faults of inputs. Values are never reused.
const (
	NoFault           InputFault = iota
	FaultTooLarge                // more bytes, or more pixels, than the model takes
	FaultNotCanonical            // not the canonical form that the model takes, such as an 8-bit PNG
	FaultTruncated               // the form is right but its content ends early or is damaged
	FaultShape                   // a tensor of another shape or type than the model takes
	faultEnd
)

// String tells the fault in words.
func (f InputFault) String() string {
	switch f {
	case NoFault:
		return "none"
	case FaultTooLarge:
		return "input too large"
	case FaultNotCanonical:
		return "input not in the model's canonical form"
	case FaultTruncated:
		return "input truncated or damaged"
	case FaultShape:
		return "input of the wrong shape"
	}
	return "unknown"
}

// Output is what is committed for one item: a result, a fault of the input with no result, or, where a result takes OutputBytesMax
// bytes or more, the blob in which it lies. Its encoding is one byte, the fault or 0, and then the result; or inBlob, the blob's id and its
// size (JOB-18).
type Output struct {
	Fault  InputFault
	Result []byte
	Blob   chain.Hash // zero: the result is here
	Size   uint32     // of the blob
}

const (
	inBlob      = 0x80
	inBlobBytes = 1 + 32 + 4
)

// Encode gives the bytes that are opened on chain. A result that is not in a blob is at most OutputBytesMax-1 bytes.
func (o Output) Encode() []byte {
	if !o.Blob.IsZero() {
		must.Hold(o.Size >= OutputBytesMax && o.Size <= ResultBytesMax && o.Fault == NoFault && len(o.Result) == 0, "job: a blob for what needs none")
		return binary.BigEndian.AppendUint32(append([]byte{inBlob}, o.Blob[:]...), o.Size)
	}
	must.Hold(len(o.Result) < OutputBytesMax, "job: result above OutputBytesMax")
	must.Hold(o.Fault < faultEnd && (o.Fault == NoFault || len(o.Result) == 0), "job: fault with a result")
	return append([]byte{byte(o.Fault)}, o.Result...)
}

// DecodeOutput reads the encoding of an Output; ok is false for anything else.
func DecodeOutput(b []byte) (o Output, ok bool) {
	switch {
	case len(b) == inBlobBytes && b[0] == inBlob:
		o = Output{Blob: chain.Hash(b[1:33]), Size: binary.BigEndian.Uint32(b[33:])}
		return o, !o.Blob.IsZero() && o.Size >= OutputBytesMax && o.Size <= ResultBytesMax
	case len(b) == 0 || len(b) > OutputBytesMax || b[0] >= byte(faultEnd) || (b[0] != 0 && len(b) > 1):
		return o, false
	}
	return Output{Fault: InputFault(b[0]), Result: b[1:]}, true
}

// Place names one attempt at one batch: what commitments are bound to.
type Place struct {
	Genesis chain.Hash
	Job     uint64
	Batch   uint32
	Attempt uint8
}

func (p Place) append(b []byte) []byte {
	b = append(b, p.Genesis[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Job)
	b = binary.BigEndian.AppendUint32(b, p.Batch)
	return append(b, p.Attempt)
}

// tagged begins the input of a hash: the tag with its length before it (u16).
func tagged(tag string) []byte {
	b := make([]byte, 0, 192)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tag)))
	return append(b, tag...)
}

// OutputHash names an encoded output in leaves and attestations.
func OutputHash(output []byte) chain.Hash {
	return sha256.Sum256(append(tagged("aiwork/output/1"), output...))
}

// ItemSalt derives the salt of one item's leaf from the batch's salt, so that one leaf can be shown
// without the others.
func ItemSalt(salt chain.Hash, item uint32) chain.Hash {
	b := append(tagged("aiwork/salt/1"), salt[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint32(b, item))
}

// Leaf is what a worker commits to for one item. Item counts from 0 within the job.
func Leaf(p Place, worker chain.Address, item uint32, itemSalt, outputHash chain.Hash) []byte {
	b := p.append(tagged("aiwork/leaf/1"))
	b = append(b, worker[:]...)
	b = binary.BigEndian.AppendUint32(b, item)
	b = append(b, itemSalt[:]...)
	return append(b, outputHash[:]...)
}

const treeTag = "aiwork/job/outputs"

// Root is a worker's commitment to a batch whose first item is first. Salt must be 32 secret random
// bytes, used for this attempt only.
func Root(p Place, worker chain.Address, first uint32, salt chain.Hash, outputs [][]byte) chain.Hash {
	leaves := make([][]byte, 0, len(outputs))
	for i, o := range outputs {
		item := first + uint32(i)
		leaves = append(leaves, Leaf(p, worker, item, ItemSalt(salt, item), OutputHash(o)))
	}
	return merkle.Root(treeTag, leaves)
}

// Attestation is an auditor's commitment to the output hashes of the sampled items, in the order of
// their places. Salt must be 32 secret random bytes, used for this attempt only.
func Attestation(p Place, auditor chain.Address, salt chain.Hash, hashes []chain.Hash) chain.Hash {
	b := p.append(tagged("aiwork/audit/1"))
	b = append(b, auditor[:]...)
	b = append(b, salt[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(hashes)))
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return sha256.Sum256(b)
}

// SampleDigest names a list of output hashes, to compare what auditors and worker say.
func SampleDigest(hashes []chain.Hash) chain.Hash {
	b := tagged("aiwork/sample-digest/1")
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return sha256.Sum256(b)
}
