package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	folder := flag.String("dir", "build/emulator", "`FOLDER` for the kernel, the image and what the machine writes")
	limit := flag.Duration("limit", 15*time.Minute, "`TIME` after which the machine is stopped")
	flags := flag.String("flags", "", "comma-separated `FLAGS` that the processor must have, as /proc/cpuinfo calls them")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: emulator [flags] 'PROGRAM ARGUMENTS' ...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := emulate(*folder, *limit, *flags, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func emulate(folder string, limit time.Duration, flags string, lines []string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	var commands []command
	for _, line := range lines {
		c, err := parseCommand(line)
		if err != nil {
			return err
		}
		commands = append(commands, c)
	}
	for _, program := range []string{"bochs", "xorriso", "script"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: install the packages of doc.go", err)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	kernel, err := debianKernel(folder)
	if err != nil {
		return err
	}
	guest, err := buildGuest(folder)
	if err != nil {
		return err
	}
	files, err := pack(guest, commands)
	if err != nil {
		return err
	}
	image, err := makeImage(folder, kernel, files)
	if err != nil {
		return err
	}
	r := report{want: strings.FieldsFunc(flags, func(c rune) bool { return c == ',' })}
	if err := boot(folder, image, limit, r.line); err != nil {
		return err
	}
	return r.verdict(len(commands))
}

// buildGuest compiles package guest, from the folder of this program's sources.
func buildGuest(folder string) ([]byte, error) {
	name := filepath.Join(folder, "guest")
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", name, "github.com/aiwork/aiwork-node/tools/emulator/guest")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=nogreenteagc")
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(name)
}

// A report is what the guest said so far.
type report struct {
	want    []string // flags
	missing []string
	asked   bool
	exits   []int
}

// line takes one line and prints it.
func (r *report) line(line string) {
	fmt.Println(line)
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "guest:" {
		return
	}
	switch words[1] {
	case "flags":
		r.asked = true
		for _, f := range r.want {
			if !slices.Contains(words[2:], f) {
				r.missing = append(r.missing, f)
			}
		}
	case "exit":
		code, err := strconv.Atoi(words[len(words)-1])
		if err != nil {
			code = -1
		}
		r.exits = append(r.exits, code)
	}
}

// verdict is an error unless all programs ended well on the processor that was asked for.
func (r *report) verdict(commands int) error {
	switch {
	case !r.asked:
		return fmt.Errorf("the guest did not tell its processor's flags")
	case len(r.missing) > 0:
		return fmt.Errorf("the emulated processor has not got %s", strings.Join(r.missing, ", "))
	case len(r.exits) != commands:
		return fmt.Errorf("%d of %d programs ended", len(r.exits), commands)
	}
	for i, code := range r.exits {
		if code != 0 {
			return fmt.Errorf("program %d of %d ended with %d", i+1, commands, code)
		}
	}
	return nil
}
