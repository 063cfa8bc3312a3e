package p2p

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// objectMetrics count objects served and fetched.
type objectMetrics struct {
	asked    *prometheus.CounterVec
	served   *prometheus.CounterVec
	sent     prometheus.Counter
	received prometheus.Counter
}

func newObjectMetrics(reg prometheus.Registerer, open func() (open, fetchers int)) *objectMetrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "aiwork", Subsystem: "p2p", Name: name, Help: help}
	}
	m := &objectMetrics{
		asked:    prometheus.NewCounterVec(opts("object_requests_total", "Requests to peers for objects by result."), []string{"request", "result"}),
		served:   prometheus.NewCounterVec(opts("object_answers_total", "Requests of peers for objects by answer."), []string{"request", "result"}),
		sent:     prometheus.NewCounter(opts("object_bytes_sent_total", "Bytes of objects sent to peers.")),
		received: prometheus.NewCounter(opts("object_bytes_received_total", "Bytes of objects received from peers.")),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(m.asked, m.served, m.sent, m.received)
	if open == nil {
		return m
	}
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aiwork", Subsystem: "p2p", Name: name, Help: help}, value))
	}
	gauge("object_requests_open", "Requests of peers for objects that are being answered.", func() float64 { n, _ := open(); return float64(n) })
	gauge("fetchers_count", "Peers without a handshake that fetch objects.", func() float64 { _, n := open(); return float64(n) })
	return m
}

func (m *objectMetrics) askedOne(kind objectKind, err error) {
	result := "failed"
	switch {
	case err == nil, errors.Is(err, ErrStop):
		result = answerNames[answerHere]
	case errors.Is(err, ErrNotFound):
		result = answerNames[answerNotFound]
	case errors.Is(err, ErrBusy):
		result = answerNames[answerBusy]
	}
	m.asked.WithLabelValues(objectNames[kind], result).Inc()
}

func (m *objectMetrics) servedOne(kind objectKind, c answerCode) {
	name := "unread"
	if kind < objectsEnd {
		name = objectNames[kind]
	}
	m.served.WithLabelValues(name, answerNames[c]).Inc()
}
