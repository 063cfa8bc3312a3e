package dispute_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A world is the contract over a real journaled state, beside one that opens disputes for whoever asks. After every
// call the money is counted.
type world struct {
	t      testing.TB
	view   *state.View
	set    *native.Set
	params chain.Params
	block  native.Block
	minted uint256.Int
	bonds  map[uint64]bool
	gas    map[string]uint64
	logs   []dispute.Log
}

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

func (w *world) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return w.view.Slot(a, key), nil
}

var (
	court      = chain.Address{19: 0xEE}
	worker     = chain.Address{0: 1}
	stranger   = chain.Address{0: 3}
	challenger = chain.Address{0: 2}
)

// host opens disputes: a challenger pays the bond to it, as it does to the contract of jobs.
func host() native.Module {
	return native.Module{Name: "court", Address: court, Methods: []native.Method{{
		Signature: "open(bytes32,address,bytes," + dispute.ClaimTypes() + ")", Returns: "(uint64)", Mutability: native.Payable,
		Run: func(c *native.Call) {
			model, defender, given := c.Args.Hash(), c.Args.Address(), c.Args.Bytes(255)
			k := dispute.ReadClaim(c.Args)
			if !c.Ready() {
				return
			}
			bond := c.Value()
			c.Pay(chain.AddrDisputes, &bond)
			c.Out.Uint64(dispute.Open(c.As(chain.AddrDisputes), model, defender, c.Caller(), given, &k, &bond))
		},
	}, {
		Signature: "outcome(uint64)", Returns: "(uint8,bool)", Mutability: native.NonPayable,
		Run: func(c *native.Call) {
			id := c.Args.Uint64()
			if !c.Ready() {
				return
			}
			v, ended := dispute.Outcome(c.As(chain.AddrDisputes), id)
			c.Out.Uint64(uint64(v))
			c.Out.Bool(ended)
		},
	}}}
}

func packOpen(model chain.Hash, defender chain.Address, given []byte, k *dispute.Claim) []byte {
	e := native.NewInput("open(bytes32,address,bytes," + dispute.ClaimTypes() + ")")
	e.Hash(model)
	e.Address(defender)
	e.Bytes(given)
	k.Write(e)
	return e.Out()
}

func tokens(n uint64) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1_000_000_000_000_000_000))
}

var none = new(uint256.Int)

func newWorld(t testing.TB) *world {
	w := &world{t: t, view: state.New(nothing{}), set: native.NewSet(host(), dispute.Module()), gas: map[string]uint64{}}
	w.block = native.Block{ChainID: 7, Params: &w.params, Genesis: chain.Hash{9}, TimeMs: 1_000_000, ParentTimeMs: 1_000_000}
	for _, a := range []chain.Address{worker, challenger, stranger} {
		w.view.AddBalance(a, tokens(1000))
		w.minted.Add(&w.minted, tokens(1000))
	}
	return w
}

func (w *world) wait(ms uint64) { w.block.ParentTimeMs += ms }

// send makes a call and counts the money. A call that fails must leave everything as it was.
func (w *world) send(method string, from, to chain.Address, value *uint256.Int, input []byte) native.Result {
	w.t.Helper()
	f := native.Frame{State: w.view, Block: &w.block, Caller: from, Self: to, Value: *value, Input: input, Gas: 16_000_000}
	w.view.BeginTx()
	defer w.view.EndTx()
	before := w.view.Snapshot()
	if held := w.view.Balance(from); held.Lt(value) {
		return native.Result{Err: errors.New("overdraft")}
	}
	w.view.SubBalance(from, value)
	w.view.AddBalance(to, value)
	w.view.WarmAddress(to)
	w.view.WarmAddress(from)
	res := w.set.Run(f)
	if res.Err != nil {
		w.view.RevertTo(before)
	} else {
		w.gas[method] = max(w.gas[method], f.Gas-res.GasLeft)
	}
	for i := range w.view.Logs() {
		l, ok := dispute.DecodeLog(&w.view.Logs()[i])
		if !ok {
			w.t.Fatalf("log is not decoded: %x", w.view.Logs()[i].Topics)
		}
		w.logs = append(w.logs, l)
	}
	w.check()
	return res
}

