package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"
)

// openTerminal gives a terminal for a program that draws on one; what it draws is thrown away until the terminal is closed.
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
		_, _ = io.Copy(io.Discard, master) // ends with an error when nobody has the terminal open any more
		close(drained)
	}()
	return terminal, func() {
		terminal.Close()
		<-drained
		master.Close()
	}, nil
}
