package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/capability"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
)

// The outcomes of a check. Answers of known bits have their own two words; what was not run is never taken for either.
const (
	outcomeOK        = "ok"
	outcomeFailed    = "failed"
	outcomeNotRun    = "not run"
	outcomeValidated = "validated"
	outcomeMismatch  = "mismatch"
)

// A checkup is what one check has found, and what to do about it.
type checkup struct {
	Check   string `json:"check"`
	Outcome string `json:"outcome"`
	Found   string `json:"found"`
	Todo    string `json:"todo,omitempty"`
}

func (f *checkup) failed() bool { return f.Outcome == outcomeFailed || f.Outcome == outcomeMismatch }

// A diagnosis is what `worker doctor` prints.
type diagnosis struct {
	Failed int       `json:"failed"`
	NotRun int       `json:"notRun"`
	Checks []checkup `json:"checks"`

	Capability *capability.Record `json:"capability,omitempty"` // as the worker measured it last
}

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check all that a worker needs and say what to do about what is wrong; ends with code 1 if something is",
		Flags: append(append(fetchFlags(), engineFlags()...),
			&cli.StringFlag{Name: "bond", Usage: "`TOKENS` that the worker means to bond, if it is not enrolled yet", Value: "1000"},
			&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the account key's password"},
			&cli.StringFlag{Name: "metrics", Usage: "`ADDRESS` that the worker's metrics are to have"},
			&cli.BoolFlag{Name: "quick", Usage: "compare bits on the path that engines take only"},
			&cli.DurationFlag{Name: "known-max", Usage: "how long a model may take for a known answer; one that would take longer is not run", Value: 20 * time.Second}),
		Action: runDoctor,
	}
}

// A doctor looks at one worker's home and node.
type doctor struct {
	c      *cli.Context
	home   home.Home
	client *client.Client
	models model.Library
	list   []checkup

	node   *nodeStatus // nil: not reached
	bonded bool        // the account is a worker
}

func runDoctor(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	files, err := builtin.Models()
	if err != nil {
		return err
	}
	d := &doctor{c: c, home: nodeHome(c), client: cl}
	d.models = model.Library{Files: files, Store: model.Store{Dir: d.home.Models()}}
	d.look(c.Context)
	out := diagnosis{Checks: d.list, Capability: storedRecord(d.home)}
	for i := range d.list {
		if d.list[i].failed() {
			out.Failed++
		}
		if d.list[i].Outcome == outcomeNotRun {
			out.NotRun++
		}
	}
	if err := printer(c).Result(out, out.print); err != nil {
		return err
	}
	if out.Failed > 0 {
		return fmt.Errorf("%d of %d checks failed: see above what to do", out.Failed, len(out.Checks))
	}
	return c.Context.Err()
}

// look makes all checks, in an order in which earlier ones explain later ones.
func (d *doctor) look(ctx context.Context) {
	for _, check := range []func(context.Context){
		d.processor, d.threads, d.memory, d.disk, d.folders,
		d.nodeReached, d.nodeSynced, d.chain, d.clock, d.account, d.ports, d.peers,
		d.modelFiles, d.packedWeights, d.kernels, d.devices, d.knownAnswers, d.engineChild, d.speed,
	} {
		if ctx.Err() != nil {
			return
		}
		check(ctx)
	}
}

func (d *doctor) add(check, outcome, found, todo string) {
	d.list = append(d.list, checkup{check, outcome, found, todo})
}

func (d *doctor) ok(check, format string, args ...any) {
	d.add(check, outcomeOK, fmt.Sprintf(format, args...), "")
}

func (d *doctor) failed(check, todo, format string, args ...any) {
	d.add(check, outcomeFailed, fmt.Sprintf(format, args...), todo)
}

func (d *doctor) notRun(check, format string, args ...any) {
	d.add(check, outcomeNotRun, fmt.Sprintf(format, args...), "")
}

func (m *diagnosis) print(w io.Writer) {
	var rows [][]string
	for _, f := range m.Checks {
		rows = append(rows, []string{f.Check, f.Outcome, f.Found})
	}
	term.Table(w, []string{"check", "outcome", "found"}, rows)
	for _, f := range m.Checks {
		if f.Todo != "" {
			fmt.Fprintf(w, "\n%s: %s\n", f.Check, f.Todo)
		}
	}
}

// quickest is the path that engines on this machine take.
func quickest() kernel.Path { return kernel.Best() }
