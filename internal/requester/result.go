package requester

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Job is aiwork_getJob's answer, as far as a requester reads it.
type Job struct {
	ID        client.Uint64 `json:"id"`
	State     string        `json:"state"`
	Requester chain.Address `json:"requester"`
	Model     chain.Hash    `json:"model"`
	ItemCount client.Uint64 `json:"itemCount"`
	CreatedMs client.Uint64 `json:"createdMs"`
	Money     Money         `json:"money"`
	Batches   []Batch       `json:"batches"`
	Items     []Item        `json:"items"`
}

// Money is where a job's escrow is. The lines after Funded add up to it.
type Money struct {
	Funded       client.Uint256 `json:"funded"`
	Escrow       client.Uint256 `json:"escrow"`
	PaidWorkers  client.Uint256 `json:"paidWorkers"`
	PaidAuditors client.Uint256 `json:"paidAuditors"`
	Fees         client.Uint256 `json:"fees"`
	Tips         client.Uint256 `json:"tips"`
	Refunded     client.Uint256 `json:"refunded"`
}

// Batch is a batch with its worker and auditors.
type Batch struct {
	Index    client.Uint64  `json:"index"`
	State    string         `json:"state"`
	Verdict  string         `json:"verdict"`
	Attempt  client.Uint64  `json:"attempt"`
	Worker   chain.Address  `json:"worker"`
	Paid     client.Uint256 `json:"paid"`
	AuditPpm client.Uint64  `json:"auditPpm"` // the share of its items that is audited
	Auditors []Auditor      `json:"auditors"`
}

// Auditor is one validator's part in a batch.
type Auditor struct {
	Address  chain.Address  `json:"address"`
	Sealed   bool           `json:"committed"`
	Revealed bool           `json:"revealed"`
	Agrees   bool           `json:"agrees"`
	Paid     client.Uint256 `json:"paid"`
	Slashed  bool           `json:"slashed"`
}

// Item is one item's outcome on chain.
type Item struct {
	Index    client.Uint64  `json:"index"`
	Batch    client.Uint64  `json:"batch"`
	Blob     chain.Hash     `json:"blob"`
	Original *chain.Hash    `json:"original"`
	Worker   chain.Address  `json:"worker"`
	Sampled  bool           `json:"sampled"`
	Opened   bool           `json:"opened"`
	Output   client.Bytes   `json:"output"`
	Result   *chain.Hash    `json:"resultBlob"`
	Size     client.Uint64  `json:"resultSize"`
	Fault    string         `json:"fault"`
	Verdict  string         `json:"verdict"`
	Paid     client.Uint256 `json:"paid"`
}

// Load reads a job.
func Load(ctx context.Context, c *client.Client, id uint64) (*Job, error) {
	var j *Job
	if err := c.Call(ctx, &j, "aiwork_getJob", client.Uint64(id)); err != nil {
		return nil, err
	}
	if j == nil {
		return nil, noJob(id)
	}
	return j, nil
}

var errNoJob = errors.New("there is no such job: `aiwork-node job list` shows those that are")

func noJob(id uint64) error { return fmt.Errorf("job %d: %w", id, errNoJob) }

// Over reports whether nothing more will happen.
func (j *Job) Over() bool { return j.State == "closed" || j.State == "cancelled" }

func (j *Job) fingerprint() string {
	var b strings.Builder
	b.WriteString(j.State)
	for _, x := range j.Batches {
		sealed, revealed := 0, 0
		for _, a := range x.Auditors {
			if a.Sealed {
				sealed++
			}
			if a.Revealed {
				revealed++
			}
		}
		fmt.Fprintf(&b, " %s/%d/%d/%d", x.State, x.Attempt, sealed, revealed)
	}
	return b.String()
}

// stages gives how far a batch has come, of stagesAll.
const stagesAll = 7

func (x *Batch) stage() int {
	for i, s := range []string{"waiting", "drawing", "assigned", "committed", "auditing", "opening", "revealing"} {
		if x.State == s {
			return i
		}
	}
	return stagesAll
}

// Progress gives how much of the job is done, in parts of total, and says in words what is happening.
func (j *Job) Progress() (done, total uint64, note string) {
	count := map[string]int{}
	for i := range j.Batches {
		done += uint64(j.Batches[i].stage())
		count[j.Batches[i].State]++
	}
	var parts []string
	for _, s := range []string{"drawing", "assigned", "committed", "auditing", "opening", "revealing", "settled", "void"} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	return done, uint64(max(len(j.Batches), 1)) * stagesAll, strings.Join(parts, ", ")
}

// Line is one item of a Result.
type Line struct {
	Item     uint64             `json:"item"`
	Name     string             `json:"name"`
	Blob     chain.Hash         `json:"blob"`
	Original *chain.Hash        `json:"originalSHA256"`
	Classes  map[string]float64 `json:"classes,omitempty"`
	Values   []float64          `json:"values,omitempty"` // in the order of the model's classes
	Output   *Output            `json:"output,omitempty"` // of a model without labels
	Answer   json.RawMessage    `json:"answer,omitempty"` // of a pipeline, if it is still to be had
	Trace    *chain.Hash        `json:"trace,omitempty"`  // the root of the steps that led to it
	Said     *Said              `json:"said,omitempty"`   // of a language model, if it is still to be had
	Fault    string             `json:"fault,omitempty"`
	Worker   string             `json:"worker"`
	Auditors []string           `json:"auditors"`
	Verdict  string             `json:"verdict"`
	Paid     string             `json:"paid"` // in AWO
}

// Output is the output of a model that gives tensors: here, or in a blob.
type Output struct {
	Bytes client.Bytes `json:"bytes,omitempty"`
	Blob  *chain.Hash  `json:"blob,omitempty"`
	Size  uint64       `json:"size"`
}

