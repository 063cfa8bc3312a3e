package p2p

import (
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	limits "github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
)

// newHost makes a libp2p host that speaks TCP with Noise and QUIC v1 and nothing else: no relay, no
// hole punching, no port mapping, no discovery. Ports are not shared, so that a second node on the
// same port fails to start rather than taking half of the first one's connections.
func newHost(identity Identity, room int, resources network.ResourceManager, gate gater) (host.Host, error) {
	conns, err := limits.NewConnManager(room, room+room/2+8, limits.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("connection manager: %w", err)
	}
	return libp2p.New(
		libp2p.Identity(identity.key),
		libp2p.NoListenAddrs,
		libp2p.NoTransports,
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport(), tcp.WithConnectionTimeout(dialTimeout)),
		libp2p.Transport(quic.NewTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(conns),
		libp2p.ConnectionGater(gate),
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.WithDialTimeout(dialTimeout),
		libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
		libp2p.DisableMetrics(),
		libp2p.UserAgent("aiwork-node"),
	)
}

// peersExpected is the number of peers that all limits are derived from.
func (n *Net) peersExpected() int {
	room := n.opt.MaxPeers + len(n.statics) + 2*len(n.opt.Validators)
	if n.opt.Objects != nil {
		room += fetchersMax
	}
	return room
}

// Resources per peer: two connections while both sides dial, and on each the two direct streams, the
// requests both ways, gossip, identify and the handshake.
const (
	peerConns        = 4
	peerStreams      = 2 * (2*requestsOpenMax + 16)
	peerMemory       = 64 << 20
	connMemory       = 32 << 20
	streamMemory     = 24 << 20 // a flow-control window
	systemMemoryBase = 128 << 20
	systemMemoryPeer = 8 << 20 // not all peers have a full window at a time
	descriptorsSpare = 64
	unknownConns     = 32 // connections that have no peer yet, beyond one a peer
	subnetConnsMin   = 8
)

// newResources derives every limit of the host from the number of peers; none is left to a default.
// A nil reporter hears of no refusals.
func newResources(peers int, reporter rcmgr.MetricsReporter) (network.ResourceManager, error) {
	all := func(conns, streams, descriptors int, memory int64) rcmgr.ResourceLimits {
		return rcmgr.ResourceLimits{
			Streams: rcmgr.LimitVal(streams), StreamsInbound: rcmgr.LimitVal(streams), StreamsOutbound: rcmgr.LimitVal(streams),
			Conns: rcmgr.LimitVal(conns), ConnsInbound: rcmgr.LimitVal(conns), ConnsOutbound: rcmgr.LimitVal(conns),
			FD: rcmgr.LimitVal(descriptors), Memory: rcmgr.LimitVal64(memory),
		}
	}
	system := all(peerConns*peers+unknownConns, peerStreams*peers+unknownConns, peerConns*peers+descriptorsSpare,
		systemMemoryBase+systemMemoryPeer*int64(peers))
	transient := all(peers+unknownConns, 8*peers+unknownConns, peers+descriptorsSpare, systemMemoryBase)
	onePeer := all(peerConns, peerStreams, peerConns, peerMemory)
	cfg := rcmgr.PartialLimitConfig{
		System: system, Transient: transient,
		AllowlistedSystem: system, AllowlistedTransient: transient, // no address is on that list
		ServiceDefault: system, ServicePeerDefault: onePeer,
		ProtocolDefault: system, ProtocolPeerDefault: onePeer,
		PeerDefault: onePeer,
		Conn:        all(1, peerStreams, 1, connMemory),
		Stream:      all(1, 1, 1, streamMemory),
	}.Build(rcmgr.ConcreteLimitConfig{})
	subnet := max(subnetConnsMin, peers)
	options := []rcmgr.Option{
		rcmgr.WithMetricsDisabled(), // the global ones of the library
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: subnet}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: subnet}, {PrefixLength: 48, ConnCount: 2 * subnet}},
		),
	}
	if reporter != nil {
		options = append(options, rcmgr.WithMetrics(reporter))
	}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(cfg), options...)
}

// A gater keeps banned peers out as soon as their identity is known.
type gater struct{ scores *scores }

var _ connmgr.ConnectionGater = gater{}

func (g gater) allowed(id peer.ID) bool {
	_, banned := g.scores.banned(time.Now(), id)
	return !banned
}

// InterceptPeerDial implements connmgr.ConnectionGater.
func (g gater) InterceptPeerDial(id peer.ID) bool { return g.allowed(id) }

// InterceptAddrDial implements connmgr.ConnectionGater.
func (g gater) InterceptAddrDial(peer.ID, multiaddr.Multiaddr) bool { return true }

// InterceptAccept implements connmgr.ConnectionGater.
func (g gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured implements connmgr.ConnectionGater.
func (g gater) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	return g.allowed(id)
}

// InterceptUpgraded implements connmgr.ConnectionGater.
func (g gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
