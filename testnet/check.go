package testnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/vm/native"
)

// violationsMax bounds how many findings of one kind are listed; the rest are counted.
const violationsMax = 20

// CheckReport is what the disks of stopped nodes hold.
type CheckReport struct {
	Heights     []chain.Height `json:"heights"` // of each validator's head
	Compared    chain.Height   `json:"comparedHeight"`
	Receipts    int            `json:"acknowledgedReceipts"`
	Supply      []string       `json:"supply"` // of each validator at its head, base units
	Burned      []string       `json:"burned"`
	Votes       int            `json:"votes"`        // own votes read from logs
	Certificate int            `json:"certificates"` // whose signers were held against the logs
	Violations  []string       `json:"violations"`
}

func (r *CheckReport) violated(format string, args ...any) {
	if len(r.Violations) < violationsMax {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// CheckDisks opens the data of every validator of a stopped cluster and checks that each database is sound,
// that all have the same block at every height, that what clients were told is in it, that the supply is
// what genesis gave less what was burned, and that no validator has signed two votes that exclude each
// other. An error means that it could not look.
func CheckDisks(ctx context.Context, c *Cluster, modules *native.Set, acks []Acknowledged, votes *voteBook) (*CheckReport, error) {
	r := &CheckReport{Receipts: len(acks), Violations: []string{}}
	var all []*ledger.Ledger
	defer func() {
		for _, l := range all {
			_ = l.Close() // nothing was written
		}
	}()
	for i := range c.Validators {
		l, err := openStopped(ctx, c, i, modules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Validators[i].Name, err)
		}
		all = append(all, l)
		r.checkOne(ctx, c.Validators[i].Name, l, genesisSupply(c, i, modules))
		if err := votes.read(i); err != nil {
			return nil, err
		}
	}
	if err := r.compare(c, all); err != nil {
		return nil, err
	}
	for i, l := range all {
		r.checkReceipts(c.Validators[i].Name, l, acks)
	}
	votes.judge(r)
	return r, nil
}

func openStopped(ctx context.Context, c *Cluster, i int, modules *native.Set) (*ledger.Ledger, error) {
	h := validatorHome(c.Dir, i)
	g, _, err := h.LoadGenesis()
	if err != nil {
		return nil, err
	}
	return ledger.Open(ctx, ledger.Options{Dir: h.Data(), Genesis: g, Modules: modules, Log: slog.New(slog.DiscardHandler)})
}

func genesisSupply(c *Cluster, i int, modules *native.Set) uint256.Int {
	g, _, err := validatorHome(c.Dir, i).LoadGenesis()
	if err != nil {
		return uint256.Int{} // the ledger could not have been opened either
	}
	return g.Build(modules).Supply
}

// checkOne looks at one database for itself.
func (r *CheckReport) checkOne(ctx context.Context, name string, l *ledger.Ledger, first uint256.Int) {
	head, _ := l.Head()
	r.Heights = append(r.Heights, head.Height)
	if err := l.Verify(ctx, nil); err != nil {
		r.violated("%s: db verify: %v", name, err)
	}
	sum, err := l.SumBalances()
	burned, errBurned := burnedUpTo(l, head.Height)
	if err := errors.Join(err, errBurned); err != nil {
		r.violated("%s: supply: %v", name, err)
		return
	}
	r.Supply, r.Burned = append(r.Supply, sum.Dec()), append(r.Burned, burned.Dec())
	var want uint256.Int
	if want.Sub(&first, &burned); !want.Eq(&sum) {
		r.violated("%s: supply %s at height %d, want %s of genesis less %s burned", name, sum.Dec(), head.Height, first.Dec(), burned.Dec())
	}
}

// burnedUpTo adds up what blocks and system contracts have burned, from headers and state, without the
// ledger's own account of it.
func burnedUpTo(l *ledger.Ledger, top chain.Height) (sum uint256.Int, err error) {
	for h := chain.Height(1); h <= top; h++ {
		head, err := l.HeadAt(h)
		if err != nil {
			return sum, err
		}
		var fees uint256.Int
		fees.Mul(&head.Header.BaseFee, uint256.NewInt(head.Header.GasUsed))
		sum.Add(&sum, &fees)
	}
	view, err := l.State()
	if err != nil {
		return sum, err
	}
	defer view.Close()
	for _, addr := range []chain.Address{chain.AddrStake, chain.AddrRegistry, chain.AddrDisputes, chain.AddrJobs} {
		module := native.Inspect(view, addr)
		burned := module.Uint256(native.BurnedKey())
		if err := module.Err(); err != nil {
			return sum, err
		}
		sum.Add(&sum, &burned)
	}
	return sum, nil
}

// compare holds every block of every node against the longest chain.
func (r *CheckReport) compare(c *Cluster, all []*ledger.Ledger) error {
	longest := 0
	for i := range all {
		if r.Heights[i] > r.Heights[longest] {
			longest = i
		}
	}
	r.Compared = r.Heights[longest]
	for h := chain.Height(0); h <= r.Compared; h++ {
		want, err := all[longest].HeadAt(h)
		if err != nil {
			return err
		}
		for i, l := range all {
			if h > r.Heights[i] {
				continue
			}
			got, err := l.HeadAt(h)
			if err != nil {
				return err
			}
			if got.Hash != want.Hash {
				r.violated("height %d: %s has block %s, %s has %s", h, c.Validators[i].Name, got.Hash, c.Validators[longest].Name, want.Hash)
			}
		}
	}
	return nil
}

// checkReceipts looks for everything that a client was told.
func (r *CheckReport) checkReceipts(name string, l *ledger.Ledger, acks []Acknowledged) {
	for i := range acks {
		a := &acks[i]
		h, _, found, err := l.TxLookup(a.Tx)
		switch {
		case err != nil || !found:
			r.violated("%s: transfer %s, acknowledged in block %d, is gone: %v", name, a.Tx, a.Height, err)
		case h != a.Height:
			r.violated("%s: transfer %s is in block %d, acknowledged in %d", name, a.Tx, h, a.Height)
		default:
			if head, err := l.HeadAt(h); err != nil || head.Hash != a.Block {
				r.violated("%s: block %d is not the acknowledged %s: %v", name, h, a.Block, err)
			}
		}
	}
}
