package inference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Networks are the models of tensors that are served: those of a library when it was opened. They are made ready when
// somebody asks, and NetworksMax of them are kept so. A Networks is safe for concurrent use.
type Networks struct {
	library engine.Library
	threads int
	keptMax int
	list    []*network
	byName  map[string]*network

	mu    sync.Mutex
	clock int // of uses
}

// A network is a model, or a pipeline of several, under its name.
type network struct {
	name     string
	id       chain.Hash
	pipeline *pipeline.Spec // nil: a model
	ready
}

// ready is a network's state, under the mutex of Networks.
type ready struct {
	prepared *prepared
	users    int
	used     int
}

// prepared is a network or a pipeline that can run.
type prepared struct {
	once     sync.Once
	err      error
	head     *net.Head // of a network
	pipeline *pipeline.Pipeline
	spec     *pipeline.Spec
	ports    []port // of the inputs
	outs     []port
	runners  []*plan.Runner
}

// The forms of items that are one value of bytes.
const formPicture = "8-bit PNG"

// takesItem says whether the input is one value of bytes, and not tensors.
func (p *prepared) takesItem() bool { return p.pipeline != nil || p.head.Form == net.FormPicture }

// form is what an item is.
func (p *prepared) form() string {
	if p.pipeline != nil {
		return p.spec.Kind.Input()
	}
	return formPicture
}

func (p *prepared) close() {
	for _, r := range p.runners {
		r.Close()
	}
}

// OpenNetworks lists the models and pipelines of a library. What a name stands for is settled here: where two have one name, the second
// is asked for by its id.
func OpenNetworks(library engine.Library, threads int, limits Limits) (*Networks, error) {
	entries, err := library.Models.List()
	if err != nil {
		return nil, err
	}
	specs, err := library.Pipelines.List()
	if err != nil {
		return nil, err
	}
	n := &Networks{library: library, threads: threads, keptMax: limits.NetworksMax, byName: map[string]*network{}}
	for _, e := range entries {
		if e.Err != nil {
			continue
		}
		n.add(&network{name: e.File.Name, id: e.ID})
	}
	for _, s := range specs {
		if !slices.ContainsFunc(s.Roles, func(r pipeline.Role) bool { return !library.Models.Has(r.Model) }) {
			n.add(&network{name: s.Name, id: s.ID(), pipeline: s})
		}
	}
	return n, nil
}

func (n *Networks) add(w *network) {
	if n.byName[w.name] != nil {
		w.name = w.id.String()
	}
	n.byName[w.name], n.byName[w.id.String()] = w, w
	n.list = append(n.list, w)
}

// Len is the number of networks.
func (n *Networks) Len() int { return len(n.list) }

// Close gives all threads back. No request may be under way.
func (n *Networks) Close() {
	for _, w := range n.list {
		if w.prepared != nil {
			w.prepared.close()
		}
	}
}

// use makes a network ready and keeps it so until it is released.
func (n *Networks) use(w *network) (p *prepared, release func(), fault *Fault) {
	n.mu.Lock()
	if w.prepared == nil {
		w.prepared = &prepared{}
	}
	p = w.prepared
	w.users++
	n.clock++
	w.used = n.clock
	n.mu.Unlock()
	release = func() { n.release(w) }
	p.once.Do(func() { p.prepare(n.library.Models, w, n.threads) })
	if p.err != nil {
		release()
		return nil, nil, faultf(http.StatusInternalServerError, "model", "model %s cannot be used: %v", w.name, p.err)
	}
	return p, release, nil
}

// release lets networks go that were not used for longest, while there are too many.
func (n *Networks) release(w *network) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w.users--
	if w.prepared.err != nil && w.users == 0 {
		w.prepared = nil // the file may be mended
	}
	idle := slices.DeleteFunc(slices.Clone(n.list), func(o *network) bool { return o.prepared == nil })
	if len(idle) <= n.keptMax {
		return
	}
	slices.SortFunc(idle, func(a, b *network) int { return cmp.Compare(a.used, b.used) })
	for _, o := range idle[:len(idle)-n.keptMax] {
		if o.users == 0 {
			o.prepared.close()
			o.prepared = nil
		}
	}
}

