package p2p

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkStreamEcho measures a vote to another node and back, over both transports.
func BenchmarkStreamEcho(b *testing.B) {
	for name, listen := range map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"} {
		for _, size := range []int{200, 64 << 10, 4 << 20} {
			b.Run(fmt.Sprintf("transport=%s/bytes=%d", name, size), func(b *testing.B) {
				nets := mesh(b, 2, func(_ int, o *Options) { o.Listen = []string{listen} })
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
	server.table.get(asker.opt.Identity.id).requests = newBucket(rate{1e9, 1e9}, now()) // or it is the limit that is measured
	for b.Loop() {
		if _, err := asker.Request(b.Context(), "", AskStatus()); err != nil {
			b.Fatal(err)
		}
	}
}
