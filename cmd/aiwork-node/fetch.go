package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/objects"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/p2p"
)

// quotaDefaultMiB is room for four of the largest models.
const quotaDefaultMiB = 8192

// fetchFlags are those of commands that fetch from peers.
func fetchFlags() []cli.Flag {
	return []cli.Flag{
		rpcFlag(),
		&cli.StringSliceFlag{Name: "peer", Usage: "multiaddr of a `PEER` to fetch from, besides the node behind --rpc and its peers"},
		&cli.IntFlag{Name: "objects-mib", Usage: "`MIB` that what is fetched may take on the disk", Value: quotaDefaultMiB},
	}
}

func objectStore(c *cli.Context, h home.Home) objects.Store {
	return objects.Store{Dir: h.Objects(), QuotaBytes: int64(c.Int("objects-mib")) << 20}
}

// A network is which chain peers have to be of, and where some are.
type network struct {
	ChainID   client.Uint64 `json:"chainId"`
	Genesis   chain.Hash    `json:"genesis"`
	Addresses []string      `json:"p2pAddresses"`
}

// askNetwork asks the node for its own addresses and for its peers'.
func askNetwork(ctx context.Context, cl *client.Client) (n network, err error) {
	if err := cl.Call(ctx, &n, "aiwork_status"); err != nil {
		return n, err
	}
	var peers []struct {
		ID        string   `json:"id"`
		Connected bool     `json:"connected"`
		Listens   []string `json:"listens"`
	}
	if err := cl.Call(ctx, &peers, "aiwork_peers"); err != nil {
		return n, err
	}
	for _, p := range peers {
		if !p.Connected {
			continue
		}
		for _, a := range p.Listens {
			n.Addresses = append(n.Addresses, a+"/p2p/"+p.ID)
		}
	}
	return n, nil
}

// findNetwork asks the node; where there is none, the home's genesis says which chain the given peers are of.
func findNetwork(ctx context.Context, cl *client.Client, h home.Home, given []string) (network, error) {
	n, err := askNetwork(ctx, cl)
	if err != nil && len(given) > 0 {
		g, _, missing := h.LoadGenesis()
		if missing != nil {
			return n, fmt.Errorf("which network the peers are of is not known: start a node or run `aiwork-node init --genesis`: %w", errors.Join(err, missing))
		}
		n, err = network{ChainID: client.Uint64(g.Params.ChainID), Genesis: g.Build(system.Modules()).Hash()}, nil
	}
	n.Addresses = append(append([]string{}, given...), n.Addresses...)
	return n, err
}

// fetcher makes a host that dials these peers. Log and metrics may be nil.
func (n *network) fetcher(log *slog.Logger, reg prometheus.Registerer) (*p2p.Fetcher, error) {
	return p2p.NewFetcher(p2p.FetcherOptions{Peers: n.Addresses, ChainID: uint64(n.ChainID), Genesis: n.Genesis, Log: log, Metrics: reg})
}

// A modelFetch brings a model from peers.
type modelFetch struct {
	peers   objects.Peers
	objects objects.Store
	models  model.Store
	shipped []*model.File // that need not be brought
	metrics *objects.Metrics
	report  func(objects.Progress)
}

const frontBytesMax = 16 << 20 // of a model file: all but the weights

// fetch brings the model with an id, or the one in the object with that id. Which object holds a model is only a
// peer's word for it: the front of the file shows early whether it is so, and the whole file in the end.
func (m *modelFetch) fetch(ctx context.Context, id chain.Hash) (chain.Hash, error) {
	held := m.find(ctx, id)
	if len(held) == 0 {
		got, err := m.fetchObject(ctx, objects.ID(id), nil)
		if errors.Is(err, p2p.ErrNotFound) {
			err = fmt.Errorf("none of %d peers offers a model or an object %s", len(m.peers.Peers()), id)
		}
		return got, err
	}
	var errs []error
	for _, h := range held {
		got, err := m.fetchObject(ctx, h.object, &id)
		if err == nil || ctx.Err() != nil {
			return got, err
		}
		if errors.As(err, new(*otherModelError)) {
			for _, p := range h.peers {
				m.peers.Punish(p, p2p.FaultAnswer)
			}
		}
		errs = append(errs, err)
	}
	return chain.Hash{}, errors.Join(errs...)
}

