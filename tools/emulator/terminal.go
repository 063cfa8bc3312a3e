package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// openTerminal gives a terminal to Bochs, which tells there on which other one it draws its screen. Both are read until they end, for nobody
// looks at them and Bochs waits when they are full.
func openTerminal() (terminal *os.File, end func(), err error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var locked, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(value))); code != 0 {
			master.Close()
			return nil, nil, code
		}
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		told := bufio.NewReader(master)
		for { // until nobody has the terminal open any more
			line, err := told.ReadString('\n')
			if err != nil {
				return
			}
			if name, ok := screenName(line); ok {
				go discard(name)
			}
		}
	}()
	return terminal, func() {
		terminal.Close()
		<-drained
		master.Close()
	}, nil
}

// screenName finds the terminal of the screen in what Bochs tells.
func screenName(line string) (name string, ok bool) {
	_, rest, ok := strings.Cut(line, `connected to screen "`)
	if !ok {
		return "", false
	}
	name, _, ok = strings.Cut(rest, `"`)
	return name, ok
}

// discard reads a terminal until the program behind it ends.
func discard(name string) {
	screen, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOCTTY, 0)
	if err != nil {
		return // then the run ends by its limit of time
	}
	defer screen.Close()
	_, _ = io.Copy(io.Discard, screen)
}