func (p *prepared) prepare(library model.Library, w *network, threads int) {
	if w.pipeline != nil {
		p.preparePipeline(library, w.pipeline, threads)
		return
	}
	f, compiled, err := p.load(library, w.id, threads)
	if err != nil {
		p.err = err
		return
	}
	p.head = &f.Net.Head
	p.ports, p.outs = inputsOf(p.head), outputsOf(p.head, compiled)
}

// load readies a model; its runner is the last of the list.
func (p *prepared) load(library model.Library, id chain.Hash, threads int) (*model.File, *program.Program, error) {
	f, err := library.Get(id)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := f.Compile()
	if err != nil {
		return nil, nil, err
	}
	o := plan.Default()
	o.Threads = threads
	runner, err := plan.New(compiled, o)
	if err == nil {
		p.runners = append(p.runners, runner)
	}
	return f, compiled, err
}

func (p *prepared) preparePipeline(library model.Library, s *pipeline.Spec, threads int) {
	p.spec = s
	p.pipeline, p.err = pipeline.Open(s, func(id chain.Hash) (vision.Runner, error) {
		if _, _, err := p.load(library, id, threads); err != nil {
			return nil, err
		}
		return vision.Planned(p.runners[len(p.runners)-1]), nil
	})
	name := pictureName
	if s.Kind.Input() != formPicture {
		name = "recording"
	}
	p.ports, p.outs = []port{{name, bytesDatatype, []int64{1}}}, []port{{"answer", bytesDatatype, []int64{1}}}
}

// A result is what came out of a run: tensors of a network, or a pipeline's answer.
type result struct {
	tensors []*tensor.Tensor
	answer  []byte
}

// run computes the outputs. An error is the request's fault, or that of time.
func (p *prepared) run(ctx context.Context, in given) (result, *Fault) {
	var out result
	var err error
	if p.pipeline != nil {
		out.answer, err = p.pipeline.Run(ctx, in.item)
	} else {
		out.tensors, err = p.runNetwork(ctx, in)
	}
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return out, runEnded(ctx)
	}
	if _, ok := errors.AsType[*operator.LimitError](err); ok {
		return out, faultf(http.StatusUnprocessableEntity, "limit", "the run needs too much: %v", err)
	}
	return out, wrong("inputs", "%v", err)
}

func (p *prepared) runNetwork(ctx context.Context, in given) ([]*tensor.Tensor, error) {
	inputs := in.tensors
	if p.head.Form == net.FormPicture {
		picture, err := image.Decode(in.item)
		if err != nil {
			return nil, fmt.Errorf("the picture: %w", err)
		}
		width, height := int(p.head.Width), int(p.head.Height)
		inputs = []*tensor.Tensor{tensor.Of([]int{1, 3, height, width}, picture.Tensor(width, height))}
	}
	return p.runners[0].Run(ctx, inputs, program.DefaultLimits())
}

// A port is an input or output as it is described to callers.
type port struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"` // -1 is a size that is known when it runs
}

// The name of the input of a network of pictures.
const pictureName = "picture"

// inputsOf describes inputs. The canonical form of a network has no names, so they are numbered.
func inputsOf(h *net.Head) (list []port) {
	if h.Form == net.FormPicture {
		return []port{{pictureName, bytesDatatype, []int64{1}}}
	}
	for i, p := range h.Inputs {
		one := port{Name: fmt.Sprintf("input_%d", i), Datatype: datatypeOfNet(p.Type), Shape: []int64{}}
		for _, d := range p.Shape {
			n := int64(d.N)
			if d.Free {
				n = -1
			}
			one.Shape = append(one.Shape, n)
		}
		if !p.Known {
			one.Shape = []int64{-1}
		}
		list = append(list, one)
	}
	return list
}

// outputsOf describes outputs. Shapes of most follow from the inputs only when it runs.
func outputsOf(h *net.Head, p *program.Program) (list []port) {
	for i, kind := range p.Graph().Kinds {
		shape := []int64{-1}
		if len(h.Labels) > 0 && len(p.Graph().Kinds) == 1 {
			shape = []int64{-1, int64(len(h.Labels))}
		}
		list = append(list, port{fmt.Sprintf("output_%d", i), datatypeOf(kind), shape})
	}
	return list
}
