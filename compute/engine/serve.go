package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Serve is the child's side: it lowers this process's priority and memory as the parent asks, then runs
// items one after the other until stdin ends, which is no error. Call it from a process of its own with
// nothing else to do. The context is asked between the steps of a run.
func Serve(ctx context.Context, stdin io.Reader, stdout io.Writer, models ...*model.Model) error {
	return serve(ctx, stdin, stdout, confine, models)
}

func serve(ctx context.Context, in io.Reader, out io.Writer, confine func(setup) error, models []*model.Model) error {
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
	if err := writeFrame(out, kindHello, encodeModels(describe(models))); err != nil {
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

func describe(models []*model.Model) []ModelInfo {
	var infos []ModelInfo
	for _, m := range models {
		infos = append(infos, ModelInfo{ID: m.ID, Name: m.Name, Classes: m.Classes})
	}
	return infos
}

// A shop is what the child keeps between items: models compiled on first use.
type shop struct {
	models  []*model.Model
	threads int
	ready   map[chain.Hash]*Compiled
}

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
	compiled := s.find(id)
	if compiled == nil {
		return writeFrame(out, kindUnknownModel, id[:])
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

func (s *shop) find(id chain.Hash) *Compiled {
	if c := s.ready[id]; c != nil {
		return c
	}
	for _, m := range s.models {
		if m.ID == id {
			s.ready[id] = Compile(m, s.threads)
			return s.ready[id]
		}
	}
	return nil
}

// spareThreads is how many threads an engine may take: all processors but the one the node needs.
func spareThreads() int { return max(1, runtime.NumCPU()-1) }
