package main

// What is tested: folders are searched for files of state tests, what becomes of their cases is counted with
// the first difference, a file that is none is an error, and `evm run` reports what the machine did.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/statetest"
)

// refusedTest has one case: a transaction without money, which must be refused or not as EXPECT says.
const refusedTest = `{"no money": {"_info": {},
 "env": {"currentCoinbase": "0x00000000000000000000000000000000000000cc", "currentGasLimit": "0x0100000",
  "currentNumber": "0x01", "currentTimestamp": "0x03e8"}, "pre": {}, "config": {"chainid": "0x01"},
 "transaction": {"nonce": "0x00", "gasLimit": ["0x010000"], "gasPrice": "0x01", "to": "", "value": ["0x00"],
  "data": ["0x"], "sender": "0x00000000000000000000000000000000000000aa", "secretKey": "0x01"},
 "post": {"FORK": [{"indexes": {"data": 0, "gas": 0, "value": 0}, "txbytes": "0x", EXPECT
  "hash": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
  "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347", "state": {}}]}}}`

func TestStateTestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, forkName, expect string) {
		text := strings.NewReplacer("FORK", forkName, "EXPECT", expect).Replace(refusedTest)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good.json", "Berlin", `"expectException": "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS",`)
	write("bad.json", "Berlin", "")
	write("other.json", "Amsterdam", "")
	write("notes.txt", "", "")
	files, err := jsonFiles([]string{dir})
	if err != nil || len(files) != 3 {
		t.Fatalf("files: got %v, %v; want three", files, err)
	}
	got, err := runFiles(t.Context(), files, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Passed != 1 || got.Failed != 1 || got.Skipped != 1 || !strings.Contains(strings.Join(got.Failures, "\n"), "insufficient funds") {
		t.Errorf("got %+v, want one of each", got)
	}
	write("broken.json", "Berlin", `"surprise": 1,`)
	if _, err := runFiles(t.Context(), append(files, filepath.Join(dir, "broken.json")), 1, nil); err == nil {
		t.Error("a field that nobody knows: got no error")
	}
	if _, err := jsonFiles([]string{t.TempDir()}); err == nil {
		t.Error("an empty folder: got no error")
	}
}

func TestRunCode(t *testing.T) {
	m := vm.New(fork.Osaka, nil, vm.NewCodes(vm.CodesBytesMax))
	run := statetest.RunCode(m, []byte{0x60, 2, 0x60, 3, 0x01, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3}, nil, 100, nil)
	out := run()
	if out.Fault != 0 || out.GasUsed != 22 || len(out.Output) != 32 || out.Output[31] != 5 {
		t.Errorf("got %+v, want 5 for 22 gas", out)
	}
	r := runReport{GasUsed: out.GasUsed}
	r.measure(run)
	if r.Runs == 0 || r.BestNs <= 0 || r.MedianNs < r.BestNs {
		t.Errorf("times: got %+v", r)
	}
}
