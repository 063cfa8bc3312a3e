package compute

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Metrics count what a Runner does. A nil Metrics counts nothing.
type Metrics struct {
	items prometheus.Histogram
	steps *prometheus.CounterVec

	disputes   *prometheus.CounterVec
	challenges prometheus.Counter
	rerun      prometheus.Counter
}

// NewMetrics registers the package's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		items: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aiwork_compute_item_seconds", Help: "Time of one item in the engine and before it, in the engine's queue; counted once its output is kept.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_compute_steps_total", Help: "Steps of work and audit by outcome: done, refused by the chain, or failed.",
		}, []string{"outcome"}),
		disputes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_compute_disputes_total", Help: "Disputes by side (challenger or defender) and by what became of them: begun, won, lost or undecided.",
		}, []string{"side", "outcome"}),
		challenges: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aiwork_compute_challenges_total", Help: "False results that were challenged with a bond.",
		}),
		rerun: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aiwork_compute_watched_items_total", Help: "Results of others that were run again by chance.",
		}),
	}
	reg.MustRegister(m.items, m.steps, m.disputes, m.challenges, m.rerun)
	return m
}

func (m *Metrics) item(d time.Duration) {
	if m != nil {
		m.items.Observe(d.Seconds())
	}
}

func (m *Metrics) step(err error) {
	if m == nil {
		return
	}
	outcome := "done"
	if _, refused := errors.AsType[*Refused](err); refused {
		outcome = "refused"
	} else if err != nil {
		outcome = "failed"
	}
	m.steps.WithLabelValues(outcome).Inc()
}

// dispute counts a dispute of a side.
func (m *Metrics) dispute(s dispute.Side, outcome string) {
	if m != nil {
		m.disputes.WithLabelValues(sideName(s), outcome).Inc()
	}
}

func (m *Metrics) challenged() {
	if m != nil {
		m.challenges.Inc()
	}
}

func (m *Metrics) watched() {
	if m != nil {
		m.rerun.Inc()
	}
}
