package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/objects"
	"github.com/aiwork/aiwork-node/p2p"
)

const (
	inputWaitMax = 5 * time.Second  // for an input from peers; then the node is asked
	pullPause    = 2 * time.Second  // between tries to bring a model
	peersRenewal = 30 * time.Second // between looks for further peers
)

// A depot brings a worker's models and inputs from peers.
type depot struct {
	fetcher *p2p.Fetcher
	store   objects.Store
	models  model.Store
	metrics *objects.Metrics
	log     *slog.Logger
}

// openDepot waits for the node, which says which chain it is and where peers are. Nil without an error: stop ended.
func (w *worker) openDepot(stop context.Context, c *cli.Context) (*depot, error) {
	d := &depot{store: objectStore(c, w.home), models: model.Store{Dir: w.home.Models()}, log: w.log}
	if err := d.store.Check(); err != nil {
		return nil, err
	}
	d.metrics = objects.NewMetrics(w.reg, d.store)
	told := false
	for {
		n, err := findNetwork(stop, w.client, w.home, c.StringSlice("peer"))
		if err == nil {
			d.fetcher, err = n.fetcher(w.log, w.reg)
			return d, err
		}
		if !told && stop.Err() == nil {
			w.log.Warn("waiting for the node", "node", w.client.URL(), "error", err)
			told = true
		}
		select {
		case <-time.After(enrolPause):
		case <-stop.Done():
			return nil, nil
		}
	}
}

// renewPeers learns of new peers until ctx ends.
func (w *worker) renewPeers(ctx context.Context) {
	tick := time.NewTicker(peersRenewal)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		n, err := askNetwork(ctx, w.client)
		if err == nil {
			err = w.depot.fetcher.Know(n.Addresses)
		}
		if err != nil {
			w.log.Debug("peers not learned", "error", err)
		}
	}
}

// pull brings models that are not here, however long that takes.
func (d *depot) pull(stop context.Context, have model.Library, ids []chain.Hash) {
	for _, id := range ids {
		m := &modelFetch{objects: d.store, models: d.models, shipped: have.Files, metrics: d.metrics, report: d.report(id)}
		for stop.Err() == nil {
			missing, err := m.missing(id)
			if err == nil && len(missing) == 0 {
				break
			}
			d.log.Info("fetching a model", "model", id)
			m.peers = d.fetcher.Objects()
			if _, err = m.bring(stop, id); err == nil {
				d.log.Info("model fetched", "model", id)
				break
			}
			d.log.Warn("model not fetched: trying again", "model", id, "error", err)
			select {
			case <-time.After(pullPause):
			case <-stop.Done():
			}
		}
	}
}

// report logs each tenth of a fetch.
func (d *depot) report(id chain.Hash) func(objects.Progress) {
	tenth := int64(0)
	return func(p objects.Progress) {
		if now := p.Done * 10 / max(p.Total, 1); now > tenth {
			tenth = now
			d.log.Info("fetching a model", "model", id, "bytes", p.Done, "of", p.Total, "peers", p.Peers)
		}
	}
}

// input brings an input from peers, into memory and into the store, where another try finds it.
func (d *depot) input(ctx context.Context, id chain.Hash) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, inputWaitMax)
	defer cancel()
	watch := &objects.Watch{BytesMax: p2p.BlobBytesMax, Metrics: d.metrics}
	if err := objects.Fetch(ctx, d.store, d.fetcher.Objects(), objects.ID(id), watch); err != nil {
		return nil, err
	}
	return d.store.Bytes(objects.ID(id))
}

// A supplied market has its inputs from peers. What they do not give, the node is asked for: it may have it, or know
// that nobody has.
type supplied struct {
	*compute.Remote
	depot *depot
}

// Blob implements compute.Market.
func (s *supplied) Blob(ctx context.Context, id chain.Hash) ([]byte, error) {
	b, err := s.depot.input(ctx, id)
	if err == nil {
		return b, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.depot.log.Debug("input not had from peers", "blob", id, "error", err)
	return s.Remote.Blob(ctx, id)
}

// wanted parses the ids of --pull.
func wanted(c *cli.Context) (ids []chain.Hash, err error) {
	for _, text := range c.StringSlice("pull") {
		var id chain.Hash
		if err := id.UnmarshalText([]byte(text)); err != nil {
			return nil, usagef("--pull %s: want a model's id, 0x and 64 digits", text)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
