package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/job"
)

func jobCommand() *cli.Command {
	return &cli.Command{
		Name:  "job",
		Usage: "order AI work, watch it, read its result",
		Subcommands: append([]*cli.Command{
			{
				Name: "create", Usage: "price, fund and start a job over pictures, tensors in .npy or .pb files, recordings, or prompts", ArgsUsage: "[FILE...]",
				Flags: append(append(signerFlags(), jobPromptFlags()...),
					&cli.StringFlag{Name: "model", Usage: "`NAME` or id of the model; default: the node's first"},
					&cli.StringFlag{Name: "price", Usage: "`TOKENS` for each item", Value: "1"},
					&cli.Float64Flag{Name: "audit", Usage: "`SHARE` of the items that validators compute again, above 0, at most 1; default: as much as price and worker ask for"},
					&cli.UintFlag{Name: "panel", Usage: "auditors of a batch; default: the chain's"},
					&cli.DurationFlag{Name: "life", Usage: "until when work may begin", Value: 10 * time.Minute},
					&cli.BoolFlag{Name: "estimate", Usage: "only print the price"},
					&cli.BoolFlag{Name: "no-watch", Usage: "return when the job is funded and its inputs are uploaded"},
				),
				Action: jobCreate,
			},
			quoteCommand(),
			{Name: "watch", Usage: "show progress until the job is over, then its result", ArgsUsage: "ID", Flags: []cli.Flag{rpcFlag()}, Action: jobWatch},
			{Name: "result", Usage: "print what the job has come to so far", ArgsUsage: "ID", Flags: []cli.Flag{
				rpcFlag(), &cli.StringFlag{Name: "out", Usage: "`FOLDER` to write outputs that are tensors to, as .npy files"},
			}, Action: jobResult},
			{Name: "cancel", Usage: "take a job back: all before work begins, what is not begun after", ArgsUsage: "ID", Flags: signerFlags(), Action: jobCancel},
			jobVerifyCommand(),
			{Name: "list", Usage: "list jobs, newest first", Flags: []cli.Flag{rpcFlag()}, Action: jobList},
		}, inputCommands()...),
	}
}

func jobCreate(c *cli.Context) error {
	terms, err := jobTerms(c)
	if err != nil {
		return err
	}
	var inputs []requester.Input
	var by chain.Hash
	if wantsPrompt(c) {
		inputs, by, err = readPrompts(c)
	} else {
		inputs, err = readInputs(c)
	}
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	if m, err := requester.FindModel(c.Context, cl, c.String("model")); err == nil && !by.IsZero() && m.ID != by {
		return usagef("--model %s is %s on this machine and %s on the network: name it by its id", c.String("model"), by, m.ID)
	}
	return createJob(c, cl, inputs, terms)
}

// priceTerms reads what a job pays and how it is audited.
func priceTerms(c *cli.Context) (t requester.Terms, err error) {
	if t.Price, err = term.ParseAWO(c.String("price")); err != nil {
		return t, usagef("--price: %v", err)
	}
	if c.IsSet("audit") {
		share := c.Float64("audit")
		if !(share > 0 && share <= 1) {
			return t, usagef("--audit %v: want a share above 0, at most 1", share)
		}
		t.AuditPpm = max(uint32(math.Round(share*1e6)), 1)
	}
	if c.Uint("panel") > job.PanelMax {
		return t, usagef("--panel: at most %d auditors", job.PanelMax)
	}
	t.Panel = uint8(c.Uint("panel"))
	return t, nil
}

func jobTerms(c *cli.Context) (t requester.Terms, err error) {
	if t, err = priceTerms(c); err != nil {
		return t, err
	}
	if c.Duration("life") <= 0 {
		return t, usagef("--life %s: want a time above 0", c.Duration("life"))
	}
	t.LifeMs = uint64(c.Duration("life").Milliseconds())
	return t, nil
}

func createJob(c *cli.Context, cl *client.Client, inputs []requester.Input, terms requester.Terms) error {
	ctx, p := c.Context, printer(c)
	model, err := requester.FindModel(ctx, cl, c.String("model"))
	if err != nil {
		return err
	}
	plan, err := requester.NewPlan(ctx, cl, model, inputs, terms)
	if err != nil {
		return err
	}
	if c.Bool("estimate") {
		return p.Result(newEstimate(plan), func(w io.Writer) { printQuote(w, plan) })
	}
	if !p.JSON {
		printQuote(p.Err, plan)
	}
	key, err := signer(c)
	if err != nil {
		return err
	}
	s := client.NewSender(cl, key)
	if err := plan.CheckFunds(ctx, cl, s); err != nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	id, _, err := plan.Fund(ctx, s)
	if err != nil {
		return err
	}
	p.Note("job %d is funded", id)
	if err := uploadInputs(ctx, cl, p, plan); err != nil {
		return fmt.Errorf("job %d is funded, but its inputs are not all uploaded: %w: `aiwork-node job cancel %d` gives back what is not begun", id, err, id)
	}
	if c.Bool("no-watch") {
		return p.Result(map[string]any{"job": id}, func(w io.Writer) { fmt.Fprintln(w, id) })
	}
	return watchJob(ctx, cl, p, id, plan)
}

