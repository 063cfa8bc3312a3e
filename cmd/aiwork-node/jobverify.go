package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

func jobVerifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "run opened items of a job again on this machine and compare, whether auditors did or not; ends with 1 if one differs", ArgsUsage: "ID",
		Flags: append(signerFlags(),
			&cli.IntSliceFlag{Name: "item", Usage: "`NUMBER` of an item, more than once for several; default: all that are opened"},
			&cli.BoolFlag{Name: "challenge", Usage: "dispute the first item that differs, with a bond, and carry the dispute through"},
			&cli.StringFlag{Name: "challenge-bond-max", Usage: "most `TOKENS` to risk on it", Value: "100"},
			&cli.IntFlag{Name: "engine-threads", Usage: "threads of the engine; 0: one less than the machine has"},
			&cli.IntFlag{Name: "engine-memory-mib", Usage: "memory ceiling of the engine's process", Value: 2048},
			&cli.DurationFlag{Name: "item-timeout", Usage: "how long the engine may take for an item", Value: 30 * time.Second},
		),
		Action: jobVerify,
	}
}

// reran is what came of running an item again.
type reran struct {
	Item       uint64        `json:"item"`
	Worker     chain.Address `json:"worker"`
	Sampled    bool          `json:"sampled"`
	Equal      bool          `json:"equal"`
	Difference string        `json:"difference,omitempty"` // where the results begin to differ, or that they do
	Missing    string        `json:"missing,omitempty"`    // why nothing could be compared
	batch      uint64
}

// verification is the whole of it.
type verification struct {
	Job     uint64          `json:"job"`
	Model   chain.Hash      `json:"model"`
	Items   []reran         `json:"items"`
	Dispute *disputeOutcome `json:"dispute,omitempty"`
}

// disputeOutcome tells how a challenge has ended.
type disputeOutcome struct {
	ID      uint64 `json:"id"`
	Item    uint64 `json:"item"`
	Verdict string `json:"verdict"`
	Rounds  uint16 `json:"rounds"`
	Steps   uint32 `json:"steps"`
}

func jobVerify(c *cli.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	v, err := newVerifier(c, cl)
	if err != nil {
		return err
	}
	j, err := requester.Load(c.Context, cl, id)
	if err != nil {
		return err
	}
	out, err := v.verify(c.Context, j, c.IntSlice("item"))
	if err != nil {
		return err
	}
	if at := slices.IndexFunc(out.Items, reran.differs); at >= 0 && c.Bool("challenge") {
		if out.Dispute, err = v.challenge(c.Context, j, &out.Items[at]); err != nil {
			err = fmt.Errorf("item %d is not what this machine gives, but: %w", out.Items[at].Item, err)
		}
	}
	return errors.Join(err, printer(c).Result(out, out.print), out.verdict())
}

func (f reran) differs() bool { return f.Difference != "" }

// A verifier runs items of others again.
type verifier struct {
	remote  *compute.Remote
	party   *compute.Party
	options engine.Options
	who     chain.Address
	printer *term.Printer
}

