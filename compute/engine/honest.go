//go:build !faulty

package engine

import (
	"context"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A liar is what a build with the tag faulty keeps of a model; here it is nothing.
type liar struct{}

func newLiar(*model.File) liar { return liar{} }

// run leaves it to the caller to run. Only a build with the tag faulty has another one.
func (liar) run(context.Context, []*tensor.Tensor, []byte) (outputs []*tensor.Tensor, lied bool, err error) {
	return nil, false, nil
}

// tamper leaves the output as it is. Only a build with the tag faulty has another one.
func tamper(output, _ []byte) []byte { return output }

// tamperAnswer leaves the answer as it is. Only a build with the tag faulty has another one.
func tamperAnswer(result, _ []byte) []byte { return result }

// spoilAdvocate leaves the advocate of an answer as it is. Only a build with the tag faulty has another one.
func spoilAdvocate(*language.Advocate, []byte, bool) error { return nil }

// stepInput gives what a lie about a pipeline's step depends on. Only a build with the tag faulty has lies.
func stepInput([]*tensor.Tensor) []byte { return nil }

// liesAbout spoils no value of a run. Only a build with the tag faulty has another one.
func liesAbout(*model.File, []byte) []receipt.Observer { return nil }
