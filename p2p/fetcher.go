package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/gologshim"
	"github.com/prometheus/client_golang/prometheus"
)

// fetchPeersMax is how many peers a Fetcher knows.
const fetchPeersMax = 64

// FetcherOptions say whom a Fetcher asks, and of which chain it is.
type FetcherOptions struct {
	Identity Identity // the zero value: one of its own, made anew
	Peers    []string // multiaddrs that end in /p2p/ID
	ChainID  uint64
	Genesis  [32]byte
	Log      *slog.Logger          // nil: none
	Metrics  prometheus.Registerer // nil: none
}

// A Fetcher is a host that only dials, and only for objects: for a worker or a command that is no node.
type Fetcher struct {
	host   host.Host
	scores *scores
	log    *slog.Logger
	asks   *Objects

	mu   sync.Mutex
	list []peer.ID
}

// NewFetcher makes a host and dials nobody yet. Peers that are named twice are asked once.
func NewFetcher(o FetcherOptions) (*Fetcher, error) {
	if len(o.Peers) == 0 {
		return nil, errors.New("p2p: no peers to fetch from: give one with --peer")
	}
	var err error
	if !o.Identity.valid() {
		if o.Identity, err = NewIdentity(); err != nil {
			return nil, err
		}
	}
	f := &Fetcher{scores: newScores(), log: o.Log}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	gologshim.SetDefaultHandler(libraryLog{f.log.Handler()})
	resources, err := newResources(fetchPeersMax, nil)
	if err != nil {
		return nil, fmt.Errorf("p2p: resource manager: %w", err)
	}
	if f.host, err = newHost(o.Identity, fetchPeersMax, resources, gater{f.scores}); err != nil {
		return nil, fmt.Errorf("p2p: %w", err)
	}
	if err := f.Know(o.Peers); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.asks = &Objects{
		host: f.host, protocol: objectsProtocol(o.ChainID, o.Genesis), dial: true,
		peers: f.unbanned, punish: f.punish, metrics: newObjectMetrics(o.Metrics, nil),
	}
	return f, nil
}

// Know adds peers, and addresses to those that are known. Beyond fetchPeersMax the new ones are left out.
func (f *Fetcher) Know(peers []string) error {
	infos, err := parsePeers(peers)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, info := range infos {
		known := slices.Contains(f.list, info.ID)
		if !known && len(f.list) == fetchPeersMax {
			continue
		}
		f.host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
		if !known {
			f.list = append(f.list, info.ID)
		}
	}
	return nil
}

func objectsProtocol(chainID uint64, genesis [32]byte) protocol.ID {
	return protocol.ID(protocolBase(chainID, genesis) + "/objects/1")
}

// Objects gives what the Fetcher is for.
func (f *Fetcher) Objects() *Objects { return f.asks }

// Close ends all connections.
func (f *Fetcher) Close() error { return f.host.Close() }

func (f *Fetcher) unbanned() []peer.ID {
	f.mu.Lock()
	known := slices.Clone(f.list)
	f.mu.Unlock()
	var list []peer.ID
	for _, id := range known {
		if _, banned := f.scores.banned(time.Now(), id); !banned {
			list = append(list, id)
		}
	}
	return list
}

func (f *Fetcher) punish(id peer.ID, fault Fault) {
	banned, until := f.scores.add(time.Now(), id, fault, false)
	if !banned {
		return
	}
	f.log.Warn("peer banned", "peer", id, "fault", fault, "until", until.UTC())
	go func() { _ = f.host.Network().ClosePeer(id) }()
}
