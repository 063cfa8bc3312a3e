package engine

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/photos"
)

// The models that ship can be disputed down to a tile: a trace gives the result that the engine gives, every operator
// is covered, and a tile of each, by chance, is what the contract would compute.
func TestTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("runs whole models by their definition")
	}
	files, err := builtin.Models()
	if err != nil {
		t.Fatal(err)
	}
	library := model.Library{Files: files}
	for _, f := range files {
		input := canonical(t, photos.All()[0])
		want, err := RunLocal(f, input)
		if err != nil {
			t.Fatal(err)
		}
		run, err := Trace(library, f.Net.ID(), input)
		if err != nil {
			t.Fatal(err)
		}
		if got := receipt.NewAdvocate(run).Claim().Result; !bytes.Equal(got, want) {
			t.Errorf("%s: a trace gives %x, the engine %x", f.Name, got, want)
		}
		r := rand.New(rand.NewPCG(1, 1))
		for i := range f.Net.OpList {
			checkTile(t, run, i, r)
		}
	}
	if _, err := Trace(library, chain.Hash{1}, nil); !isUnknown(err) {
		t.Errorf("no such model: got %v", err)
	}
	if _, err := Trace(library, files[0].Net.ID(), []byte("no picture")); !isInput(err) {
		t.Errorf("no picture: got %v", err)
	}
}

func isUnknown(err error) bool { _, ok := errors.AsType[*UnknownModelError](err); return ok }
func isInput(err error) bool   { _, ok := errors.AsType[*InputError](err); return ok }

// checkTile recomputes a tile of the first output of an operator.
func checkTile(t *testing.T, run *receipt.Trace, i int, r *rand.Rand) {
	t.Helper()
	n := run.Model.Net
	op := &n.OpList[i]
	task := tile.Task{Opset: n.Opset, Op: op}
	values := elements{}
	for _, v := range op.In {
		if v == net.None {
			task.In, values = append(task.In, tile.Operand{}), append(values, element{})
			continue
		}
		g := run.DigestOf(v)
		task.In, values = append(task.In, tile.Operand{Type: g.Type, Shape: g.Shape}), append(values, element{g.Type, run.Values[v].Raw()})
	}
	plan, err := tile.Resolve(task, values)
	if err != nil {
		t.Fatalf("operator %d %s: %v", i, op.Name, err)
	}
	x := run.Values[n.FirstOf(i)]
	tiles := net.Tiles(net.Type(onnx.NumberOf(x.Type())), x.Raw())
	at := r.IntN(len(tiles))
	w := plan.Tile(at)
	s := w.Begin()
	for !w.Done(s) {
		if err := w.Step(&s, w.Needs(s), values); err != nil {
			t.Fatalf("operator %d %s: %v", i, op.Name, err)
		}
	}
	if !bytes.Equal(s.Out, tiles[at]) {
		t.Errorf("operator %d %s, tile %d: got %x, want %x", i, op.Name, at, s.Out, tiles[at])
	}
}

type element struct {
	kind net.Type
	raw  []byte
}

type elements []element

func (e elements) Element(port, index int) (uint64, bool) {
	return tile.Word(e[port].kind, e[port].raw, index)
}
