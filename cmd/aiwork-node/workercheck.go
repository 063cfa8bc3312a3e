package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/capability"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The outcomes of checking an answer.
const (
	answerEqual     = "equal"
	answerDifferent = "different"
	answerNotHere   = "model not here"
)

// checked is what `worker check` prints.
type checked struct {
	Record    *capability.Record `json:"record"`
	SeedKnown bool               `json:"seedKnown"` // the chain still keeps the seed, and it is the record's
	Answers   []checkedAnswer    `json:"answers"`
}

type checkedAnswer struct {
	Model   chain.Hash `json:"model"`
	Outcome string     `json:"outcome"`
	Speed   uint32     `json:"itemsPerHour"` // in the record
	Offered uint64     `json:"offered"`      // to the registry
}

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "compute the known answers of a worker's capability record anew with the models that are here; ends with code 1 if one differs",
		ArgsUsage: "ADDRESS", Flags: append(engineFlags(), rpcFlag()), Action: workerCheck,
	}
}

func workerCheck(c *cli.Context) error {
	if err := want(c, 1, "one ADDRESS"); err != nil {
		return err
	}
	who, err := chain.ParseAddress(c.Args().First())
	if err != nil {
		return usagef("%v", err)
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	w, err := loadWorker(c.Context, cl, who)
	if err != nil {
		return err
	}
	out := &checked{}
	if out.Record, err = shownRecord(c.Context, cl, w); err != nil {
		return err
	}
	if out.SeedKnown, err = seedHolds(c.Context, cl, out.Record); err != nil {
		return err
	}
	if err := out.compute(c, w); err != nil {
		return err
	}
	if err := printer(c).Result(out, out.print); err != nil {
		return err
	}
	for _, a := range out.Answers {
		if a.Outcome == answerDifferent {
			return errors.New("an answer differs: one of the two machines computes wrong, or the record is a lie; `aiwork-node worker doctor` tells of this one")
		}
	}
	return nil
}

// shownRecord fetches the record that a worker has shown last, from the logs of its block, and checks it against the state.
func shownRecord(ctx context.Context, cl *client.Client, w *workerRecord) (*capability.Record, error) {
	if w.Capability == nil || w.CapabilityAt == nil {
		return nil, fmt.Errorf("%s has shown no capability record", w.Address.Checksum())
	}
	var logs []struct {
		Address chain.Address `json:"address"`
		Topics  []chain.Hash  `json:"topics"`
		Data    string        `json:"data"`
	}
	filter := map[string]any{
		"fromBlock": *w.CapabilityAt, "toBlock": *w.CapabilityAt, "address": chain.AddrRegistry, "topics": []any{nil, native.WordOf(w.Address)},
	}
	if err := cl.Call(ctx, &logs, "eth_getLogs", filter); err != nil {
		return nil, err
	}
	for _, l := range logs {
		data, err := hex.DecodeString(strings.TrimPrefix(l.Data, "0x"))
		if err != nil {
			return nil, fmt.Errorf("the node's logs: %w", err)
		}
		shown, ok := registry.DecodeLog(&chain.Log{Address: l.Address, Topics: l.Topics, Data: data})
		if !ok || capability.Hash(shown.Record) != *w.Capability {
			continue
		}
		r, err := capability.Decode(shown.Record)
		if err == nil {
			err = r.Verify()
		}
		if err == nil && r.Worker != w.Address {
			err = fmt.Errorf("the record is of %s", r.Worker.Checksum())
		}
		return r, err
	}
	return nil, fmt.Errorf("the node has no log of block %d with the record: ask one that keeps all receipts", uint64(*w.CapabilityAt))
}

// seedHolds compares the record's seed and chain with the node's. A seed that is not kept any more is no fault.
func seedHolds(ctx context.Context, cl *client.Client, r *capability.Record) (known bool, err error) {
	var status nodeStatus
	if err := cl.Call(ctx, &status, "aiwork_status"); err != nil {
		return false, err
	}
	if status.Genesis != r.Genesis {
		return false, fmt.Errorf("the record is of another chain: %s", r.Genesis)
	}
	seed, err := seedOf(ctx, cl, r.Session)
	switch {
	case err != nil || seed == nil:
		return false, err
	case *seed != r.Seed:
		return false, fmt.Errorf("the record's seed is not that of session %d: its worker may have chosen it", r.Session)
	}
	return true, nil
}

// compute runs the items of the record's models that are here in an engine.
func (o *checked) compute(c *cli.Context, w *workerRecord) error {
	h := nodeHome(c)
	library, err := libraryAt(h)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	e, err := engine.Start(c.Context, engineOptions(c, h, exe, 0))
	if err != nil {
		return err
	}
	defer e.Close()
	r := o.Record
	for i := range r.Models {
		m := &r.Models[i]
		a := checkedAnswer{Model: m.ID, Speed: m.ItemsPerHour, Offered: w.offered(m.ID)}
		input, err := capability.Input(library, m.ID, capability.Seed(r.Genesis, r.Session, r.Seed, r.Worker, m.ID))
		if model.IsNoModel(err) {
			a.Outcome = answerNotHere
			o.Answers = append(o.Answers, a)
			continue
		}
		if err != nil {
			return err
		}
		output, err := e.Run(c.Context, m.ID, input)
		if err != nil {
			return err
		}
		a.Outcome = answerEqual
		if capability.Answer(output) != m.Answer {
			a.Outcome = answerDifferent
		}
		o.Answers = append(o.Answers, a)
	}
	return nil
}

// offered is the speed that the registry has of a worker and model.
func (r *workerRecord) offered(id chain.Hash) uint64 {
	for i := range min(len(r.Models), len(r.Offers)) {
		if r.Models[i] == id {
			return uint64(r.Offers[i].Speed)
		}
	}
	return 0
}

func (o *checked) print(w io.Writer) {
	printRecord(w, o.Record)
	seed := "that of the chain"
	if !o.SeedKnown {
		seed = "the chain does not keep it any more"
	}
	fmt.Fprintf(w, "\nsigned by the worker; seed of session %d: %s\n\n", o.Record.Session, seed)
	var rows [][]string
	for _, a := range o.Answers {
		rows = append(rows, []string{short(a.Model), a.Outcome, fmt.Sprint(a.Speed), fmt.Sprint(a.Offered)})
	}
	term.Table(w, []string{"model", "answer", ">items an hour", ">offered"}, rows)
}
