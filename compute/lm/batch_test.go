package lm

// LM-8: answers depend on the request alone, whatever else the batch has to do; Verify accepts them and finds the first
// token that was changed.

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/quant"
)

func batchFile(t testing.TB) *gguf.File {
	return randomFile(t, shape{arch: "qwen2", layers: 2, dim: 64, hidden: 96, heads: 4, keyHeads: 2, vocab: 80, context: 700, format: quant.Q8_0, tied: true})
}

func randomRequests(rnd *rand.Rand, n, vocab int) []Request {
	var list []Request
	for i := range n {
		list = append(list, Request{
			Prompt: randomTokens(rnd, 1+rnd.IntN(90), vocab), TokensMax: 1 + rnd.IntN(60),
			Stop:     []int32{3},
			Sampling: Sampling{Temperature: float32(i % 3), TopK: i % 5 * 10, TopPPpm: uint32(i % 4 * 250_000), Penalty: 1 + float32(i%2)/8, Seed: uint64(i)},
		})
	}
	return list
}

// serve runs requests, which come by chance, until all have ended.
func serve(t *testing.T, m *Model, o BatchOptions, requests []Request, rnd *rand.Rand) [][]int32 {
	t.Helper()
	b := NewBatch(m, o)
	answers, index := make([][]int32, len(requests)), map[int]int{}
	for came := 0; came < len(requests) || b.Busy(); {
		for came < len(requests) && (!b.Busy() || rnd.IntN(3) == 0) {
			id, err := b.Add(requests[came])
			if errors.Is(err, ErrBatchFull) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			index[id] = came
			came++
		}
		events, err := b.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Err != nil {
				t.Fatal(e.Err)
			}
			answers[index[e.ID]] = append(answers[index[e.ID]], e.Token)
		}
	}
	if b.cache.FreePages() != o.Pages || b.pages != 0 {
		t.Errorf("%d of %d pages free at the end, %d promised", b.cache.FreePages(), o.Pages, b.pages)
	}
	return answers
}

func TestBatchAnswersEachAlike(t *testing.T) {
	m := load(t, batchFile(t), kernel.Best())
	rnd := rand.New(rand.NewPCG(9, 9))
	requests := randomRequests(rnd, 24, m.Vocab)
	alone := serve(t, m, BatchOptions{Threads: 1, Pages: 1, Requests: 1, StepTokens: 1}, requests, rnd)
	for _, o := range []BatchOptions{
		{Threads: 2, Pages: 12, Requests: 24},
		{Threads: 1, Pages: 3, Requests: 7, StepTokens: 9},
	} {
		for i, got := range serve(t, m, o, requests, rnd) {
			if !slices.Equal(got, alone[i]) {
				t.Errorf("%+v: answer %d is %v, alone %v", o, i, got, alone[i])
			}
		}
	}
	run, cache := NewRunner(m, 2), NewCache(m.Config, 1)
	for i, q := range requests {
		seq := cache.NewSequence()
		if n, err := Verify(t.Context(), run, seq, q.Prompt, alone[i], q.Sampling); err != nil || n != len(alone[i]) {
			t.Errorf("answer %d: %d of %d tokens follow: %v", i, n, len(alone[i]), err)
		}
		seq.Release()
		forged, at := slices.Clone(alone[i]), rnd.IntN(len(alone[i]))
		forged[at] = (forged[at] + 1) % int32(m.Vocab)
		if n, err := Verify(t.Context(), run, seq, q.Prompt, forged, q.Sampling); err != nil || n != at {
			t.Errorf("answer %d: token %d was changed, found %d: %v", i, at, n, err)
		}
		seq.Release()
	}
}

func TestStepLimits(t *testing.T) {
	m := load(t, batchFile(t), kernel.Best())
	run, cache := NewRunner(m, 1), NewCache(m.Config, 2)
	a, b, c := cache.NewSequence(), cache.NewSequence(), cache.NewSequence()
	for what, parts := range map[string][]*Part{
		"nothing":         {},
		"no tokens":       {{Seq: a}},
		"too many logits": {{Seq: a, Tokens: []int32{1}, Want: 2}},
		"no token":        {{Seq: a, Tokens: []int32{80}}},
		"context":         {{Seq: a, Tokens: make([]int32, 701)}},
		"twice":           {{Seq: a, Tokens: []int32{1}}, {Seq: a, Tokens: []int32{1}}},
		"pages":           {{Seq: a, Tokens: []int32{1}}, {Seq: b, Tokens: []int32{1}}, {Seq: c, Tokens: []int32{1}}},
	} {
		if err := run.Step(parts); err == nil || errors.Is(err, ErrCacheFull) != (what == "pages") {
			t.Errorf("%s: %v", what, err)
		}
		if cache.FreePages() != 2 || a.Len() != 0 {
			t.Errorf("%s: %d pages are free, %d positions taken", what, cache.FreePages(), a.Len())
		}
	}
}

func TestBatchLimits(t *testing.T) {
	m := load(t, batchFile(t), kernel.Best())
	b := NewBatch(m, BatchOptions{Pages: 2, Requests: 2})
	prompt := []int32{1, 2}
	for _, q := range []Request{
		{TokensMax: 1},
		{Prompt: prompt},
		{Prompt: []int32{80}, TokensMax: 1},
		{Prompt: []int32{-1}, TokensMax: 1},
		{Prompt: prompt, TokensMax: 600}, // three pages
		{Prompt: make([]int32, 700), TokensMax: 1},
		{Prompt: prompt, TokensMax: 1, Sampling: Sampling{Temperature: -1}},
	} {
		if _, err := b.Add(q); err == nil {
			t.Errorf("taken: %+v", q)
		}
	}
	first, err := b.Add(Request{Prompt: prompt, TokensMax: 510})
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Add(Request{Prompt: prompt, TokensMax: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Add(Request{Prompt: prompt, TokensMax: 5}); !errors.Is(err, ErrBatchFull) {
		t.Errorf("a third request: %v", err)
	}
	if events, err := b.Step(); err != nil || len(events) != 1 || events[0].ID != first {
		t.Errorf("the second request waits for pages: %v %v", events, err)
	}
	b.Cancel(first)
	var got []Event
	for b.Busy() {
		events, err := b.Step()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, events...)
	}
	if len(got) != 5 || got[4].ID != second || got[4].End != EndLength {
		t.Errorf("events of the second request: %v", got)
	}
	if b.cache.FreePages() != 2 {
		t.Errorf("%d pages free, want 2", b.cache.FreePages())
	}
}
