package language

// Items that share a model's steps, coming and going at any time, have the results that each has alone; the cache of keys and values
// bounds how many run, and whoever leaves makes room.

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/lm"
)

// variety lists prompts of every kind with other seeds.
func variety(n int) (list []Prompt) {
	for len(list) < n {
		for _, p := range prompts() {
			if p.Wants.pool() == lm.PoolNone {
				p.Seed += uint64(len(list))
				p.TokensMax = 1 + (p.TokensMax+7*len(list))%70
			}
			list = append(list, p)
		}
	}
	return list[:n]
}

func TestTogether(t *testing.T) {
	alone := ready(t, Options{})
	list := variety(40)
	want := make([][]byte, len(list))
	for i := range list {
		var err error
		if want[i], err = alone.Run(t.Context(), list[i].Encode()); err != nil {
			t.Fatal(err)
		}
	}
	page := int64(lm.NewCache(alone.Shape, 1).PageBytes())
	for _, pages := range []int64{1, 3, 64} { // items run one by one, three at a time, all
		for seed := range uint64(4) {
			r := ready(t, Options{Threads: 2, MemoryBytes: cacheShare * (page*pages + 1)})
			if r.pages != int(pages) {
				t.Fatalf("%d pages, want %d", r.pages, pages)
			}
			together(t, r, list, want, rand.New(rand.NewPCG(seed, 1)))
		}
	}
}

// together begins items in a drawn order while others run; some leave and come again.
func together(t *testing.T, r *Ready, list []Prompt, want [][]byte, rnd *rand.Rand) {
	t.Helper()
	open := rnd.Perm(len(list))
	running := map[int]int{}
	for len(open)+len(running) > 0 {
		for len(open) > 0 && r.Begun() < TogetherMax && rnd.IntN(3) > 0 {
			id, err := r.Begin(list[open[0]].Encode())
			if err != nil {
				t.Fatal(err)
			}
			running[id], open = open[0], open[1:]
		}
		for id, i := range running {
			if rnd.IntN(200) == 0 {
				r.Leave(id)
				delete(running, id)
				open = append(open, i)
			}
		}
		if r.Begun() == 0 {
			continue
		}
		done, err := r.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range done {
			i, known := running[d.ID]
			if !known || d.Err != nil || !bytes.Equal(d.Result, want[i]) {
				t.Fatalf("item %d among others: known %t, %v, got\n%x, want\n%x", i, known, d.Err, d.Result, want[i])
			}
			delete(running, d.ID)
		}
		if r.Begun() != len(running) {
			t.Fatalf("%d items are begun, want %d", r.Begun(), len(running))
		}
	}
}

// What is at fault, or has no place, is told at once, and the others go on.
func TestTogetherRefusals(t *testing.T) {
	r := ready(t, Options{})
	p := Prompt{Tokens: []int32{1, 2}, TokensMax: 4}
	for range TogetherMax {
		if _, err := r.Begin(p.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Begin(p.Encode()); !errors.Is(err, lm.ErrBatchFull) {
		t.Errorf("one more than may be: %v", err)
	}
	bad := p
	bad.Tokens = []int32{testVocab}
	if _, err := r.Begin(bad.Encode()); !errors.Is(err, image.FaultShape) {
		t.Errorf("an unknown token: %v", err)
	}
	ended := 0
	for r.Begun() > 0 {
		done, err := r.Step()
		if err != nil {
			t.Fatal(err)
		}
		ended += len(done)
	}
	if ended != TogetherMax {
		t.Errorf("%d items ended, want %d", ended, TogetherMax)
	}
}