// check asserts that no money is made or lost, and that the contract holds the open bonds alone.
func (w *world) check() {
	w.t.Helper()
	var sum, bonds uint256.Int
	for _, a := range []chain.Address{worker, challenger, stranger, court, chain.AddrDisputes} {
		b := w.view.Balance(a)
		sum.Add(&sum, &b)
	}
	slot := w.view.Slot(chain.AddrDisputes, native.BurnedKey())
	sum.Add(&sum, new(uint256.Int).SetBytes(slot[:]))
	if sum != w.minted {
		w.t.Fatalf("supply: got %s, want %s", sum.Dec(), w.minted.Dec())
	}
	n, err := dispute.Count(w)
	if err != nil {
		w.t.Fatal(err)
	}
	for id := uint64(1); id <= n; id++ {
		d := w.load(id)
		bonds.Add(&bonds, &d.Bond)
		if (d.Phase == dispute.Ended) != d.Bond.IsZero() {
			w.t.Fatalf("dispute %d is %v with a bond of %s", id, d.Phase, d.Bond.Dec())
		}
	}
	if held := w.view.Balance(chain.AddrDisputes); held != bonds {
		w.t.Fatalf("the contract holds %s, want %s", held.Dec(), bonds.Dec())
	}
}

func (w *world) load(id uint64) dispute.Dispute {
	w.t.Helper()
	d, err := dispute.Load(w, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) must(res native.Result) native.Result {
	w.t.Helper()
	if res.Err != nil {
		w.t.Fatalf("call: %v", res.Err)
	}
	return res
}

// open begins a dispute between two runs.
func (w *world) open(defence, attack *receipt.Advocate, model chain.Hash) uint64 {
	w.t.Helper()
	res := w.must(w.send("open", challenger, court, tokens(10), packOpen(model, worker, defence.Claim().Result, attack.Claim())))
	id, _ := dispute.Count(w)
	_ = res
	return id
}

// A play is a dispute between two advocates, who do what they can until it has ended.
type play struct {
	w      *world
	id     uint64
	sides  [2]*receipt.Advocate
	feeder *receipt.Advocate
	shown  [2][]byte
}

// run plays to the end.
func (p *play) run() dispute.Dispute {
	p.w.t.Helper()
	for range 10_000 {
		d := p.w.load(p.id)
		if d.Phase == dispute.Ended {
			return d
		}
		p.turn(&d)
	}
	p.w.t.Fatal("no end")
	return dispute.Dispute{}
}

func (p *play) turn(d *dispute.Dispute) {
	w := p.w
	w.t.Helper()
	who := [2]chain.Address{worker, challenger}
	switch d.Phase {
	case dispute.Answering:
		w.must(w.send("answer", worker, chain.AddrDisputes, none, dispute.PackAnswer(p.id, p.sides[0].Claim())))
	case dispute.Entries, dispute.Tiles:
		for s, a := range p.sides {
			left, right, err := a.Split(d)
			if err != nil {
				w.t.Fatal(err)
			}
			w.must(w.send("split", who[s], chain.AddrDisputes, none, dispute.PackSplit(p.id, left, right)))
		}
	case dispute.Showing:
		for s, a := range p.sides {
			p.shown[s] = a.Show(d)
			w.must(w.send("show", who[s], chain.AddrDisputes, none, dispute.PackShow(p.id, p.shown[s])))
		}
		for _, a := range append(p.sides[:], p.feeder) {
			if err := a.Heard(p.shown); err != nil {
				w.t.Fatal(err)
			}
		}
	case dispute.Judging:
		j, err := p.feeder.Judgement(d)
		if err != nil {
			w.t.Fatal(err)
		}
		w.must(w.send("judge", stranger, chain.AddrDisputes, none, dispute.PackJudge(p.id, j)))
	case dispute.Feeding:
		f, err := p.feeder.Feed(d)
		if err != nil {
			w.t.Fatal(err)
		}
		w.must(w.send("step", stranger, chain.AddrDisputes, none, dispute.PackStep(p.id, f)))
	}
}

// settle disputes defence against attack and gives the dispute as it has ended. The honest side feeds.
func settle(t testing.TB, defence, attack *receipt.Trace, honest dispute.Side) (dispute.Dispute, *world) {
	t.Helper()
	w := newWorld(t)
	p := &play{w: w, sides: [2]*receipt.Advocate{receipt.NewAdvocate(defence), receipt.NewAdvocate(attack)}}
	p.feeder = p.sides[honest]
	p.id = w.open(p.sides[0], p.sides[1], defence.Model.Net.ID())
	return p.run(), w
}

// A builder writes a model down.
type builder struct {
	*rand.Rand
	graph onnx.Graph
	next  int
}

func (b *builder) floats(scale float64, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	for i := range t.Len() {
		tensor.Values[float32](t)[i] = float32(b.NormFloat64() * scale)
	}
	return t
}

func (b *builder) weight(t *tensor.Tensor) string {
	b.next++
	name := fmt.Sprint("w", b.next)
	b.graph.Initializers = append(b.graph.Initializers, onnx.Initializer{Name: name, Tensor: t})
	return name
}

func ints(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func (b *builder) op(name string, in []string, attrs ...onnx.Attr) string {
	b.next++
	out := fmt.Sprint("v", b.next)
	b.graph.Nodes = append(b.graph.Nodes, onnx.Node{Op: name, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

// network is a small picture classifier with most of what such ones have: its operators make 1 to 20 tiles.
func network(seed uint64) (*lower.Model, []*tensor.Tensor) {
	b := &builder{Rand: rand.New(rand.NewPCG(seed, 1))}
	b.graph.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	x := b.op("Conv", []string{"x", b.weight(b.floats(0.3, 6, 3, 3, 3)), b.weight(b.floats(1, 6))}, ints("pads", 1, 1, 1, 1))
	variance := b.floats(1, 6)
	for i, v := range tensor.Values[float32](variance) {
		tensor.Values[float32](variance)[i] = v * v
	}
	x = b.op("BatchNormalization", []string{x, b.weight(b.floats(1, 6)), b.weight(b.floats(1, 6)), b.weight(b.floats(1, 6)), b.weight(variance)})
	x = b.op("Clip", []string{x, b.weight(tensor.Scalar(float32(0))), b.weight(tensor.Scalar(float32(6)))})
	y := b.op("Conv", []string{x, b.weight(b.floats(0.5, 6, 1, 3, 3))}, ints("pads", 1, 1, 1, 1), onnx.Attr{Name: "group", Kind: onnx.AttrInt, Int: 6})
	y = b.op("HardSwish", []string{y})
	x = b.op("Add", []string{x, y})
	x = b.op("MaxPool", []string{x}, ints("kernel_shape", 2, 2), ints("strides", 2, 2))
	x = b.op("Relu", []string{x})
	x = b.op("GlobalAveragePool", []string{x})
	x = b.op("Reshape", []string{x, b.weight(tensor.Of([]int{2}, []int64{1, -1}))})
	x = b.op("Gemm", []string{x, b.weight(b.floats(1, 5, 6)), b.weight(b.floats(1, 5))}, onnx.Attr{Name: "transB", Kind: onnx.AttrInt, Int: 1})
	x = b.op("Softmax", []string{x})
	b.graph.Outputs = []onnx.Value{{Name: x}}
	m, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &b.graph}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		panic(err)
	}
	return m, []*tensor.Tensor{b.floats(1, 1, 3, 14, 14)}
}

func trace(t testing.TB, m *lower.Model, in []*tensor.Tensor) *receipt.Trace {
	t.Helper()
	run, err := receipt.Run(m, in, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// lie gives a copy of a run in which one bit of a value is another; if it is no output, one of the output too, so that
// there is something to dispute.
func lie(run *receipt.Trace, v net.Value, r *rand.Rand) *receipt.Trace {
	out := &receipt.Trace{Model: run.Model, Values: append([]*tensor.Tensor(nil), run.Values...)}
	last := run.Model.Net.Outputs[0]
	out.Set(last, flipped(out.Values[last], r))
	if v != last {
		out.Set(v, flipped(out.Values[v], r))
	}
	return out
}

// flipped is a tensor with one bit changed.
func flipped(t *tensor.Tensor, r *rand.Rand) *tensor.Tensor {
	b := t.Raw()
	i := r.IntN(len(b))
	for {
		b[i] ^= 1 << r.IntN(8)
		shape := make([]uint32, t.Rank())
		for d, n := range t.Shape() {
			shape[d] = uint32(n)
		}
		x, err := lower.TensorOf(net.Type(onnx.NumberOf(t.Type())), shape, b)
		if err == nil && string(x.Raw()) != string(t.Raw()) {
			return x
		}
	}
}
