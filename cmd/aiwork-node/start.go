package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/config"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/node"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/p2p"
	"github.com/aiwork/aiwork-node/testnet"
)

func startCommand() *cli.Command {
	return &cli.Command{
		Name:   "start",
		Usage:  "run the node in --home until Ctrl-C or SIGTERM",
		Flags:  settingFlags(),
		Action: start,
	}
}

func start(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	h := nodeHome(c)
	if err := h.CheckInitialised(); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	ctx, cancel := testnet.WithLifeline(c.Context)
	defer cancel()
	log := newLogger(cfg, os.Stderr)
	sweepModels(nodeHome(c).Models(), log)
	n, err := node.Open(ctx, node.Options{Home: h, Config: cfg, Version: version, Log: log})
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// newLogger gives the logger that the settings ask for.
func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked with the settings
	o := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

func initCommand() *cli.Command {
	return &cli.Command{
		Name:  "init",
		Usage: "make a node's folder: join a network with its genesis file, or prepare a validator",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "genesis", Usage: "`FILE` that begins the network, or the http URL of a node that has it"},
			&cli.BoolFlag{Name: "validator", Usage: "make vote and VRF keys, and print the entry that a genesis file needs for this validator"},
			&cli.Uint64Flag{Name: "chain-id", Usage: "`ID` of the network that --validator prepares for"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the validator", Value: "validator"},
			&cli.StringFlag{Name: "stake", Usage: "`TOKENS` that the validator stakes", Value: "1000000"},
			&cli.StringFlag{Name: "service-bond", Usage: "`TOKENS` that audits can slash", Value: "10000"},
			&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the account key's password"},
			&cli.StringSliceFlag{Name: "peer", Usage: "multiaddr of a `PEER`, kept in config.toml"},
		},
		Action: initNode,
	}
}

func initNode(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	switch {
	case c.Bool("validator") && !c.IsSet("genesis"):
		return prepareValidator(c)
	case !c.IsSet("genesis"):
		return usagef("want --genesis FILE to join a network, or --validator to prepare one: `%s --help`", c.Command.HelpName)
	}
	file, err := readGenesis(c.Context, c.String("genesis"))
	if err != nil {
		return err
	}
	h := nodeHome(c)
	g, err := h.Init(file, system.Modules())
	if err != nil {
		return fmt.Errorf("init from %s: %w", c.String("genesis"), err)
	}
	id, err := writeDefaults(h, c.StringSlice("peer"))
	if err != nil {
		return err
	}
	out := map[string]any{
		"home": h.Dir, "chainId": g.Params.ChainID, "genesis": g.Build(system.Modules()).Hash(),
		"validator": h.HasValidatorKeys(), "peerId": id,
	}
	return printer(c).Result(out, func(w io.Writer) {
		term.Pairs(w,
			[2]string{"home", h.Dir}, [2]string{"chain id", fmt.Sprint(g.Params.ChainID)},
			[2]string{"genesis", fmt.Sprint(out["genesis"])}, [2]string{"validator", fmt.Sprint(h.HasValidatorKeys())},
			[2]string{"peer id", id}, [2]string{"next", "aiwork-node --home " + h.Dir + " start"})
	})
}

// writeDefaults makes the peer key and a config.toml with every setting in it.
func writeDefaults(h home.Home, peers []string) (id string, err error) {
	identity, err := p2p.LoadIdentity(h.P2PKey())
	if err != nil {
		return "", err
	}
	cfg := config.Default(h.Dir)
	cfg.P2PPeers = peers
	if err := os.WriteFile(h.Config(), cfg.File(), 0o600); err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	return identity.ID(), nil
}

// readGenesis reads a file, or asks a node.
func readGenesis(ctx context.Context, from string) ([]byte, error) {
	if len(from) > 4 && from[:4] == "http" {
		cl, err := client.New(from)
		if err != nil {
			return nil, err
		}
		defer cl.Close()
		var text string
		err = cl.Call(ctx, &text, "aiwork_genesis")
		return []byte(text), err
	}
	file, err := os.ReadFile(from)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	return file, nil
}

// prepareValidator makes keys and prints the genesis entry with their proofs of possession.
func prepareValidator(c *cli.Context) error {
	if !c.IsSet("chain-id") {
		return usagef("--validator needs --chain-id: the keys' proofs are bound to it")
	}
	stake, err := term.ParseAWO(c.String("stake"))
	if err != nil {
		return usagef("--stake: %v", err)
	}
	bond, err := term.ParseAWO(c.String("service-bond"))
	if err != nil {
		return usagef("--service-bond: %v", err)
	}
	h := nodeHome(c)
	if err := h.Create(); err != nil {
		return err
	}
	account, err := h.LoadAccount(c.String("password-file"))
	if err != nil {
		return err
	}
	keys, err := h.CreateValidatorKeys()
	if err != nil {
		return err
	}
	v := genesis.NewValidator(c.Uint64("chain-id"), c.String("name"), account.Public().Address(),
		genesis.Keys{Vote: keys.Vote, VRF: keys.VRF}, &stake, &bond)
	p := printer(c)
	p.JSON = true
	p.Note("put this entry into the genesis file's validators, then run init --genesis")
	return p.Result(v, nil)
}
