package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Serve is the child's side: it lowers this process's priority and memory as the parent asks, then runs
// items one after the other until stdin ends, which is no error. Call it from a process of its own with
// nothing else to do. The context is asked between the steps of a run.
func Serve(ctx context.Context, stdin io.Reader, stdout io.Writer, models model.Library) error {
	return serve(ctx, stdin, stdout, confine, models)
}

func serve(ctx context.Context, in io.Reader, out io.Writer, confine func(setup) error, models model.Library) error {
	kind, body, err := readFrame(in)
	if err == nil && kind != kindConfigure {
		err = errFrame
	}
	if err != nil {
		return fmt.Errorf("engine: first frame: %w", err)
	}
	s, err := decodeSetup(body)
	if err != nil {
		return fmt.Errorf("engine: configuration: %w", err)
	}
	if err := confine(s); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	infos, err := describe(models)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if err := writeFrame(out, kindHello, encodeModels(infos)); err != nil {
		return err
	}
	shop := &shop{models: models, threads: int(s.threads), ready: map[chain.Hash]*Compiled{}}
	for {
		err := shop.one(ctx, in, out)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("engine: %w", err)
		}
	}
}

// describe lists what the child can run, as much of it as a frame tells.
func describe(models model.Library) (infos []ModelInfo, err error) {
	list, err := models.List()
	for _, e := range list[:min(len(list), modelsMax)] {
		infos = append(infos, ModelInfo{ID: e.ID, Name: e.File.Name, Classes: e.File.Net.Labels})
	}
	return infos, err
}

// A shop is what the child keeps between items: models compiled on first use, the one used last at the end of order.
type shop struct {
	models  model.Library
	threads int
	ready   map[chain.Hash]*Compiled
	order   []chain.Hash
}

// readyMax is how many models are kept ready at once.
const readyMax = 8

// one serves a single frame.
func (s *shop) one(ctx context.Context, in io.Reader, out io.Writer) error {
	kind, body, err := readFrame(in)
	if err != nil {
		return err
	}
	if kind != kindRun || len(body) < len(chain.Hash{}) {
		return errFrame
	}
	id := chain.Hash(body[:len(chain.Hash{})])
	compiled, err := s.find(id)
	if model.IsNoModel(err) {
		return writeFrame(out, kindUnknownModel, id[:])
	}
	if err != nil {
		return err
	}
	output, err := compiled.Run(ctx, body[len(id):])
	var fault *InputError
	if errors.As(err, &fault) {
		return writeFrame(out, kindInputFault, []byte{byte(fault.Fault)})
	}
	if err != nil {
		return err
	}
	return writeFrame(out, kindOutput, output)
}

// find gives a model that is ready, making it so if need be at the cost of the one that was used longest ago.
func (s *shop) find(id chain.Hash) (*Compiled, error) {
	if at := slices.Index(s.order, id); at >= 0 {
		s.order = append(slices.Delete(s.order, at, at+1), id)
		return s.ready[id], nil
	}
	f, err := s.models.Get(id)
	if err != nil {
		return nil, err
	}
	c, err := Compile(f, s.threads)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", id, err)
	}
	if len(s.order) == readyMax {
		s.ready[s.order[0]].Close()
		delete(s.ready, s.order[0])
		s.order = slices.Delete(s.order, 0, 1)
	}
	s.ready[id], s.order = c, append(s.order, id)
	return c, nil
}

// spareThreads is how many threads an engine may take: all processors but the one the node needs.
func spareThreads() int { return max(1, runtime.NumCPU()-1) }
