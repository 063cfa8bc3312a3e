package main

import (
	_ "embed" // the collected texts
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/photos"
)

// thirdParty is made by `make licences`.
//
//go:embed licences.txt
var thirdParty string

func printLicences(c *cli.Context) error {
	w := printer(c).Out
	fmt.Fprintln(w, "aiwork-node is licensed under the Apache License 2.0. It contains the following works of others.")
	if err := modelLicences(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nPhotographs")
	for _, p := range photos.All() {
		fmt.Fprintf(w, "  %s: %s, %s (%s)\n", p.Name, p.Author, p.Licence, p.Source)
	}
	fmt.Fprintf(w, "\nModules and the Go standard library (BSD-3-Clause, The Go Authors)\n\n%s", thirdParty)
	return nil
}

func modelLicences(w io.Writer) error {
	models, err := builtin.Fronts()
	if err != nil {
		return err
	}
	for _, m := range models {
		fmt.Fprintf(w, "\nModel %s, from %s\n\n%s\n", m.Name, m.Source, m.Licence)
	}
	return nil
}
