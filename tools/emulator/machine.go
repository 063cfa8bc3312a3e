package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// processor is an Ice Lake. Time is counted in instructions, at the clock that the kernel believes in; waiting costs nothing.
const (
	processor = "corei7_icelake_u"
	clock     = 1_497_600_000
	memoryMiB = 1024
)

const settings = `config_interface: textconfig
display_library: term
megs: %d
cpu: model=%s, count=1, ips=%d, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=%s, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial.txt
log: bochs.txt
panic: action=fatal
error: action=report
info: action=ignore
clock: sync=none
sound: driver=dummy
`

// boot runs an image until the guest ends or time is over, and hands each line of the serial port to said as it comes.
func boot(folder, image string, limit time.Duration, said func(line string)) error {
	text := fmt.Sprintf(settings, memoryMiB, processor, clock, image)
	if err := os.WriteFile(filepath.Join(folder, "bochsrc.txt"), []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "debugger.txt"), []byte("c\n"), 0o644); err != nil { // Debian's Bochs waits for orders
		return err
	}
	serial := filepath.Join(folder, "serial.txt")
	if err := os.WriteFile(serial, nil, 0o644); err != nil {
		return err
	}
	terminal, end, err := openTerminal()
	if err != nil {
		return err
	}
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, "nice", "-n", "19", "bochs", "-q", "-f", "bochsrc.txt", "-rc", "debugger.txt")
	c.Dir, c.WaitDelay = folder, endSeconds*time.Second
	c.Stdin, c.Stdout, c.Stderr = terminal, terminal, terminal
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // bochs is a script that runs another program
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(ended)
	}()
	err = follow(serial, ended, said)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%v are over before the guest's end", limit)
	}
	cancel()
	<-ended
	return err
}

const endSeconds = 10 // that the emulator's output may stay open behind its end

// follow reads the serial port's file as it grows.
func follow(name string, ended <-chan struct{}, said func(line string)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	rest := ""
	for {
		select {
		case <-ended:
			return errors.New("the emulator ended before the guest: see bochs.txt")
		case <-every.C:
		}
		b, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		rest += string(b)
		for {
			line, more, ok := strings.Cut(rest, "\n")
			if !ok {
				break
			}
			rest = more
			line = strings.TrimRight(line, "\r")
			said(line)
			if line == "guest: end" {
				return nil
			}
		}
		if strings.Contains(rest, "System halted") {
			return errors.New("the guest halted without a last word")
		}
	}
}
