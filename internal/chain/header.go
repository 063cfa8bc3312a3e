package chain

import (
	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/holiman/uint256"
)

// HeaderSizeMax is the greatest length of an encoded header.
const HeaderSizeMax = 1024

// Header is what of Ethereum's header can vary here. The other fields of Osaka are constants that only
// the encoding knows: no ommers, difficulty and nonce zero, no withdrawals, no blob gas, no beacon
// block, no requests.
type Header struct {
	ParentHash  Hash
	Coinbase    Address
	StateRoot   Hash // of the state after this block
	TxRoot      Hash
	ReceiptRoot Hash
	Bloom       Bloom
	Number      Height
	GasLimit    uint64
	GasUsed     uint64
	Time        uint64 // seconds, may repeat; milliseconds are in the extension
	Extra       Hash   // SHA-256 of the encoded extension
	MixHash     Hash
	BaseFee     uint256.Int
}

// Values of the constant fields. No code changes them.
var (
	emptyOmmers = Hash{ // Keccak-256 of the RLP empty list
		0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a, 0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
		0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13, 0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47,
	}
	emptyRequests = Hash{ // SHA-256 of nothing
		0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
		0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
	}
)

// Hash gives the block's hash: the Keccak-256 hash of Encode.
func (h *Header) Hash() Hash {
	var room [HeaderSizeMax]byte
	return keccak.Sum256(h.append(room[:0]))
}

// Encode gives the RLP of the header with all fields of Osaka.
func (h *Header) Encode() []byte { return h.append(nil) }

func (h *Header) append(dst []byte) []byte {
	var room [HeaderSizeMax]byte
	p := room[:0]
	p = rlp.AppendBytes(p, h.ParentHash[:])
	p = rlp.AppendBytes(p, emptyOmmers[:])
	p = rlp.AppendBytes(p, h.Coinbase[:])
	p = rlp.AppendBytes(p, h.StateRoot[:])
	p = rlp.AppendBytes(p, h.TxRoot[:])
	p = rlp.AppendBytes(p, h.ReceiptRoot[:])
	p = rlp.AppendBytes(p, h.Bloom[:])
	p = rlp.AppendUint64(p, 0) // difficulty
	p = rlp.AppendUint64(p, uint64(h.Number))
	p = rlp.AppendUint64(p, h.GasLimit)
	p = rlp.AppendUint64(p, h.GasUsed)
	p = rlp.AppendUint64(p, h.Time)
	p = rlp.AppendBytes(p, h.Extra[:])
	p = rlp.AppendBytes(p, h.MixHash[:])
	p = rlp.AppendBytes(p, make([]byte, 8)) // nonce
	p = rlp.AppendUint256(p, &h.BaseFee)
	p = rlp.AppendBytes(p, EmptyRoot[:]) // withdrawals
	p = rlp.AppendUint64(p, 0)           // blob gas used
	p = rlp.AppendUint64(p, 0)           // excess blob gas
	p = rlp.AppendBytes(p, make([]byte, 32))
	p = rlp.AppendBytes(p, emptyRequests[:])
	return rlp.AppendList(dst, p)
}

// DecodeHeader reads what Encode gave. Constant fields must hold their constants.
func DecodeHeader(b []byte) (*Header, error) {
	if len(b) > HeaderSizeMax {
		return nil, FaultSize
	}
	outer := rlp.NewReader(b)
	r := outer.List()
	h := readHeader(r)
	endInto(outer, r)
	if err := outer.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	return h, nil
}

func readHeader(r *rlp.Reader) *Header {
	h := new(Header)
	r.Fixed(h.ParentHash[:])
	wantHash(r, emptyOmmers)
	r.Fixed(h.Coinbase[:])
	r.Fixed(h.StateRoot[:])
	r.Fixed(h.TxRoot[:])
	r.Fixed(h.ReceiptRoot[:])
	r.Fixed(h.Bloom[:])
	wantZero(r) // difficulty
	h.Number = Height(r.Uint64())
	h.GasLimit, h.GasUsed, h.Time = r.Uint64(), r.Uint64(), r.Uint64()
	r.Fixed(h.Extra[:])
	r.Fixed(h.MixHash[:])
	var nonce [8]byte
	r.Fixed(nonce[:])
	if nonce != [8]byte{} {
		r.Fail(FaultConstant)
	}
	h.BaseFee = r.Uint256()
	wantHash(r, EmptyRoot) // withdrawals
	wantZero(r)            // blob gas used
	wantZero(r)            // excess blob gas
	wantHash(r, Hash{})    // parent beacon block
	wantHash(r, emptyRequests)
	return h
}

func wantZero(r *rlp.Reader) {
	if r.Uint64() != 0 {
		r.Fail(FaultConstant)
	}
}

func wantHash(r *rlp.Reader, want Hash) {
	var got Hash
	r.Fixed(got[:])
	if got != want {
		r.Fail(FaultConstant)
	}
}
