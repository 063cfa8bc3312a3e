package requester

import (
	"errors"
	"fmt"
	"io"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Payment is what one account got for a job, from the escrow or from penalties.
type Payment struct {
	Role    string `json:"role"`
	Account string `json:"account"`
	Payout  string `json:"payout,omitempty"` // where a worker's pay went, if not to Account
	AWO     string `json:"awo"`
}

// Penalty is what one account lost in a job.
type Penalty struct {
	Role    string `json:"role"`
	Account string `json:"account"`
	AWO     string `json:"awo"`
}

// Account is the money of a job. Escrow and Penalties are what was there to pay with; Payments, Fees,
// Tips, Refund and Held are where it is, and come to the same sum, to the unit.
type Account struct {
	Escrow    string    `json:"escrow"`    // all that the requester put in, in AWO
	Penalties string    `json:"penalties"` // what auditors were paid out of penalties, in place of escrow
	Payments  []Payment `json:"payments"`
	Fees      string    `json:"fees"` // burned
	Tips      string    `json:"tips"`
	Refund    string    `json:"refund"`
	Held      string    `json:"held"` // not paid out yet
	Slashed   []Penalty `json:"slashed"`
	Burned    string    `json:"burnedPenalties"` // what penalties came to beyond Penalties
	AddsUp    bool      `json:"addsUp"`
}

// ErrMoney says that a job's money does not add up.
var ErrMoney = errors.New("the job's money does not add up: either the node leaves logs out or the chain is at fault; please report it")

// tally sums amounts of the same account and role, in the order of first appearance.
type tally struct {
	rows []tallyRow
	sum  uint256.Int
}

type tallyRow struct {
	role        string
	who, payout chain.Address
	sum         uint256.Int
}

func (t *tally) add(role string, who, payout chain.Address, v *uint256.Int) {
	t.sum.Add(&t.sum, v)
	for i := range t.rows {
		if r := &t.rows[i]; r.role == role && r.who == who && r.payout == payout {
			r.sum.Add(&r.sum, v)
			return
		}
	}
	t.rows = append(t.rows, tallyRow{role, who, payout, *v})
}

// books is what a job's logs say of its money.
type books struct {
	funded    uint256.Int
	workers   tally
	auditors  tally
	slashed   tally
	penalties uint256.Int // of slashed, what went to auditors
}

// audit is what has become known of one audit of a batch. Rule JOB-9: whoever was drawn is either paid or
// slashed, all that are paid get the same, and the audit's penalties pay first.
type audit struct {
	drawn, punished int
	payees          uint64
	each            uint256.Int // to the first payee
	uneven          bool        // another one got something else
	slashed, paid   uint256.Int
}

func (a *audit) pay(v *uint256.Int) {
	if a.payees == 0 {
		a.each = *v
	}
	a.uneven = a.uneven || !a.each.Eq(v)
	a.payees++
	a.paid.Add(&a.paid, v)
}

// judged checks an audit that has come to its verdict.
func (a *audit) judged(batch uint32) error {
	if a.uneven || int(a.payees)+a.punished != a.drawn {
		return fmt.Errorf("%w: batch %d: %d auditors were drawn, %d slashed, %d paid, not all the same: %v",
			ErrMoney, batch, a.drawn, a.punished, a.payees, a.uneven)
	}
	return nil
}

func (b *books) close(a *audit) {
	from := &a.slashed
	if a.paid.Lt(from) {
		from = &a.paid
	}
	b.penalties.Add(&b.penalties, from)
	*a = audit{}
}

// readBooks adds a job's logs up; they must be all that there are, in order.
func readBooks(logs []job.Log) (*books, error) {
	b := &books{}
	audits := map[uint32]*audit{}
	for i := range logs {
		l := &logs[i]
		if audits[l.Batch] == nil {
			audits[l.Batch] = &audit{}
		}
		a := audits[l.Batch]
		if l.Kind == job.BatchJudged {
			if err := a.judged(l.Batch); err != nil {
				return nil, err
			}
		}
		b.enter(l, a)
	}
	return b, nil
}

// enter books one log.
func (b *books) enter(l *job.Log, a *audit) {
	switch l.Kind {
	case job.JobCreated:
		b.funded = l.Amount
	case job.AuditDrawn:
		a.drawn += len(l.Auditors)
	case job.WorkerPaid:
		b.workers.add("worker", l.Account, l.Payout, &l.Amount)
	case job.AuditorPaid:
		b.auditors.add("auditor", l.Account, l.Account, &l.Amount)
		a.pay(&l.Amount)
	case job.WorkerSlashed:
		b.slashed.add("worker", l.Account, l.Account, &l.Amount)
		a.slashed.Add(&a.slashed, &l.Amount)
	case job.AuditorSlashed:
		b.slashed.add("auditor", l.Account, l.Account, &l.Amount)
		a.slashed.Add(&a.slashed, &l.Amount)
		a.punished++
	case job.BatchAssigned, job.BatchJudged:
		b.close(a)
	}
}

// newAccount holds the job's own sums against its logs: two records that the contract keeps apart.
func newAccount(j *Job, logs []job.Log) (*Account, error) {
	b, err := readBooks(logs)
	if err != nil {
		return nil, err
	}
	var in, out uint256.Int
	in.Add(&b.funded, &b.penalties)
	for _, v := range []*uint256.Int{
		&b.workers.sum, &b.auditors.sum, &j.Money.Fees.Int, &j.Money.Tips.Int, &j.Money.Refunded.Int, &j.Money.Escrow.Int,
	} {
		out.Add(&out, v)
	}
	switch {
	case !b.funded.Eq(&j.Money.Funded.Int):
		return nil, fmt.Errorf("%w: funded %s, logged %s", ErrMoney, j.Money.Funded.Dec(), b.funded.Dec())
	case !b.workers.sum.Eq(&j.Money.PaidWorkers.Int):
		return nil, fmt.Errorf("%w: workers were paid %s, logged %s", ErrMoney, j.Money.PaidWorkers.Dec(), b.workers.sum.Dec())
	case !in.Eq(&out):
		return nil, fmt.Errorf("%w: %s came in, %s is accounted for", ErrMoney, in.Dec(), out.Dec())
	}
	a := &Account{
		Escrow: term.AWO(&b.funded), Penalties: term.AWO(&b.penalties), Payments: []Payment{}, Slashed: []Penalty{},
		Fees: term.AWO(&j.Money.Fees.Int), Tips: term.AWO(&j.Money.Tips.Int),
		Refund: term.AWO(&j.Money.Refunded.Int), Held: term.AWO(&j.Money.Escrow.Int), AddsUp: true,
	}
	for _, t := range []*tally{&b.workers, &b.auditors} {
		a.Payments = append(a.Payments, t.payments()...)
	}
	for _, r := range b.slashed.rows {
		a.Slashed = append(a.Slashed, Penalty{r.role, r.who.Checksum(), term.AWO(&r.sum)})
	}
	var burned uint256.Int
	a.Burned = term.AWO(burned.Sub(&b.slashed.sum, &b.penalties))
	return a, nil
}

func (t *tally) payments() (out []Payment) {
	for _, r := range t.rows {
		p := Payment{Role: r.role, Account: r.who.Checksum(), AWO: term.AWO(&r.sum)}
		if r.payout != r.who {
			p.Payout = r.payout.Checksum()
		}
		out = append(out, p)
	}
	return out
}

// print writes the money as a table.
func (a *Account) print(w io.Writer) {
	rows := [][]string{{"escrow", "", a.Escrow}}
	if a.Penalties != "0" {
		rows = append(rows, []string{"from penalties", "", a.Penalties})
	}
	for _, p := range a.Payments {
		who := short(p.Account)
		if p.Payout != "" {
			who += " on " + short(p.Payout)
		}
		rows = append(rows, []string{"paid to " + p.Role, who, p.AWO})
	}
	rows = append(rows, []string{"fees", "burned", a.Fees}, []string{"tips", "to those who moved it on", a.Tips},
		[]string{"refund", "to the requester", a.Refund})
	if a.Held != "0" {
		rows = append(rows, []string{"held", "not settled yet", a.Held})
	}
	term.Table(w, []string{"money", "", ">AWO"}, rows)
	if a.Penalties == "0" {
		fmt.Fprintln(w, "\nAll lines below the escrow add up to it exactly.")
	} else {
		fmt.Fprintln(w, "\nThe lines below the penalties add up to escrow and penalties exactly.")
	}
	if len(a.Slashed) == 0 {
		return
	}
	rows = nil
	for _, p := range a.Slashed {
		rows = append(rows, []string{p.Role, short(p.Account), p.AWO})
	}
	rows = append(rows, []string{"of these", "paid to auditors, above", a.Penalties}, []string{"", "burned", a.Burned})
	fmt.Fprintln(w)
	term.Table(w, []string{"slashed", "", ">AWO"}, rows)
}
