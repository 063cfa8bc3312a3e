package inference

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/language"
)

// A form is a JSON object of parameters. Each is taken once; the first fault is kept, and what nobody took is one
// (INFER-3). A parameter that is null is one that is not there.
type form struct {
	fields map[string]json.RawMessage
	fault  *Fault
}

func parseForm(body []byte) (*form, *Fault) {
	f := &form{}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&f.fields); err != nil {
		return nil, faultf(http.StatusBadRequest, "invalid_json", "the body is no JSON object: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, faultf(http.StatusBadRequest, "invalid_json", "the body goes on behind its JSON object")
	}
	maps.DeleteFunc(f.fields, func(_ string, v json.RawMessage) bool { return isNull(v) })
	return f, nil
}

func isNull(v json.RawMessage) bool { return string(v) == "null" }

// take gives a parameter's text, or nothing.
func (f *form) take(name string) (json.RawMessage, bool) {
	v, ok := f.fields[name]
	delete(f.fields, name)
	return v, ok
}

func (f *form) refuse(fault *Fault) {
	if f.fault == nil {
		f.fault = fault
	}
}

// read decodes a parameter into to, which keeps its value where there is none.
func (f *form) read(name, want string, to any) (there bool) {
	v, there := f.take(name)
	if there && json.Unmarshal(v, to) != nil {
		f.refuse(wrong(name, "%s: want %s", name, want))
	}
	return there
}

func (f *form) text(name string) (v string) {
	f.read(name, "a text", &v)
	return v
}

func (f *form) flag(name string) (v bool) {
	f.read(name, "true or false", &v)
	return v
}

func (f *form) number(name string, fallback, low, high float64) float64 {
	v := fallback
	f.read(name, "a number", &v)
	if !(v >= low && v <= high) {
		f.refuse(wrong(name, "%s is %g, want %g to %g", name, v, low, high))
	}
	return v
}

// ppm takes a number in millionths.
func (f *form) ppm(name string, fallback, low, high float64) uint32 {
	v := f.number(name, fallback, low, high)
	n, err := language.ToPpm(v)
	if err != nil && f.fault == nil {
		f.refuse(wrong(name, "%s: %v", name, err))
	}
	return n
}

func (f *form) whole(name string, fallback, low, high int64) int64 {
	v := fallback
	there := f.read(name, "a whole number", &v)
	if there && (v < low || v > high) {
		f.refuse(wrong(name, "%s is %d, want %d to %d", name, v, low, high))
	}
	return v
}

// seed gives a seed, of which negative ones are taken for the number with the same bits.
func (f *form) seed(name string) (v uint64, there bool) {
	var n int64
	there = f.read(name, "a whole number of 64 bits", &n)
	return uint64(n), there
}

// only refuses a parameter whose value is not one that changes nothing.
func (f *form) only(name string, values ...string) {
	v, there := f.take(name)
	if !there {
		return
	}
	var tight bytes.Buffer
	if err := json.Compact(&tight, v); err == nil && slices.Contains(values, tight.String()) {
		return
	}
	text := name + " is not supported here: leave it out"
	if len(values) > 0 {
		text += ", or give " + strings.Join(values, " or ")
	}
	f.refuse(&Fault{Status: http.StatusBadRequest, Code: "unsupported_parameter", Param: name, Text: text})
}

// ignore takes parameters that cannot change an answer.
func (f *form) ignore(names ...string) {
	for _, name := range names {
		delete(f.fields, name)
	}
}

// done gives the first fault.
func (f *form) done() *Fault {
	if f.fault != nil || len(f.fields) == 0 {
		return f.fault
	}
	name := slices.Min(slices.Collect(maps.Keys(f.fields)))
	if len(name) > parameterShown {
		name = name[:parameterShown]
	}
	return &Fault{Status: http.StatusBadRequest, Code: "unknown_parameter", Param: name, Text: "unknown parameter " + name}
}

const parameterShown = 64 // bytes of a stranger's word that are told back

// sub takes an object within the form.
func (f *form) sub(name string) *form {
	sub := &form{}
	f.read(name, "an object", &sub.fields)
	return sub
}

// nested keeps the fault of an object within the form.
func (f *form) nested(name string, sub *form) {
	if fault := sub.done(); fault != nil {
		f.refuse(wrong(name, "%s: %s", name, fault.Text))
	}
}

const listMax = 256 // inputs, or outputs, that one request names

// list takes a list of objects.
func (f *form) list(name string) (list []*form) {
	var fields []map[string]json.RawMessage
	if !f.read(name, "a list of objects", &fields) {
		return nil
	}
	if len(fields) > listMax {
		f.refuse(wrong(name, "%d %s, want at most %d", len(fields), name, listMax))
		return nil
	}
	list = []*form{}
	for _, one := range fields {
		list = append(list, &form{fields: one})
	}
	return list
}
