package driver

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the driver counts. All are there without a registry, too.
type metrics struct {
	height, session, view    prometheus.Gauge
	delta, silent            prometheus.Gauge
	nullified, views, faults prometheus.Counter
	evidence, synced         prometheus.Counter
	logSync, execute, build  prometheus.Histogram
	commit, finality         prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "aiwork_poi_" + name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "aiwork_poi_" + name, Help: help})
	}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aiwork_poi_" + name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0001, 2, 18),
		})
	}
	// Finality is what this node is judged by: its buckets are narrow where it is expected.
	finality := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "aiwork_poi_finality_seconds", Help: "From the body's arrival to its finalization.",
		Buckets: prometheus.ExponentialBuckets(0.001, 1.25, 42),
	})
	m := &metrics{
		height:    gauge("final_height", "Height of the last committed block."),
		session:   gauge("session", "Session of consensus."),
		view:      gauge("view", "View inside the session."),
		delta:     gauge("delta_seconds", "Message delay that the timers assume."),
		silent:    gauge("silent", "1 while this validator may not sign."),
		nullified: counter("nullified_views_total", "Views that brought no block."),
		views:     counter("views_total", "Views entered."),
		faults:    counter("peer_faults_total", "Messages refused as a peer's fault."),
		evidence:  counter("evidence_total", "Provable faults of validators seen."),
		synced:    counter("synced_blocks_total", "Blocks taken from peers as final."),
		logSync:   seconds("log_sync_seconds", "Time to sync the vote log."),
		execute:   seconds("execute_seconds", "Time to execute a block of others."),
		build:     seconds("build_seconds", "Time to build a block."),
		commit:    seconds("commit_seconds", "Time to commit a block."),
		finality:  finality,
	}
	if reg != nil {
		reg.MustRegister(
			m.height, m.session, m.view, m.delta, m.silent, m.nullified, m.views, m.faults, m.evidence,
			m.synced, m.logSync, m.execute, m.build, m.commit, m.finality,
		)
	}
	return m
}
