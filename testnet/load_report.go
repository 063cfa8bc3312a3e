package testnet

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aiwork/aiwork-node/internal/term"
)

// Quantiles of a time, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max,omitempty"`
	N   int     `json:"n"`
}

// quantiles sorts its argument.
func quantiles(times []time.Duration) Quantiles {
	if len(times) == 0 {
		return Quantiles{}
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		i := int(math.Ceil(q*float64(len(times)))) - 1
		return ms(times[max(i, 0)])
	}
	return Quantiles{P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: ms(times[len(times)-1]), N: len(times)}
}

func ms(d time.Duration) float64 { return math.Round(d.Seconds()*1e5) / 100 }

// LoadReport is what a phase has shown. Zeros stand where a node does not tell.
type LoadReport struct {
	Phase    string         `json:"phase"`
	Seconds  float64        `json:"seconds"`
	Rate     float64        `json:"offeredPerSecond"` // really offered, refusals and repetitions included
	Senders  int            `json:"senders"`
	Nodes    int            `json:"nodes"`
	Offered  int            `json:"offered"`
	Accepted int            `json:"accepted"`
	Refused  int            `json:"refused"`
	Failed   int            `json:"unanswered"`
	Resent   int            `json:"resent"`
	Included int            `json:"included"`
	Lost     int            `json:"lost"` // accepted, and in no block when the drain ended
	Reasons  map[string]int `json:"refusals,omitempty"`

	PerSecond float64   `json:"transfersPerSecond"` // in blocks, without the first tenth of the phase
	Latency   Quantiles `json:"latencyMs"`          // from the first send to the block's notice at a client
	Finality  Quantiles `json:"finalityMs"`         // from the body to the certificate, all nodes together

	Blocks        int       `json:"blocks"`
	BlockTxsMax   int       `json:"blockTransfersMax"`
	BlockGap      Quantiles `json:"blockIntervalMs"`
	Nullified     float64   `json:"nullifiedViews"`
	CPUMicros     float64   `json:"cpuMicrosPerTransfer"` // of all processes of all nodes
	CPUCores      float64   `json:"cpuCores"`             // that the nodes used
	OwnCPUCores   float64   `json:"generatorCpuCores"`
	BaseFeeGwei   float64   `json:"baseFeeGwei"`
	BaseFeeFirst  float64   `json:"baseFeeGweiAtStart"`
	Processes     []Usage   `json:"processes,omitempty"`
	EvidenceCount float64   `json:"evidence"`
}

// warmUp is the part of a phase that does not count towards the steady rate.
const warmUp = 10

// report sums up a phase. Cost is that between the two readings, which are the phase's ends.
func (l *Load) report(run *phase, before, after reading) *LoadReport {
	run.mu.Lock()
	r := &LoadReport{
		Phase: run.Name, Seconds: run.Duration.Seconds(), Senders: len(l.senders), Nodes: len(l.clients),
		Offered: run.offered, Accepted: run.accepted, Refused: run.refused, Failed: run.failed, Resent: run.resent,
		Reasons: run.reasons, Nullified: max(after.nullified-before.nullified, 0),
		BaseFeeGwei: after.baseFee / 1e9, BaseFeeFirst: before.baseFee / 1e9, EvidenceCount: after.evidence,
	}
	run.mu.Unlock()
	r.Rate = math.Round(float64(r.Offered) / r.Seconds)
	r.Lost = l.Outstanding()
	steady := run.start.Add(run.Duration / warmUp)
	r.count(l.Receipts(), run, steady)
	r.chainFigures(l.blocksIn(run.start, run.end))
	r.finality(before.finality, after.finality)
	r.costs(before, after, l.blocksIn(before.at, after.at))
	return r
}

func (r *LoadReport) count(all []Acknowledged, run *phase, steady time.Time) {
	var times []time.Duration
	inWindow := 0
	for i := len(all) - 1; i >= 0 && all[i].At.After(run.start); i-- {
		a := &all[i]
		r.Included++
		times = append(times, a.At.Sub(a.Sent))
		if a.At.After(steady) && a.At.Before(run.end) {
			inWindow++
		}
	}
	r.Latency = quantiles(times)
	r.PerSecond = math.Round(float64(inWindow)/run.end.Sub(steady).Seconds()*10) / 10
}

func (r *LoadReport) chainFigures(blocks []SeenBlock) {
	r.Blocks = len(blocks)
	var gaps []time.Duration
	for i, b := range blocks {
		r.BlockTxsMax = max(r.BlockTxsMax, b.Txs)
		if i > 0 {
			gaps = append(gaps, b.At.Sub(blocks[i-1].At))
		}
	}
	r.BlockGap = quantiles(gaps)
}

func (r *LoadReport) finality(before, after []histogram) {
	sum := histogram{}
	for i := range after {
		if after[i] != nil {
			after[i].sub(before[i]).addTo(sum)
		}
	}
	if n := sum[math.Inf(1)]; n > 0 {
		at := func(q float64) float64 { return math.Round(sum.quantile(q)*1e5) / 100 }
		r.Finality = Quantiles{P50: at(0.5), P90: at(0.9), P99: at(0.99), N: int(n)}
	}
}

func (r *LoadReport) costs(before, after reading, blocks []SeenBlock) {
	seconds := after.at.Sub(before.at).Seconds()
	used := 0.0
	for i, u := range after.usage {
		if i < len(before.usage) {
			u.CPUSecs = math.Round((u.CPUSecs-before.usage[i].CPUSecs)*100) / 100
		}
		used += u.CPUSecs
		r.Processes = append(r.Processes, u)
	}
	txs := 0
	for _, b := range blocks {
		txs += b.Txs
	}
	if txs > 0 {
		r.CPUMicros = math.Round(used / float64(txs) * 1e6)
	}
	r.CPUCores = math.Round(used/seconds*100) / 100
	r.OwnCPUCores = math.Round((after.self.CPUSecs-before.self.CPUSecs)/seconds*100) / 100
}

// PrintLoads writes reports side by side, a line each.
func PrintLoads(w io.Writer, reports []*LoadReport) {
	header := []string{
		"phase", ">offered/s", ">in blocks/s", ">latency p50", ">p90", ">p99", ">finality p50", ">p90", ">p99",
		">blocks", ">nullified", ">CPU-us/tx", ">refused", ">lost",
	}
	var rows [][]string
	for _, r := range reports {
		rows = append(rows, []string{
			r.Phase, number(r.Rate), number(r.PerSecond), number(r.Latency.P50), number(r.Latency.P90), number(r.Latency.P99),
			number(r.Finality.P50), number(r.Finality.P90), number(r.Finality.P99), strconv.Itoa(r.Blocks), number(r.Nullified),
			number(r.CPUMicros), strconv.Itoa(r.Refused), strconv.Itoa(r.Lost),
		})
	}
	term.Table(w, header, rows)
}

func number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}
