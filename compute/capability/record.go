package capability

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Limits of a record.
const (
	Version      = 1
	ModelsMax    = 64
	KernelsMax   = 16
	PathsMax     = 8
	TextBytesMax = 64
)

// Record tells of one measurement of a worker's machine.
type Record struct {
	Genesis    chain.Hash    `json:"genesis"`
	Worker     chain.Address `json:"worker"`
	Session    uint64        `json:"session"` // whose seed the inputs were drawn from
	Seed       chain.Hash    `json:"seed"`
	MeasuredMs uint64        `json:"measuredMs"` // Unix time, by the worker's clock

	Engine     string   `json:"engine"` // version of the program
	System     string   `json:"system"`
	Processor  string   `json:"processor"`
	Processors uint16   `json:"processors"`
	MemoryMiB  uint32   `json:"memoryMiB"`
	Engines    uint16   `json:"engines"` // processes that run items at once
	Threads    uint16   `json:"threads"` // of all engines together
	Path       string   `json:"path"`    // of the kernels that engines take
	Paths      []string `json:"paths"`   // that the processor has

	Kernels   []Kernel  `json:"kernels"`
	Models    []Model   `json:"models"`
	Signature Signature `json:"signature"`
}

// Signature is r, s and the parity of R, as wallets write it but for the last byte, which is 0 or 1.
type Signature [65]byte

// MarshalText gives hex digits after 0x.
func (s Signature) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "0x%x", s[:]), nil }

// Kernel is the rate of one kernel on one thread.
type Kernel struct {
	Name      string `json:"name"`
	OpsPerSec uint64 `json:"opsPerSec"` // additions and multiplications
}

// Model is what was measured of a served model.
type Model struct {
	ID           chain.Hash `json:"id"`
	Answer       chain.Hash `json:"answer"` // of the drawn item: see Answer
	ItemMicros   uint64     `json:"itemMicros"`
	ItemsPerHour uint32     `json:"itemsPerHour"` // of all engines together
}

// ErrText says that a text of a record is too long, or no UTF-8.
var ErrText = errors.New("a text is longer than 64 bytes or no UTF-8")

// body gives the record's bytes without its signature.
func (r *Record) body() []byte {
	w := codec.NewWriter(1024)
	w.U8(Version)
	w.Fixed(r.Genesis[:])
	w.Fixed(r.Worker[:])
	w.U64(r.Session)
	w.Fixed(r.Seed[:])
	w.U64(r.MeasuredMs)
	for _, text := range []string{r.Engine, r.System, r.Processor} {
		w.Bytes([]byte(text))
	}
	w.U16(r.Processors)
	w.U32(r.MemoryMiB)
	w.U16(r.Engines)
	w.U16(r.Threads)
	w.Bytes([]byte(r.Path))
	w.Count(len(r.Paths))
	for _, p := range r.Paths {
		w.Bytes([]byte(p))
	}
	w.Count(len(r.Kernels))
	for _, k := range r.Kernels {
		w.Bytes([]byte(k.Name))
		w.U64(k.OpsPerSec)
	}
	w.Count(len(r.Models))
	for i := range r.Models {
		m := &r.Models[i]
		w.Fixed(m.ID[:])
		w.Fixed(m.Answer[:])
		w.U64(m.ItemMicros)
		w.U32(m.ItemsPerHour)
	}
	return w.Out()
}

// Encode gives the record's bytes with its signature.
func (r *Record) Encode() []byte {
	return append(r.body(), r.Signature[:]...)
}

// Decode reads what Encode wrote; it checks form and limits, not the signature.
func Decode(b []byte) (*Record, error) {
	d := codec.NewReader(b)
	if v := d.U8(); d.Err() == nil && v != Version {
		return nil, fmt.Errorf("a record of version %d, this program reads %d: update it", v, Version)
	}
	r := &Record{}
	d.Fixed(r.Genesis[:])
	d.Fixed(r.Worker[:])
	r.Session = d.U64()
	d.Fixed(r.Seed[:])
	r.MeasuredMs = d.U64()
	r.Engine, r.System, r.Processor = text(d), text(d), text(d)
	r.Processors, r.MemoryMiB, r.Engines, r.Threads = d.U16(), d.U32(), d.U16(), d.U16()
	r.Path = text(d)
	for range d.Count(PathsMax) {
		r.Paths = append(r.Paths, text(d))
	}
	for range d.Count(KernelsMax) {
		r.Kernels = append(r.Kernels, Kernel{text(d), d.U64()})
	}
	for range d.Count(ModelsMax) {
		var m Model
		d.Fixed(m.ID[:])
		d.Fixed(m.Answer[:])
		m.ItemMicros, m.ItemsPerHour = d.U64(), d.U32()
		r.Models = append(r.Models, m)
	}
	d.Fixed(r.Signature[:])
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("capability record: %w", err)
	}
	return r, nil
}

func text(d *codec.Reader) string {
	b := d.Bytes(TextBytesMax)
	if !utf8.Valid(b) {
		d.Fail(ErrText)
	}
	return string(b)
}

// Hash is what the registry keeps of a record.
func Hash(encoded []byte) chain.Hash { return sha256.Sum256(encoded) }

// digest gives what is signed: EIP-712's hash of Capability(address worker,bytes record) in the domain of the chain.
func (r *Record) digest() [32]byte {
	word := func(b ...byte) []byte { return append(make([]byte, 32-len(b)), b...) }
	sum := func(parts ...[]byte) []byte {
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		h := keccak.Sum256(all)
		return h[:]
	}
	domain := sum(sum([]byte("EIP712Domain(string name,string version,bytes32 salt)")), sum([]byte("aiwork capability")), sum([]byte("1")), r.Genesis[:])
	content := sum(sum([]byte("Capability(address worker,bytes record)")), word(r.Worker[:]...), sum(r.body()))
	return [32]byte(sum([]byte{0x19, 0x01}, domain, content))
}

// Sign signs the record with the worker's account key.
func (r *Record) Sign(key secp.PrivateKey) {
	s := secp.Sign(key, r.digest())
	copy(r.Signature[:], s.R[:])
	copy(r.Signature[32:], s.S[:])
	r.Signature[64] = s.V
}

// Verify checks that the record's worker has signed it.
func (r *Record) Verify() error {
	s := secp.Signature{R: [32]byte(r.Signature[:32]), S: [32]byte(r.Signature[32:64]), V: r.Signature[64]}
	signer, err := secp.RecoverAddress(r.digest(), s)
	if err != nil {
		return fmt.Errorf("capability record: signature: %w", err)
	}
	if chain.Address(signer) != r.Worker {
		return fmt.Errorf("capability record: signed by %s, not by its worker %s", chain.Address(signer).Checksum(), r.Worker.Checksum())
	}
	return nil
}

// Of gives what the record tells of a model, nil if nothing.
func (r *Record) Of(id chain.Hash) *Model {
	for i := range r.Models {
		if r.Models[i].ID == id {
			return &r.Models[i]
		}
	}
	return nil
}

// SameMachine reports whether the record still holds for a worker: its measurement anew would be of the same machine, program, chain
// and models.
func (r *Record) SameMachine(now *Record) bool {
	a, b := *r, *now
	for _, x := range []*Record{&a, &b} {
		x.Session, x.Seed, x.MeasuredMs, x.Kernels, x.Models, x.Signature = 0, chain.Hash{}, 0, nil, nil, Signature{}
	}
	return string(a.body()) == string(b.body())
}
