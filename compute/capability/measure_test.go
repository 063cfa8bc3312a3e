package capability

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

// A measurement with an engine on the clock of synctest, and the items that it draws.

type timed struct{ took map[chain.Hash]time.Duration }

func (e timed) Run(_ context.Context, id chain.Hash, input []byte) ([]byte, error) {
	took, known := e.took[id]
	if !known {
		return nil, errors.New("no such model")
	}
	time.Sleep(took)
	return append([]byte("out "), input...), nil
}

func TestMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow, absent, noInput := chain.Hash{1}, chain.Hash{2}, chain.Hash{3}, chain.Hash{4}
		left := map[chain.Hash]bool{}
		m := Measurer{
			Engine: timed{map[chain.Hash]time.Duration{fast: 10 * time.Millisecond, slow: 3 * time.Second, noInput: 1}},
			Input: func(id chain.Hash, seed [32]byte) ([]byte, error) {
				if id == noInput {
					return nil, ErrNoInput
				}
				return seed[:], nil
			},
			Report: func(id chain.Hash, _ error) { left[id] = true },
		}
		r := sample()
		if err := m.Measure(t.Context(), r, []chain.Hash{fast, slow, absent, noInput}); err != nil {
			t.Fatal(err)
		}
		if len(r.Models) != 2 || len(left) != 2 || !left[absent] || !left[noInput] {
			t.Fatalf("got %d models and %v left out, want two of each", len(r.Models), left)
		}
		for i, want := range []struct {
			micros uint64
			speed  uint32
		}{{10_000, 720_000}, {3_000_000, 2400}} { // two engines
			got := r.Models[i]
			seed := Seed(r.Genesis, r.Session, r.Seed, r.Worker, got.ID)
			if got.ItemMicros != want.micros || got.ItemsPerHour != want.speed || got.Answer != Answer(append([]byte("out "), seed[:]...)) {
				t.Errorf("model %d: got %+v, want %+v", i, got, want)
			}
		}
		if r.Of(slow) == nil || r.Of(absent) != nil {
			t.Error("Of finds other models than those measured")
		}
	})
}

// An item depends on everything that it is drawn from, and the shipped model takes it.
func TestShippedModel(t *testing.T) {
	files, err := builtin.Models()
	if err != nil {
		t.Fatal(err)
	}
	library := engine.Library{Models: model.Library{Files: files, Store: model.Store{Dir: t.TempDir()}}, Pipelines: pipeline.Store{Dir: t.TempDir()}}
	id := files[0].Net.ID()
	draw := func(session uint64, who chain.Address) []byte {
		b, err := Input(library, id, Seed(chain.Hash{1}, session, chain.Hash{2}, who, id))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one := draw(1, chain.Address{1})
	if !bytes.Equal(one, draw(1, chain.Address{1})) || bytes.Equal(one, draw(2, chain.Address{1})) || bytes.Equal(one, draw(1, chain.Address{2})) {
		t.Error("an item does not follow from session and worker")
	}
	a, err := engine.RunLocal(files[0], one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := engine.RunLocal(files[0], draw(2, chain.Address{1}))
	if err != nil || Answer(a) == Answer(b) {
		t.Errorf("two items give one answer (%v): it could be copied", err)
	}
	if _, err := Input(library, chain.Hash{9}, [32]byte{}); !model.IsNoModel(err) {
		t.Errorf("an unknown model: got %v, want %v", err, model.ErrNoModel)
	}
}

func TestTensors(t *testing.T) {
	float := net.Port{Type: 1, Known: true, Shape: []net.Dim{{Free: true, N: 0}, {N: 3}}}
	b, err := tensors([]net.Port{float}, dice.New([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	list, err := net.DecodeList(b, 1<<20)
	if err != nil || len(list) != 1 || len(list[0].Shape) != 2 || list[0].Shape[0] != 1 || list[0].Shape[1] != 3 || bytes.Equal(list[0].Bytes, make([]byte, 12)) {
		t.Errorf("got %+v, %v, want numbers of the shape 1 by 3", list, err)
	}
	for name, port := range map[string]net.Port{
		"unknown shape": {Type: 1},
		"too large":     {Type: 1, Known: true, Shape: []net.Dim{{N: 1 << 20}, {N: 1 << 20}, {N: 1 << 31}}},
	} {
		if _, err := tensors([]net.Port{port}, dice.New([32]byte{1})); !errors.Is(err, ErrNoInput) {
			t.Errorf("%s: got %v, want %v", name, err, ErrNoInput)
		}
	}
}

func TestKernels(t *testing.T) {
	if testing.Short() {
		t.Skip("times kernels")
	}
	list := Kernels(kernel.Best())
	if len(list) != 5 {
		t.Errorf("got %v, want five kernels", list)
	}
	for _, k := range list {
		if k.OpsPerSec < 1_000_000 {
			t.Errorf("%s: %d operations a second", k.Name, k.OpsPerSec)
		}
	}
}
