package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// Tracer watches one transaction: Begin, then what package vm reports, then End, then Result.
type Tracer interface {
	vm.Tracer
	// Begin is told of the transaction before anything of it has happened.
	Begin(env *Env, tx *Tx)
	// End is told what the transaction pays for, when all of it has happened.
	End(gasUsed uint64)
	// Result gives what was found.
	Result() (json.RawMessage, error)
}

// Env is what tracers may look at. All of it stays valid until the tracer's Result was taken.
type Env struct {
	State    State // as the transaction has changed it so far
	Before   State // as the transaction found it
	Fork     fork.Fork
	Coinbase chain.Address
	LogIndex int                        // in the block, of the transaction's first log
	Native   func(a chain.Address) bool // whether a contract of the chain stands there; nil: nowhere

	built *precompile.Set // of Fork, made when it is first asked for
}

// builtIn reports whether a built-in contract stands at a: it is warm from the start, and the state does not
// know of it.
func (e *Env) builtIn(a chain.Address) bool {
	if e.built == nil {
		e.built = precompile.New(e.Fork)
	}
	return e.built.Warm(&a)
}

// State is what tracers read of the state. Reading changes nothing.
type State interface {
	Balance(a chain.Address) uint256.Int
	Nonce(a chain.Address) uint64
	CodeHash(a chain.Address) chain.Hash
	Code(a chain.Address) []byte
	Slot(a chain.Address, key chain.Hash) chain.Hash
	CommittedSlot(a chain.Address, key chain.Hash) chain.Hash
}

// Tx is what tracers know of the transaction.
type Tx struct {
	From  chain.Address
	To    *chain.Address // nil for a creation
	Gas   uint64
	Auths []chain.Authorization
}

// ResultBytesMax bounds what the tracers of one request keep, as JSON.
const ResultBytesMax = 20 << 20

// ErrTooLarge says that there is more to tell than ResultBytesMax.
var ErrTooLarge = fmt.Errorf("the trace is larger than %d MiB: ask for callTracer, switch off stack, memory and storage, or set a limit",
	ResultBytesMax>>20)

// Config says how to watch, in the form that debug_* methods take.
type Config struct {
	Tracer       *string         `json:"tracer"`
	TracerConfig json.RawMessage `json:"tracerConfig"`
	Timeout      *string         `json:"timeout"` // accepted; the time of a request is the server's to bound

	// Of the struct logger.
	EnableMemory     bool            `json:"enableMemory"`
	DisableStack     bool            `json:"disableStack"`
	DisableStorage   bool            `json:"disableStorage"`
	EnableReturnData bool            `json:"enableReturnData"`
	Limit            int             `json:"limit"` // bytes; 0 for all
	Overrides        json.RawMessage `json:"overrides"`
}

// names lists what New knows, for people.
var names = [...]string{"callTracer", "prestateTracer", "4byteTracer", "noopTracer", "muxTracer"}

// New makes the tracer for one transaction; nil is the struct logger with everything.
func (c *Config) New() (Tracer, error) {
	b := &budget{left: ResultBytesMax}
	return c.tracer(b)
}

// Check says what is wrong with a configuration; nil is one.
func (c *Config) Check() error {
	_, err := c.New()
	return err
}

// tracer makes a tracer that keeps no more than b allows.
func (c *Config) tracer(b *budget) (Tracer, error) {
	if c == nil {
		return newSteps(&Config{}, b), nil
	}
	if len(c.Overrides) > 0 && string(c.Overrides) != "null" {
		return nil, errors.New("overrides of the rule set are not supported: this chain has had one since its genesis")
	}
	if c.Tracer == nil || *c.Tracer == "" {
		return newSteps(c, b), nil
	}
	return newNamed(*c.Tracer, c.TracerConfig, b)
}

func newNamed(name string, config json.RawMessage, b *budget) (Tracer, error) {
	switch name {
	case "callTracer":
		return newCalls(config, b)
	case "prestateTracer":
		return newPrestate(config, b)
	case "4byteTracer":
		return newSelectors(b), nil
	case "noopTracer":
		return noop{}, nil
	case "muxTracer":
		return newMux(config, b)
	}
	if strings.ContainsAny(name, "{(; \n") {
		return nil, fmt.Errorf("JavaScript tracers are not supported: the tracers are %s", known())
	}
	return nil, fmt.Errorf("tracer %.40q is not known: the tracers are %s", name, known())
}

func known() string { return strings.Join(names[:], ", ") + ", and none for single instructions" }

// readConfig reads a tracer's own configuration; unknown fields are let through, as go-ethereum does.
func readConfig(raw json.RawMessage, into any) error {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("tracerConfig: %w", err)
	}
	return nil
}

// budget is what may still be kept. Tracers of one request share it.
type budget struct {
	left int
	over bool
}

// take asks to keep n bytes more. Once it has refused it refuses always.
func (b *budget) take(n int) bool {
	if b.over || n > b.left {
		b.over = true
		return false
	}
	b.left -= n
	return true
}

func (b *budget) err() error {
	if b.over {
		return ErrTooLarge
	}
	return nil
}

// noop watches nothing.
type noop struct{}

func (noop) Begin(*Env, *Tx)                  {}
func (noop) Enter(vm.Call)                    {}
func (noop) Step(*vm.Step)                    {}
func (noop) Log(*chain.Log)                   {}
func (noop) Exit([]byte, uint64, vm.Fault)    {}
func (noop) End(uint64)                       {}
func (noop) Result() (json.RawMessage, error) { return json.RawMessage("{}"), nil }

// mux is several tracers at once.
type mux struct {
	names   []string
	tracers []Tracer
}

func newMux(config json.RawMessage, b *budget) (Tracer, error) {
	var inner map[string]json.RawMessage
	if err := readConfig(config, &inner); err != nil {
		return nil, err
	}
	m := &mux{}
	for name := range inner {
		m.names = append(m.names, name)
	}
	slices.Sort(m.names)
	for _, name := range m.names {
		if name == "muxTracer" {
			return nil, errors.New("a muxTracer inside a muxTracer is not supported")
		}
		t, err := newNamed(name, inner[name], b)
		if err != nil {
			return nil, err
		}
		m.tracers = append(m.tracers, t)
	}
	return m, nil
}

func (m *mux) Begin(env *Env, tx *Tx) {
	for _, t := range m.tracers {
		t.Begin(env, tx)
	}
}

func (m *mux) Enter(c vm.Call) {
	for _, t := range m.tracers {
		t.Enter(c)
	}
}

func (m *mux) Step(s *vm.Step) {
	for _, t := range m.tracers {
		t.Step(s)
	}
}

func (m *mux) Log(l *chain.Log) {
	for _, t := range m.tracers {
		t.Log(l)
	}
}

func (m *mux) Exit(output []byte, gasLeft uint64, fault vm.Fault) {
	for _, t := range m.tracers {
		t.Exit(output, gasLeft, fault)
	}
}

func (m *mux) End(gasUsed uint64) {
	for _, t := range m.tracers {
		t.End(gasUsed)
	}
}

func (m *mux) Result() (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for i, t := range m.tracers {
		r, err := t.Result()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.names[i], err)
		}
		all[m.names[i]] = r
	}
	return json.Marshal(all)
}