// estimate is what --estimate prints for machines.
type estimate struct {
	requester.Quote
	LifeSeconds float64 `json:"workBeginsWithinSeconds"`
	EndsSeconds float64 `json:"endsWithinSeconds"`
}

func newEstimate(plan *requester.Plan) estimate {
	return estimate{plan.Quote, plan.Life.Seconds(), plan.Ends.Seconds()}
}

func printQuote(w io.Writer, plan *requester.Plan) {
	q := &plan.Quote
	quoteTable(w, q, uint(len(plan.Inputs)))
	if !q.Posted.IsZero() {
		fmt.Fprintf(w, "\nThe posted price of the model is %s AWO an item.\n", term.AWO(&q.Posted.Int))
	}
	fmt.Fprintf(w, "\nWork that has not begun after %s is paid back; at the latest after %s all is over.\n\n", plan.Life, plan.Ends)
}

// quoteTable prints the lines of a quote.
func quoteTable(w io.Writer, q *requester.Quote, items uint) {
	rows := [][]string{
		{fmt.Sprintf("work: %d items in %d batches", items, q.Batches), term.AWO(&q.Pay.Int)},
		{fmt.Sprintf("audits: %s by %d validators a batch", auditShare(uint64(q.AuditPpm)), q.Panel), term.AWO(&q.Audits.Int)},
		{"fee", term.AWO(&q.Fee.Int)},
		{"tips for moving it on", term.AWO(&q.Tips.Int)},
		{"in all, at most; what is not used comes back", term.AWO(&q.Total.Int)},
	}
	term.Table(w, []string{"price of the job", ">AWO"}, rows)
}

// auditShare says how much is audited.
func auditShare(ppm uint64) string {
	if ppm == 0 {
		return "as many items as price and worker ask for, at most all,"
	}
	return percent(ppm) + " of the items"
}

func percent(ppm uint64) string { return strconv.FormatFloat(float64(ppm)/1e4, 'f', -1, 64) + " %" }

func uploadInputs(ctx context.Context, cl *client.Client, p *term.Printer, plan *requester.Plan) error {
	bar := p.Progress("upload", uint64(len(plan.Inputs)))
	defer bar.Done()
	return plan.Upload(ctx, cl, func(n int) { bar.Set(uint64(n), "") })
}

// watchJob shows progress until the job is over and prints its result. Plan may be nil.
func watchJob(ctx context.Context, cl *client.Client, p *term.Printer, id uint64, plan *requester.Plan) error {
	bar := p.Progress("job "+strconv.FormatUint(id, 10), 100)
	_, err := requester.Watch(ctx, cl, id, func(j *requester.Job) {
		done, total, note := j.Progress()
		bar.Set(done*100/total, note)
	})
	bar.Done()
	if err != nil {
		return err
	}
	return printResult(ctx, cl, p, id, plan)
}

func printResult(ctx context.Context, cl *client.Client, p *term.Printer, id uint64, plan *requester.Plan) error {
	var names []string
	if plan != nil {
		for _, in := range plan.Inputs {
			names = append(names, in.Name)
		}
	}
	r, err := requester.Read(ctx, cl, id, names)
	if err != nil {
		return err
	}
	return p.Result(r, func(w io.Writer) {
		fmt.Fprintf(w, "job %d, %s, model %s\n\n", r.Job, r.State, r.Model)
		r.Print(w)
	})
}

func jobID(c *cli.Context) (uint64, error) {
	if err := want(c, 1, "one job ID"); err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(c.Args().First(), 10, 64)
	if err != nil {
		return 0, usagef("job id %q: want a number", c.Args().First())
	}
	return id, nil
}

func jobWatch(c *cli.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	return watchJob(c.Context, cl, printer(c), id, nil)
}

func jobResult(c *cli.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	if folder := c.String("out"); folder != "" {
		if err := writeOutputs(c.Context, cl, id, folder); err != nil {
			return err
		}
	}
	return printResult(c.Context, cl, printer(c), id, nil)
}

func jobCancel(c *cli.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	key, err := signer(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	if _, err := client.NewSender(cl, key).Send(c.Context, client.Call{To: chain.AddrJobs, Data: job.PackCancel(id)}); err != nil {
		return err
	}
	j, err := requester.Load(c.Context, cl, id)
	if err != nil {
		return err
	}
	out := map[string]string{"state": j.State, "refunded": term.AWO(&j.Money.Refunded.Int)}
	return printer(c).Result(out, func(w io.Writer) {
		fmt.Fprintf(w, "job %d is %s, %s AWO refunded so far\n", id, out["state"], out["refunded"])
	})
}

func jobList(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	jobs := []requester.Job{}
	if err := cl.Call(c.Context, &jobs, "aiwork_getJobs"); err != nil {
		return err
	}
	return printer(c).Result(jobs, func(w io.Writer) {
		var rows [][]string
		for i := range jobs {
			j := &jobs[i]
			rows = append(rows, []string{
				fmt.Sprint(j.ID), j.State, fmt.Sprint(j.ItemCount), term.AWO(&j.Money.Funded.Int),
				term.AWO(&j.Money.PaidWorkers.Int), term.AWO(&j.Money.Refunded.Int), j.Requester.Checksum(),
			})
		}
		term.Table(w, []string{">job", "state", ">items", ">funded", ">paid", ">refunded", "requester"}, rows)
	})
}
