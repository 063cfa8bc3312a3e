package compute

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what a Runner does. A nil Metrics counts nothing.
type Metrics struct {
	items prometheus.Histogram
	steps *prometheus.CounterVec
}

// NewMetrics registers the package's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		items: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aiwork_compute_item_seconds", Help: "Time of one item in the engine and before it, in the engine's queue.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_compute_steps_total", Help: "Steps of work and audit by outcome: done, refused by the chain, or failed.",
		}, []string{"outcome"}),
	}
	reg.MustRegister(m.items, m.steps)
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
