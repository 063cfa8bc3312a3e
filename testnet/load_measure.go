package testnet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aiwork/aiwork-node/internal/client"
)

const (
	scrapeMax      = 4 << 20
	scrapeTimeout  = 3 * time.Second
	ticksPerSecond = 100 // of /proc/PID/stat on every Linux that Go supports
	finalityName   = "aiwork_poi_finality_seconds"
)

// Target names a process whose cost is measured, with all its children.
type Target struct {
	Name string
	PID  int
}

// Usage is what a process and its children have used.
type Usage struct {
	Name      string  `json:"name"`
	CPUSecs   float64 `json:"cpuSeconds"`
	RSSMiB    float64 `json:"rssMiB"`
	RSSTopMiB float64 `json:"rssTopMiB"` // the most so far
}

// Usages reads the usage of processes from /proc; ok is false where there is none.
func Usages(targets []Target) (out []Usage, ok bool) {
	children := childrenOf()
	for _, t := range targets {
		u := Usage{Name: t.Name}
		var queue []int
		if t.PID > 0 { // 0: it does not run
			queue = append(queue, t.PID)
		}
		for len(queue) > 0 {
			pid := queue[0]
			queue = append(queue[1:], children[pid]...)
			if u.add(pid) {
				ok = true
			}
		}
		out = append(out, u)
	}
	return out, ok
}

func (u *Usage) add(pid int) bool {
	fields := statFields(pid)
	if len(fields) < 15 {
		return false
	}
	for _, f := range fields[11:15] { // user and system time, and that of children that have ended
		n, _ := strconv.ParseFloat(f, 64)
		u.CPUSecs += n / ticksPerSecond
	}
	now, top := memory(pid)
	u.RSSMiB += now
	u.RSSTopMiB += top
	return true
}

// statFields gives the fields of /proc/PID/stat behind the name, which may hold spaces.
func statFields(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	i := strings.LastIndexByte(string(text), ')')
	return strings.Fields(string(text[i+1:]))
}

func memory(pid int) (now, top float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			top = kib / 1024
		}
	}
	return now, top
}

func childrenOf() map[int][]int {
	out := map[int][]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			continue
		}
		if f := statFields(pid); len(f) > 1 {
			parent, _ := strconv.Atoi(f[1])
			out[parent] = append(out[parent], pid)
		}
	}
	return out
}

// histogram is a Prometheus histogram: counts of all values up to each bound.
type histogram map[float64]float64

// scrape reads the histogram of that name and all plain values from a metrics page.
func scrape(ctx context.Context, url, name string) (histogram, map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	h, values := histogram{}, map[string]float64{}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, scrapeMax))
	for lines.Scan() {
		parseSample(lines.Text(), name, h, values)
	}
	return h, values, lines.Err()
}

func parseSample(line, name string, h histogram, values map[string]float64) {
	key, text, ok := strings.Cut(line, " ")
	if !ok || strings.HasPrefix(line, "#") {
		return
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return
	}
	if le, isBucket := strings.CutPrefix(key, name+`_bucket{le="`); isBucket {
		if bound, err := strconv.ParseFloat(strings.TrimSuffix(le, `"}`), 64); err == nil {
			h[bound] += v
		}
		return
	}
	values[key] = v
}

// sub gives what was counted since old. A node that started anew counts from zero.
func (h histogram) sub(old histogram) histogram {
	out := histogram{}
	for bound, n := range h {
		out[bound] = max(n-old[bound], 0)
	}
	return out
}

func (h histogram) addTo(sum histogram) {
	for bound, n := range h {
		sum[bound] += n
	}
}

// quantile interpolates inside the bucket, as Prometheus does.
func (h histogram) quantile(q float64) float64 {
	bounds := slices.Sorted(maps.Keys(h))
	if len(bounds) == 0 || h[bounds[len(bounds)-1]] == 0 {
		return math.NaN()
	}
	want := q * h[bounds[len(bounds)-1]]
	lower, before := 0.0, 0.0
	for _, b := range bounds {
		if h[b] >= want {
			if math.IsInf(b, 1) || h[b] == before {
				return lower
			}
			return lower + (b-lower)*(want-before)/(h[b]-before)
		}
		lower, before = b, h[b]
	}
	return lower
}

// reading is what the nodes say of themselves at one moment.
type reading struct {
	at        time.Time
	finality  []histogram // by node, nil where it did not answer
	nullified float64
	evidence  float64
	usage     []Usage
	self      Usage
	baseFee   float64 // wei
}

// measure asks every node; one that does not answer counts as nothing.
func (l *Load) measure(ctx context.Context) reading {
	r := reading{at: time.Now(), finality: make([]histogram, len(l.opt.MetricsURLs))}
	for i, u := range l.opt.MetricsURLs {
		h, values, err := scrape(ctx, u, finalityName)
		if err != nil {
			continue
		}
		r.finality[i] = h
		r.nullified = max(r.nullified, values["aiwork_poi_nullified_views_total"])
		r.evidence += values["aiwork_poi_evidence_total"]
	}
	if l.opt.PIDs != nil {
		r.usage, _ = Usages(l.opt.PIDs())
	}
	if self, ok := Usages([]Target{{"load generator", os.Getpid()}}); ok {
		r.self = self[0]
		for _, u := range r.usage { // where this program is the nodes' parent
			r.self.CPUSecs -= u.CPUSecs
		}
	}
	var head struct {
		BaseFee client.Uint256 `json:"baseFeePerGas"`
	}
	for _, c := range l.clients {
		if c.Call(ctx, &head, "eth_getBlockByNumber", "latest", false) == nil {
			r.baseFee = head.BaseFee.Float64()
			break
		}
	}
	return r
}