// Result is what a job has come to.
type Result struct {
	Job     uint64   `json:"job"`
	State   string   `json:"state"`
	Model   string   `json:"model"`
	Classes []string `json:"classes"`
	Items   []Line   `json:"items"`
	Shares  []uint64 `json:"auditPpm"` // the share that was audited of each batch; 0: it had no worker
	Account
	form string // of outputs, as Model.Output has it
}

// Read reads a job's outcome with all its money. Names are those of the requester's files, in order; they
// may be nil. It is an error if the money does not add up.
func Read(ctx context.Context, c *client.Client, id uint64, names []string) (*Result, error) {
	j, logs, err := snapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	m, err := FindModel(ctx, c, j.Model.String())
	if err != nil {
		return nil, err
	}
	r, err := newResult(j, logs, m, names)
	if err != nil {
		return nil, err
	}
	return r, r.fetchAnswers(ctx, c)
}

func newResult(j *Job, logs []job.Log, m Model, names []string) (*Result, error) {
	r := &Result{Job: uint64(j.ID), State: j.State, Model: m.Name, Classes: m.Classes, Items: []Line{}, form: m.Output}
	for i := range j.Items {
		line, err := newLine(j, &j.Items[i], m)
		if err != nil {
			return nil, err
		}
		if i < len(names) {
			line.Name = names[i]
		}
		r.Items = append(r.Items, line)
	}
	r.Shares = make([]uint64, 0, len(j.Batches))
	for i := range j.Batches {
		r.Shares = append(r.Shares, uint64(j.Batches[i].AuditPpm))
	}
	account, err := newAccount(j, logs)
	if err != nil {
		return nil, fmt.Errorf("job %d: %w", j.ID, err)
	}
	r.Account = *account
	return r, nil
}

func newLine(j *Job, it *Item, m Model) (Line, error) {
	l := Line{
		Item: uint64(it.Index), Blob: it.Blob, Original: it.Original, Fault: it.Fault, Worker: it.Worker.Checksum(),
		Verdict: it.Verdict, Paid: term.AWO(&it.Paid.Int), Auditors: []string{}, Name: fmt.Sprintf("item %d", it.Index),
	}
	if it.Sampled && int(it.Batch) < len(j.Batches) {
		for _, a := range j.Batches[it.Batch].Auditors {
			if a.Revealed {
				l.Auditors = append(l.Auditors, a.Address.Checksum())
			}
		}
	}
	if !it.Opened || it.Fault != "" {
		return l, nil
	}
	if it.Result != nil || m.Output != outputLabels {
		l.Output = &Output{Bytes: it.Output, Blob: it.Result, Size: uint64(len(it.Output))}
		if it.Result != nil {
			l.Output.Size = uint64(it.Size)
		}
		return l, nil
	}
	values, err := engine.DecodeOutput(it.Output, len(m.Classes))
	if err != nil {
		return l, fmt.Errorf("item %d: output: %w", it.Index, err)
	}
	l.Classes = map[string]float64{}
	for i, v := range values {
		l.Values = append(l.Values, float64(v))
		l.Classes[m.Classes[i]] = float64(v)
	}
	return l, nil
}

// Print writes the result as two tables.
func (r *Result) Print(w io.Writer) {
	header := []string{"item"}
	for _, c := range r.Classes {
		header = append(header, ">"+strings.ToLower(c))
	}
	if len(r.Classes) == 0 {
		header = append(header, ">bytes")
	}
	header = append(header, "worker", "auditors", "verdict", ">paid (AWO)")
	var rows [][]string
	for i := range r.Items {
		rows = append(rows, r.Items[i].row(len(r.Classes)))
	}
	term.Table(w, header, rows)
	fmt.Fprintf(w, "\naudited: %s\n\n", r.audited())
	for i := range r.Items {
		if a := r.Items[i].Answer; a != nil {
			fmt.Fprintf(w, "%s: %s\n\n", r.Items[i].Name, a)
		}
		if s := r.Items[i].Said; s != nil {
			fmt.Fprintf(w, "%s: %s\n\n", r.Items[i].Name, printable(s.words()))
		}
	}
	r.Account.print(w)
}

// audited tells which share of the batches' items was computed again.
func (r *Result) audited() string {
	low, high := uint64(0), uint64(0)
	for _, ppm := range r.Shares {
		if ppm > 0 && (low == 0 || ppm < low) {
			low = ppm
		}
		high = max(high, ppm)
	}
	if low == high {
		return fmt.Sprintf("%g %% of the items of each batch", float64(high)/1e4)
	}
	return fmt.Sprintf("%g to %g %% of the items of a batch", float64(low)/1e4, float64(high)/1e4)
}

// printable takes what could command a terminal out of a stranger's text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, text)
}

func (l *Line) row(classes int) []string {
	row := []string{l.Name}
	for i := range classes {
		cell := "-"
		if i < len(l.Values) {
			cell = fmt.Sprintf("%.4f", l.Values[i])
		}
		row = append(row, cell)
	}
	if classes == 0 {
		cell := "-"
		if l.Output != nil {
			cell = fmt.Sprint(l.Output.Size)
		}
		row = append(row, cell)
	}
	auditors := make([]string, len(l.Auditors))
	for i, a := range l.Auditors {
		auditors[i] = a[:6]
	}
	verdict := l.Verdict
	if l.Fault != "" {
		verdict = l.Fault
	}
	return append(row, short(l.Worker), strings.Join(auditors, " "), verdict, l.Paid)
}

func short(address string) string {
	if len(address) < 12 {
		return address
	}
	return address[:6] + ".." + address[len(address)-4:]
}
