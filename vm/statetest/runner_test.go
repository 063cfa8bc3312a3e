package statetest

// What is tested: the runner finds each kind of difference, and refuses files that it does not understand.
// The test below is a transfer of 5 with no fee; want is changed one thing at a time.

import (
	"strings"
	"testing"
)

const transfer = `{"a transfer": {
 "_info": {},
 "env": {"currentCoinbase": "0x00000000000000000000000000000000000000cc", "currentGasLimit": "0x0100000",
  "currentNumber": "0x01", "currentTimestamp": "0x03e8"},
 "pre": {"0x00000000000000000000000000000000000000aa": {"nonce": "0x00", "balance": "0x64", "code": "0x", "storage": {}},
  "0x00000000000000000000000000000000000000bb": {"nonce": "0x01", "balance": "0x00", "code": "0x60056001555f5fa0", "storage": {"0x00": "0x07"}}},
 "transaction": {"nonce": "0x00", "gasLimit": ["0x010000"], "gasPrice": "0x00",
  "to": "0x00000000000000000000000000000000000000bb", "value": ["0x05"], "data": ["0x"],
  "sender": "0x00000000000000000000000000000000000000aa", "secretKey": "0x01"},
 "post": {"Shanghai": [{"indexes": {"data": 0, "gas": 0, "value": 0}, "txbytes": "0x",
  "hash": "ROOT", "logs": "LOGS",
  "state": {"0x00000000000000000000000000000000000000aa": {"nonce": "0x01", "balance": "0x5f", "code": "0x", "storage": {}},
   "0x00000000000000000000000000000000000000bb": {"nonce": "0x01", "balance": "0x05", "code": "0x60056001555f5fa0",
    "storage": {"0x00": "0x07", "0x01": "0x05"}}}}]},
 "config": {"chainid": "0x01"}}}`

func runOne(t *testing.T, file string) (text string) {
	t.Helper()
	n := 0
	err := NewRunner().Run([]byte(file), func(r Result) {
		n++
		switch {
		case r.Skipped != "":
			text = "skipped: " + r.Skipped
		case r.Err != nil:
			text = r.Err.Error()
		}
	})
	if err != nil {
		return "file: " + err.Error()
	}
	if n != 1 {
		t.Fatalf("got %d results, want 1", n)
	}
	return text
}

func TestRunnerSeesDifferences(t *testing.T) {
	good := transfer
	// The first run tells the hash of the logs and the root; the accounts are compared before both.
	for _, name := range []string{"LOGS", "ROOT"} {
		text := runOne(t, strings.NewReplacer("LOGS", zeroHash, "ROOT", zeroHash).Replace(good))
		_, rest, ok := strings.Cut(text, "got 0x")
		if !ok || len(rest) < 64 {
			t.Fatalf("%s: got %q", name, text)
		}
		good = strings.Replace(good, name, "0x"+rest[:64], 1)
	}
	if got := runOne(t, good); got != "" {
		t.Fatalf("the right test: got %q, want none", got)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"0x5f"`, `"0x5e"`, "balance: got"},
		{`"nonce": "0x01", "balance": "0x05"`, `"nonce": "0x02", "balance": "0x05"`, "nonce: got"},
		{`"0x01": "0x05"}`, `"0x01": "0x06"}`, "slot"},
		{`"0x01": "0x05"}`, `"0x01": "0x05", "0x09": "0x01"}`, "slot"},
		{`, "0x01": "0x05"}`, `}`, "slot"},
		{`"logs": "0x`, `"expectException": "TransactionException.NONCE_IS_MAX", "logs": "0x`, "got no fault"},
		{`"gasLimit": ["0x010000"]`, `"gasLimit": ["0x5207"]`, "intrinsic gas too low"},
		{`"Shanghai"`, `"Amsterdam"`, "skipped: rule set Amsterdam"},
		{`"secretKey"`, `"unknownKey"`, "unknown field"},
		{`"nonce": "0x00", "gasLimit"`, `"nonce": "0x01", "gasLimit"`, "nonce too high"},
	} {
		if strings.Count(good, c.old) == 0 {
			t.Fatalf("%q is not in the test", c.old)
		}
		if got := runOne(t, strings.Replace(good, c.old, c.new, 1)); !strings.Contains(got, c.want) {
			t.Errorf("%s for %s: got %q, want %q", c.new, c.old, got, c.want)
		}
	}
	if got := runOne(t, good+"{}"); !strings.Contains(got, "something follows") {
		t.Errorf("bytes after the tests: got %q", got)
	}
}

const zeroHash = "0x0000000000000000000000000000000000000000000000000000000000000000"
