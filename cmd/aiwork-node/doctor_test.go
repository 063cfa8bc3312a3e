package main

// The known answer is the definitions' own, every path of this machine gives it, and what was not run is not taken for
// either outcome.

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/engine"
	canonical "github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

func TestKnownAnswerIsTheDefinitions(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a model by its definitions: not in short tests")
	}
	f, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	input, err := knownPicture()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := canonical.Decode(input)
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Compile()
	if err != nil {
		t.Fatal(err)
	}
	width, height := int(f.Net.Width), int(f.Net.Height)
	in := tensor.Of([]int{1, 3, height, width}, picture.Tensor(width, height))
	out, err := p.Run([]*tensor.Tensor{in}, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(engine.EncodeOutput(&f.Net.Head, out)); got != knownOutput {
		t.Errorf("by definition: got %s, want %s", got, knownOutput)
	}
}

func TestKnownAnswerOnEveryPath(t *testing.T) {
	for _, p := range kernel.Paths() {
		if got, err := shippedAnswer(t.Context(), p); err != nil || got != knownOutput {
			t.Errorf("path %s: got %s, %v, want %s", p, got, err, knownOutput)
		}
	}
}

func TestCompareTellsThreeOutcomesApart(t *testing.T) {
	d := &doctor{}
	d.compare("right", knownOutput, nil)
	d.compare("wrong", strings.Replace(knownOutput, knownOutput[:2], "00", 1), nil)
	d.compare("broken", "", os.ErrInvalid)
	d.notRun("absent", "not here")
	want := []string{outcomeValidated, outcomeMismatch, outcomeFailed, outcomeNotRun}
	for i, f := range d.list {
		if f.Outcome != want[i] || f.failed() != (i == 1 || i == 2) || f.failed() != (f.Todo != "") {
			t.Errorf("%s: got %+v, want %s, and what to do if it failed", f.Check, f, want[i])
		}
	}
}
