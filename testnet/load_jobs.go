package testnet

import (
	"context"
	"sync"
	"time"
)

// RunWithJobs is Load.Run with jobs of the cluster's workers being made, run and audited meanwhile. It gives
// the number of jobs that came to their end.
func RunWithJobs(ctx context.Context, c *Cluster, l *Load, p Phase) (*LoadReport, int, error) {
	jobs, err := newJobStream(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	stop := make(chan struct{})
	var lane sync.WaitGroup
	lane.Go(func() { jobs.run(ctx, stop, 0) })
	r, err := l.Run(ctx, p)
	close(stop)
	lane.Wait()
	return r, len(jobs.ids) - len(jobs.open()), err
}

// Idle measures the processes of a network in which nothing happens.
func Idle(ctx context.Context, c *Cluster, d time.Duration) ([]Usage, error) {
	before, _ := Usages(c.Targets())
	if err := pause(ctx, d); err != nil {
		return nil, err
	}
	after, _ := Usages(c.Targets())
	for i := range after {
		after[i].CPUSecs = round2(after[i].CPUSecs - before[i].CPUSecs)
	}
	return after, nil
}
