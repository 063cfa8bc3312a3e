package objects

import "github.com/prometheus/client_golang/prometheus"

// Metrics count fetches. A nil Metrics counts nothing.
type Metrics struct {
	fetches *prometheus.CounterVec
	bytes   *prometheus.CounterVec
}

// NewMetrics registers the package's metrics and, for a store, gauges of its room.
func NewMetrics(reg prometheus.Registerer, s Store) *Metrics {
	m := &Metrics{
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_objects_fetches_total", Help: "Fetches by outcome: here (a hit of the cache), fetched, failed.",
		}, []string{"outcome"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_objects_bytes_total", Help: "Bytes of fetched objects by where they were: kept from an earlier try, or brought by peers.",
		}, []string{"from"}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	reg.MustRegister(
		m.fetches, m.bytes,
		gauge("aiwork_objects_used_bytes", "Bytes that count against the quota.", func() float64 {
			n, err := s.Used()
			if err != nil {
				return -1
			}
			return float64(n)
		}),
		gauge("aiwork_objects_quota_bytes", "The quota.", func() float64 { return float64(s.QuotaBytes) }),
	)
	return m
}

func (m *Metrics) here() {
	if m != nil {
		m.fetches.WithLabelValues("here").Inc()
	}
}

// ended counts a fetch that began with some bytes kept and others to bring.
func (m *Metrics) ended(kept, brought int64, err error) {
	if m == nil {
		return
	}
	outcome := "fetched"
	if err != nil {
		outcome = "failed"
	}
	m.fetches.WithLabelValues(outcome).Inc()
	m.bytes.WithLabelValues("kept").Add(float64(kept))
	m.bytes.WithLabelValues("peers").Add(float64(brought))
}
