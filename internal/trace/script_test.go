package trace

// What is tested: scripts of contracts and transactions, and what each tracer says of them, to the last
// byte. Package tools/evmdiff holds the same tracers against go-ethereum's.
//
//	contract ADDRESS [balance=N]      a contract with the code in the lines that follow
//	trace [to=ADDRESS] [value=N] [gas=N] [data=HEX] [tracer=NAME] [config=JSON]
//
// `go test ./internal/trace -run Scripts -rewrite` renews what stands below the lines ----.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

var rewrite = flag.Bool("rewrite", false, "renew what the scripts expect")

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("differs; -rewrite and read the diff. Got:\n%s", got)
			}
		})
	}
}

// play runs a script and gives it back with what came out.
func play(t *testing.T, script string) string {
	w := newWorld()
	var out []string
	for block := range strings.SplitSeq(strings.TrimSpace(script), "\n\n") {
		said, _, asked := strings.Cut(block, "\n----")
		lines := strings.Split(said, "\n")
		command := lines[0]
		for strings.HasPrefix(command, "#") && len(lines) > 1 {
			lines = lines[1:]
			command = lines[0]
		}
		fields := strings.Fields(command)
		switch {
		case fields[0] == "contract":
			w.put(t, fields[1:], assemble(t, lines[1:]))
		case fields[0] == "trace" && asked:
			said += "\n----\n" + w.trace(t, fields[1:])
		default:
			t.Fatalf("no such command: %s", block)
		}
		out = append(out, said)
	}
	return strings.Join(out, "\n\n") + "\n"
}

// world is a state and a machine without a chain around it.
type world struct {
	view    *state.View
	machine *vm.Machine
	logs    int
}

var (
	sender   = chain.Address{19: 0xee}
	coinbase = chain.Address{19: 0xcb}
)

func newWorld() *world {
	w := &world{view: state.New(state.Empty{})}
	w.view.AddBalance(sender, uint256.NewInt(1e18))
	w.view.EndTx()
	w.machine = vm.New(fork.Latest, w.view, vm.NewCodes(1<<20))
	w.machine.SetBlock(vm.Block{
		ChainID: 1, Number: 100, Time: 1000, GasLimit: 30_000_000, Coinbase: coinbase,
		Hash: func(uint64) chain.Hash { return chain.Hash{} },
	})
	return w
}

func (w *world) put(t *testing.T, fields []string, code []byte) {
	a := address(t, fields[0])
	w.view.SetCode(a, code)
	w.view.SetNonce(a, 1)
	for _, f := range fields[1:] {
		if n, ok := strings.CutPrefix(f, "balance="); ok {
			w.view.AddBalance(a, uint256.NewInt(number(t, n)))
		}
	}
	w.view.EndTx()
}

func (w *world) trace(t *testing.T, fields []string) string {
	tx := vm.Tx{From: sender, Gas: 200_000}
	config := Config{}
	for _, f := range fields {
		key, val, _ := strings.Cut(f, "=")
		switch key {
		case "to":
			a := address(t, val)
			tx.To = &a
		case "value":
			tx.Value = *uint256.NewInt(number(t, val))
		case "gas":
			tx.Gas = number(t, val)
		case "data":
			tx.Data = unhex(t, val)
		case "code":
			tx.Data = assemble(t, []string{strings.ReplaceAll(val, ",", " ")})
		case "tracer":
			config.Tracer = &val
		case "config":
			config.TracerConfig = json.RawMessage(val)
			if config.Tracer == nil {
				if err := json.Unmarshal([]byte(val), &config); err != nil {
					t.Fatal(err)
				}
			}
		default:
			t.Fatalf("no such field: %s", f)
		}
	}
	tracer, err := config.New()
	if err != nil {
		return "error: " + err.Error()
	}
	if _, err := w.watch(&tx, tracer); err != nil {
		return "refused: " + err.Error()
	}
	raw, err := tracer.Result()
	if err != nil {
		return "error: " + err.Error()
	}
	return layout(t, raw, "")
}

// watch runs a transaction under a tracer and keeps what it did.
func (w *world) watch(tx *vm.Tx, t Tracer) (vm.Outcome, error) {
	up := state.New(w.view.Below())
	tx.Nonce = up.Nonce(tx.From)
	t.Begin(&Env{State: up, Before: w.view, Fork: fork.Latest, Coinbase: coinbase, LogIndex: w.logs}, &Tx{
		From: tx.From, To: tx.To, Gas: tx.Gas, Auths: tx.Auths,
	})
	up.BeginTx()
	w.machine.SetState(up)
	w.machine.Trace(t)
	out, err := w.machine.Run(tx)
	w.machine.Trace(nil)
	if err != nil {
		return out, err
	}
	w.logs += len(up.Logs())
	up.EndTx()
	t.End(out.GasUsed)
	d := up.Diff()
	w.view.Absorb(&d)
	return out, nil
}

// lineMax is the longest JSON value that layout leaves on one line.
const lineMax = 120

// layout breaks JSON into lines so that people can read it and diffs are small.
func layout(t *testing.T, raw json.RawMessage, margin string) string {
	if len(raw) <= lineMax || raw[0] != '{' && raw[0] != '[' {
		return string(raw)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var items []string
	for d.More() {
		item := margin + " "
		if raw[0] == '{' {
			key, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			item += strconv.Quote(key.(string)) + ": "
		}
		var inner json.RawMessage
		if err := d.Decode(&inner); err != nil {
			t.Fatal(err)
		}
		items = append(items, item+layout(t, inner, margin+" "))
	}
	return string(raw[0]) + "\n" + strings.Join(items, ",\n") + "\n" + margin + string(raw[len(raw)-1])
}

func address(t *testing.T, text string) chain.Address {
	b := unhex(t, text)
	var a chain.Address
	copy(a[20-len(b):], b)
	return a
}

func unhex(t *testing.T, text string) []byte {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

func number(t *testing.T, text string) uint64 {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// assemble turns names of instructions and bytes in hexadecimal into code.
func assemble(t *testing.T, lines []string) []byte {
	var code []byte
	for word := range strings.FieldsSeq(strings.Join(lines, " ")) {
		if op, ok := opNamed(word); ok {
			code = append(code, byte(op))
		} else {
			code = append(code, unhex(t, word)...)
		}
	}
	return code
}

func opNamed(name string) (vm.Op, bool) {
	for op := range 256 {
		if vm.Op(op).String() == name {
			return vm.Op(op), true
		}
	}
	return 0, false
}
