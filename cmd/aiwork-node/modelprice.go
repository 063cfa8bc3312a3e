package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/term"
)

// modelPriced is aiwork_getPrice's answer.
type modelPriced struct {
	Model    string         `json:"model"`
	Posted   client.Uint256 `json:"posted"`
	Ask      client.Uint256 `json:"ask"`
	Waiting  client.Uint64  `json:"waiting"`
	Capacity client.Uint64  `json:"capacity"`
	Workers  client.Uint64  `json:"workers"`
}

func modelPrice(c *cli.Context) error {
	if err := want(c, 1, "one MODEL, by name or id"); err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	m, err := requester.FindModel(c.Context, cl, c.Args().First())
	if err != nil {
		return err
	}
	out := modelPriced{Model: m.Name}
	if err := cl.Call(c.Context, &out, "aiwork_getPrice", m.ID); err != nil {
		return err
	}
	return printer(c).Result(out, func(w io.Writer) {
		capacity := "not measured"
		if out.Capacity > 0 {
			capacity = fmt.Sprintf("%d items an hour", out.Capacity)
		}
		term.Pairs(w,
			[2]string{"model", m.Name}, [2]string{"posted price", term.AWO(&out.Posted.Int) + " AWO an item; jobs that pay less are refused"},
			[2]string{"median ask", term.AWO(&out.Ask.Int) + " AWO"}, [2]string{"items that wait", fmt.Sprint(out.Waiting)},
			[2]string{"capacity", capacity}, [2]string{"workers", fmt.Sprint(out.Workers)})
	})
}
