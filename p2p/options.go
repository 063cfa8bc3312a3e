package p2p

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
)

// A Kind describes one kind of direct frame. What is inside the payload is the caller's affair.
type Kind struct {
	ID             byte   // 1 to 239; higher ones are the package's own
	Name           string // label in metrics
	BytesMax       int    // a longer payload is a fault; at most PayloadMax
	Public         bool   // Broadcast and Relay also send it to peers that are no validators
	ValidatorsOnly bool   // from a peer that is no validator it is a fault
}

// Options says how a Net works. Default gives what is usual; the identity, the network's names and
// the source have no default.
type Options struct {
	Identity Identity
	Listen   []string // multiaddrs, e.g. /ip4/127.0.0.1/tcp/26600, /ip4/127.0.0.1/udp/26600/quic-v1
	Peers    []string // static peers: multiaddrs that end in /p2p/ID; always dialled again
	MaxPeers int      // peers beyond static ones and validators; all limits follow from it
	MDNS     bool     // also find peers in the local network

	ChainID uint64
	Genesis [32]byte
	ForkID  uint32

	Kinds      []Kind
	Source     Source
	Objects    ObjectSource // nil: none are served
	Txs        TxSink
	Prover     VoteProver // nil: not a validator
	Validators [][32]byte // vote keys by validator index; SetValidators changes them later

	Log     *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Check says what is wrong with the options and what to do about it.
func (o *Options) Check() error {
	if !o.Identity.valid() {
		return errors.New("p2p: no identity key: make one with LoadIdentity")
	}
	if o.MaxPeers < 1 || o.MaxPeers > 1000 {
		return fmt.Errorf("p2p: max peers is %d: choose 1 to 1000", o.MaxPeers)
	}
	if o.Source == nil || o.Txs == nil {
		return errors.New("p2p: a source and a sink for transactions are needed")
	}
	if len(o.Validators) > validatorsMax {
		return fmt.Errorf("p2p: %d validators: at most %d", len(o.Validators), validatorsMax)
	}
	for _, s := range o.Listen {
		if err := checkListen(s); err != nil {
			return err
		}
	}
	if _, err := parsePeers(o.Peers); err != nil {
		return err
	}
	return checkKinds(o.Kinds)
}

func checkListen(s string) error {
	a, err := multiaddr.NewMultiaddr(s)
	if err != nil {
		return fmt.Errorf("p2p: listen address %q: %w", s, err)
	}
	if transportOf(a) == "" {
		return fmt.Errorf("p2p: listen address %q: must end in /tcp/PORT or /udp/PORT/quic-v1", s)
	}
	return nil
}

// transportOf names the one of our two transports that a uses, "" if neither.
func transportOf(a multiaddr.Multiaddr) string {
	s := a.String()
	switch {
	case strings.Contains(s, "/ws"), strings.Contains(s, "/webtransport"), strings.Contains(s, "/webrtc"), strings.Contains(s, "/p2p-circuit"):
		return ""
	case strings.Contains(s, "/udp/") && strings.Contains(s, "/quic-v1"):
		return "quic"
	case strings.Contains(s, "/tcp/"):
		return "tcp"
	}
	return ""
}

// parsePeers joins addresses of the same peer.
func parsePeers(list []string) ([]peer.AddrInfo, error) {
	var addrs []multiaddr.Multiaddr
	for _, s := range list {
		a, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("p2p: peer %q: %w", s, err)
		}
		if _, err := peer.AddrInfoFromP2pAddr(a); err != nil {
			return nil, fmt.Errorf("p2p: peer %q: must be like /ip4/10.0.0.1/tcp/26600/p2p/ID: %w", s, err)
		}
		if transportOf(a) == "" {
			return nil, fmt.Errorf("p2p: peer %q: only tcp and quic-v1 are spoken", s)
		}
		addrs = append(addrs, a)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return nil, fmt.Errorf("p2p: peers: %w", err)
	}
	return infos, nil
}

func checkKinds(kinds []Kind) error {
	var seen [256]bool
	for _, k := range kinds {
		switch {
		case k.ID == 0 || k.ID >= kindOwn:
			return fmt.Errorf("p2p: kind %d: choose 1 to %d", k.ID, kindOwn-1)
		case seen[k.ID]:
			return fmt.Errorf("p2p: kind %d is there twice", k.ID)
		case k.BytesMax < 1 || k.BytesMax > PayloadMax:
			return fmt.Errorf("p2p: kind %d: limit of %d bytes: choose 1 to %d", k.ID, k.BytesMax, PayloadMax)
		case k.Name == "":
			return fmt.Errorf("p2p: kind %d has no name", k.ID)
		}
		seen[k.ID] = true
	}
	return nil
}
