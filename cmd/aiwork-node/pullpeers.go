package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/objects"
)

// splitSources tells ids, which peers are asked for, from files and packages.
func splitSources(list []string) (ids []chain.Hash, others []string) {
	for _, s := range list {
		var id chain.Hash
		if strings.HasPrefix(s, "0x") && id.UnmarshalText([]byte(s)) == nil {
			ids = append(ids, id)
		} else {
			others = append(others, s)
		}
	}
	return ids, others
}

// pullFromPeers brings models by id; each result says how it went.
func pullFromPeers(c *cli.Context, ids []chain.Hash) (results []pulled, failed int) {
	for _, id := range ids {
		r := pulled{Name: id.String()[:14], Source: "peers"}
		got, name, err := pullOne(c, id)
		if err == nil {
			r.ID, r.Name = &got, name
		} else {
			r.Error = err.Error()
			failed++
		}
		results = append(results, r)
	}
	return results, failed
}

func pullOne(c *cli.Context, id chain.Hash) (got chain.Hash, name string, err error) {
	models := modelStore(c)
	shipped, err := builtin.Models()
	if err != nil {
		return got, "", err
	}
	m := &modelFetch{objects: objectStore(c, nodeHome(c)), models: models, shipped: shipped}
	if missing, err := m.missing(id); err == nil && len(missing) == 0 {
		name, err := storedName(models, id)
		return id, name, err
	}
	cl, err := dial(c)
	if err != nil {
		return got, "", err
	}
	defer cl.Close()
	n, err := findNetwork(c.Context, cl, nodeHome(c), c.StringSlice("peer"))
	if err != nil {
		return got, "", err
	}
	fetcher, err := n.fetcher(nil, nil)
	if err != nil {
		return got, "", err
	}
	defer fetcher.Close()
	bar := printer(c).Progress("fetching "+id.String()[:14], 1)
	defer bar.Done()
	m.peers, m.report = fetcher.Objects(), func(p objects.Progress) {
		bar.Scale(uint64(p.Total))
		bar.Set(uint64(p.Done), fmt.Sprintf("%s MiB from %d peers", mebibytes(uint64(p.Done)), p.Peers))
	}
	if got, err = m.bring(c.Context, id); err != nil {
		return got, "", err
	}
	name, err = storedName(models, got)
	return got, name, err
}

// storedName reads a model that is stored, and gives its name.
func storedName(models model.Store, id chain.Hash) (string, error) {
	f, err := models.Get(id)
	if err == nil {
		return f.Name, nil
	}
	if s, err := (pipeline.Store{Dir: models.Dir}).Get(id); err == nil {
		return s.Name, nil
	}
	languages := language.Store{Dir: models.Dir}
	if !languages.Has(id) {
		return "", err
	}
	m, err := languages.Open(id)
	if err != nil {
		return "", err
	}
	defer m.Close()
	return m.Name, nil
}
