package evmdiff

// What is measured, on demand: the same calls on anvil, whose machine is revm. Its processor time for a call,
// less that for a call that does next to nothing, stands beside ours for the same code, input and gas.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

var anvilPath = flag.String("anvil", "", "the program anvil, to compare with revm")

// The calls of which one measurement is made: their number is doubled until they take this long.
const revmTime = 600 * time.Millisecond

// callAt is where the code of a call is imagined.
var callAt = chain.Address{0: 0xca, 19: 0x11}

// anvil is a running one.
type anvil struct {
	url string
	pid int
}

func startAnvil(t *testing.T) *anvil {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	cmd := exec.Command(*anvilPath, "--silent", "--hardfork", "osaka", "--gas-limit", "1000000000", "--port", strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	a := &anvil{url: fmt.Sprintf("http://127.0.0.1:%d", port), pid: cmd.Process.Pid}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := a.post(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`); err == nil {
			return a
		} else if time.Now().After(deadline) {
			t.Fatalf("anvil does not answer: %v", err)
		}
	}
}

func (a *anvil) post(body string) ([]byte, error) {
	res, err := http.Post(a.url, "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// call runs code with input and gives the answer.
func (a *anvil) call(t *testing.T, code, input []byte) []byte {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"from":%q,"to":%q,"data":"0x%x","gas":"0x1000000"},`+
		`"latest",{%q:{"code":"0x%x"}}]}`, sender.String(), callAt.String(), input, callAt.String(), code)
	text, err := a.post(body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(text, &answer); err != nil || answer.Error != nil {
		t.Fatalf("anvil: %v %s", err, text)
	}
	out, err := hex.DecodeString(strings.Trim(string(answer.Result), `"`)[2:])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// used gives the processor time that anvil has taken so far.
func (a *anvil) used(t *testing.T) time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(a.pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100)
}

// perCall gives the processor time of one call.
func (a *anvil) perCall(t *testing.T, code, input []byte) time.Duration {
	for n := 8; ; n *= 2 {
		start := a.used(t)
		for range n {
			a.call(t, code, input)
		}
		if spent := a.used(t) - start; spent > revmTime {
			return spent / time.Duration(n)
		}
	}
}

func TestRevm(t *testing.T) {
	if *anvilPath == "" {
		t.Skip("run with -args -anvil PATH of the program anvil (npm @foundry-rs/anvil)")
	}
	a := startAnvil(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	nothing := a.perCall(t, []byte{0}, nil)
	fmt.Printf("a call that does nothing takes anvil %v\n%-22s %11s %11s %6s\n", nothing, "contract", "ours ns", "revm ns", "ratio")
	var ratios []float64
	for _, b := range benches {
		code, err := Runtime(b.contract)
		if err != nil {
			t.Fatal(err)
		}
		// Some need the addresses of others, which their creation puts into the code; and what is nearly nothing
		// cannot be measured this way.
		if b.contract == "Market" || b.function == "plain" || b.function == "proxied" || b.n == 0 {
			continue
		}
		in := input(b.function, b.n)
		w := benchWorld()
		w[callAt] = &Account{Nonce: 1, Code: code}
		ours := &stage{side: NewOurs(w, vm.NewCodes(vm.CodesBytesMax)), tx: vm.Tx{
			Type: chain.TxTypeDynamicFee, From: sender, To: &callAt, Gas: 1 << 24, Data: in,
			FeeCap: *uint256.NewInt(100), TipCap: *uint256.NewInt(1),
		}}
		first := ours.run(t)
		if theirs := a.call(t, code, in); !bytes.Equal(first.Output, theirs) {
			t.Errorf("%s.%s: got %x, revm %x", b.contract, b.function, first.Output, theirs)
		}
		var want Result
		for range 5 {
			want = ours.run(t)
		}
		best := time.Hour
		for range 15 {
			best = min(best, spend(t, ours, &want))
		}
		theirs := a.perCall(t, code, in) - nothing
		ratios = append(ratios, float64(best)/float64(theirs))
		fmt.Printf("%-22s %11d %11d %6.3f\n", b.contract+"."+b.function, best, theirs, float64(best)/float64(theirs))
	}
	fmt.Printf("geometric mean %.3f\n", mean(ratios))
}
