package lm

// LM-7 by vectors that another implementation can try itself on, by frequencies, and against a plain form of the rule.

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

var rewrite = flag.Bool("rewrite", false, "renew the files of testdata, which changes the protocol")

// plain is the rule written down once more, with a sort and big numbers.
func plain(logits []float32, history []int32, how Sampling) int32 {
	l := slices.Clone(logits)
	if how.Penalty != 0 {
		recent := history
		if how.PenaltyReach > 0 {
			recent = history[max(0, len(history)-how.PenaltyReach):]
		}
		for i := range l {
			if slices.Contains(recent, int32(i)) {
				if l[i] > 0 {
					l[i] /= how.Penalty
				} else {
					l[i] *= how.Penalty
				}
			}
		}
	}
	order := make([]int, len(l))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case l[a] > l[b] || l[a] == l[a] && l[b] != l[b]:
			return -1
		case l[b] > l[a] || l[b] == l[b] && l[a] != l[a]:
			return 1
		}
		return 0
	})
	top := l[order[0]]
	if how.Temperature == 0 || top-top != 0 {
		return int32(order[0])
	}
	weight := func(i int) *big.Int {
		w := kernel.Exp((l[i] - top) / how.Temperature)
		if w != w {
			return new(big.Int)
		}
		n, _ := new(big.Float).Mul(big.NewFloat(1<<32), big.NewFloat(float64(w))).Int(nil)
		return n
	}
	sum := func(list []int) *big.Int {
		s := new(big.Int)
		for _, i := range list {
			s.Add(s, weight(i))
		}
		return s
	}
	if how.TopK > 0 {
		order = order[:min(how.TopK, len(order))]
	}
	if how.TopPPpm > 0 {
		need := new(big.Int).Mul(sum(order), big.NewInt(int64(how.TopPPpm)))
		n := 0
		for n < len(order) && new(big.Int).Mul(sum(order[:n]), big.NewInt(1_000_000)).Cmp(need) < 0 {
			n++
		}
		order = order[:n]
	}
	slices.Sort(order)
	r := new(big.Int).SetUint64(draw(how.Seed, uint64(len(history))))
	r.Rsh(r.Mul(r, sum(order)), 64)
	for _, i := range order {
		if r.Cmp(weight(i)) < 0 {
			return int32(i)
		}
		r.Sub(r, weight(i))
	}
	panic("the draw is beyond the sum")
}

// randomDraw makes the arguments of a draw.
func randomDraw(rnd *rand.Rand) ([]float32, []int32, Sampling) {
	logits := make([]float32, 1+rnd.IntN(40))
	spread := math.Ldexp(1, rnd.IntN(8)-3)
	for i := range logits {
		logits[i] = float32(float64(spread * rnd.NormFloat64()))
		if rnd.IntN(10) == 0 {
			logits[i] = logits[rnd.IntN(i+1)] // equals
		}
		if rnd.IntN(60) == 0 {
			logits[i] = kernel.NaN()
		}
	}
	history := randomTokens(rnd, rnd.IntN(20), len(logits))
	how := Sampling{Seed: rnd.Uint64()}
	if rnd.IntN(5) > 0 {
		how.Temperature = float32(1+rnd.IntN(30)) / 16
	}
	if rnd.IntN(2) == 0 {
		how.TopK = 1 + rnd.IntN(12)
	}
	if rnd.IntN(2) == 0 {
		how.TopPPpm = 1 + rnd.Uint32N(1_000_000)
	}
	if rnd.IntN(2) == 0 {
		how.Penalty, how.PenaltyReach = float32(4+rnd.IntN(20))/8, rnd.IntN(12)
	}
	return logits, history, how
}

func TestSamplerEqualsPlainRule(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	samplers := []*Sampler{}
	for _, path := range kernel.Paths() {
		samplers = append(samplers, NewSampler(path))
	}
	for range 4000 {
		logits, history, how := randomDraw(rnd)
		want := plain(logits, history, how)
		for _, s := range samplers {
			if got := s.Next(logits, history, how); got != want {
				t.Fatalf("%v: token %d, want %d of %v behind %v with %+v", s.path, got, want, logits, history, how)
			}
		}
	}
}

// testdata/sampling.txt locks the rule: temperature and penalty as bits, k, p, reach, seed, history, logits as bits, token.
func TestSamplingVectors(t *testing.T) {
	var b bytes.Buffer
	rnd := rand.New(rand.NewPCG(8, 8))
	s := NewSampler(kernel.Best())
	for range 120 {
		logits, history, how := randomDraw(rnd)
		fmt.Fprintf(&b, "%08x %08x %d %d %d %016x", math.Float32bits(how.Temperature), math.Float32bits(how.Penalty),
			how.TopK, how.TopPPpm, how.PenaltyReach, how.Seed)
		fmt.Fprintf(&b, " %v", history)
		for _, v := range logits {
			fmt.Fprintf(&b, " %08x", math.Float32bits(kernel.Canonical(v)))
		}
		fmt.Fprintf(&b, " = %d\n", s.Next(logits, history, how))
	}
	checkFile(t, "testdata/sampling.txt", b.Bytes())
}

func checkFile(t *testing.T, path string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what the code gives; -rewrite shows how", path)
	}
}

// Weights 1, 2 and 5 out of 8.
func TestSamplerIsFair(t *testing.T) {
	logits := []float32{0, float32(math.Ln2), float32(math.Log(5))}
	s := NewSampler(kernel.Best())
	const draws = 40000
	var counts [3]int
	for i := range draws {
		counts[s.Next(logits, nil, Sampling{Temperature: 1, Seed: uint64(i)})]++
	}
	for i, share := range []float64{1. / 8, 2. / 8, 5. / 8} {
		if d := math.Abs(float64(counts[i])/draws - share); d > 0.01 {
			t.Errorf("token %d: %d of %d draws, want a share of %g", i, counts[i], draws, share)
		}
	}
}
