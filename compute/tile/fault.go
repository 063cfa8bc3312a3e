package tile

// A Fault says why a task or a step is refused. Values are never reused.
type Fault uint8

// The faults.
const (
	FaultUnsupported Fault = iota + 1 // not covered: an operator, a type, an attribute, a size
	FaultInvalid                      // no honest run computes this: shapes or parameters that do not fit
	FaultParameter                    // a parameter is missing
	FaultOperand                      // an operand that a step needs is missing
	FaultState                        // bytes that are no state of this work
)

// Error tells the fault.
func (f Fault) Error() string {
	switch f {
	case FaultUnsupported:
		return "tile: this operator is not covered"
	case FaultInvalid:
		return "tile: operands that do not fit the operator"
	case FaultParameter:
		return "tile: a parameter is missing"
	case FaultOperand:
		return "tile: an operand is missing"
	case FaultState:
		return "tile: no state of this work"
	}
	return "tile: unknown fault"
}
