package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Parent and child speak in frames: a little-endian u32 that counts the bytes after it, one byte that
// says what they are, and a body. The parent sends configure once and gets hello; then each run gets
// exactly one of output, inputFault, unknownModel, and each check one of verdict, inputFault, unknownModel. An Advocate's child gets brief
// instead of run, answers with claim, inputFault, unknownModel or noCall, then each against with claim or noCall, and each plea with call or
// noCall. Anything else is a broken child, and is killed.
const (
	kindConfigure byte = iota + 1
	kindHello
	kindRun
	kindOutput
	kindInputFault
	kindUnknownModel
	kindBrief
	kindClaim
	kindPlea
	kindCall
	kindNoCall
	kindCheck   // the model's id, the length of the input, the input and a result
	kindVerdict // 1 where the result follows from the input, else 0

	// Items that run together have numbers (u32, little-endian). Each join gets exactly one done, when it comes to it.
	kindJoin   // number, the model's id, the input; those who have joined and are not done are of one model
	kindLeave  // number; one that is done already is let be
	kindDone   // number, and one of output, inputFault, unknownModel, noRoom, left with its body
	kindNoRoom // what this machine lacks for the item, in words
	kindLeft

	kindAgainst // a result that a claim is wanted against
)

// kindNote frames may come before any answer: what the operator may want to know, in words.
const kindNote byte = 0x40

// Limits of what one side believes of the other.
const (
	frameBytesMax   = 64 << 20 // an output; inputs are smaller
	resultBytesMax  = 32 << 20 // that is checked
	modelsMax       = 64
	modelTextMax    = 64
	modelClassesMax = 1024
)

const protocolVersion = 1

var (
	errFrame = errors.New("malformed frame")
	errLong  = fmt.Errorf("frame is over %d bytes", frameBytesMax)
)

func writeFrame(w io.Writer, kind byte, body []byte) error {
	if len(body)+1 > frameBytesMax {
		return errLong
	}
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 5+len(body)), uint32(len(body)+1))
	_, err := w.Write(append(append(b, kind), body...))
	return err
}

// readFrame reads one frame; io.EOF means that the other side has closed between two frames.
func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < 1 {
		return 0, nil, errFrame
	}
	if n > frameBytesMax {
		return 0, nil, errLong
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return body[0], body[1:], nil
}

// A setup is the body of configure.
type setup struct {
	threads     uint32
	nice        uint32
	memoryBytes uint64
}

func (s setup) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, protocolVersion)
	b = binary.LittleEndian.AppendUint32(b, s.threads)
	b = binary.LittleEndian.AppendUint32(b, s.nice)
	return binary.LittleEndian.AppendUint64(b, s.memoryBytes)
}

const threadsMax = 1024

func decodeSetup(b []byte) (setup, error) {
	if len(b) != 20 || binary.LittleEndian.Uint32(b) != protocolVersion {
		return setup{}, errFrame
	}
	s := setup{
		threads:     binary.LittleEndian.Uint32(b[4:]),
		nice:        binary.LittleEndian.Uint32(b[8:]),
		memoryBytes: binary.LittleEndian.Uint64(b[12:]),
	}
	if s.threads < 1 || s.threads > threadsMax || s.nice > niceMax || s.memoryBytes>>62 != 0 {
		return setup{}, errFrame
	}
	return s, nil
}

// ModelInfo tells of a model or pipeline that the engine can run.
type ModelInfo struct {
	ID      chain.Hash
	Name    string
	Input   string // what items are: 8-bit PNG, tensors or sound
	Output  string // labels, tensors or json
	Licence string
	Classes []string
}

func encodeModels(models []ModelInfo) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(models)))
	for _, m := range models {
		b = append(b, m.ID[:]...)
		for _, text := range []string{m.Name, m.Input, m.Output, m.Licence} {
			b = appendText(b, text)
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(len(m.Classes)))
		for _, c := range m.Classes {
			b = appendText(b, c)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

func decodeModels(b []byte) ([]ModelInfo, error) {
	r := &bodyReader{rest: b}
	var models []ModelInfo
	for range r.count(modelsMax) {
		m := ModelInfo{}
		copy(m.ID[:], r.take(len(m.ID)))
		for _, text := range []*string{&m.Name, &m.Input, &m.Output, &m.Licence} {
			*text = r.text()
		}
		for range r.count(modelClassesMax) {
			m.Classes = append(m.Classes, r.text())
		}
		models = append(models, m)
		if r.bad {
			break
		}
	}
	if r.bad || len(r.rest) > 0 {
		return nil, errFrame
	}
	return models, nil
}

type bodyReader struct {
	rest []byte
	bad  bool
}

func (r *bodyReader) take(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *bodyReader) count(limit int) int {
	b := r.take(2)
	if b == nil {
		return 0
	}
	n := int(binary.LittleEndian.Uint16(b))
	r.bad = n > limit
	return min(n, limit)
}

func (r *bodyReader) text() string {
	n := r.take(1)
	if n == nil {
		return ""
	}
	r.bad = n[0] > modelTextMax
	return string(r.take(int(n[0])))
}

func decodeFault(b []byte) (image.Fault, error) {
	if len(b) != 1 || !image.Fault(b[0]).Known() {
		return 0, errFrame
	}
	return image.Fault(b[0]), nil
}

// encodeCheck writes the body of a check.
func encodeCheck(id chain.Hash, input, result []byte) []byte {
	b := binary.LittleEndian.AppendUint32(append(make([]byte, 0, len(id)+4+len(input)+len(result)), id[:]...), uint32(len(input)))
	return append(append(b, input...), result...)
}

// decodeCheck reads what follows the id in the body of a check.
func decodeCheck(b []byte) (input, result []byte, ok bool) {
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, nil, false
	}
	n := 4 + int(binary.LittleEndian.Uint32(b))
	return b[4:n], b[n:], true
}
