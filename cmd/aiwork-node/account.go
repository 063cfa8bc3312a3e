package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

// signerFlags say with whose key a command signs.
func signerFlags() []cli.Flag {
	return []cli.Flag{
		rpcFlag(),
		&cli.StringFlag{Name: "from", Usage: "`ADDRESS` whose key is in --home; default: the only one there"},
		&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the key's password; else AIWORK_PASSWORD"},
		&cli.IntFlag{Name: "dev", Usage: "use test account `N` (0 to 9) of a devnet instead", Value: -1},
	}
}

// signer finds the key that the flags name.
func signer(c *cli.Context) (secp.PrivateKey, error) {
	h := nodeHome(c)
	switch n := c.Int("dev"); {
	case n >= testnet.AccountsMax || n < -1:
		return secp.PrivateKey{}, usagef("--dev %d: want 0 to %d", n, testnet.AccountsMax-1)
	case n >= 0:
		return testnet.Account(n), nil
	}
	if from := c.String("from"); from != "" {
		address, err := chain.ParseAddress(from)
		if err != nil {
			return secp.PrivateKey{}, usagef("--from: %v", err)
		}
		return h.FindAccount(address, c.String("password-file"))
	}
	key, err := h.LoadAccount(c.String("password-file"))
	if err != nil {
		return key, fmt.Errorf("%w (on a devnet, --dev 0 uses its first test account)", err)
	}
	return key, nil
}

func accountCommand() *cli.Command {
	return &cli.Command{
		Name:  "account",
		Usage: "send tokens and show accounts",
		Subcommands: []*cli.Command{
			{
				Name: "send", Usage: "send tokens", ArgsUsage: "TO AMOUNT",
				Description: "AMOUNT is in tokens (1.5) or in base units (1500wei).",
				Flags:       signerFlags(),
				Action:      accountSend,
			},
			{
				Name: "show", Usage: "show balance and nonce", ArgsUsage: "ADDRESS",
				Flags:  []cli.Flag{rpcFlag()},
				Action: accountShow,
			},
		},
	}
}

type sent struct {
	Tx     chain.Hash `json:"transaction"`
	Block  uint64     `json:"block"`
	From   string     `json:"from"`
	To     string     `json:"to"`
	Amount string     `json:"amount"`
	Fee    string     `json:"fee"`
}

func accountSend(c *cli.Context) error {
	if err := want(c, 2, "TO and AMOUNT"); err != nil {
		return err
	}
	to, err := chain.ParseAddress(c.Args().Get(0))
	if err != nil {
		return usagef("%v", err)
	}
	amount, err := term.ParseAWO(c.Args().Get(1))
	if err != nil {
		return usagef("%v", err)
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
	s := client.NewSender(cl, key)
	r, err := s.Send(c.Context, client.Call{To: to, Value: amount})
	if err != nil {
		return err
	}
	fee := r.Fee()
	out := sent{r.TxHash, uint64(r.BlockNumber), s.Address().Checksum(), to.Checksum(), term.AWO(&amount), term.AWO(&fee)}
	return printer(c).Result(out, func(w io.Writer) {
		term.Pairs(w,
			[2]string{"transaction", out.Tx.String()}, [2]string{"block", fmt.Sprintf("%d (final)", out.Block)},
			[2]string{"from", out.From}, [2]string{"to", out.To},
			[2]string{"amount", out.Amount + " AWO"}, [2]string{"fee", out.Fee + " AWO"})
	})
}

type accountInfo struct {
	Address string `json:"address"`
	Balance string `json:"balance"` // in AWO
	Wei     string `json:"wei"`
	Nonce   uint64 `json:"nonce"`
	Pending uint64 `json:"pending"` // transactions that wait
}

func accountShow(c *cli.Context) error {
	if err := want(c, 1, "one ADDRESS"); err != nil {
		return err
	}
	address, err := chain.ParseAddress(c.Args().First())
	if err != nil {
		return usagef("%v", err)
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	info, err := loadAccount(c.Context, cl, address)
	if err != nil {
		return err
	}
	return printer(c).Result(info, func(w io.Writer) {
		term.Pairs(w,
			[2]string{"address", info.Address}, [2]string{"balance", info.Balance + " AWO"},
			[2]string{"nonce", fmt.Sprint(info.Nonce)}, [2]string{"waiting", fmt.Sprint(info.Pending)})
	})
}

func loadAccount(ctx context.Context, cl *client.Client, a chain.Address) (accountInfo, error) {
	var balance client.Uint256
	var nonce, next client.Uint64
	items := []client.Request{
		{Method: "eth_getBalance", Params: []any{a, "latest"}, Result: &balance},
		{Method: "eth_getTransactionCount", Params: []any{a, "latest"}, Result: &nonce},
		{Method: "eth_getTransactionCount", Params: []any{a, "pending"}, Result: &next},
	}
	if err := cl.Batch(ctx, items); err != nil {
		return accountInfo{}, err
	}
	for _, it := range items {
		if it.Err != nil {
			return accountInfo{}, it.Err
		}
	}
	waiting := uint64(0)
	if next > nonce {
		waiting = uint64(next - nonce)
	}
	return accountInfo{a.Checksum(), term.AWO(&balance.Int), balance.Dec(), uint64(nonce), waiting}, nil
}
