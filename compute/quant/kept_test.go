package quant

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

type memoryShelf map[[32]byte][]byte

func (s memoryShelf) Take(name [32]byte) []byte    { return s[name] }
func (s memoryShelf) Keep(name [32]byte, b []byte) { s[name] = slices.Clone(b) }

// A matrix that lies on a shelf multiplies as the one that was laid out; bytes of another number are not taken.
func TestKept(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	const n, k, rows = 37, 512, 3
	for _, path := range kernel.Paths() {
		for f := F32; f <= Q6_K; f++ {
			raw := randomBytes(rnd, f, n, k)
			if !f.quantised() {
				clear(raw)
			}
			x := &Activations{}
			x.Resize(rows, k)
			randomFloats(rnd, x.Float, false)
			if f.quantised() {
				x.Quantise(path, 0, rows)
			}
			shelf := memoryShelf{}
			product := func(name string) []float32 {
				m, err := NewKept(shelf, name, path, f, n, k, raw)
				if err != nil {
					t.Fatal(err)
				}
				out := make([]float32, rows*n)
				m.Mul(out, n, x, 0, m.Panels())
				return out
			}
			want := product("a")
			kept := len(shelf)
			if got := product("a"); !slices.Equal(got, want) || len(shelf) != kept {
				t.Errorf("%v on %v: another product, or laid out again", f, path)
			}
			for name, b := range shelf {
				shelf[name] = b[:len(b)-4]
			}
			if got := product("a"); !slices.Equal(got, want) {
				t.Errorf("%v on %v: bytes of another number are taken", f, path)
			}
			if product("b"); len(shelf) != 2*kept {
				t.Errorf("%v on %v: two names share their bytes", f, path)
			}
		}
	}
}
