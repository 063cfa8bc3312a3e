package statetest

// What is tested: the lines of a trace, with a call inside a call and a fault, against what one works out
// by hand.

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

func TestTraceLines(t *testing.T) {
	// STATICCALL to itself with no gas to speak of: the inner call runs out of gas at once.
	code := []byte{0x5f, 0x5f, 0x5f, 0x5f, 0x30, 0x60, 0x01, 0xfa, 0x00}
	var text strings.Builder
	trace := NewTrace(&text)
	out := RunCode(vm.New(fork.Osaka, nil, vm.NewCodes(vm.CodesBytesMax)), code, nil, 10_000, trace)()
	if err := trace.Close(); err != nil {
		t.Fatal(err)
	}
	type row struct {
		PC      uint64
		OpName  string
		Gas     string
		GasCost string
		Depth   int
		Stack   []string
		Error   string
	}
	var rows []row
	for l := range strings.Lines(text.String()) {
		var r row
		if err := json.Unmarshal([]byte(l), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if len(rows) != 9 || out.Fault != 0 || out.GasUsed != 4*2+2+3+100+1 {
		t.Fatalf("got %d lines and %+v:\n%s", len(rows), out, text.String())
	}
	inner, call, last := rows[6], rows[7], rows[8]
	if inner.Depth != 2 || inner.OpName != "PUSH0" || inner.Gas != "0x1" || inner.GasCost != "0x1" || inner.Error != "out of gas" {
		t.Errorf("inner: got %+v", inner)
	}
	if call.Depth != 1 || call.OpName != "STATICCALL" || call.GasCost != "0x65" || len(call.Stack) != 6 {
		t.Errorf("call: got %+v", call)
	}
	if last.OpName != "STOP" || len(last.Stack) != 1 || last.Stack[0] != "0x0" {
		t.Errorf("last: got %+v", last)
	}
}
