package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/job"
)

func quoteCommand() *cli.Command {
	return &cli.Command{
		Name: "quote", Usage: "show what a job over so many items would cost, and the model's posted price",
		Flags: []cli.Flag{
			rpcFlag(),
			&cli.StringFlag{Name: "model", Usage: "`NAME` or id of the model; default: the node's first"},
			&cli.UintFlag{Name: "items", Usage: "how many `N` items", Value: 1},
			&cli.StringFlag{Name: "price", Usage: "`TOKENS` for each item", Value: "1"},
			&cli.Float64Flag{Name: "audit", Usage: "`SHARE` of the items that validators compute again, above 0, at most 1; default: as much as price and worker ask for"},
			&cli.UintFlag{Name: "panel", Usage: "auditors of a batch; default: the chain's"},
		},
		Action: jobQuote,
	}
}

func jobQuote(c *cli.Context) error {
	if err := want(c, 0, "no arguments: the number of items is --items"); err != nil {
		return err
	}
	if n := c.Uint("items"); n < 1 || n > job.ItemsMax {
		return usagef("--items %d: want 1 to %d", n, job.ItemsMax)
	}
	terms, err := priceTerms(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	m, err := requester.FindModel(c.Context, cl, c.String("model"))
	if err != nil {
		return err
	}
	var q requester.Quote
	args := map[string]any{
		"model": m.ID, "items": client.Uint64(c.Uint("items")), "price": client.Uint256{Int: terms.Price},
		"auditPpm": client.Uint64(terms.AuditPpm), "panel": client.Uint64(terms.Panel),
	}
	if err := cl.Call(c.Context, &q, "aiwork_quoteJob", args); err != nil {
		return err
	}
	return printer(c).Result(q, func(w io.Writer) {
		quoteTable(w, &q, c.Uint("items"))
		fmt.Fprintf(w, "\nThe posted price of %s is %s AWO an item", m.Name, term.AWO(&q.Posted.Int))
		if terms.Price.Lt(&q.Posted.Int) {
			fmt.Fprint(w, ": the network would refuse this job")
		}
		fmt.Fprintln(w, ".")
	})
}
