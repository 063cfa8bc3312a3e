package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

const settlePoll = 500 * time.Millisecond

func workerSubcommands() []*cli.Command {
	return []*cli.Command{
		{Name: "status", Usage: "show a worker's record: state, bond, what stands on it", ArgsUsage: "[ADDRESS]", Flags: signerFlags(), Action: workerStatus},
		{Name: "leave", Usage: "stop getting work, wait until what is begun is settled, and begin the unbonding time", Flags: signerFlags(), Action: workerLeave},
		{Name: "withdraw", Usage: "take the bond back, once the unbonding time is over", Flags: signerFlags(), Action: workerWithdraw},
		doctorCommand(),
		measureCommand(),
		checkCommand(),
	}
}

// workerRecord is aiwork_getWorker's answer.
type workerRecord struct {
	Address  chain.Address  `json:"address"`
	Payout   chain.Address  `json:"payout"`
	State    string         `json:"state"`
	Bond     client.Uint256 `json:"bond"`
	Exposure client.Uint256 `json:"exposure"`
	Slashed  client.Uint256 `json:"slashed"`
	Slashes  client.Uint64  `json:"slashes"`
	Missed   client.Uint64  `json:"missedLeases"`
	Weight   client.Uint64  `json:"weight"`
	Models   []chain.Hash   `json:"models"`
	About    string         `json:"about"`

	Passed       client.Uint64  `json:"passed"`
	Late         client.Uint64  `json:"late"`
	Score        client.Uint64  `json:"score"`
	Leases       client.Uint64  `json:"leases"`
	Offers       []workerOffer  `json:"offers"` // as many as Models
	Capability   *chain.Hash    `json:"capability"`
	CapabilityAt *client.Uint64 `json:"capabilityAt"`
}

// workerOffer is what a worker says of a model.
type workerOffer struct {
	Speed client.Uint64  `json:"speed"` // items an hour; 0: not measured
	Ask   client.Uint256 `json:"ask"`
}

func loadWorker(ctx context.Context, cl *client.Client, who chain.Address) (*workerRecord, error) {
	var w *workerRecord
	if err := cl.Call(ctx, &w, "aiwork_getWorker", who); err != nil {
		return nil, err
	}
	if w == nil {
		return nil, fmt.Errorf("%s is no worker on this network: `aiwork-node worker` makes it one", who.Checksum())
	}
	return w, nil
}

func (r *workerRecord) print(w io.Writer) {
	term.Pairs(w,
		[2]string{"worker", r.Address.Checksum()}, [2]string{"state", r.State}, [2]string{"paid to", r.Payout.Checksum()},
		[2]string{"bond", term.AWO(&r.Bond.Int) + " AWO"},
		[2]string{"behind unsettled work", term.AWO(&r.Exposure.Int) + " AWO"},
		[2]string{"lost so far", fmt.Sprintf("%s AWO (%d slashed, %d leases missed)", term.AWO(&r.Slashed.Int), r.Slashes, r.Missed)},
		[2]string{"weight in draws", fmt.Sprint(r.Weight)}, [2]string{"about", r.About},
		[2]string{"score", fmt.Sprintf("%d of %d: %d batches passed since it was found wrong last, %d that another did first", r.Score, registry.ScoreFull, r.Passed, r.Late)},
		[2]string{"batches to do", fmt.Sprint(r.Leases)})
	var rows [][]string
	for i, id := range r.Models {
		if i >= len(r.Offers) {
			break
		}
		speed := "not measured"
		if n := uint64(r.Offers[i].Speed); n > 0 {
			speed = fmt.Sprint(n)
		}
		rows = append(rows, []string{id.String(), speed, term.AWO(&r.Offers[i].Ask.Int)})
	}
	fmt.Fprintln(w)
	term.Table(w, []string{"model", ">items an hour", ">ask, AWO an item"}, rows)
}

