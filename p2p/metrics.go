package p2p

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what the network does. It also hears the refusals of the resource manager.
type metrics struct {
	peers           *prometheus.GaugeVec
	framesSent      *prometheus.CounterVec
	framesReceived  *prometheus.CounterVec
	bytesSent       *prometheus.CounterVec
	bytesReceived   *prometheus.CounterVec
	dropped         prometheus.Counter
	throttled       prometheus.Counter
	intakeDropped   prometheus.Counter
	handshakes      *prometheus.CounterVec
	dialFailures    prometheus.Counter
	faults          *prometheus.CounterVec
	bans            prometheus.Counter
	requests        *prometheus.CounterVec
	answers         *prometheus.CounterVec
	gossip          *prometheus.CounterVec
	published       prometheus.Counter
	resourceRefused *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	var errs []error
	register := func(c prometheus.Collector) {
		if reg != nil {
			errs = append(errs, reg.Register(c))
		}
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "aiwork", Subsystem: "p2p", Name: name, Help: help})
		register(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "aiwork", Subsystem: "p2p", Name: name, Help: help}, labels)
		register(c)
		return c
	}
	m := &metrics{
		framesSent:      counters("frames_sent_total", "Direct frames written.", "kind"),
		framesReceived:  counters("frames_received_total", "Direct frames read.", "kind"),
		bytesSent:       counters("sent_bytes_total", "Payload of direct frames written.", "kind"),
		bytesReceived:   counters("received_bytes_total", "Payload of direct frames read.", "kind"),
		dropped:         counter("frames_dropped_total", "Frames that left a full queue unsent."),
		throttled:       counter("throttled_total", "Times that a peer's stream was held back."),
		intakeDropped:   counter("batches_dropped_total", "Forwarded batches of transactions that met a full queue."),
		handshakes:      counters("handshakes_failed_total", "Handshakes that failed.", "reason"),
		dialFailures:    counter("dial_failures_total", "Dials of static peers that failed."),
		faults:          counters("faults_total", "Faults of peers.", "fault"),
		bans:            counter("bans_total", "Bans of peers."),
		requests:        counters("requests_total", "Requests to peers by result.", "request", "result"),
		answers:         counters("answers_total", "Requests of peers by answer.", "result"),
		gossip:          counters("gossip_batches_total", "Batches of transactions received by verdict.", "verdict"),
		published:       counter("gossip_txs_published_total", "Transactions of ours that were gossiped."),
		resourceRefused: counters("resources_refused_total", "Refusals of the resource manager.", "resource"),
	}
	m.peers = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "aiwork", Subsystem: "p2p", Name: "peers_count", Help: "Connected peers."}, []string{"kind"})
	register(m.peers)
	return m, errors.Join(errs...)
}

func (m *metrics) peersAre(t *table) {
	validators, others := 0, 0
	peers, _ := t.all()
	for _, r := range peers {
		if r.isValidator() {
			validators++
		} else {
			others++
		}
	}
	m.peers.WithLabelValues("validator").Set(float64(validators))
	m.peers.WithLabelValues("other").Set(float64(others))
}

func (m *metrics) sent(kind string, size int) {
	m.framesSent.WithLabelValues(kind).Inc()
	m.bytesSent.WithLabelValues(kind).Add(float64(size))
}

func (m *metrics) received(kind string, size int) {
	m.framesReceived.WithLabelValues(kind).Inc()
	m.bytesReceived.WithLabelValues(kind).Add(float64(size))
}

func (m *metrics) refused(err error) {
	reason := "broken"
	var e *RefusedError
	if errors.As(err, &e) {
		reason = e.Reason.Error()
	}
	m.handshakes.WithLabelValues(reason).Inc()
}

func (m *metrics) asked(kind requestKind, err error) {
	result := "failed"
	switch {
	case err == nil:
		result = answerNames[answerHere]
	case errors.Is(err, ErrNotFound):
		result = answerNames[answerNotFound]
	case errors.Is(err, ErrBusy):
		result = answerNames[answerBusy]
	}
	m.requests.WithLabelValues(requestNames[kind], result).Inc()
}

var answerNames = [...]string{answerHere: "answered", answerNotFound: "not found", answerBusy: "busy"}

func (m *metrics) servedOne(c answerCode) { m.answers.WithLabelValues(answerNames[c]).Inc() }

// The rest implements rcmgr.MetricsReporter.

func (m *metrics) AllowConn(network.Direction, bool)      {}
func (m *metrics) AllowStream(peer.ID, network.Direction) {}
func (m *metrics) AllowPeer(peer.ID)                      {}
func (m *metrics) AllowProtocol(protocol.ID)              {}
func (m *metrics) AllowService(string)                    {}
func (m *metrics) AllowMemory(int)                        {}
func (m *metrics) BlockConn(network.Direction, bool)      { m.blocked("connection") }
func (m *metrics) BlockStream(peer.ID, network.Direction) { m.blocked("stream") }
func (m *metrics) BlockPeer(peer.ID)                      { m.blocked("peer") }
func (m *metrics) BlockProtocol(protocol.ID)              { m.blocked("protocol") }
func (m *metrics) BlockProtocolPeer(protocol.ID, peer.ID) { m.blocked("protocol of a peer") }
func (m *metrics) BlockService(string)                    { m.blocked("service") }
func (m *metrics) BlockServicePeer(string, peer.ID)       { m.blocked("service of a peer") }
func (m *metrics) BlockMemory(int)                        { m.blocked("memory") }
func (m *metrics) blocked(what string)                    { m.resourceRefused.WithLabelValues(what).Inc() }
