package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
)

// engineCommand is the child process that runs models; nodes and workers start it themselves.
func engineCommand() *cli.Command {
	return &cli.Command{
		Name:   "engine",
		Hidden: true,
		Usage:  "run models for a parent process over standard input and output",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "models", Usage: "`FOLDER` of model files"},
			packedFlag(),
			&cli.StringFlag{Name: "device", Usage: "`DEVICE` to run networks on"},
			deviceMemoryFlag(),
		},
		Action: func(c *cli.Context) error {
			files, err := builtin.Models()
			if err != nil {
				return err
			}
			library := engine.LibraryOf(c.String("models"), files)
			library.Packed = packedOf(c, c.String("models"))
			library.Device = deviceOf(c)
			return engine.Serve(c.Context, os.Stdin, os.Stdout, library)
		},
	}
}

// libraryOf gives the models that the binary holds, and those of a folder.
func libraryOf(folder string) (model.Library, error) {
	files, err := builtin.Models()
	return model.Library{Files: files, Store: model.Store{Dir: folder}}, err
}
