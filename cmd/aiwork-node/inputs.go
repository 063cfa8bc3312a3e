package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/npy"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/term"
)

// inputCommands are for whoever orders work from a contract, where `job create` does not do it all.
func inputCommands() []*cli.Command {
	return []*cli.Command{
		{
			Name: "input", Usage: "print under which ids picture files would go into a job, for a contract that orders it", ArgsUsage: "FILE...",
			Action: jobInput,
		},
		{
			Name: "upload", Usage: "hand picture files to the node as inputs that an open job names", ArgsUsage: "FILE...",
			Flags: []cli.Flag{rpcFlag()}, Action: jobUpload,
		},
	}
}

// namedInput is an input as it is printed.
type namedInput struct {
	Name     string     `json:"name"`
	Blob     chain.Hash `json:"blob"`
	Original chain.Hash `json:"originalSHA256"`
}

// readInputs reads the files that the command line names.
func readInputs(c *cli.Context) (inputs []requester.Input, err error) {
	if c.NArg() == 0 {
		return nil, usagef("want at least one FILE: `%s --help` shows how", c.Command.HelpName)
	}
	for _, path := range c.Args().Slice() {
		in, err := requester.ReadInput(path)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

func jobInput(c *cli.Context) error {
	inputs, err := readInputs(c)
	if err != nil {
		return err
	}
	return printInputs(c, inputs)
}

func printInputs(c *cli.Context, inputs []requester.Input) error {
	var all []namedInput
	var rows [][]string
	for _, in := range inputs {
		all = append(all, namedInput{in.Name, in.Blob, in.Original})
		rows = append(rows, []string{in.Name, in.Blob.String(), in.Original.String()})
	}
	return printer(c).Result(all, func(w io.Writer) { term.Table(w, []string{"file", "blob", "original"}, rows) })
}

func jobUpload(c *cli.Context) error {
	inputs, err := readInputs(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := uploadInputs(c.Context, cl, printer(c), &requester.Plan{Inputs: inputs}); err != nil {
		return fmt.Errorf("%w: a node keeps only inputs that an open job names", err)
	}
	return printInputs(c, inputs)
}

// writeOutputs writes what a job's items came to as item_I_output_J.npy.
func writeOutputs(ctx context.Context, cl *client.Client, id uint64, folder string) error {
	r, err := requester.Read(ctx, cl, id, nil)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i := range r.Items {
		l := &r.Items[i]
		if l.Output == nil {
			continue
		}
		tensors, err := l.Output.Fetch(ctx, cl)
		if err != nil {
			return fmt.Errorf("item %d: %w", l.Item, err)
		}
		for j, t := range tensors {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("item_%d_output_%d.npy", l.Item, j)), npy.Encode(t), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
