package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
)

// version is set by the Makefile from git.
var version = "unknown"

// Exit codes beside 0 and 1.
const (
	exitUsage   = 2
	exitRefused = 3
	exitFault   = 4
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the command in order; from then on a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args))
}

func run(ctx context.Context, args []string) int {
	app := newApp()
	err := app.RunContext(ctx, hoistFlags(app.Commands, hoistJSON(args)))
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "aiwork-node:", err)
	return exitCode(err)
}

func exitCode(err error) int {
	if coded, ok := errors.AsType[cli.ExitCoder](err); ok {
		return coded.ExitCode()
	}
	if _, ok := errors.AsType[*client.Reverted](err); ok {
		return exitRefused
	}
	if _, ok := errors.AsType[*client.Error](err); ok {
		return exitRefused
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return 1
}

// usageError is a wrong call of a command.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// faultError says that a check has found something wrong.
type faultError struct{ error }

func (faultError) ExitCode() int { return exitFault }

func newApp() *cli.App {
	app := &cli.App{
		Name:                   "aiwork-node",
		Usage:                  "a blockchain node on which AI work is ordered, done, checked and paid",
		Version:                version,
		HideVersion:            true,
		UseShortOptionHandling: true,
		EnableBashCompletion:   true,
		Suggest:                true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "home", Usage: "the node's `FOLDER`", Value: home.Default(), EnvVars: []string{"AIWORK_HOME"}},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON value, for machines"},
		},
		Commands:       commands(),
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(c *cli.Context, err error, _ bool) error {
			return usagef("%v: see `%s --help`", err, c.Command.HelpName)
		},
		CommandNotFound: func(c *cli.Context, name string) {
			fmt.Fprintf(c.App.ErrWriter, "aiwork-node: no command %q: `aiwork-node help` lists them\n", name)
			os.Exit(exitUsage)
		},
	}
	for _, c := range app.Commands {
		inherit(c, app.OnUsageError)
	}
	return app
}

// inherit gives every command the same handling of wrong usage.
func inherit(c *cli.Command, onUsage cli.OnUsageErrorFunc) {
	c.OnUsageError = onUsage
	for _, sub := range c.Subcommands {
		inherit(sub, onUsage)
	}
}

// hoistJSON lets --json stand anywhere on the line, where people write it.
func hoistJSON(args []string) []string {
	i := slices.Index(args, "--json")
	if i < 1 || slices.Contains(args[:i], "--") {
		return args
	}
	out := append([]string{args[0], "--json"}, args[1:i]...)
	return append(out, args[i+1:]...)
}

func printer(c *cli.Context) *term.Printer { return term.New(c.Bool("json")) }

func nodeHome(c *cli.Context) home.Home { return home.Home{Dir: c.String("home")} }

// rpcFlag names the node that a command talks to.
func rpcFlag() cli.Flag {
	return &cli.StringFlag{Name: "rpc", Usage: "`URL` of the node to talk to", Value: "http://127.0.0.1:8545", EnvVars: []string{"AIWORK_RPC_URL"}}
}

func dial(c *cli.Context) (*client.Client, error) { return client.New(c.String("rpc")) }

// want checks the number of plain arguments.
func want(c *cli.Context, n int, what string) error {
	if c.NArg() != n {
		return usagef("want %s: `%s --help` shows how", what, c.Command.HelpName)
	}
	return nil
}
