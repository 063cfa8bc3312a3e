package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/term"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print the version, with --licences all third-party notices",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "licences", Usage: "print the licences of everything in the binary"}},
		Action: printVersion,
	}
}

type modelVersion struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

func printVersion(c *cli.Context) error {
	if c.Bool("licences") {
		return printLicences(c)
	}
	models, err := builtin.Fronts()
	if err != nil {
		return err
	}
	out := struct {
		Version  string         `json:"version"`
		Go       string         `json:"go"`
		Platform string         `json:"platform"`
		Models   []modelVersion `json:"models"`
	}{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, nil}
	for _, m := range models {
		out.Models = append(out.Models, modelVersion{m.Name, m.Net.ID().String()})
	}
	return printer(c).Result(out, func(w io.Writer) {
		pairs := [][2]string{{"aiwork-node", version}, {"go", out.Go}, {"platform", out.Platform}}
		for _, m := range out.Models {
			pairs = append(pairs, [2]string{"model " + m.Name, m.ID})
		}
		if info, ok := debug.ReadBuildInfo(); ok {
			pairs = append(pairs, [2]string{"modules", fmt.Sprint(len(info.Deps))})
		}
		term.Pairs(w, pairs...)
	})
}
