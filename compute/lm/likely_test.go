package lm

// Likelihoods are those of a softmax in float64, in the right order; vectors of texts are unit vectors that depend on the text alone,
// not on how it is cut or on others in the same steps.

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/quant"
)

func TestLikelihoods(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	logits := make([]float32, 1000)
	for i := range logits {
		logits[i] = float32(rnd.NormFloat64() * 4)
	}
	logits[7], logits[9] = logits[8], logits[8] // equals go by their numbers
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v))
	}
	want := func(i int32) float64 { return float64(logits[i]) - math.Log(sum) }
	for _, path := range kernel.Paths() {
		of, top := NewSampler(path).Likelihoods(logits, 500, 20)
		if math.Abs(float64(of)-want(500)) > 1e-5 || len(top) != 20 {
			t.Fatalf("%v: %g, want %g; %d", path, of, want(500), len(top))
		}
		for i, l := range top {
			if math.Abs(float64(l.Logprob)-want(l.Token)) > 1e-5 || i > 0 && logits[l.Token] > logits[top[i-1].Token] {
				t.Errorf("%v: place %d: %+v, want %g", path, i, l, want(l.Token))
			}
		}
	}
	order := largest(logits, len(logits))
	if at := slices.Index(order, 7); order[at+1] != 8 || order[at+2] != 9 {
		t.Errorf("equals are in the order %v", order[at:at+3])
	}
	nan := float32(math.NaN())
	if got := largest([]float32{nan, 1, nan, 2}, 3); !slices.Equal(got, []int32{3, 1, 0}) {
		t.Errorf("beside NaN: %v", got)
	}
}

// pooled gives the vector of a text that shares steps with others.
func pooled(t *testing.T, m *Model, stepTokens int, pool Pool, text []int32, others ...Request) []float32 {
	t.Helper()
	b := NewBatch(m, BatchOptions{Threads: 2, Pages: 16, Requests: 8, StepTokens: stepTokens})
	for _, q := range others {
		if _, err := b.Add(q); err != nil {
			t.Fatal(err)
		}
	}
	id, err := b.Add(Request{Prompt: text, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	var vector []float32
	for b.Busy() {
		events, err := b.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.ID == id && e.End == EndPooled {
				vector = e.Vector
			}
		}
	}
	return vector
}

func TestPools(t *testing.T) {
	m := load(t, randomFile(t, shape{"llama", 2, 64, 96, 2, 2, 300, 512, quant.Q8_0, true}), kernel.Best())
	text := randomTokens(rand.New(rand.NewPCG(1, 9)), 300, 300)
	for _, pool := range []Pool{PoolMean, PoolLast} {
		want := pooled(t, m, 1, pool, text)
		sum := 0.0
		for _, v := range want {
			sum += float64(v) * float64(v)
		}
		if len(want) != 64 || math.Abs(sum-1) > 1e-6 {
			t.Fatalf("pool %d: %d numbers of length %g", pool, len(want), sum)
		}
		got := pooled(t, m, 128, pool, text, Request{Prompt: text[:40], TokensMax: 20}, Request{Prompt: text[7:200], Pool: PoolMean})
		if !slices.Equal(got, want) {
			t.Errorf("pool %d: among others it is another vector", pool)
		}
		if shorter := pooled(t, m, 128, pool, text[:299]); slices.Equal(shorter, want) {
			t.Errorf("pool %d: a shorter text has the same vector", pool)
		}
	}
	// The last token's state is what its logits are made of.
	run, seq := NewRunner(m, 1), NewCache(m.Config, 2).NewSequence()
	part := &Part{Seq: seq, Tokens: text, WantStates: true}
	if err := run.Step([]*Part{part}); err != nil || len(part.States) != len(text) {
		t.Fatal(err, len(part.States))
	}
	last := slices.Clone(part.States[len(text)-1])
	unit(m.path, last)
	if !slices.Equal(last, pooled(t, m, 64, PoolLast, text)) {
		t.Error("the vector is not the last state's")
	}
}

func TestUnit(t *testing.T) {
	for _, v := range [][]float32{{3, -4}, {1e-30, -1e-30}, {1e30, 1e30}, {0, 0}} {
		got := slices.Clone(v)
		unit(kernel.Best(), got)
		length := math.Hypot(float64(got[0]), float64(got[1]))
		if v[0] == 0 && length != 0 || v[0] != 0 && math.Abs(length-1) > 1e-6 {
			t.Errorf("%v: %v", v, got)
		}
	}
}
