package main

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/conformance"
	"github.com/aiwork/aiwork-node/compute/program"
)

func modelCommand() *cli.Command {
	return &cli.Command{
		Name:  "model",
		Usage: "work with models by themselves",
		Subcommands: []*cli.Command{
			{
				Name:      "conformance",
				Usage:     "run ONNX backend tests (folders with model.onnx and test_data_set_*); ends with code 1 if one fails",
				ArgsUsage: "DIR",
				Action:    modelConformance,
			},
		},
	}
}

func modelConformance(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("want one DIR: `%s --help` shows how", c.Command.HelpName)
	}
	if _, err := os.Stat(c.Args().First()); err != nil {
		return usagef("%v", err)
	}
	report, err := conformance.Run(c.Args().First(), program.DefaultLimits(), nil)
	if err != nil {
		return err
	}
	if len(report.Results) == 0 {
		return usagef("no model.onnx below %s", c.Args().First())
	}
	if err := printer(c).Result(report, func(w io.Writer) { printConformance(w, report) }); err != nil {
		return err
	}
	if report.Failed > 0 {
		return fmt.Errorf("%d conformance tests failed", report.Failed)
	}
	return nil
}

// printConformance lists what did not pass, then the counts by operator and in all.
func printConformance(w io.Writer, r *conformance.Report) {
	for _, t := range r.Results {
		if t.Outcome != conformance.Passed {
			fmt.Fprintf(w, "%-11s  %s (opset %d): %s\n", t.Outcome, t.Test, t.Opset, t.Reason)
		}
	}
	fmt.Fprintf(w, "\n%-40s %7s %7s %11s\n", "operator", "passed", "failed", "unsupported")
	for _, t := range r.ByOperator {
		fmt.Fprintf(w, "%-40s %7d %7d %11d\n", t.Operator, t.Passed, t.Failed, t.Unsupported)
	}
	fmt.Fprintf(w, "\n%d tests: %d passed, %d failed, %d unsupported\n", len(r.Results), r.Passed, r.Failed, r.Unsupported)
}
