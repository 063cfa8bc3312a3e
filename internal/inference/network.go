package inference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Networks are the models of tensors that are served: those of a library when it was opened. They are made ready when
// somebody asks, and NetworksMax of them are kept so. A Networks is safe for concurrent use.
type Networks struct {
	library model.Library
	threads int
	keptMax int
	list    []*network
	byName  map[string]*network

	mu    sync.Mutex
	clock int // of uses
}

// A network is a model under its name.
type network struct {
	name string
	id   chain.Hash
	ready
}

// ready is a network's state, under the mutex of Networks.
type ready struct {
	prepared *prepared
	users    int
	used     int
}

// prepared is a network that can run.
type prepared struct {
	once   sync.Once
	err    error
	head   *net.Head
	ports  []port // of the inputs
	outs   []port
	runner *plan.Runner
}

// OpenNetworks lists the models of a library. What a name stands for is settled here: where two have one name, the second
// is asked for by its id.
func OpenNetworks(library model.Library, threads int, limits Limits) (*Networks, error) {
	entries, err := library.List()
	if err != nil {
		return nil, err
	}
	n := &Networks{library: library, threads: threads, keptMax: limits.NetworksMax, byName: map[string]*network{}}
	for _, e := range entries {
		if e.Err != nil {
			continue
		}
		w := &network{name: e.File.Name, id: e.ID}
		if n.byName[w.name] != nil {
			w.name = e.ID.String()
		}
		n.byName[w.name], n.byName[e.ID.String()] = w, w
		n.list = append(n.list, w)
	}
	return n, nil
}

// Len is the number of networks.
func (n *Networks) Len() int { return len(n.list) }

// Close gives all threads back. No request may be under way.
func (n *Networks) Close() {
	for _, w := range n.list {
		if w.prepared != nil && w.prepared.runner != nil {
			w.prepared.runner.Close()
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
	p.once.Do(func() { p.prepare(n.library, w.id, n.threads) })
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
			o.prepared.runner.Close()
			o.prepared = nil
		}
	}
}

func (p *prepared) prepare(library model.Library, id chain.Hash, threads int) {
	f, err := library.Get(id)
	if err != nil {
		p.err = err
		return
	}
	compiled, err := f.Compile()
	if err != nil {
		p.err = err
		return
	}
	o := plan.Default()
	o.Threads = threads
	p.runner, p.err = plan.New(compiled, o)
	p.head = &f.Net.Head
	p.ports, p.outs = inputsOf(p.head), outputsOf(p.head, compiled)
}

// run computes the outputs. An error is the request's fault, or that of time.
func (p *prepared) run(ctx context.Context, in given) ([]*tensor.Tensor, *Fault) {
	inputs := in.tensors
	if p.head.Form == net.FormPicture {
		picture, err := image.Decode(in.item)
		if err != nil {
			return nil, wrong("inputs", "the picture: %v", err)
		}
		width, height := int(p.head.Width), int(p.head.Height)
		inputs = []*tensor.Tensor{tensor.Of([]int{1, 3, height, width}, picture.Tensor(width, height))}
	}
	outputs, err := p.runner.Run(ctx, inputs, program.DefaultLimits())
	if err == nil {
		return outputs, nil
	}
	if ctx.Err() != nil {
		return nil, runEnded(ctx)
	}
	if _, ok := errors.AsType[*operator.LimitError](err); ok {
		return nil, faultf(http.StatusUnprocessableEntity, "limit", "the run needs too much: %v", err)
	}
	return nil, wrong("inputs", "%v", err)
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