func newVerifier(c *cli.Context, cl *client.Client) (*verifier, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	bondMax, err := term.ParseAWO(c.String("challenge-bond-max"))
	if err != nil {
		return nil, usagef("--challenge-bond-max: %v", err)
	}
	key := home.NewKey() // nothing is signed without --challenge
	if c.Bool("challenge") {
		if key, err = signer(c); err != nil {
			return nil, err
		}
	}
	v := &verifier{remote: compute.NewRemote(cl, key), who: chain.Address(key.Public().Address()), printer: printer(c)}
	v.options = engineOptions(c, nodeHome(c), exe, 0)
	v.party = compute.NewParty(compute.PartyOptions{
		Address: v.who, Market: v.remote, Court: v.remote, Counsel: counsel{v.options}, BondMax: bondMax,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	return v, nil
}

// verify runs the items that are opened, or those of a list.
func (v *verifier) verify(ctx context.Context, j *requester.Job, list []int) (*verification, error) {
	for _, n := range list {
		if n < 0 || n >= len(j.Items) {
			return nil, usagef("--item %d: job %d has the items 0 to %d", n, j.ID, len(j.Items)-1)
		}
	}
	e, err := engine.Start(ctx, v.options)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	out := &verification{Job: uint64(j.ID), Model: j.Model, Items: []reran{}}
	bar := v.printer.Progress("verify", uint64(len(j.Items)))
	defer bar.Done()
	for i := range j.Items {
		it := &j.Items[i]
		if len(list) > 0 && !slices.Contains(list, i) || len(list) == 0 && !it.Opened {
			continue
		}
		f, err := v.item(ctx, e, j, it)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, f)
		bar.Set(uint64(i+1), "")
	}
	return out, nil
}

// item runs one item again. Its error is of this machine or of the node.
func (v *verifier) item(ctx context.Context, e *engine.Engine, j *requester.Job, it *requester.Item) (reran, error) {
	f := reran{Item: uint64(it.Index), Worker: it.Worker, Sampled: it.Sampled, batch: uint64(it.Batch)}
	if !it.Opened {
		f.Missing = "not opened yet"
		return f, nil
	}
	input, err := v.remote.Blob(ctx, it.Blob)
	if errors.Is(err, compute.ErrNoBlob) {
		f.Missing = "its input is not kept any more"
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if f.Equal, err = v.follows(ctx, e, j, it, input); f.Equal || err != nil {
		return f, err
	}
	result, err := e.Run(ctx, j.Model, input)
	own, err := compute.OutputOf(result, err)
	if _, unknown := errors.AsType[*engine.UnknownModelError](err); unknown {
		return f, fmt.Errorf("the model %s is not here: `aiwork-node model pull` brings it", j.Model)
	}
	if err != nil {
		return f, err
	}
	f.Difference, f.Missing, err = v.compare(ctx, it, own, result)
	f.Equal = err == nil && f.Difference == "" && f.Missing == ""
	return f, err
}

// compare says where the worker's output and this machine's begin to differ.
func (v *verifier) compare(ctx context.Context, it *requester.Item, own job.Output, result []byte) (difference, missing string, err error) {
	switch {
	case it.Fault != "" && own.Fault != job.NoFault && it.Fault == own.Fault.String():
		return "", "", nil
	case it.Fault != "" || own.Fault != job.NoFault:
		return fmt.Sprintf("the worker says %q, this machine %q", orResult(it.Fault), orResult(faultText(own.Fault))), "", nil
	case it.Result == nil:
		return firstDifference(it.Output, result), "", nil
	case own.Blob == *it.Result:
		return "", "", nil
	}
	given, err := v.remote.Blob(ctx, *it.Result)
	if errors.Is(err, compute.ErrNoBlob) {
		return fmt.Sprintf("the worker's result is %s, this machine's %s (%d bytes)", *it.Result, own.Blob, len(result)), "", nil
	}
	if err != nil {
		return "", "", err
	}
	return firstDifference(given, result), "", nil
}

func faultText(f job.InputFault) string {
	if f == job.NoFault {
		return ""
	}
	return f.String()
}

func orResult(fault string) string {
	if fault == "" {
		return "a result"
	}
	return fault
}

// firstDifference says where two results begin to differ; nothing if they do not.
func firstDifference(theirs, ours []byte) string {
	if bytes.Equal(theirs, ours) {
		return ""
	}
	if traceA, answerA, err := pipeline.DecodeResult(theirs); err == nil && json.Valid(answerA) {
		if traceB, answerB, err := pipeline.DecodeResult(ours); err == nil && json.Valid(answerB) {
			return differentAnswers(traceA, traceB, answerA, answerB)
		}
	}
	a, errA := net.DecodeList(theirs, job.ResultBytesMax)
	b, errB := net.DecodeList(ours, job.ResultBytesMax)
	if errA == nil && errB == nil {
		return differentTensors(a, b)
	}
	at := 0
	for at < min(len(theirs), len(ours)) && theirs[at] == ours[at] {
		at++
	}
	if len(theirs) != len(ours) {
		return fmt.Sprintf("byte %d: the worker's result has %d bytes, this machine's %d", at, len(theirs), len(ours))
	}
	return fmt.Sprintf("byte %d: %02x, this machine gives %02x", at, theirs[at], ours[at])
}

// differentAnswers says where two results of a pipeline differ: in its steps, or in nothing but what is made of them.
func differentAnswers(traceA, traceB chain.Hash, a, b []byte) string {
	switch {
	case bytes.Equal(a, b):
		return fmt.Sprintf("the answer is the same, but the steps that led to it are not: trace %s, this machine gives %s", traceA, traceB)
	case traceA == traceB:
		return fmt.Sprintf("the steps are the same, but the answer made of them is not: %s, this machine gives %s", brief(a), brief(b))
	}
	return fmt.Sprintf("trace %s and answer %s, this machine gives %s and %s", traceA, brief(a), traceB, brief(b))
}

// brief cuts a text for a table.
func brief(b []byte) string {
	const most = 60
	if len(b) <= most {
		return string(b)
	}
	return string(b[:most]) + "..."
}

func differentTensors(a, b []net.Inline) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d tensors, this machine gives %d", len(a), len(b))
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Type != y.Type || !slices.Equal(x.Shape, y.Shape) {
			return fmt.Sprintf("tensor %d has the type %d and the shape %v, this machine gives %d and %v", i, x.Type, x.Shape, y.Type, y.Shape)
		}
		for n := range int(net.Count(x.Shape)) {
			p, _ := tile.Word(x.Type, x.Bytes, n)
			q, _ := tile.Word(y.Type, y.Bytes, n)
			if p != q {
				return fmt.Sprintf("tensor %d, element %d: bits %x, this machine gives %x", i, n, p, q)
			}
		}
	}
	return "the encoding alone"
}

