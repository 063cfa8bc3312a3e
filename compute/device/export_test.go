package device

import (
	"maps"
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Ask is ask, for tests.
func (u *Unit) Ask(k Known) (Outcome, string) { return u.ask(k) }

// Eager makes the unit run all it can.
func (u *Unit) Eager() { u.eager = true }

// Chain is a product of which a run keeps nothing.
func Chain() Known {
	g := &generator{state: 1}
	return known("MatMul", g.floats(70, 90), g.floats(90, 600))
}

// Differ is differ, for tests.
func Differ(got, want *tensor.Tensor) string { return differ(got, want) }

// Reply is answer, for tests.
func (u *Unit) Reply(k Known) ([]*tensor.Tensor, Stats, error) { return u.answer(k) }

// Names lists the operators that run on devices.
func Names() []string { return slices.Collect(maps.Keys(operators())) }
