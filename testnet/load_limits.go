package testnet

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	limitTime    = 300 * time.Millisecond // for each micro measurement
	limitTxs     = 500
	limitSyncs   = 100
	syncedBytes  = 4096
	hashedBytes  = 1024
	messageSteps = 3 // proposal, notarize, finalize: each is logged before it is sent
)

// Limits are what single steps cost on this machine while nothing else runs, and what follows from them.
type Limits struct {
	Cores         int     `json:"cores"`
	CPU           string  `json:"cpu"`
	Go            string  `json:"go"`
	RecoverMicros float64 `json:"recoverMicros"`     // sender from a transaction's signature
	ExecMicros    float64 `json:"execMicros"`        // one transfer, sender known, state in memory
	VerifyMicros  float64 `json:"verifyVoteMicros"`  // one vote
	SignMicros    float64 `json:"signVoteMicros"`    // one vote
	HashMicros    float64 `json:"sha256KiBMicros"`   // SHA-256 of 1 KiB
	SyncMillis    float64 `json:"syncMillis"`        // 4 KiB written and synced, median
	SyncMillisP99 float64 `json:"syncMillisP99"`     // the same, of the slowest in a hundred
	BoundPerSec   float64 `json:"boundPerSecond"`    // all cores on nothing but recovery and execution, on every validator
	BoundMillis   float64 `json:"boundFinalityMs"`   // three synced votes of the slowest path, one sign and verify each
	Validators    int     `json:"validators"`        // that share the machine
	Share         float64 `json:"shareOfBound"`      // reached; set by the caller
	FinalityTimes float64 `json:"finalityOverBound"` // likewise
}

// MeasureLimits measures on the disk that holds dir, for a network of that many validators on this machine.
func MeasureLimits(dir string, validators int, modules *native.Set) (*Limits, error) {
	l := &Limits{Cores: runtime.NumCPU(), CPU: cpuName(), Go: runtime.Version(), Validators: validators}
	key := Account(0)
	digest := sha256.Sum256([]byte("aiwork/limits"))
	sig := secp.Sign(key, digest)
	l.RecoverMicros = timeOf(func() {
		_, err := secp.RecoverAddress(digest, sig)
		must.Hold(err == nil, "testnet: own signature")
	})
	vote := secp.SignSchnorr(key, digest[:], [32]byte{})
	l.SignMicros = timeOf(func() { secp.SignSchnorr(key, digest[:], [32]byte{}) })
	pub := key.Public().XOnly()
	l.VerifyMicros = timeOf(func() {
		must.Hold(secp.VerifySchnorr(pub, digest[:], vote) == nil, "testnet: own vote")
	})
	block := make([]byte, hashedBytes)
	l.HashMicros = timeOf(func() { sha256.Sum256(block) })
	l.ExecMicros = execCost(modules)
	if err := l.measureSync(dir); err != nil {
		return nil, err
	}
	l.BoundPerSec = math.Round(float64(l.Cores) * 1e6 / (float64(validators) * (l.RecoverMicros + l.ExecMicros)))
	l.BoundMillis = round2(messageSteps * (l.SyncMillis + (l.SignMicros+l.VerifyMicros)/1000))
	return l, nil
}

func round2(v float64) float64 { return math.Round(v*100) / 100 }

// timeOf gives the microseconds that do takes, from as many runs as fit.
func timeOf(do func()) float64 {
	do()
	n, start := 0, time.Now()
	for ; n < 8 || time.Since(start) < limitTime; n++ {
		do()
	}
	return round2(time.Since(start).Seconds() * 1e6 / float64(n))
}

// execCost executes blocks of transfers between accounts in memory.
func execCost(modules *native.Set) float64 {
	var alloc []genesis.Alloc
	for i := range limitTxs {
		alloc = append(alloc, genesis.Alloc{Address: address(senderKey(0, i)), Balance: genesis.Amount{Int: *tokens(1)}})
	}
	g := genesis.Devnet(1, 0, alloc, nil)
	base := state.NewOverlay(state.Empty{}, g.Build(modules).Diff)
	var txs []*chain.Tx
	for i := range limitTxs {
		to := alloc[(i+1)%limitTxs].Address
		tx := &chain.Tx{Type: 2, ChainID: 1, Gas: transferGas, To: &to, GasFeeCap: *uint256.NewInt(2e9), Value: *uint256.NewInt(1)}
		signed, err := chain.SignTx(tx, senderKey(0, i), 1)
		must.Hold(err == nil, "testnet: a transfer is signed")
		_, err = signed.Sender() // remembered
		must.Hold(err == nil, "testnet: own transfer")
		txs = append(txs, signed)
	}
	in := &exec.Input{GasLimit: 1 << 40, Txs: txs, Block: native.Block{
		Height: 1, TimeMs: 1, ChainID: 1, BaseFee: *uint256.NewInt(1e9), Params: &g.Params,
	}}
	engine := exec.NewEngine(modules, vm.CodesBytesMax)
	per := timeOf(func() {
		_, err := exec.Block(state.New(base), in, engine)
		must.Hold(err == nil, "testnet: transfers between funded accounts execute")
	})
	return round2(per / limitTxs)
}

func (l *Limits) measureSync(dir string) error {
	f, err := os.Create(filepath.Join(dir, "sync-test"))
	if err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, syncedBytes)
	var times []time.Duration
	for range limitSyncs {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return fmt.Errorf("disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("disk: %w", err)
		}
		times = append(times, time.Since(start))
	}
	q := quantiles(times)
	l.SyncMillis, l.SyncMillisP99 = q.P50, q.P99
	return nil
}

func cpuName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// Print writes the limits for people.
func (l *Limits) Print(w io.Writer) {
	us := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) + " us" }
	term.Pairs(w,
		[2]string{"machine", fmt.Sprintf("%d cores, %s, %s", l.Cores, l.CPU, l.Go)},
		[2]string{"recover a sender", us(l.RecoverMicros)},
		[2]string{"execute a transfer", us(l.ExecMicros)},
		[2]string{"sign, verify a vote", us(l.SignMicros) + ", " + us(l.VerifyMicros)},
		[2]string{"SHA-256 of 1 KiB", us(l.HashMicros)},
		[2]string{"sync 4 KiB to disk", fmt.Sprintf("p50 %.2f ms, p99 %.2f ms", l.SyncMillis, l.SyncMillisP99)},
		[2]string{"bound on transfers", fmt.Sprintf("%.0f/s: %d validators on %d cores that only recover and execute; reached %.0f %%", l.BoundPerSec, l.Validators, l.Cores, l.Share*100)},
		[2]string{"bound on finality", fmt.Sprintf("%.1f ms: three votes, each signed, synced, sent and verified; p50 at a low rate is %.1f times that", l.BoundMillis, l.FinalityTimes)},
	)
}
