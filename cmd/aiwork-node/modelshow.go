package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
)

// A listed is a line of `model list`.
type listed struct {
	ID     chain.Hash `json:"id"`
	Name   string     `json:"name,omitempty"`
	Ops    int        `json:"operators,omitempty"`
	Bytes  int64      `json:"fileBytes"`
	Source string     `json:"source,omitempty"`
	Error  string     `json:"error,omitempty"`
}

func modelList(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	entries, err := modelStore(c).List()
	if err != nil {
		return err
	}
	list := []listed{}
	for _, e := range entries {
		l := listed{ID: e.ID, Bytes: e.Bytes}
		if e.Err != nil {
			l.Error = e.Err.Error()
		} else {
			l.Name, l.Ops, l.Source = e.File.Name, len(e.File.Net.OpList), e.File.Source
		}
		list = append(list, l)
	}
	pipelines, err := (pipeline.Store{Dir: modelStore(c).Dir}).List()
	if err != nil {
		return err
	}
	for _, p := range pipelines {
		list = append(list, listed{ID: p.ID(), Name: p.Name, Bytes: int64(len(p.Encode())), Source: "pipeline " + p.Kind.String()})
	}
	languages, err := listLanguages(c)
	if err != nil {
		return err
	}
	list = append(list, languages...)
	return printer(c).Result(list, func(w io.Writer) {
		var rows [][]string
		for _, l := range list {
			rows = append(rows, []string{cmp.Or(l.Name, l.Error), l.ID.String()[:14], fmt.Sprint(l.Ops), mebibytes(uint64(l.Bytes)), l.Source})
		}
		term.Table(w, []string{"model", "id", "operators", "MiB", "source"}, rows)
	})
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

// An inspected is what `model inspect` prints.
type inspected struct {
	ID          chain.Hash     `json:"id"`
	Name        string         `json:"name"`
	Source      string         `json:"source"`
	Licence     string         `json:"licence"`
	Opset       int            `json:"opset"`
	Inputs      []string       `json:"inputs"`
	Outputs     int            `json:"outputs"`
	Labels      []string       `json:"labels,omitempty"`
	Weights     int            `json:"weights"`
	WeightBytes uint64         `json:"weightBytes"`
	Operators   map[string]int `json:"operators"`
}

// loadModel reads the model that an argument names: a stored one, an ONNX file, or a model file.
func loadModel(c *cli.Context, text string) (*model.File, error) {
	if strings.HasSuffix(text, ".onnx") {
		list, err := fileModels(c, text)
		if err != nil {
			return nil, err
		}
		return list[0].File()
	}
	if strings.HasSuffix(text, ".aiwm") {
		data, err := os.ReadFile(text)
		if err != nil {
			return nil, usagef("%v", err)
		}
		return model.DecodeFile(data)
	}
	store := modelStore(c)
	id, err := store.Find(text)
	if err != nil {
		return nil, err
	}
	return store.Get(id)
}

func modelInspect(c *cli.Context) error {
	if err := want(c, 1, "a MODEL"); err != nil {
		return err
	}
	if isLanguage(c, c.Args().First()) {
		return inspectLanguage(c)
	}
	f, err := loadModel(c, c.Args().First())
	if err != nil {
		return err
	}
	out := inspected{
		ID: f.Net.ID(), Name: f.Name, Source: f.Source, Licence: f.Licence, Opset: int(f.Net.Opset), Outputs: len(f.Net.Outputs),
		Labels: f.Net.Labels, Weights: len(f.Net.WeightList), WeightBytes: f.WeightBytes(), Operators: map[string]int{},
	}
	for _, p := range f.Net.Inputs {
		out.Inputs = append(out.Inputs, portText(p))
	}
	countOps(f.Net.OpList, out.Operators)
	return printer(c).Result(out, func(w io.Writer) { out.print(w) })
}

// countOps counts operators by name, in blocks too.
func countOps(ops []net.Op, into map[string]int) {
	for i := range ops {
		into[ops[i].Name]++
		for _, a := range ops[i].Attrs {
			if a.Block != nil {
				countOps(a.Block.Ops, into)
			}
		}
	}
}

// portText writes an input as float32[d0,3,224,224].
func portText(p net.Port) string {
	kind, err := onnx.TypeFrom(int64(p.Type))
	if err != nil {
		return err.Error()
	}
	if !p.Known {
		return kind.String()
	}
	var dims []string
	for _, d := range p.Shape {
		text := fmt.Sprint(d.N)
		if d.Free {
			text = "d" + text
		}
		dims = append(dims, text)
	}
	return kind.String() + "[" + strings.Join(dims, ",") + "]"
}

func (m *inspected) print(w io.Writer) {
	term.Pairs(w,
		[2]string{"id", m.ID.String()}, [2]string{"name", m.Name}, [2]string{"source", m.Source}, [2]string{"licence", m.Licence},
		[2]string{"operator set", fmt.Sprint(m.Opset)}, [2]string{"inputs", strings.Join(m.Inputs, "  ")}, [2]string{"outputs", fmt.Sprint(m.Outputs)},
		[2]string{"labels", strings.Join(m.Labels, ", ")},
		[2]string{"weights", fmt.Sprintf("%d tensors, %s MiB", m.Weights, mebibytes(m.WeightBytes))},
	)
	var names []string
	for name := range m.Operators {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(m.Operators[b], m.Operators[a]), cmp.Compare(a, b))
	})
	var rows [][]string
	for _, name := range names {
		rows = append(rows, []string{name, fmt.Sprint(m.Operators[name])})
	}
	fmt.Fprintln(w)
	term.Table(w, []string{"operator", "count"}, rows)
}

func modelExport(c *cli.Context) error {
	if err := want(c, 2, "a MODEL and a FILE.onnx"); err != nil {
		return err
	}
	f, err := loadModel(c, c.Args().First())
	if err != nil {
		return err
	}
	m, err := exported(f, c.String("form"))
	if err != nil {
		return err
	}
	return os.WriteFile(c.Args().Get(1), onnx.EncodeModel(m), 0o644)
}

func modelRemove(c *cli.Context) error {
	if err := want(c, 1, "a MODEL"); err != nil {
		return err
	}
	text := c.Args().First()
	if isLanguage(c, text) {
		return removeLanguage(c, text)
	}
	store := modelStore(c)
	id, err := store.Find(text)
	if err != nil {
		return err
	}
	if err := store.Remove(id); err != nil {
		return err
	}
	return packedOf(c, store.Dir).Remove(id)
}
