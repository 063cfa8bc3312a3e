package p2p

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// A static is a peer that is dialled for as long as the node runs.
type static struct {
	info peer.AddrInfo

	mu   sync.Mutex
	last string // why the last dial failed
}

func (s *static) note(err error) (news bool) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	news = text != s.last
	s.last = text
	return news
}

func (s *static) lastError() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// keep dials a static peer whenever it is not connected: quickly at first, then with doubled waits,
// and seldom when it refused us or we refused it, which only an operator can mend.
func (n *Net) keep(s *static) {
	wait := redialMin
	for n.ctx.Err() == nil {
		_, changed := n.table.all()
		if n.table.get(s.info.ID) != nil {
			wait = redialMin
			s.note(nil)
			select {
			case <-changed:
			case <-n.ctx.Done():
			}
			continue
		}
		err := n.connect(n.ctx, s.info)
		if err == nil || n.ctx.Err() != nil {
			continue
		}
		n.metrics.dialFailures.Inc()
		n.reportDial(s, err)
		n.waitRedial(s, jitter(n.nextDial(err, &wait)))
	}
}

func (n *Net) reportDial(s *static, err error) {
	if !s.note(err) {
		return
	}
	if errors.As(err, new(*RefusedError)) {
		n.log.Warn("static peer refused", "peer", s.info.ID, "err", err)
		return
	}
	n.log.Debug("static peer not reached", "peer", s.info.ID, "err", err)
}

// waitRedial waits, unless the peer comes in by itself.
func (n *Net) waitRedial(s *static, d time.Duration) {
	ctx, cancel := context.WithTimeout(n.ctx, d)
	defer cancel()
	n.table.await(ctx, s.info.ID)
}

func (n *Net) nextDial(err error, wait *time.Duration) time.Duration {
	if errors.As(err, new(*RefusedError)) {
		return n.timing.refused
	}
	d := *wait
	*wait = min(2**wait, redialMax)
	return d
}

// jitter spreads dials by a quarter, so that nodes started together do not stay in step.
func jitter(d time.Duration) time.Duration { return d - d/8 + rand.N(d/4) }

// connect dials a peer and runs the handshake. A peer that fails it is disconnected.
func (n *Net) connect(ctx context.Context, info peer.AddrInfo) error {
	if until, banned := n.scores.banned(time.Now(), info.ID); banned {
		return fmt.Errorf("banned until %s", until.UTC().Format(time.RFC3339))
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout+handshakeTimeout)
	defer cancel()
	if sw, ok := n.host.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(info.ID) // we keep our own
	}
	if err := n.host.Connect(ctx, info); err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	if n.table.get(info.ID) != nil {
		return nil // it dialled us at the same time
	}
	if err := n.greet(ctx, info.ID); err != nil {
		n.metrics.refused(err)
		if n.table.get(info.ID) == nil {
			_ = n.host.Network().ClosePeer(info.ID)
		}
		return err
	}
	return nil
}

// mdnsFound dials peers that mDNS finds.
type mdnsFound struct{ n *Net }

// HandlePeerFound implements mdns.Notifee.
func (m mdnsFound) HandlePeerFound(info peer.AddrInfo) {
	n := m.n
	if info.ID == n.opt.Identity.id || n.table.get(info.ID) != nil {
		return
	}
	n.tasks.start(func() {
		if err := n.connect(n.ctx, info); err != nil {
			n.log.Debug("peer found in the local network", "peer", info.ID, "err", err)
		}
	})
}

func (n *Net) startMDNS() (stop func(), err error) {
	if !n.opt.MDNS {
		return func() {}, nil
	}
	name := fmt.Sprintf("_aiwork-%x._udp", n.opt.Genesis[:4])
	service := mdns.NewMdnsService(n.host, name, mdnsFound{n})
	if err := service.Start(); err != nil {
		return nil, fmt.Errorf("p2p: mdns: %w", err)
	}
	return func() { _ = service.Close() }, nil
}
