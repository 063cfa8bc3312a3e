package operator

import (
	"github.com/aiwork/aiwork-node/compute/onnx"
)

// Versions of the operator set that are known.
const (
	OpsetMin = 7
	OpsetMax = 23
)

// An Operator is one form of an operator.
type Operator struct {
	Name      string
	Since     int    // the first version of the operator set with this form
	Signature string // see the package comment; empty: this version has taken the operator away
	Make      func(a *Attrs) Func
}

// A Table holds all operators.
type Table struct {
	all    []Operator
	byName map[string][]Operator
}

// NewTable lists them.
func NewTable() *Table {
	t := &Table{byName: map[string][]Operator{}}
	for _, group := range [][]Operator{
		elementwiseOperators(), integerOperators(), logicOperators(), movementOperators(), indexOperators(),
		shapeOperators(), reduceOperators(), matrixOperators(), windowOperators(), normOperators(),
		recurrentOperators(), quantizeOperators(), imageOperators(), selectOperators(), lossOperators(),
		signalOperators(),
	} {
		for _, o := range group {
			t.all = append(t.all, o)
			t.byName[o.Name] = append(t.byName[o.Name], o)
		}
	}
	return t
}

// Find gives the form that an operator has in a version of the set; none is Unsupported.
func (t *Table) Find(name string, opset int) (Operator, error) {
	var found Operator
	for _, o := range t.byName[name] {
		if o.Since <= opset && o.Since >= found.Since {
			found = o
		}
	}
	if found.Signature == "" {
		if _, known := t.byName[name]; known {
			return Operator{}, &onnx.Unsupported{What: "operator " + name + " of this version"}
		}
		return Operator{}, &onnx.Unsupported{What: "operator " + name}
	}
	return found, nil
}

// All lists every form of every operator, those that were taken away too.
func (t *Table) All() []Operator { return t.all }

// plain is a Make for an operator without attributes.
func plain(f Func) func(*Attrs) Func { return func(*Attrs) Func { return f } }
