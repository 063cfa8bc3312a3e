//go:build faulty

package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"os"
	"strconv"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Faults exist to show that audits and disputes catch them, and must never be built into a release.
const (
	// faultEnv names the variable that sets how many outputs are spoilt: one in N. Unset or not a positive number means every one.
	// Which inputs these are follows from their bytes, so that a retry does not hide the fault.
	faultEnv = "AIWORK_FAULT_ONE_IN"
	// modeEnv names the variable that says how. "operator": one bit of one value inside the network is flipped, everything behind
	// it is computed from that, and the lie is kept up in disputes. Anything else: the lowest bit of the result's first value is
	// flipped, which no run of the network bears out, so that a dispute about it cannot be answered.
	modeEnv      = "AIWORK_FAULT_MODE"
	modeOperator = "operator"
)

// nameEnv names the variable that says which models the mode "operator" is for, by their names: unset, all.
const nameEnv = "AIWORK_FAULT_MODEL"

// stepInput gives what a lie about a pipeline's step depends on.
func stepInput(inputs []*tensor.Tensor) []byte { return inputs[0].Raw() }

// spoils says whether the output for an input is to be spoilt.
func spoils(input []byte) bool {
	n, err := strconv.ParseUint(os.Getenv(faultEnv), 10, 64)
	if err != nil || n == 0 {
		n = 1
	}
	sum := sha256.Sum256(append([]byte("aiwork/fault/1"), input...))
	return binary.BigEndian.Uint64(sum[:8])%n == 0
}

// tamper flips the lowest bit of the first value of the output.
func tamper(output, input []byte) []byte {
	if os.Getenv(modeEnv) != modeOperator && spoils(input) && len(output) > 0 {
		output[0] ^= 1
	}
	return output
}

// A liar keeps the network, to run it with a lie inside.
type liar struct{ file *model.File }

func newLiar(f *model.File) liar { return liar{f} }

func (l liar) run(_ context.Context, inputs []*tensor.Tensor, input []byte) (outputs []*tensor.Tensor, lied bool, err error) {
	lies := liesAbout(l.file, input)
	if len(lies) == 0 {
		return nil, false, nil
	}
	t, err := receipt.Run(l.file.Model, inputs, program.DefaultLimits(), lies...)
	if err != nil {
		return nil, true, err
	}
	for _, v := range l.file.Net.Outputs {
		outputs = append(outputs, t.Values[v])
	}
	return outputs, true, nil
}

// liesAbout spoils a value of a run.
func liesAbout(f *model.File, input []byte) []receipt.Observer {
	if name := os.Getenv(nameEnv); name != "" && f != nil && f.Name != name {
		return nil
	}
	if f == nil || os.Getenv(modeEnv) != modeOperator || !spoils(input) {
		return nil
	}
	return []receipt.Observer{spoiler{f.Net.FirstOf(len(f.Net.OpList) * 3 / 4)}}
}

// A spoiler flips one bit of the value that it is for.
type spoiler struct{ value net.Value }

// Observe flips the highest bit of the fraction of the first element that clamps would let pass: a lower one might be lost on its way to
// the output.
func (s spoiler) Observe(v net.Value, t *tensor.Tensor) {
	if v != s.value || t.Type() != tensor.Float32 {
		return
	}
	list := tensor.Values[float32](t)
	for i, x := range list {
		if x > 0.25 && x < 4 {
			list[i] = math.Float32frombits(math.Float32bits(x) ^ 1<<22)
			return
		}
	}
}