// A holding is an object that peers say holds a model.
type holding struct {
	object objects.ID
	peers  []string
}

// find asks all peers; the object that most of them name comes first.
func (m *modelFetch) find(ctx context.Context, id chain.Hash) (list []holding) {
	for _, p := range m.peers.Peers() {
		found, err := m.peers.Find(ctx, p, id)
		if err != nil {
			continue
		}
		for _, o := range found {
			list = addHolding(list, o.ID, p)
		}
	}
	return list
}

func addHolding(list []holding, object objects.ID, peer string) []holding {
	for i := range list {
		if list[i].object != object {
			continue
		}
		list[i].peers = append(list[i].peers, peer)
		for ; i > 0 && len(list[i].peers) > len(list[i-1].peers); i-- {
			list[i], list[i-1] = list[i-1], list[i]
		}
		return list
	}
	return append(list, holding{object, []string{peer}})
}

// An otherModelError says that an object does not hold the model that it was said to hold.
type otherModelError struct {
	object objects.ID
	why    error
}

func (e *otherModelError) Error() string {
	return fmt.Sprintf("object %s does not hold the model that its peers say: %v", e.object, e.why)
}

func (e *otherModelError) Unwrap() error { return e.why }

func isOther(want, got chain.Hash) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("it holds %s", got)
}

// fetchObject brings an object, looks whether it is a model, the wanted one if one is, and puts it among the models.
func (m *modelFetch) fetchObject(ctx context.Context, object objects.ID, want *chain.Hash) (chain.Hash, error) {
	watch := &objects.Watch{Metrics: m.metrics, Progress: m.report, Check: m.frontCheck(object, want)}
	if err := objects.Fetch(ctx, m.objects, m.peers, object, watch); err != nil {
		if errors.As(err, new(*otherModelError)) {
			err = errors.Join(err, m.objects.Remove(object))
		}
		return chain.Hash{}, err
	}
	id, path, err := m.idOf(object)
	if err == nil && want != nil {
		err = isOther(*want, id)
	}
	if err != nil {
		return id, errors.Join(&otherModelError{object, err}, m.objects.Remove(object))
	}
	if err := os.MkdirAll(m.models.Dir, 0o755); err != nil {
		return id, fmt.Errorf("model store: %w", err)
	}
	return id, m.objects.MoveTo(object, path)
}

// idOf reads which model an object holds, and gives the place that it has among the models.
func (m *modelFetch) idOf(object objects.ID) (id chain.Hash, path string, err error) {
	b, err := m.objects.Bytes(object)
	if err != nil {
		return id, "", err
	}
	if bytes.HasPrefix(b, []byte(language.Magic)) {
		l, err := language.Parse(b)
		if err == nil {
			id, err = l.ID()
		}
		return id, language.Store{Dir: m.models.Dir}.Path(id), err
	}
	if s, err := pipeline.Decode(b); err == nil {
		return s.ID(), m.pipelines().Path(s.ID()), nil
	}
	f, err := model.DecodeFile(b)
	if err != nil {
		return id, "", err
	}
	return f.Net.ID(), m.models.Path(f.Net.ID()), nil
}

// frontCheck ends a fetch as soon as the front of the file is there and shows another model.
func (m *modelFetch) frontCheck(object objects.ID, want *chain.Hash) func(*objects.Partial) error {
	if want == nil {
		return nil
	}
	seen := 0
	return func(p *objects.Partial) error {
		head, err := p.Head(frontBytesMax)
		if err != nil || len(head) == seen || seen < 0 {
			return err
		}
		seen = len(head)
		f, err := model.DecodeFront(head)
		if err != nil {
			return nil // it may only be cut short; the whole file shows
		}
		seen = -1
		if err := isOther(*want, f.Net.ID()); err != nil {
			return &otherModelError{object, err}
		}
		return nil
	}
}
