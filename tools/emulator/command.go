package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// A command is a program of this machine and the arguments it gets in the guest.
type command struct {
	program   string
	arguments []string
}

func parseCommand(s string) (command, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return command{}, fmt.Errorf("an empty command")
	}
	return command{words[0], words[1:]}, nil
}

// name is that of the program in the guest.
func (c command) name() string { return filepath.Base(c.program) }

// line is what the guest reads.
func (c command) line() string {
	return strings.Join(append([]string{"/" + c.name()}, c.arguments...), " ")
}