// challenge disputes an item and carries the dispute through.
func (v *verifier) challenge(ctx context.Context, j *requester.Job, f *reran) (*disputeOutcome, error) {
	defer v.party.Close()
	list, err := v.remote.Unsettled(ctx, v.who)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(list, func(t compute.Task) bool { return t.Job == uint64(j.ID) && uint64(t.Batch) == f.batch })
	if at < 0 {
		return nil, errors.New("its batch is settled, or drawn anew: there is nothing left to dispute")
	}
	t := &list[at]
	v.printer.Note("item %d differs: it is run once more, with all its values", f.Item)
	if err := v.party.Challenge(ctx, t, uint32(f.Item)); err != nil {
		return nil, inTokens(err)
	}
	d, err := v.party.Carry(ctx, t, v.progress)
	if err != nil {
		return nil, err
	}
	return &disputeOutcome{ID: d.ID, Item: f.Item, Verdict: d.Verdict.String(), Rounds: d.Rounds, Steps: d.Steps}, nil
}

// inTokens tells what a bond costs as people read it.
func inTokens(err error) error {
	e, ok := errors.AsType[*compute.BondError](err)
	switch {
	case !ok:
		return err
	case e.Limit.Lt(&e.Least):
		return fmt.Errorf("a challenge costs a bond of %s AWO at least, above --challenge-bond-max of %s", term.AWO(&e.Least), term.AWO(&e.Limit))
	}
	return fmt.Errorf("a challenge costs a bond of %s AWO at least, and gas; the account has %s AWO", term.AWO(&e.Least), term.AWO(&e.Held))
}

// progress tells where a dispute stands.
func (v *verifier) progress(d *dispute.Dispute) {
	at := ""
	switch d.Phase {
	case dispute.Entries, dispute.Tiles:
		at = fmt.Sprintf(", round %d, %d levels to go", d.Rounds+1, d.Level)
	case dispute.Showing, dispute.Judging:
		at = fmt.Sprintf(" operator %d of %d", d.Entry, d.Ops)
		if d.Kind == dispute.Pipeline && d.Depth == 0 {
			at = fmt.Sprintf(" step %d", d.Entry)
		}
	case dispute.Expanding:
		at = fmt.Sprintf(" what entry %d stands for", d.Entry)
	case dispute.Feeding:
		at = fmt.Sprintf(" tile %d of operator %d, step %d", d.Index, d.Entry, d.Steps+1)
	case dispute.Ended:
		at = ": " + d.Verdict.String()
	}
	if d.Depth > 0 {
		at += fmt.Sprintf(", within %v", d.Path[:d.Depth])
	}
	v.printer.Note("dispute %d: %s%s", d.ID, d.Phase, at)
}

func (r *verification) print(w io.Writer) {
	var rows [][]string
	for i := range r.Items {
		f := &r.Items[i]
		words := "equal"
		switch {
		case f.Missing != "":
			words = "not compared: " + f.Missing
		case f.Difference != "":
			words = "different: " + f.Difference
		}
		sampled := "not sampled"
		if f.Sampled {
			sampled = "sampled"
		}
		rows = append(rows, []string{strconv.FormatUint(f.Item, 10), f.Worker.Checksum(), sampled, words})
	}
	term.Table(w, []string{">item", "worker", "audit", "run again"}, rows)
	if d := r.Dispute; d != nil {
		fmt.Fprintf(w, "\ndispute %d about item %d ended after %d rounds and %d steps: %s\n", d.ID, d.Item, d.Rounds, d.Steps, d.Verdict)
	}
}

// verdict is the error of a job with items that differ.
func (r *verification) verdict() error {
	n := 0
	for i := range r.Items {
		if r.Items[i].differs() {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("job %d: %d of %d items differ from what this machine gives", r.Job, n, len(r.Items))
}
