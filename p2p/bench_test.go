package p2p

import (
	"context"
	"fmt"
	"testing"
)

// unlimited lifts the shares of peers, which would be measured otherwise.
func unlimited(nets []*Net) {
	for _, n := range nets {
		peers, _ := n.table.all()
		for _, r := range peers {
			for _, b := range []*bucket{r.frames, r.bytes, r.requests, r.served} {
				b.mu.Lock()
				b.rate = rate{1e15, 1e15}
				b.mu.Unlock()
			}
		}
	}
}

// BenchmarkStreamEcho measures a vote to another node and back, over both transports.
func BenchmarkStreamEcho(b *testing.B) {
	for name, listen := range map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"} {
		for _, size := range []int{200, 64 << 10, 4 << 20} {
			b.Run(fmt.Sprintf("transport=%s/bytes=%d", name, size), func(b *testing.B) {
				nets := mesh(b, 2, func(_ int, o *Options) { o.Listen = []string{listen} })
				unlimited(nets)
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				go func() {
					for {
						select {
						case m := <-nets[1].Consensus():
							nets[1].SendTo(0, m.Kind, m.Payload)
						case <-ctx.Done():
							return
						}
					}
				}()
				payload := make([]byte, size)
				b.SetBytes(2 * int64(size))
				for b.Loop() {
					nets[0].SendTo(1, kindBlock, payload)
					<-nets[0].Consensus()
				}
			})
		}
	}
}

// BenchmarkBroadcast measures the time until all other validators have a vote.
func BenchmarkBroadcast(b *testing.B) {
	for _, count := range []int{4, 8} {
		b.Run(fmt.Sprintf("validators=%d", count), func(b *testing.B) {
			nets := mesh(b, count, func(_ int, o *Options) { o.Validators = voteKeys(b, count) })
			unlimited(nets)
			vote := make([]byte, 200)
			for b.Loop() {
				nets[0].Broadcast(kindVote, vote)
				for _, n := range nets[1:] {
					<-n.Consensus()
				}
			}
		})
	}
}

// BenchmarkRequest measures a small request over a stream of its own.
func BenchmarkRequest(b *testing.B) {
	asker, server := pair(b, &shelf{height: 1})
	unlimited([]*Net{asker, server})
	for b.Loop() {
		if _, err := asker.Request(b.Context(), "", AskStatus()); err != nil {
			b.Fatal(err)
		}
	}
}
