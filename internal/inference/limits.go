package inference

import (
	"errors"
	"time"
)

// Limits bound what callers can make the server do. The zero value is not useful: see DefaultLimits.
type Limits struct {
	TextBytesMax   int64 // of a request's body that holds text
	TensorBytesMax int64 // of one that holds tensors, and of an answer of tensors
	MemoryBytesMax int64 // of all bodies at once

	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // of one request, so that slow senders hold nothing for long
	WriteTimeout      time.Duration // of one piece of an answer, so that slow readers hold nothing for long
	IdleTimeout       time.Duration
	HeaderBytesMax    int
	ConnectionsMax    int // open sockets

	AnswerTokensMax     int           // of one answer
	AnswerTokensDefault int           // of a conversation's turn that does not say
	AnswerTimeout       time.Duration // of one answer, from its place in the queue to its last token
	QueueMax            int           // answers that run or wait, for one language model
	RunsMax             int           // runs of networks at once
	RunsWaitingMax      int           // runs that wait for their turn
	RunTimeout          time.Duration // of one run, its turn included
	JobsMax             int           // runs at once that are paid jobs
	JobTimeout          time.Duration // of one of these
	NetworksMax         int           // that are held ready at once
	RetryAfter          time.Duration // told to those who are turned away

	UpstreamTimeout time.Duration // to an upstream's first byte, and between two pieces of its answer
	UpstreamRunsMax int           // requests that one upstream has at once
	DrainTimeout    time.Duration // for what runs when the server is told to end
}

// DefaultLimits fit one machine that serves a team.
func DefaultLimits() Limits {
	return Limits{
		TextBytesMax:   8 << 20,
		TensorBytesMax: 64 << 20,
		MemoryBytesMax: 256 << 20,

		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		HeaderBytesMax:    16 << 10,
		ConnectionsMax:    1024,

		AnswerTokensMax:     8192,
		AnswerTokensDefault: 1024,
		AnswerTimeout:       10 * time.Minute,
		QueueMax:            64,
		RunsMax:             2,
		RunsWaitingMax:      64,
		RunTimeout:          2 * time.Minute,
		JobsMax:             16,
		JobTimeout:          10 * time.Minute,
		NetworksMax:         8,
		RetryAfter:          time.Second,

		UpstreamTimeout: 2 * time.Minute,
		UpstreamRunsMax: 64,
		DrainTimeout:    30 * time.Second,
	}
}

// Check refuses limits with which nothing could be served.
func (l Limits) Check() error {
	for _, n := range []int64{
		l.TextBytesMax, l.TensorBytesMax, l.MemoryBytesMax, int64(l.HeaderBytesMax), int64(l.ConnectionsMax), int64(l.AnswerTokensMax),
		int64(l.AnswerTokensDefault), int64(l.QueueMax), int64(l.RunsMax), int64(l.JobsMax), int64(l.NetworksMax), int64(l.UpstreamRunsMax),
		int64(l.ReadHeaderTimeout), int64(l.ReadTimeout), int64(l.WriteTimeout), int64(l.IdleTimeout), int64(l.AnswerTimeout),
		int64(l.RunTimeout), int64(l.JobTimeout), int64(l.UpstreamTimeout), int64(l.DrainTimeout), int64(l.RetryAfter),
	} {
		if n < 1 {
			return errors.New("inference: every limit must be at least 1")
		}
	}
	if l.RunsWaitingMax < 0 || max(l.TextBytesMax, l.TensorBytesMax) > l.MemoryBytesMax {
		return errors.New("inference: the memory of all bodies must hold the largest one")
	}
	return nil
}
