package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/quantize"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
)

func quantizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "quantize",
		Usage:     "make an int8 model of a model: smaller, with exact sums; ranges are found on examples, every third of which is held out for the report",
		ArgsUsage: "MODEL|FILE.onnx",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "calibration", Usage: "`FOLDER_OR_FILE` of examples: pictures, or .npy and .pb tensors, one file for each input in turn", Required: true},
			&cli.StringSliceFlag{Name: "held-out", Usage: "`FOLDER_OR_FILE` of inputs for the report, instead of every third example"},
			&cli.StringFlag{Name: "name", Usage: "what to call the new model; default: the name and -int8"},
		},
		Action: modelQuantize,
	}
}

// A quantized is what `model quantize` prints.
type quantized struct {
	ID           chain.Hash `json:"id"`
	Name         string     `json:"name"`
	Method       string     `json:"method"`
	Examples     int        `json:"examples"`
	HeldOut      int        `json:"heldOut"`
	Rows         int        `json:"rows"`
	Agree        int        `json:"agree"`
	Greatest     float64    `json:"greatestDifference"`
	Mean         float64    `json:"meanDifference"`
	Scale        float64    `json:"meanOutput"`
	WeightBefore uint64     `json:"weightBytesBefore"`
	WeightAfter  uint64     `json:"weightBytesAfter"`
	BeforeMs     float64    `json:"msBefore"`
	AfterMs      float64    `json:"msAfter"`
}

const timedRuns = 5

func modelQuantize(c *cli.Context) error {
	if err := want(c, 1, "a MODEL"); err != nil {
		return err
	}
	f, err := loadModel(c, c.Args().First())
	if err != nil {
		return err
	}
	examples, held, err := readExamples(c, f)
	if err != nil {
		return err
	}
	best, err := quantize.Best(c.Context, f.Model, examples)
	if err != nil {
		return fmt.Errorf("model %s: %w", f.Name, err)
	}
	out := &model.File{Name: c.String("name"), Source: f.Source, Licence: f.Licence, Model: best.Model}
	if out.Name == "" {
		out.Name = f.Name + "-int8"
	}
	if err := out.CheckRuns(); err != nil {
		return err
	}
	r := quantized{
		Name: out.Name, Method: best.Method.String(), Examples: len(examples), HeldOut: len(held),
		WeightBefore: f.WeightBytes(), WeightAfter: out.WeightBytes(),
	}
	if err := r.measure(c, f, out, held); err != nil {
		return err
	}
	if r.ID, err = modelStore(c).Put(out); err != nil {
		return err
	}
	return printer(c).Result(r, r.print)
}

// measure compares both models on what was held out, and times them.
func (r *quantized) measure(c *cli.Context, before, after *model.File, held [][]*tensor.Tensor) error {
	a, err := quantize.NewBench(before.Model)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := quantize.NewBench(after.Model)
	if err != nil {
		return err
	}
	defer b.Close()
	report, err := quantize.Compare(c.Context, a, b, held)
	if err != nil {
		return err
	}
	r.Rows, r.Agree, r.Greatest, r.Mean, r.Scale = report.Rows, report.Agree, report.Greatest, report.Mean, report.Scale
	for _, t := range []struct {
		bench *quantize.Bench
		ms    *float64
	}{{a, &r.BeforeMs}, {b, &r.AfterMs}} {
		best, err := t.bench.Best(c.Context, held[0], timedRuns)
		if err != nil {
			return err
		}
		*t.ms = float64(best) / float64(time.Millisecond)
	}
	return nil
}

func (r quantized) print(w io.Writer) {
	held := fmt.Sprintf("%d inputs", r.HeldOut)
	if r.Rows > 0 {
		held += fmt.Sprintf(": the largest element is the same in %d of %d rows", r.Agree, r.Rows)
	}
	term.Pairs(w,
		[2]string{"model", r.Name}, [2]string{"id", r.ID.String()},
		[2]string{"ranges", fmt.Sprintf("by %s, on %d examples", r.Method, r.Examples)},
		[2]string{"held out", held},
		[2]string{"difference", fmt.Sprintf("%.4g at most, %.4g on average; outputs are %.4g on average", r.Greatest, r.Mean, r.Scale)},
		[2]string{"weights", fmt.Sprintf("%s MiB, before %s", mebibytes(r.WeightAfter), mebibytes(r.WeightBefore))},
		[2]string{"a run", fmt.Sprintf("%s ms, before %s, on one thread", ms(r.AfterMs), ms(r.BeforeMs))},
	)
}

// readExamples gives examples and what is held out of them, or given for that.
func readExamples(c *cli.Context, f *model.File) (examples, held [][]*tensor.Tensor, err error) {
	all, err := examplesIn(f, c.StringSlice("calibration"))
	if err != nil {
		return nil, nil, err
	}
	if given := c.StringSlice("held-out"); len(given) > 0 {
		held, err = examplesIn(f, given)
		return all, held, err
	}
	for i, x := range all {
		if i%3 == 2 {
			held = append(held, x)
		} else {
			examples = append(examples, x)
		}
	}
	if len(held) == 0 {
		printer(c).Note("only %d examples: nothing is held out, so the report is about the examples themselves", len(all))
		held = all
	}
	return examples, held, nil
}

func examplesIn(f *model.File, places []string) (list [][]*tensor.Tensor, err error) {
	files, err := filesIn(places)
	if err != nil {
		return nil, err
	}
	each := len(f.Net.Inputs)
	if each == 0 || len(files) == 0 || len(files)%each != 0 {
		return nil, usagef("%d files for a model of %d inputs: want one for each input, in turn", len(files), each)
	}
	if f.Net.Form == net.FormPicture {
		for _, path := range files {
			t, err := readPicture(path, int(f.Net.Width), int(f.Net.Height))
			if err != nil {
				return nil, err
			}
			list = append(list, []*tensor.Tensor{t})
		}
		return list, nil
	}
	tensors, err := readTensors(files)
	for len(tensors) > 0 {
		list, tensors = append(list, tensors[:each]), tensors[each:]
	}
	return list, err
}

// filesIn lists files, and those of folders in the order of their names.
func filesIn(places []string) (files []string, err error) {
	for _, place := range places {
		entries, err := os.ReadDir(place)
		if err != nil {
			if _, err := os.Stat(place); errors.Is(err, os.ErrNotExist) {
				return nil, usagef("%v", err)
			}
			files = append(files, place)
			continue
		}
		for _, e := range entries {
			if e.Type().IsRegular() {
				files = append(files, filepath.Join(place, e.Name()))
			}
		}
	}
	return files, nil
}

func readPicture(path string, width, height int) (*tensor.Tensor, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("%v", err)
	}
	data, _, err := image.ToCanonicalPNG(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	picture, err := image.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tensor.Of([]int{1, 3, height, width}, picture.Tensor(width, height)), nil
}

// exported gives a model as another runtime is to see it.
func exported(f *model.File, form string) (*onnx.Model, error) {
	quantized := quantize.IsQuantized(f.Model)
	switch {
	case form == "" || form == "qlinear" && quantized || form == "float" && !quantized:
		return f.ONNX()
	case form == "qdq" && quantized:
		return quantize.PairsOf(f.Model)
	case form == "float" && quantized:
		return nil, usagef("%s is the int8 model, the one of floats is another model: export that", f.Name)
	case form == "qlinear" || form == "qdq":
		return nil, usagef("%s is a model of floats: `model quantize` makes an int8 model of it", f.Name)
	}
	return nil, usagef("--form %s: want qlinear, qdq or float", form)
}
