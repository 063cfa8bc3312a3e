package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/ledger"
)

func dbCommand() *cli.Command {
	return &cli.Command{
		Name:  "db",
		Usage: "check and copy the node's data, while the node is stopped",
		Subcommands: []*cli.Command{
			{Name: "verify", Usage: "check every block's hash and roots, the state's root and the supply", Action: dbVerify},
			{Name: "backup", Usage: "copy the data to a new FOLDER, from which a node can start", ArgsUsage: "FOLDER", Action: dbBackup},
		},
	}
}

func openLedger(ctx context.Context, c *cli.Context) (*ledger.Ledger, error) {
	h := nodeHome(c)
	g, _, err := h.LoadGenesis()
	if err != nil {
		return nil, err
	}
	return ledger.Open(ctx, ledger.Options{Dir: h.Data(), Genesis: g, Modules: system.Modules(), Log: slog.New(slog.DiscardHandler)})
}

func dbVerify(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	l, err := openLedger(c.Context, c)
	if err != nil {
		return err
	}
	defer l.Close()
	p := printer(c)
	bar := p.Progress("verify", 1)
	err = l.Verify(c.Context, func(done, all chain.Height) {
		if all > 0 {
			bar.Scale(uint64(all))
			bar.Set(uint64(done), fmt.Sprintf("block %d", done))
		}
	})
	bar.Done()
	if err != nil {
		return faultError{err}
	}
	head, _ := l.Head()
	sum, err := l.SumBalances()
	if err != nil {
		return err
	}
	out := map[string]any{"ok": true, "height": head.Height, "hash": head.Hash, "stateRoot": head.Header.StateRoot, "supply": sum.Dec()}
	return p.Result(out, func(w io.Writer) {
		term.Pairs(w, [2]string{"verified", fmt.Sprintf("blocks 0 to %d", head.Height)}, [2]string{"head", head.Hash.String()},
			[2]string{"state root", head.Header.StateRoot.String()}, [2]string{"supply", term.AWO(&sum) + " AWO"})
	})
}

func dbBackup(c *cli.Context) error {
	if err := want(c, 1, "one FOLDER"); err != nil {
		return err
	}
	l, err := openLedger(c.Context, c)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Backup(c.Args().First()); err != nil {
		return err
	}
	head, _ := l.Head()
	out := map[string]any{"folder": c.Args().First(), "height": head.Height}
	return printer(c).Result(out, func(w io.Writer) {
		fmt.Fprintf(w, "copied up to block %d into %s; use it as data/ of a node with the same genesis\n", head.Height, c.Args().First())
	})
}
