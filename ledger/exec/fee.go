package exec

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Parameters of the base fee (EXEC-6).
const (
	// FeeStepDivisor makes a second of blocks at twice the target raise the fee by one eighth.
	FeeStepDivisor = 8
	// FeeElapsedMaxMs bounds the time that one step looks back: the fee at most halves in a block.
	FeeElapsedMaxMs = 4000
)

// feeMax bounds the base fee, far above all tokens there are.
func feeMax() uint256.Int { return uint256.Int{0, 0, 1, 0} }

// NextBaseFee gives the base fee of a block, in wei per gas, from its parent's base fee and gas used and
// the milliseconds between the two:
//
//	max(floor, b + b * (gasUsed * 1000 - target * elapsed) / (target * 1000 * 8))
//
// in exact integers, the quotient rounded down, elapsed clamped to FeeElapsedMaxMs. So a chain whose
// blocks use target gas per second keeps its fee, however often blocks come.
func NextBaseFee(p *chain.Params, parentFee *uint256.Int, parentGasUsed, elapsedMs uint64) uint256.Int {
	target := p.GasTargetPerSecond
	must.Hold(target > 0 && target < 1<<40 && parentGasUsed < 1<<50, "base fee: parameters out of range")
	used := parentGasUsed * 1000
	aim := target * min(elapsedMs, FeeElapsedMaxMs)
	fee := *parentFee
	step, divisor := uint256.Int{}, uint256.Int{target * 1000 * FeeStepDivisor}
	if used >= aim {
		step.Mul(parentFee, &uint256.Int{used - aim})
		step.Div(&step, &divisor)
		fee.Add(&fee, &step)
	} else {
		// The quotient is negative: rounding it down takes away the greater amount.
		step.Mul(parentFee, &uint256.Int{aim - used})
		var rest uint256.Int
		step.DivMod(&step, &divisor, &rest)
		if !rest.IsZero() {
			step.AddUint64(&step, 1)
		}
		fee.Sub(&fee, &step)
	}
	floor, limit := uint256.Int{p.BaseFeeFloor}, feeMax()
	switch {
	case fee.Lt(&floor):
		return floor
	case fee.Gt(&limit):
		return limit
	}
	return fee
}
