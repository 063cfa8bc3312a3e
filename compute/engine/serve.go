package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Serve is the child's side: it lowers this process's priority and memory as the parent asks, then runs
// items one after the other, and those of a language model together, until stdin ends, which is no error. Call it from a process of its own with
// nothing else to do. The context is asked between the steps of a run.
func Serve(ctx context.Context, stdin io.Reader, stdout io.Writer, models Library) error {
	return serve(ctx, stdin, stdout, confine, models)
}

func serve(ctx context.Context, in io.Reader, out io.Writer, confine func(setup) error, models Library) error {
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
	infos, err := models.Infos()
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if err := writeFrame(out, kindHello, encodeModels(infos)); err != nil {
		return err
	}
	shop := &shop{models: models, threads: int(s.threads), memoryBytes: s.memoryBytes, ready: map[chain.Hash]runnable{}}
	shop.models.note = shop.note
	shop.models.device = &accelerator{open: models.Device, note: shop.note}
	if err := shop.run(ctx, in, out); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

// infoOf tells of a model.
func infoOf(e *model.Entry) ModelInfo {
	info := ModelInfo{ID: e.ID, Name: e.File.Name, Classes: e.File.Net.Labels, Input: "tensors", Output: "tensors", Licence: firstLine(e.File.Licence)}
	if e.File.Net.Form == net.FormPicture {
		info.Input = "8-bit PNG"
	}
	if len(info.Classes) > 0 {
		info.Output = "labels"
	}
	return info
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line[:min(len(line), modelTextMax)]
}

// A shop is what the child keeps between items: models compiled on first use, the one used last at the end of order.
type shop struct {
	models      Library
	threads     int
	memoryBytes uint64 // the child's ceiling
	ready       map[chain.Hash]runnable
	order       []chain.Hash
	notes       []Note  // for the parent, before the next answer
	advocate    pleader // of the run that was briefed last
	together    together
}

// readyMax is how many models are kept ready at once.
const readyMax = 8

// one serves a single frame.
func (s *shop) one(ctx context.Context, out io.Writer, kind byte, body []byte) error {
	switch kind {
	case kindJoin:
		return s.join(out, body)
	case kindLeave:
		return s.leave(out, body)
	}
	if len(s.together.items) > 0 { // who is alone comes when the others have left
		return errFrame
	}
	switch kind {
	case kindPlea:
		return s.plead(ctx, out, body)
	case kindAgainst:
		return s.against(ctx, out, body)
	}
	if kind != kindRun && kind != kindBrief && kind != kindCheck || len(body) < len(chain.Hash{}) {
		return errFrame
	}
	id := chain.Hash(body[:len(chain.Hash{})])
	if kind == kindBrief {
		return s.brief(ctx, out, id, body[len(id):])
	}
	compiled, err := s.find(id)
	if model.IsNoModel(err) {
		return writeFrame(out, kindUnknownModel, id[:])
	}
	if err != nil {
		return err
	}
	reply, output, err := do(ctx, compiled, kind, body[len(id):])
	if err := s.tell(out); err != nil {
		return err
	}
	var fault *InputError
	if errors.As(err, &fault) {
		return writeFrame(out, kindInputFault, []byte{byte(fault.Fault)})
	}
	if err != nil {
		return err
	}
	if err := writeFrame(out, reply, output); err != nil {
		return err
	}
	s.settle(id, compiled)
	return nil
}

// settle opens a model anew where it takes less memory then, while the parent looks at the answer. One that cannot be opened any more is
// missed when it is asked for.
func (s *shop) settle(id chain.Hash, r runnable) {
	if !r.Settle() {
		return
	}
	s.remove(id)
	_, _ = s.find(id)
	debug.FreeOSMemory()
}

// do runs an item, or says whether a result follows from one.
func do(ctx context.Context, r runnable, kind byte, body []byte) (reply byte, output []byte, err error) {
	if kind == kindRun {
		output, err = r.Run(ctx, body)
		return kindOutput, output, err
	}
	input, result, ok := decodeCheck(body)
	if !ok {
		return 0, nil, errFrame
	}
	follows, err := r.Follows(ctx, input, result)
	output = []byte{0}
	if follows {
		output[0] = 1
	}
	return kindVerdict, output, err
}

// find gives a model that is ready, making it so if need be at the cost of the one that was used longest ago.
func (s *shop) find(id chain.Hash) (runnable, error) {
	if at := slices.Index(s.order, id); at >= 0 {
		s.order = append(slices.Delete(s.order, at, at+1), id)
		return s.ready[id], nil
	}
	c, err := s.models.open(id, s.threads, s.memoryBytes)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", id, err)
	}
	if len(s.order) == readyMax {
		s.drop()
	}
	s.ready[id], s.order = c, append(s.order, id)
	s.makeRoom(heapInUse)
	return c, nil
}

// spareThreads is how many threads an engine may take: all processors but the one the node needs.
func spareThreads() int { return max(1, runtime.NumCPU()-1) }
