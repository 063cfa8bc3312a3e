package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Method is one callable name. Its function takes a context and typed parameters and gives a result
// and an error; pointer parameters at the end may be left out by the caller.
type Method struct {
	Name    string
	Summary string   // one sentence for the description
	Params  []string // names of the parameters, in order
	Cost    float64  // what one call takes from the caller's budget; 0 means 1
	Class   Class    // whose slots it takes

	fn     reflect.Value
	in     []reflect.Type
	needed int // parameters that must be given
}

// Table holds methods by name. It is filled once and then only read, so it is safe for concurrent use.
type Table struct {
	methods map[string]*Method
	names   []string
}

// NewTable gives an empty table.
func NewTable() *Table { return &Table{methods: map[string]*Method{}} }

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Add puts a function under a name. A function of the wrong shape is our own fault and panics.
func (t *Table) Add(m Method, fn any) {
	v := reflect.ValueOf(fn)
	ft := v.Type()
	if ft.Kind() != reflect.Func || ft.NumIn() == 0 || ft.In(0) != contextType || ft.NumOut() != 2 || ft.Out(1) != errorType {
		panic(fmt.Sprintf("rpc: %s: want func(context.Context, ...) (result, error)", m.Name))
	}
	if ft.NumIn()-1 != len(m.Params) {
		panic(fmt.Sprintf("rpc: %s: %d parameters, %d names", m.Name, ft.NumIn()-1, len(m.Params)))
	}
	if _, twice := t.methods[m.Name]; twice {
		panic("rpc: " + m.Name + " twice")
	}
	m.fn = v
	for i := 1; i < ft.NumIn(); i++ {
		m.in = append(m.in, ft.In(i))
		if ft.In(i).Kind() != reflect.Pointer {
			m.needed = i
		}
	}
	if m.Cost == 0 {
		m.Cost = 1
	}
	t.methods[m.Name] = &m
	t.names = append(t.names, m.Name)
	slices.Sort(t.names)
}

// Lookup gives the method of a name, or an error that a caller understands.
func (t *Table) Lookup(name string) (*Method, *Error) {
	if m, ok := t.methods[name]; ok {
		return m, nil
	}
	if slices.ContainsFunc(cheatPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
		return nil, Errorf(CodeMethod, "the method %s does not exist: a chain with consensus has no cheat codes; a devnet's test accounts are funded, and its blocks come by themselves", name)
	}
	if slices.Contains(keyMethods, name) {
		return nil, Errorf(CodeMethod, "the method %s does not exist: this node holds no keys of callers; sign in the wallet and send with eth_sendRawTransaction", name)
	}
	return nil, Errorf(CodeMethod, "the method %s does not exist: rpc.discover lists those that do", name)
}

// keyMethods are those of nodes that keep accounts for their callers.
var keyMethods = []string{"eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_signTypedData", "eth_signTypedData_v4", "personal_sign"}

// cheatPrefixes begin the methods of single-node simulators.
var cheatPrefixes = []string{"evm_", "anvil_", "hardhat_"}

// Call reads the parameters, runs the method and gives its result as JSON.
func (m *Method) Call(ctx context.Context, raw json.RawMessage) (json.RawMessage, *Error) {
	params, err := splitParams(raw)
	if err != nil {
		return nil, err
	}
	args, err := m.arguments(ctx, params)
	if err != nil {
		return nil, err
	}
	out := m.fn.Call(args)
	if fault, ok := out[1].Interface().(error); ok && fault != nil {
		return nil, asError(fault)
	}
	result, merr := json.Marshal(out[0].Interface())
	if merr != nil {
		return nil, Errorf(CodeInternal, "internal error: result: %v", merr)
	}
	return result, nil
}

func (m *Method) arguments(ctx context.Context, params []json.RawMessage) ([]reflect.Value, *Error) {
	for len(params) > m.needed && string(params[len(params)-1]) == "null" {
		params = params[:len(params)-1]
	}
	if len(params) > len(m.in) {
		return nil, Errorf(CodeParams, "too many arguments: want at most %d, got %d", len(m.in), len(params))
	}
	args := []reflect.Value{reflect.ValueOf(ctx)}
	for i, in := range m.in {
		if i >= len(params) || string(params[i]) == "null" {
			if i < m.needed {
				return nil, Errorf(CodeParams, "missing value for required argument %d (%s)", i, m.Params[i])
			}
			args = append(args, reflect.Zero(in))
			continue
		}
		v := reflect.New(in)
		d := json.NewDecoder(bytes.NewReader(params[i]))
		if err := d.Decode(v.Interface()); err != nil {
			return nil, Errorf(CodeParams, "invalid argument %d (%s): %v", i, m.Params[i], err)
		}
		args = append(args, v.Elem())
	}
	return args, nil
}
