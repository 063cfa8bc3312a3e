package testnet

import (
	"fmt"
	"io"

	"github.com/aiwork/aiwork-node/internal/term"
)

// Print writes the report for people.
func (r *ChaosReport) Print(w io.Writer) {
	var rows [][]string
	for _, k := range r.Kills {
		aim := string(k.Aim)
		if !k.Hit {
			aim += " (missed)"
		}
		rows = append(rows, []string{fmt.Sprint(k.Number), k.Process, aim, number(k.AfterMs), number(k.DownMs), number(k.BackMs)})
	}
	term.Table(w, []string{">kill", "process", "aim", ">after ms", ">down ms", ">back ms"}, rows)
	fmt.Fprintln(w)
	c := r.Check
	pairs := [][2]string{
		{"seed", fmt.Sprint(r.Seed)},
		{"hit", fmt.Sprintf("%d leaders, %d workers in the middle of a job", r.ByAim[AimLeader], r.ByAim[AimWorker])},
		{"back", fmt.Sprintf("p50 %.0f ms, p99 %.0f ms, aim %d ms", r.Back.P50, r.Back.P99, backAimMs)},
		{"transfers", fmt.Sprintf("%d in blocks, %d sent again, latency p50 %.0f ms, p99 %.0f ms", r.Load.Included, r.Load.Resent, r.Load.Latency.P50, r.Load.Latency.P99)},
		{"jobs", fmt.Sprintf("%d, all over; %d of them paid workers", r.Jobs, r.JobsPaid)},
		{"checked", fmt.Sprintf("%d blocks, %d receipts on %d nodes, %d votes, %d certificates", c.Compared, c.Receipts, len(c.Heights), c.Votes, c.Certificate)},
	}
	if d := r.OneDead; d != nil {
		pairs = append(pairs, [2]string{"one dead", fmt.Sprintf("%s for %.0f s: %d blocks, latency p50 %.0f ms, p99 %.0f ms", d.Process, d.Seconds, d.Blocks, d.Latency.P50, d.Latency.P99)})
	}
	term.Pairs(w, pairs...)
	for _, m := range r.Misses {
		fmt.Fprintln(w, "slow:", m)
	}
	for _, v := range r.Violations {
		fmt.Fprintln(w, "VIOLATION:", v)
	}
	if len(r.Violations) == 0 {
		fmt.Fprintln(w, "no violation: nothing final was lost, nobody signed twice, no job is stuck, no token was made or lost")
	}
}
