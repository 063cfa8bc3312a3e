package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A level is a command on the line, with what of the line belongs to it.
type level struct {
	at    int // its place on the line
	flags []cli.Flag
	words []string // flags that stood behind the arguments
}

// hoistFlags lets the flags of a command, and of those above it, stand behind its arguments too, where people write them. A line with what it does
// not know it leaves as it is, for the parser to complain about.
func hoistFlags(commands []*cli.Command, args []string) []string {
	levels := levelsOf(commands, args)
	if len(levels) == 0 {
		return args
	}
	last := levels[len(levels)-1].at
	var rest []string
	for i := last + 1; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			rest = append(rest, word)
			continue
		}
		l, takesValue := find(levels, word)
		if l == nil {
			return args
		}
		l.words = append(l.words, word)
		if takesValue && i+1 < len(args) {
			i++
			l.words = append(l.words, args[i])
		}
	}
	var out []string
	from := 0
	for _, l := range levels {
		out = append(append(out, args[from:l.at+1]...), l.words...)
		from = l.at + 1
	}
	return append(out, rest...)
}

// levelsOf finds the commands on a line.
func levelsOf(commands []*cli.Command, args []string) (levels []level) {
	for i := 1; i < len(args) && args[i] != "--"; i++ {
		at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[i]) })
		if at < 0 {
			continue
		}
		levels = append(levels, level{at: i, flags: commands[at].Flags})
		commands = commands[at].Subcommands
	}
	return levels
}

// find gives the innermost command that has a flag, and says whether the flag's value is the next word.
func find(levels []level, word string) (l *level, takesValue bool) {
	name, _, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for i := len(levels) - 1; i >= 0; i-- {
		for _, f := range levels[i].flags {
			if slices.Contains(f.Names(), name) {
				_, isBool := f.(*cli.BoolFlag)
				return &levels[i], !isBool && !valued
			}
		}
	}
	return nil, false
}
