package tile_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// Tasks of operators of language models that nearly make sense (TILE-3): sizes of a small model, some of which are others, attributes left
// out or of any number, inputs left out; elements are anything.

// A sketch is the sizes of a model.
type sketch struct {
	*rand.Rand
	tokens, dim, heads, keys, head, vocab int
}

func newSketch(r *rand.Rand) *sketch {
	s := &sketch{Rand: r, tokens: 1 + r.IntN(70), keys: 1 + r.IntN(3), head: []int{2, 8, 32, 64, 256}[r.IntN(5)], vocab: 1 + r.IntN(200)}
	s.heads = s.keys * (1 + r.IntN(3))
	s.dim = s.heads * s.head
	return s
}

// of gives floats of a shape.
func (s *sketch) of(kind net.Type, shape ...int) tile.Operand {
	o := tile.Operand{Type: kind}
	for _, n := range shape {
		o.Shape = append(o.Shape, uint32(n))
	}
	return o
}

var formats = []tile.Format{tile.FormatF32, tile.FormatF16, tile.FormatBF16, tile.FormatQ8_0, tile.FormatQ4_0, tile.FormatQ4_K, tile.FormatQ6_K, 77}

// weights gives a matrix and the attribute that says what it is.
func (s *sketch) weights(name string, rows, columns int) (tile.Operand, net.Attr) {
	f := formats[s.IntN(len(formats))]
	for range 8 { // rows of most are whole
		if f.Words(rows, columns) > 0 {
			break
		}
		f = formats[s.IntN(len(formats))]
	}
	a := net.Attr{Name: name, Kind: net.KindInts, Ints: []int64{int64(f), int64(rows), int64(columns)}}
	return s.of(net.Uint64, f.Words(rows, columns)), a
}

func whole(name string, n int) net.Attr {
	return net.Attr{Name: name, Kind: net.KindInt, Int: int64(n)}
}

func (s *sketch) float(name string) net.Attr {
	return net.Attr{Name: name, Kind: net.KindFloat, Float: s.Uint32()}
}

// task gives the inputs and attributes of an operator.
func (s *sketch) task(name string) (in []tile.Operand, attrs []net.Attr) {
	rows := s.of(net.Float32, s.tokens, s.dim)
	row := s.of(net.Uint64, 1, s.vocab)
	logits, one := s.of(net.Float32, 1, s.vocab), s.of(net.Uint64, 1)
	heads := []net.Attr{whole("head", s.head), whole("heads", s.heads), whole("keys", s.keys)}
	scores, keys := s.of(net.Float32, s.tokens, s.heads, s.tokens), s.of(net.Float32, s.tokens, s.keys*s.head)
	switch name {
	case tile.LMLookup:
		w, a := s.weights("weights", s.vocab, s.dim)
		return []tile.Operand{s.of(net.Int32, s.tokens), w}, []net.Attr{a}
	case tile.LMNorm:
		w, a := s.weights("weights", 1, s.dim)
		return []tile.Operand{rows, w}, []net.Attr{s.float("epsilon"), whole("last", s.IntN(2)), a}
	case tile.LMProduct:
		w, a := s.weights("weights", 1+s.IntN(70), s.dim)
		b, bias := s.weights("bias", 1, int(a.Ints[1]))
		return []tile.Operand{rows, s.of(net.Uint64, s.tokens, s.dim/8), s.of(net.Float32, s.tokens, s.dim/32), w, b}, []net.Attr{bias, a}
	case tile.LMRotate:
		w, a := s.weights("factors", 1, s.head/2)
		return []tile.Operand{rows, w}, []net.Attr{s.float("base"), whole("dims", s.head), a, whole("halves", s.IntN(2)), whole("head", s.head), s.float("positions")}
	case tile.LMScores:
		return []tile.Operand{rows, keys}, heads
	case tile.LMWeights:
		return []tile.Operand{scores}, nil
	case tile.LMMix:
		return []tile.Operand{scores, keys}, heads
	case tile.LMGate, "Add":
		return []tile.Operand{rows, rows}, nil
	case tile.LMPenalise:
		return []tile.Operand{logits, s.of(net.Int32, s.tokens)}, []net.Attr{s.float("penalty"), whole("reach", s.IntN(80))}
	case tile.LMBest:
		return []tile.Operand{logits}, nil
	case tile.LMWeigh:
		return []tile.Operand{logits, s.of(net.Float32, 1)}, []net.Attr{s.float("temperature")}
	case tile.LMOrder:
		return []tile.Operand{logits, row}, nil
	case tile.LMTotal:
		return []tile.Operand{row, row}, []net.Attr{whole("most", s.IntN(200))}
	case tile.LMKeep:
		return []tile.Operand{row, row, row, one}, []net.Attr{whole("most", s.IntN(200)), whole("share", s.IntN(1_000_001))}
	case tile.LMPick:
		return []tile.Operand{row, one, s.of(net.Int32, 1), s.of(net.Float32, 1)}, []net.Attr{whole("before", s.tokens), whole("seed", s.Int())}
	}
	return []tile.Operand{rows}, nil // Quantise
}

