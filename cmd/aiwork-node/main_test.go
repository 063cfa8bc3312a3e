package main

// The command line without a network: wrong usage ends with code 2 and says what is wrong, --json may stand
// anywhere, and every command and flag says what it is for.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/client"
)

// try runs a command line and gives its error. The home is a fresh one.
func try(t *testing.T, args ...string) error {
	t.Helper()
	all := append([]string{"aiwork-node", "--home", t.TempDir()}, args...)
	app := newApp()
	return app.RunContext(context.Background(), hoistFlags(app.Commands, hoistJSON(all)))
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"job", "create"}, "at least one FILE"},
		{[]string{"job", "input"}, "at least one FILE"},
		{[]string{"job", "upload"}, "at least one FILE"},
		{[]string{"job", "create", "--price", "1,5", "a.jpg"}, "--price"},
		{[]string{"job", "create", "--audit", "0", "a.jpg"}, "--audit 0"},
		{[]string{"job", "create", "--audit", "1.5", "a.jpg"}, "--audit 1.5"},
		{[]string{"job", "create", "--panel", "17", "a.jpg"}, "--panel"},
		{[]string{"job", "create", "--life", "0s", "a.jpg"}, "--life"},
		{[]string{"job", "create", "--nonsense", "a.jpg"}, "nonsense"},
		{[]string{"job", "watch"}, "one job ID"},
		{[]string{"job", "result", "one"}, "want a number"},
		{[]string{"job", "cancel", "1", "2"}, "one job ID"},
		{[]string{"worker", "sleep"}, "status, leave or withdraw"},
		{[]string{"worker", "status", "0x12"}, "address"},
		{[]string{"worker", "leave", "now"}, "no arguments"},
		{[]string{"worker", "withdraw", "--dev", "10"}, "--dev 10"},
		{[]string{"account", "send", "0x12"}, "TO and AMOUNT"},
		{[]string{"devnet", "start", "here"}, "no arguments"},
		{[]string{"ai", "ocr"}, "at least one file"},
		{[]string{"ai", "vad"}, "at least one file"},
		{[]string{"ai", "same", "a.png"}, "two pictures"},
		{[]string{"model", "conformance"}, "one DIR"},
		{[]string{"model", "convert", "a.bin"}, "MODEL.bin FILE.gguf"},
		{[]string{"model", "generate"}, "one MODEL or FILE.gguf"},
		{[]string{"model", "generate", "--path", "mmx", "a.gguf"}, "--path mmx"},
		{[]string{"model", "generate", "--top-p", "2", "a.gguf"}, "--top-p"},
		{[]string{"model", "generate", "--temp", "-1", "a.gguf"}, "--temp"},
		{[]string{"model", "generate", "--max-tokens", "0", "a.gguf"}, "--max-tokens"},
		{[]string{"model", "conformance", "/no/such/folder"}, "/no/such/folder"},
	} {
		err := try(t, c.args...)
		if err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want a wrong usage that names %q", c.args, err, c.want)
		}
	}
}

// What fails before a node is asked says what to do.
func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"worker"}, "keys new"},
		{[]string{"worker", "leave", "--rpc", "http://127.0.0.1:1"}, "keys new"},
		{[]string{"worker", "leave", "--dev", "0", "--rpc", "http://127.0.0.1:1"}, "no node answers"},
		{[]string{"job", "list", "--rpc", "http://127.0.0.1:1"}, "devnet start"},
		{[]string{"job", "list", "--rpc", "127.0.0.1:1"}, "http://HOST:PORT"},
		{[]string{"job", "create", "/nowhere/a.jpg"}, "/nowhere/a.jpg"},
		{[]string{"job", "input", "/nowhere/a.jpg"}, "/nowhere/a.jpg"},
		{[]string{"start"}, "init"},
	} {
		err := try(t, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q in it", c.args, err, c.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("x"), 1},
		{usagef("x"), exitUsage},
		{fmt.Errorf("y: %w", usagef("x")), exitUsage},
		{fmt.Errorf("y: %w", &client.Reverted{Receipt: &client.Receipt{}}), exitRefused},
		{faultError{errors.New("x")}, exitFault},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}

func TestHoistJSON(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a job list --json", "a --json job list"},
		{"a --json job list", "a --json job list"},
		{"a job list", "a job list"},
		{"a job create -- --json", "a job create -- --json"},
	} {
		if got := strings.Join(hoistJSON(strings.Fields(c.in)), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

// Flags may stand behind arguments; what is not known stays where it is.
func TestFlagsAnywhere(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a model run m x.npy", "a model run m x.npy"},
		{"a model run m --threads 2 x.npy", "a model run --threads 2 m x.npy"},
		{"a model run m --reference --threads=2", "a model run --reference --threads=2 m"},
		{"a model pull npm:x@1.0.0 --models d --name n", "a model --models d pull --name n npm:x@1.0.0"},
		{"a --home job job create a.jpg --price 2", "a --home job job create --price 2 a.jpg"},
		{"a model run m --odd x", "a model run m --odd x"},
		{"a model run m -- --threads 2", "a model run m -- --threads 2"},
		{"a version", "a version"},
		{"a", "a"},
	} {
		if got := strings.Join(hoistFlags(newApp().Commands, strings.Fields(c.in)), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for ppm, want := range map[uint64]string{1_000_000: "100 %", 125_000: "12.5 %", 1: "0.0001 %"} {
		if got := percent(ppm); got != want {
			t.Errorf("%d ppm: got %s, want %s", ppm, got, want)
		}
	}
}

// Every command that a user sees says what it is for, as does each of its flags; names are told once.
func TestCommandsExplainThemselves(t *testing.T) {
	var walk func(path string, c *cli.Command)
	walk = func(path string, c *cli.Command) {
		path += " " + c.Name
		if c.Usage == "" {
			t.Errorf("%s: says nothing of itself", path)
		}
		if c.Action == nil && len(c.Subcommands) == 0 {
			t.Errorf("%s: does nothing", path)
		}
		var names []string
		for _, f := range c.Flags {
			if doc, ok := f.(cli.DocGenerationFlag); !ok || doc.GetUsage() == "" {
				t.Errorf("%s: --%s says nothing of itself", path, f.Names()[0])
			}
			if slices.Contains(names, f.Names()[0]) {
				t.Errorf("%s: --%s is there twice", path, f.Names()[0])
			}
			names = append(names, f.Names()[0])
		}
		for _, sub := range c.Subcommands {
			walk(path, sub)
		}
	}
	for _, c := range commands() {
		walk("aiwork-node", c)
	}
}
