package term

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	barWidth        = 24
	redrawInterval  = 100 * time.Millisecond
	plainReportStep = 10 // percent between lines where the output is no terminal
	plainFewStep    = 50 // the same for fewer than plainFewMax units
	plainFewMax     = 20
)

// Progress shows how far long work has come: a bar on a terminal, now and then a line elsewhere, nothing
// with --json. It is safe for concurrent use.
type Progress struct {
	p     *Printer
	label string
	total uint64

	mu    sync.Mutex
	start time.Time
	drawn time.Time
	step  uint64
}

// Progress starts a bar over total units; total 0 shows a count without an end.
func (p *Printer) Progress(label string, total uint64) *Progress {
	return &Progress{p: p, label: label, total: total, start: time.Now()}
}

// Set says that done units are finished; note is shown beside the bar.
func (g *Progress) Set(done uint64, note string) {
	if g.p.JSON {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.p.Live {
		g.draw(done, note)
		return
	}
	if g.total == 0 {
		return
	}
	every := uint64(plainReportStep)
	if g.total < plainFewMax {
		every = plainFewStep
	}
	if step := min(done, g.total) * 100 / g.total / every; step > g.step {
		g.step = step
		fmt.Fprintln(g.p.Err, strings.TrimSpace(fmt.Sprintf("%s: %d of %d %s", g.label, done, g.total, note)))
	}
}

func (g *Progress) draw(done uint64, note string) {
	now := time.Now()
	if done < g.total && now.Sub(g.drawn) < redrawInterval {
		return
	}
	g.drawn = now
	if g.total == 0 {
		fmt.Fprintf(g.p.Err, "\r\x1b[K%s  %d  %s", g.label, done, note)
		return
	}
	done = min(done, g.total)
	full := int(done * barWidth / g.total)
	bar := strings.Repeat("#", full) + strings.Repeat(".", barWidth-full)
	fmt.Fprintf(g.p.Err, "\r\x1b[K%s  [%s] %3d %%  %s%s", g.label, bar, done*100/g.total, note, g.left(done, now))
}

// left estimates the time to the end from the time so far.
func (g *Progress) left(done uint64, now time.Time) string {
	spent := now.Sub(g.start)
	if done == 0 || done >= g.total || spent < 2*time.Second {
		return ""
	}
	rest := time.Duration(float64(spent) / float64(done) * float64(g.total-done))
	return "  " + rest.Round(time.Second).String() + " left"
}

// Done ends the bar's line.
func (g *Progress) Done() {
	if !g.p.JSON && g.p.Live {
		fmt.Fprint(g.p.Err, "\r\x1b[K")
	}
}

// Scale changes the total once it is known.
func (g *Progress) Scale(total uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total = total
}
