package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Attrs reads the attributes of a node and remembers which were read and what was wrong (OP-3).
type Attrs struct {
	list   []onnx.Attr
	read   []bool
	asked  []question
	err    error
	Result tensor.Type // what 'T' stands for in the signature, set by the operator's Make
}

// A question is an attribute that an operator asks for.
type question struct {
	name string
	kind onnx.AttrKind
}

// NewAttrs reads from list.
func NewAttrs(list []onnx.Attr) *Attrs {
	return &Attrs{list: list, read: make([]bool, len(list))}
}

// Err says what is wrong: an attribute of another kind, one that is needed or one that nobody read.
func (a *Attrs) Err() error {
	if a.err != nil {
		return a.err
	}
	for i, used := range a.read {
		if !used {
			return fmt.Errorf("attribute %q is not known", a.list[i].Name)
		}
	}
	return nil
}

func (a *Attrs) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// unsupported notes a value that is allowed but not provided.
func (a *Attrs) unsupported(format string, args ...any) {
	if a.err == nil {
		a.err = &onnx.Unsupported{What: fmt.Sprintf(format, args...)}
	}
}

// find gives the attribute of a name and kind, or nil.
func (a *Attrs) find(name string, kind onnx.AttrKind) *onnx.Attr {
	a.asked = append(a.asked, question{name, kind})
	for i := range a.list {
		if a.list[i].Name != name {
			continue
		}
		a.read[i] = true
		if a.list[i].Kind != kind {
			a.fail("attribute %q has kind %d, want %d", name, a.list[i].Kind, kind)
			return nil
		}
		return &a.list[i]
	}
	return nil
}

// has says whether an attribute is there.
func (a *Attrs) has(name string) bool {
	for i := range a.list {
		if a.list[i].Name == name {
			return true
		}
	}
	return false
}

// need notes an error if an attribute is missing.
func (a *Attrs) need(name string) {
	if !a.has(name) {
		a.fail("attribute %q is missing", name)
	}
}

func (a *Attrs) float(name string, otherwise float32) float32 {
	if f := a.find(name, onnx.AttrFloat); f != nil {
		return f.Float
	}
	return otherwise
}

func (a *Attrs) int(name string, otherwise int64) int64 {
	if f := a.find(name, onnx.AttrInt); f != nil {
		return f.Int
	}
	return otherwise
}

func (a *Attrs) flag(name string, otherwise bool) bool {
	n := int64(0)
	if otherwise {
		n = 1
	}
	return a.int(name, n) != 0
}

func (a *Attrs) text(name, otherwise string) string {
	if f := a.find(name, onnx.AttrText); f != nil {
		return f.Text
	}
	return otherwise
}

// choice is a text that must be one of some.
func (a *Attrs) choice(name, otherwise string, others ...string) string {
	got := a.text(name, otherwise)
	if got == otherwise {
		return got
	}
	if slices.Contains(others, got) {
		return got
	}
	a.fail("attribute %q is %q", name, got)
	return otherwise
}

func (a *Attrs) ints(name string) []int64 {
	if f := a.find(name, onnx.AttrInts); f != nil {
		if f.Ints == nil {
			return []int64{}
		}
		return f.Ints
	}
	return nil
}

func (a *Attrs) floats(name string) []float32 {
	if f := a.find(name, onnx.AttrFloats); f != nil {
		return f.Floats
	}
	return nil
}

func (a *Attrs) texts(name string) []string {
	if f := a.find(name, onnx.AttrTexts); f != nil {
		return f.Texts
	}
	return nil
}

func (a *Attrs) tensor(name string) *tensor.Tensor {
	if f := a.find(name, onnx.AttrTensor); f != nil {
		return f.Tensor
	}
	return nil
}

// elementType is an attribute that names a type by the number of the format; zero if it is not there.
func (a *Attrs) elementType(name string) tensor.Type {
	f := a.find(name, onnx.AttrInt)
	if f == nil {
		return 0
	}
	t, err := onnx.TypeFrom(f.Int)
	if err != nil && a.err == nil {
		a.err = err
	}
	return t
}
