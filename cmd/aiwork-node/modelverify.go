package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
)

// A verified is what `model verify` tells of a file.
type verified struct {
	Model   chain.Hash `json:"model"`
	What    string     `json:"what"` // model, language model, or the path of the kernels that it is packed for
	Bytes   int64      `json:"bytes"`
	Outcome string     `json:"outcome"` // holds, damaged, or stale: packed by another build, which is replaced
	Reason  string     `json:"reason,omitempty"`
}

func modelVerify(c *cli.Context) error {
	store, languages := modelStore(c), languageStore(c)
	wanted := map[chain.Hash]bool{}
	for _, text := range c.Args().Slice() {
		id, err := languages.Find(text)
		if model.IsNoModel(err) {
			id, err = store.Find(text)
		}
		if err != nil {
			return err
		}
		wanted[id] = true
	}
	entries, err := store.List()
	if err != nil {
		return err
	}
	spoken, err := languages.List()
	if err != nil {
		return err
	}
	list, bad := []verified{}, 0
	add := func(v verified, err error) {
		switch {
		case err == nil:
			v.Outcome = "holds"
		case errors.Is(err, packed.ErrStale):
			v.Outcome = "stale"
		default:
			v.Outcome, v.Reason = "damaged", err.Error()
			bad++
		}
		list = append(list, v)
	}
	for _, e := range entries {
		if len(wanted) == 0 || wanted[e.ID] {
			_, err := store.Get(e.ID)
			add(verified{Model: e.ID, What: "model", Bytes: e.Bytes}, err)
		}
	}
	for _, e := range spoken {
		if len(wanted) == 0 || wanted[e.ID] {
			add(verified{Model: e.ID, What: "language model", Bytes: e.Bytes}, languages.Verify(e.ID))
		}
	}
	folder := packedOf(c, store.Dir)
	kept, err := folder.List()
	if err != nil {
		return err
	}
	for _, k := range kept {
		if len(wanted) == 0 || wanted[k.Model] {
			add(verified{Model: k.Model, What: "packed, " + k.Path, Bytes: k.Bytes}, folder.Verify(k))
		}
	}
	if err := printer(c).Result(list, func(w io.Writer) { printVerified(w, list) }); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d files do not hold: a model is to be removed and pulled again, packed weights are made anew by who opens them", bad)
	}
	return nil
}

func printVerified(w io.Writer, list []verified) {
	var rows [][]string
	for _, v := range list {
		outcome := v.Outcome
		if v.Reason != "" {
			outcome += ": " + v.Reason
		}
		rows = append(rows, []string{v.Model.String()[:14], v.What, mebibytes(uint64(v.Bytes)), outcome})
	}
	term.Table(w, []string{"model", "file", "MiB", "outcome"}, rows)
}
