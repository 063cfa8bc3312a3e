package pool

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aiwork/aiwork-node/compute/engine"
)

// Metrics count what a Pool does. A nil Metrics counts nothing.
type Metrics struct {
	waiting  prometheus.Gauge
	running  prometheus.Gauge
	waits    prometheus.Histogram
	items    *prometheus.CounterVec
	failures *prometheus.CounterVec
	models   *prometheus.CounterVec
	notes    *prometheus.CounterVec
}

// NewMetrics registers the package's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "aiwork_pool_waiting_items", Help: "Items that wait for an engine."}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "aiwork_pool_running_items", Help: "Items in engines."}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aiwork_pool_wait_seconds", Help: "Time of an item in the queue.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_pool_items_total", Help: "Items by outcome: output, input_fault, unknown_model, given_up, cancelled, failed.",
		}, []string{"outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_pool_failures_total", Help: "Failures of engine children by cause; each is started anew.",
		}, []string{"cause"}),
		models: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_pool_models_total", Help: "Items by whether their model was at hand in the child that took them: hit or miss.",
		}, []string{"result"}),
		notes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_pool_notes_total", Help: "What engine children noted: packed, device_ready, device_trouble, device_gone.",
		}, []string{"kind"}),
	}
	reg.MustRegister(m.waiting, m.running, m.waits, m.items, m.failures, m.models, m.notes)
	return m
}

// Noted counts what a child noted.
func (m *Metrics) Noted(k engine.NoteKind) {
	if m != nil {
		m.notes.WithLabelValues(k.String()).Inc()
	}
}

func (m *Metrics) queued(n int) {
	if m != nil {
		m.waiting.Set(float64(n))
	}
}

func (m *Metrics) began(wait time.Duration) {
	if m != nil {
		m.waits.Observe(wait.Seconds())
		m.running.Inc()
	}
}

func (m *Metrics) left() {
	if m != nil {
		m.running.Dec()
	}
}

func (m *Metrics) found(hit bool) {
	if m != nil {
		m.models.WithLabelValues(map[bool]string{true: "hit", false: "miss"}[hit]).Inc()
	}
}

var causes = [...]string{
	engine.CauseStart: "start", engine.CauseCrash: "crash", engine.CauseTimeout: "timeout", engine.CauseProtocol: "protocol",
	engine.CauseRoom: "room",
}

func (m *Metrics) failed(c engine.Cause) {
	if m != nil && int(c) < len(causes) {
		m.failures.WithLabelValues(causes[c]).Inc()
	}
}

func (m *Metrics) ended(err error) {
	if m == nil {
		return
	}
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "output"
	case errors.As(err, new(*engine.InputError)):
		outcome = "input_fault"
	case errors.As(err, new(*engine.UnknownModelError)):
		outcome = "unknown_model"
	case errors.As(err, new(*engine.LocalError)):
		outcome = "given_up"
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		outcome = "cancelled"
	}
	m.items.WithLabelValues(outcome).Inc()
}
