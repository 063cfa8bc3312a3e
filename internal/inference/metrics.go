package inference

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what callers do. Labels are paths and statuses of our own only.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	ended    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_inference_requests_total", Help: "Requests by path and HTTP status.",
		}, []string{"path", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aiwork_inference_request_seconds", Help: "Time from a request's head to the end of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}, []string{"path"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_inference_tokens_total", Help: "Tokens of finished answers of language models.",
		}, []string{"kind"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_inference_streams_broken_total", Help: "Streams that ended without their last token, by HTTP status of the reason.",
		}, []string{"status"}),
	}
	reg.MustRegister(m.requests, m.duration, m.tokens, m.ended)
	return m
}

func (m *metrics) observe(path string, status int, took time.Duration) {
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(path).Observe(took.Seconds())
}

func (m *metrics) answered(prompt, answer int) {
	m.tokens.WithLabelValues("prompt").Add(float64(prompt))
	m.tokens.WithLabelValues("answer").Add(float64(answer))
}

func (m *metrics) refused(f *Fault) { m.ended.WithLabelValues(strconv.Itoa(f.Status)).Inc() }

// watch tells how many answers of a model run or wait. The operator chose its name.
func (m *metrics) watch(reg prometheus.Registerer, l *Language) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aiwork_inference_answers", Help: "Answers of a language model that run or wait.", ConstLabels: prometheus.Labels{"model": l.name},
	}, func() float64 { return float64(len(l.places)) }))
}
