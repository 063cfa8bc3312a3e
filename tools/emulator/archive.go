package main

import (
	"bytes"
	"fmt"
	"os"
)

// An archive is a cpio archive of the form "newc", as a kernel takes for its first files.
type archive struct {
	bytes.Buffer
	files int
}

const (
	modeFolder  = 0o040755
	modeProgram = 0o100755
	modeDevice  = 0o020600
)

// add appends one entry; the device number counts for devices only.
func (a *archive) add(name string, mode int, device [2]int, content []byte) {
	a.files++
	fmt.Fprint(a, "070701")
	for _, v := range []int{a.files, mode, 0, 0, 1, 0, len(content), 0, 0, device[0], device[1], len(name) + 1, 0} {
		fmt.Fprintf(a, "%08X", v)
	}
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(content)
	a.pad()
}

func (a *archive) pad() { a.Write(make([]byte, -a.Len()&3)) }

// pack makes the archive of a guest: its /init, the commands it runs, and their programs.
func pack(guest []byte, commands []command) ([]byte, error) {
	a := &archive{}
	for _, folder := range []string{"dev", "proc", "tmp"} {
		a.add(folder, modeFolder, [2]int{}, nil)
	}
	a.add("dev/console", modeDevice, [2]int{5, 1}, nil)
	a.add("init", modeProgram, [2]int{}, guest)
	var list bytes.Buffer
	packed := map[string]bool{}
	for _, c := range commands {
		list.WriteString(c.line() + "\n")
		if packed[c.name()] {
			continue
		}
		packed[c.name()] = true
		program, err := os.ReadFile(c.program)
		if err != nil {
			return nil, err
		}
		a.add(c.name(), modeProgram, [2]int{}, program)
	}
	a.add("commands", modeProgram, [2]int{}, list.Bytes())
	a.add("TRAILER!!!", 0, [2]int{}, nil)
	return a.Bytes(), nil
}
