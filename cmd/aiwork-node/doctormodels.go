package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	canonical "github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	// knownOutput is what the shipped model says of knownPicture, as the definitions of its operators give it.
	knownOutput = "cd3a943c8926be398ff27a3fc7fa7f3ad1bb9e39"
	// definedSteps is how many steps of the definitions a slow machine does in a second.
	definedSteps = 100_000_000
	mismatchTodo = "do not work with this machine: its answers would be taken for lies and cost the bond. Test memory and processor, " +
		"try another version of this program, and report it with the output of `aiwork-node worker doctor --json`"
)

// knownPicture gives pixels that follow from their places alone, losslessly encoded.
func knownPicture() ([]byte, error) {
	const width, height = 180, 140
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	state := uint32(1)
	for y := range height {
		for x := range width {
			state = state*1664525 + 1013904223
			m.SetNRGBA(x, y, color.NRGBA{byte(x + int(state>>28)), byte(y * x >> 5), byte(state >> 25), 255})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, m)
	return b.Bytes(), err
}

// modelFiles reads every model and computes its id anew.
func (d *doctor) modelFiles(context.Context) {
	const name = "models"
	stored, err := d.models.Store.List()
	if err != nil {
		d.failed(name, "see the reason", "%v", err)
		return
	}
	var bad bool
	for _, e := range stored {
		// Get holds every weight against its root and the whole against the id in the file's name.
		if _, err := d.models.Store.Get(e.ID); err != nil {
			bad = true
			d.failed("model "+short(e.ID), "`aiwork-node model remove "+e.ID.String()+"`, then `model pull` it again", "%v", err)
		}
	}
	for _, f := range d.models.Files {
		if f.Net.ID() == builtin.ContentSafetyHash() {
			continue
		}
		bad = true
		d.failed(name, "this program is damaged: install it again", "the shipped model %s is %s", f.Name, f.Net.ID())
	}
	if !bad {
		d.ok(name, "%d shipped, %d in %s, all read and their ids computed anew", len(d.models.Files), len(stored), d.models.Store.Dir)
	}
}

// packedWeights holds what is packed of the models against its digests.
func (d *doctor) packedWeights(context.Context) {
	const name = "packed weights"
	folder := packedOf(d.c, d.models.Store.Dir)
	list, err := folder.List()
	if err != nil {
		d.failed(name, "see the reason; without the folder each engine packs its own", "%v", err)
		return
	}
	var size int64
	stale := 0
	for _, k := range list {
		size += k.Bytes
		err := folder.Verify(k)
		if errors.Is(err, packed.ErrStale) {
			stale++
		} else if err != nil {
			d.failed(name, "remove the file: it is made anew. If that comes again, test the disk", "%s: %v", k.File, err)
			return
		}
	}
	d.ok(name, "%d files, %d MiB of at most %d; %d are of another build and are replaced", len(list), size>>20, folder.BytesMax>>20, stale)
}

func short(id chain.Hash) string { return id.String()[:10] }

// kernels runs the shipped model on every path and compares bits.
func (d *doctor) kernels(ctx context.Context) {
	here := map[kernel.Path]bool{}
	for _, p := range kernel.Paths() {
		here[p] = true
	}
	for _, p := range kernel.Known() {
		name := "known answer, path " + p.String()
		if !here[p] {
			d.notRun(name, "this processor has it not")
			continue
		}
		if p != quickest() && d.c.Bool("quick") {
			d.notRun(name, "--quick")
			continue
		}
		got, err := shippedAnswer(ctx, p)
		d.compare(name, got, err)
	}
}

func (d *doctor) compare(name, got string, err error) {
	switch {
	case err != nil:
		d.failed(name, "see the reason", "%v", err)
	case got != knownOutput:
		d.add(name, outcomeMismatch, fmt.Sprintf("the shipped model gives %s, not %s", got, knownOutput), mismatchTodo)
	default:
		d.add(name, outcomeValidated, "the shipped model's bits", "")
	}
}

// shippedAnswer computes the shipped model's output for the known picture on one path, in this process.
func shippedAnswer(ctx context.Context, path kernel.Path) (string, error) {
	f, err := builtin.ContentSafety()
	if err != nil {
		return "", err
	}
	input, err := knownPicture()
	if err != nil {
		return "", err
	}
	picture, err := canonical.Decode(input)
	if err != nil {
		return "", err
	}
	p, err := f.Compile()
	if err != nil {
		return "", err
	}
	r, err := plan.New(p, plan.Options{Threads: 1, Path: path})
	if err != nil {
		return "", err
	}
	defer r.Close()
	width, height := int(f.Net.Width), int(f.Net.Height)
	in := tensor.Of([]int{1, 3, height, width}, picture.Tensor(width, height))
	out, err := r.Run(ctx, []*tensor.Tensor{in}, program.DefaultLimits())
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(engine.EncodeOutput(&f.Net.Head, out)), nil
}

// knownAnswers compares, for each stored model, what the quick path gives with what its definition gives.
func (d *doctor) knownAnswers(ctx context.Context) {
	stored, err := d.models.Store.List()
	if err != nil {
		return // told by modelFiles
	}
	for _, e := range stored {
		if e.Err != nil || ctx.Err() != nil {
			continue
		}
		outcome, found := d.againstDefinition(ctx, e.ID)
		todo := ""
		if outcome == outcomeMismatch {
			todo = mismatchTodo
		}
		d.add("known answer, "+e.File.Name, outcome, found, todo)
	}
}

func (d *doctor) againstDefinition(ctx context.Context, id chain.Hash) (outcome, found string) {
	f, err := d.models.Store.Get(id)
	if err != nil {
		return outcomeNotRun, "it cannot be read"
	}
	p, err := f.Compile()
	if err != nil {
		return outcomeFailed, err.Error()
	}
	r := &runner{file: f, program: p}
	inputs, err := r.madeUp("")
	if err != nil {
		return outcomeNotRun, err.Error()
	}
	limits := program.DefaultLimits()
	limits.Steps = int(d.c.Duration("known-max").Seconds() * definedSteps)
	want, err := p.Run(inputs, limits)
	if _, limited := errors.AsType[*operator.LimitError](err); limited {
		return outcomeNotRun, "its definition would take longer than --known-max: " + err.Error()
	}
	if err != nil {
		return outcomeNotRun, "made-up inputs do not suit it: " + err.Error()
	}
	if r.plans, err = plan.New(p, plan.Default()); err != nil {
		return outcomeFailed, err.Error()
	}
	defer r.close()
	got, err := r.run(ctx, inputs)
	if err != nil {
		return outcomeMismatch, "its definition gives an output, the path " + quickest().String() + " an error: " + err.Error()
	}
	if !bytes.Equal(engine.EncodeOutput(&f.Net.Head, got), engine.EncodeOutput(&f.Net.Head, want)) {
		return outcomeMismatch, "the path " + quickest().String() + " gives other bits than its definition"
	}
	return outcomeValidated, "the path " + quickest().String() + " gives the bits of its definition"
}

// engineChild starts an engine as the worker will, and has it answer.
func (d *doctor) engineChild(ctx context.Context) {
	const name = "engine"
	exe, err := os.Executable()
	if err != nil {
		d.failed(name, "see the reason", "%v", err)
		return
	}
	began := time.Now()
	o := engineOptions(d.c, d.home, exe, 0)
	o.Args = append(o.Args, "--packed-mib", "0") // the last one holds: a doctor leaves nothing behind
	e, err := engine.Start(ctx, o)
	if err != nil {
		d.failed(name, "see the reason; the child is this same program", "%v", err)
		return
	}
	defer e.Close()
	up := time.Since(began).Round(time.Millisecond)
	input, err := knownPicture()
	if err != nil {
		d.failed(name, "see the reason", "%v", err)
		return
	}
	first := time.Now()
	out, err := e.Run(ctx, builtin.ContentSafetyHash(), input)
	if err != nil {
		d.failed(name, "raise --engine-memory-mib or --item-timeout if the reason says so", "%v", err)
		return
	}
	took := time.Since(first).Round(time.Millisecond)
	if got := hex.EncodeToString(out); got != knownOutput {
		d.compare("known answer, engine", got, nil)
		return
	}
	d.ok(name, "up after %s with %d models; first item %s, its bits are right", up, len(e.Models()), took)
}