func workerStatus(c *cli.Context) error {
	var who chain.Address
	if c.NArg() > 0 {
		if err := want(c, 1, "at most one ADDRESS"); err != nil {
			return err
		}
		var err error
		if who, err = chain.ParseAddress(c.Args().First()); err != nil {
			return usagef("%v", err)
		}
	} else {
		key, err := signer(c)
		if err != nil {
			return err
		}
		who = chain.Address(key.Public().Address())
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	w, err := loadWorker(c.Context, cl, who)
	if err != nil {
		return err
	}
	return printer(c).Result(w, w.print)
}

// asWorker runs a command on the record of the signer's worker.
func asWorker(c *cli.Context, do func(context.Context, *client.Client, *client.Sender, *workerRecord) error) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	var key secp.PrivateKey
	key, err := signer(c)
	if err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	s := client.NewSender(cl, key)
	w, err := loadWorker(c.Context, cl, s.Address())
	if err != nil {
		return err
	}
	return do(c.Context, cl, s, w)
}

func workerLeave(c *cli.Context) error {
	p := printer(c)
	return asWorker(c, func(ctx context.Context, cl *client.Client, s *client.Sender, w *workerRecord) error {
		if w.State == registry.Leaving.String() {
			return errors.New("this worker is leaving already: `aiwork-node worker withdraw` takes its bond back")
		}
		if w.State == registry.Active.String() {
			if _, err := s.Send(ctx, client.Call{To: chain.AddrRegistry, Data: registry.PackDrain()}); err != nil {
				return err
			}
		}
		if err := waitSettled(ctx, cl, p, s.Address()); err != nil {
			return err
		}
		if _, err := s.Send(ctx, client.Call{To: chain.AddrRegistry, Data: registry.PackUnregister()}); err != nil {
			return fmt.Errorf("%w: the worker is draining and gets no more work; run this again later", err)
		}
		var params chain.Params
		if err := cl.Call(ctx, &params, "aiwork_params"); err != nil {
			return err
		}
		free := time.Duration(params.Jobs.UnbondMs) * time.Millisecond
		out := map[string]any{"worker": s.Address().Checksum(), "state": registry.Leaving.String(), "unbondingSeconds": free.Seconds()}
		return p.Result(out, func(w io.Writer) {
			fmt.Fprintf(w, "%s is leaving: after %s at the earliest, `aiwork-node worker withdraw` takes its bond back\n", s.Address().Checksum(), free)
		})
	})
}

// waitSettled waits until nothing stands on the worker's bond; its process has to run meanwhile.
func waitSettled(ctx context.Context, cl *client.Client, p *term.Printer, who chain.Address) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	told := false
	for {
		w, err := loadWorker(ctx, cl, who)
		if err != nil {
			return err
		}
		if w.Exposure.IsZero() {
			return nil
		}
		if !told {
			p.Note("waiting for unsettled work: %s AWO of the bond stand behind it (keep the worker's process running)", term.AWO(&w.Exposure.Int))
			told = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("work is not settled yet: the worker gets no more; run this again later: %w", ctx.Err())
		}
	}
}

func workerWithdraw(c *cli.Context) error {
	p := printer(c)
	return asWorker(c, func(ctx context.Context, cl *client.Client, s *client.Sender, w *workerRecord) error {
		if w.State != registry.Leaving.String() {
			return fmt.Errorf("this worker is %s: run `aiwork-node worker leave` first", w.State)
		}
		r, err := s.Send(ctx, client.Call{To: chain.AddrRegistry, Data: registry.PackWithdraw()})
		if err != nil {
			return err
		}
		out := map[string]any{"worker": s.Address().Checksum(), "withdrawn": term.AWO(&w.Bond.Int), "transaction": r.TxHash}
		return p.Result(out, func(o io.Writer) {
			fmt.Fprintf(o, "%s AWO are back with %s, which is no worker any more\n", out["withdrawn"], s.Address().Checksum())
		})
	})
}
