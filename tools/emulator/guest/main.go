// Guest is the /init of the emulated machine: it runs the programs of the file /commands, one a line, and reports on the serial port.
//
// Lines that begin with "guest:" are its own: "guest: flags F F F" the processor's, "guest: exit N" the end of a program, "guest: end" the last.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

const serialPort = "/dev/ttyS0"

// drain waits until a terminal has sent all that was written to it: a machine that halts sends nothing any more.
func drain(f *os.File) {
	const tcsbrk = 0x5409 // with an argument other than 0, tcdrain
	_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), tcsbrk, 1)
}

func main() {
	err := run()
	if err != nil {
		fmt.Println("guest:", err)
	}
	fmt.Println("guest: end")
	drain(os.Stdout)
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_HALT)
}

func run() error {
	for folder, system := range map[string]string{"/dev": "devtmpfs", "/proc": "proc", "/tmp": "tmpfs"} {
		if err := syscall.Mount(system, folder, system, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", folder, err)
		}
	}
	port, err := os.OpenFile(serialPort, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	os.Stdout = port
	if err := flags(); err != nil {
		return err
	}
	commands, err := os.ReadFile("/commands")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(commands)) {
		fmt.Print("guest: run ", line)
		words := strings.Fields(line)
		c := exec.Command(words[0], words[1:]...)
		c.Stdout, c.Stderr, c.Env, c.Dir = port, port, os.Environ(), "/tmp"
		if err := c.Run(); c.ProcessState == nil {
			return err
		}
		fmt.Println("guest: exit", c.ProcessState.ExitCode())
	}
	return nil
}

// flags reports what the processor can do.
func flags() error {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(info) {
		if name, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(name) == "flags" {
			fmt.Println("guest: flags", strings.TrimSpace(value))
			return nil
		}
	}
	return fmt.Errorf("%s tells no flags", "/proc/cpuinfo")
}
