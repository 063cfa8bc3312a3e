package pass

import (
	"errors"
	"strconv"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// Limits of what is understood, at least those of a model that can be run (LM-1).
const (
	LayersMax  = 1 << 10
	dimMax     = 1 << 15
	hiddenMax  = 1 << 17
	sizeMax    = 1 << 20 // of positions
	headsMax   = 1 << 10
	headDimMax = 256
	nameMax    = 64
	archMax    = 16
	leafMax    = 256     // bytes of a tensor's leaf
	weightsMax = 1 << 34 // of a tensor
)

// ErrShape says that bytes are no shape of a model, or no tensor or pass of one.
var ErrShape = errors.New("pass: no shape of a language model")

// ErrItem says that bytes are no item that wants an answer, or no answer.
var ErrItem = errors.New("pass: no item that wants an answer, or no answer")

// A Shape is a model's, as LANG-1 has it. Floats are given by their bits.
type Shape struct {
	Arch                                                               string
	Layers, Dim, Hidden, Heads, KeyHeads, HeadDim, Context, RotateDims int
	RotateHalves                                                       bool
	Epsilon, RotateBase, RotatePositions                               uint32
}

// Encode gives the bytes that stand for a shape in a model's id.
func (s *Shape) Encode() []byte {
	w := codec.NewWriter(96)
	w.Bytes([]byte(s.Arch))
	for _, n := range s.sizes() {
		w.U32(uint32(*n))
	}
	w.Bool(s.RotateHalves)
	for _, v := range []uint32{s.Epsilon, s.RotateBase, s.RotatePositions} {
		w.U32(v)
	}
	return w.Out()
}

func (s *Shape) sizes() []*int {
	return []*int{&s.Layers, &s.Dim, &s.Hidden, &s.Heads, &s.KeyHeads, &s.HeadDim, &s.Context, &s.RotateDims}
}

// DecodeShape reads what Encode wrote, of a model within limits.
func DecodeShape(b []byte) (s Shape, err error) {
	r := codec.NewReader(b)
	s.Arch = string(r.Bytes(archMax))
	for _, n := range s.sizes() {
		*n = int(r.U32())
	}
	s.RotateHalves = r.Bool()
	s.Epsilon, s.RotateBase, s.RotatePositions = r.U32(), r.U32(), r.U32()
	if r.End() != nil || !s.fits() {
		return Shape{}, ErrShape
	}
	return s, nil
}

func (s *Shape) fits() bool {
	for _, n := range s.sizes() {
		if *n < 1 || *n > sizeMax {
			return false
		}
	}
	return s.Layers <= LayersMax && s.Dim <= dimMax && s.Hidden <= hiddenMax && s.Heads <= headsMax && s.HeadDim <= headDimMax && s.Heads%s.KeyHeads == 0 && s.RotateDims <= s.HeadDim
}

// Places of tensors that stand before those of layers.
const (
	placeTokens  = iota // the row of each token
	placeNorm           // of the last normalisation
	placeOutput         // the output matrix; a model may lack it
	placeFactors        // of rotations; a model may lack them
	placesBefore
)

// Places of a layer's tensors.
const (
	placeAttentionNorm = iota
	placeForwardNorm
	placeQuery
	placeKey
	placeValue
	placeAttention
	placeQueryBias // a model may lack the three
	placeKeyBias
	placeValueBias
	placeGate
	placeUp
	placeDown
	placesLayer
)

// Places is the number of places for tensors.
func (s *Shape) Places() int { return placesBefore + s.Layers*placesLayer }

// TensorNames gives the name of the tensor at each place, as a model's file has it.
func (s *Shape) TensorNames() []string {
	names := []string{"token_embd.weight", "output_norm.weight", "output.weight", "rope_freqs.weight"}
	for i := range s.Layers {
		for _, name := range [placesLayer]string{
			"attn_norm.weight", "ffn_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight",
			"attn_q.bias", "attn_k.bias", "attn_v.bias", "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight",
		} {
			names = append(names, "blk."+strconv.Itoa(i)+"."+name)
		}
	}
	return names
}

// A Tensor is what a model's id says of one of its tensors.
type Tensor struct {
	Name   string
	Format tile.Format
	Dims   []uint64 // the fastest first
	Root   chain.Hash
}

// Encode gives the leaf that stands for a tensor in a model's id. A tensor that a model lacks has an empty one.
func (t *Tensor) Encode() []byte {
	w := codec.NewWriter(128)
	w.Bytes([]byte(t.Name))
	w.U32(uint32(t.Format))
	w.Count(len(t.Dims))
	for _, d := range t.Dims {
		w.U64(d)
	}
	w.Fixed(t.Root[:])
	return w.Out()
}

// DecodeTensor reads what Encode wrote. Nothing stands for a tensor that is not there: Format.Words of its size is 0.
func DecodeTensor(b []byte) (t Tensor, err error) {
	if len(b) == 0 {
		return t, nil
	}
	r := codec.NewReader(b)
	t.Name = string(r.Bytes(nameMax))
	format := r.U32()
	for range r.Count(net.RankMax) {
		t.Dims = append(t.Dims, r.U64())
	}
	r.Fixed(t.Root[:])
	if r.End() != nil || format > 255 || t.Name == "" || len(b) > leafMax {
		return Tensor{}, ErrShape
	}
	t.Format = tile.Format(format)
	if t.words() == 0 {
		return Tensor{}, ErrShape
	}
	return t, nil
}

// There says whether the model has the tensor.
func (t *Tensor) There() bool { return t.Name != "" }

// size gives the rows and columns.
func (t *Tensor) size() (rows, columns int, ok bool) {
	n := uint64(1)
	for _, d := range t.Dims {
		if d < 1 || n > weightsMax/d {
			return 0, 0, false
		}
		n *= d
	}
	if len(t.Dims) == 0 {
		return 0, 0, false
	}
	return int(n / t.Dims[0]), int(t.Dims[0]), true
}

func (t *Tensor) words() int {
	rows, columns, ok := t.size()
	if !ok {
		return 0
	}
	return t.Format.Words(rows, columns)
}

// Digest names the tensor as an operand: its file's bytes as words. One that is not there is left out.
func (t *Tensor) Digest() net.Digest {
	if !t.There() {
		return net.Digest{}
	}
	return net.Digest{Type: net.Uint64, Shape: []uint32{uint32(t.words())}, Root: t.Root}
}
