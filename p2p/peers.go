package p2p

import (
	"cmp"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Peers describes the connected peers and the static ones that are not, by id.
func (n *Net) Peers() []PeerInfo {
	now := time.Now()
	connected, _ := n.table.all()
	out := make([]PeerInfo, 0, len(connected)+len(n.statics))
	seen := make(map[peer.ID]bool, len(connected))
	for _, r := range connected {
		seen[r.id] = true
		out = append(out, n.describe(r, now))
	}
	for _, s := range n.statics {
		if !seen[s.info.ID] {
			out = append(out, n.describeMissing(s, now))
		}
	}
	slices.SortFunc(out, func(a, b PeerInfo) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (n *Net) describe(r *remote, now time.Time) PeerInfo {
	info := PeerInfo{
		Peer: r.peer(), Connected: true, Static: r.static, Height: r.height.Load(), Since: r.since,
		Score: n.scores.score(now, r.id), Dropped: r.out.lost(),
	}
	if conns := n.host.Network().ConnsToPeer(r.id); len(conns) > 0 {
		info.Address = conns[0].RemoteMultiaddr().String()
		info.Inbound = conns[0].Stat().Direction == network.DirInbound
	}
	for _, a := range n.host.Peerstore().Addrs(r.id) {
		if transportOf(a) != "" {
			info.Listens = append(info.Listens, a.String())
		}
	}
	slices.Sort(info.Listens)
	return info
}

func (n *Net) describeMissing(s *static, now time.Time) PeerInfo {
	info := PeerInfo{
		Peer: Peer{ID: s.info.ID.String(), Validator: NoValidator}, Static: true,
		Score: n.scores.score(now, s.info.ID), LastError: s.lastError(),
	}
	if len(s.info.Addrs) > 0 {
		info.Address = s.info.Addrs[0].String()
	}
	return info
}