// spoil changes something, now and then.
func (s *sketch) spoil(t *tile.Task) {
	switch s.IntN(8) {
	case 0:
		if a := t.Op.Attrs; len(a) > 0 {
			i := s.IntN(len(a))
			a[i].Int = []int64{0, -1, math.MaxInt64, math.MinInt64, 1 << 28, 3}[s.IntN(6)]
			if n := len(a[i].Ints); n > 0 {
				a[i].Ints[s.IntN(n)] = a[i].Int
			}
		}
	case 1:
		if len(t.Op.Attrs) > 0 {
			t.Op.Attrs = slices.Delete(t.Op.Attrs, 0, 1)
		}
	case 2:
		t.In[s.IntN(len(t.In))].Type = []net.Type{0, net.Float32, net.Uint64, net.Int32, net.Bool}[s.IntN(5)]
	case 3:
		o := &t.In[s.IntN(len(t.In))]
		if len(o.Shape) > 0 {
			o.Shape = slices.Clone(o.Shape)
			o.Shape[s.IntN(len(o.Shape))] = []uint32{0, 1, 1 << 28, 1 << 31, 7}[s.IntN(5)]
		}
	case 4:
		t.In = t.In[:s.IntN(len(t.In))+1]
	}
}

func TestHostileLanguage(t *testing.T) {
	tries := uint64(6_000)
	if testing.Short() {
		tries = 1_500
	}
	understood := map[string]int{}
	names := languageNames()
	for seed := range tries {
		if name, ok := tryLanguage(t, names, seed); ok {
			understood[name]++
		}
	}
	for _, name := range names {
		if understood[name] < 5 {
			t.Errorf("%s was understood %d times: too few to prove much", name, understood[name])
		}
	}
}

func FuzzLanguageTask(f *testing.F) {
	names := languageNames()
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { tryLanguage(t, names, seed) })
}

func languageNames() []string {
	return slices.DeleteFunc(tile.Names(), func(name string) bool { return tile.Since(name) < tile.LanguageSet })
}

func tryLanguage(t *testing.T, names []string, seed uint64) (name string, understood bool) {
	r := rand.New(rand.NewPCG(seed, 14))
	name = names[r.IntN(len(names))]
	s := newSketch(r)
	task := tile.Task{Opset: tile.LanguageSet, Op: &net.Op{Name: name, Outs: []bool{true, true}}, Out: r.IntN(2)}
	if r.IntN(2) == 0 {
		task.Out = 0
	}
	task.In, task.Op.Attrs = s.task(name)
	s.spoil(&task)
	plan, err := tile.Resolve(task, anything{r})
	if err != nil {
		return name, false
	}
	if plan.Tiles() > 0 {
		walkSteps(t, r, seed, task, plan.Tile(r.IntN(plan.Tiles())))
	}
	return name, true
}
