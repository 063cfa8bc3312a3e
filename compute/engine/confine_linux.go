package engine

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
)

// confine binds this process: threads, priority, and two ceilings of memory. The soft one makes the
// collector work harder; the hard one, on writable memory, ends the process before the machine suffers.
func confine(s setup) error {
	runtime.GOMAXPROCS(int(s.threads))
	debug.SetMemoryLimit(int64(s.memoryBytes / 10 * 8))
	limit := syscall.Rlimit{Cur: s.memoryBytes, Max: s.memoryBytes}
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("limit memory to %d bytes: %w", s.memoryBytes, err)
	}
	if err := niceAll(int(s.nice)); err != nil {
		return err
	}
	return niceAll(int(s.nice)) // once more, for a thread that was made meanwhile by one not yet done
}

// niceAll lowers the priority of every thread: on Linux it belongs to the thread, and a new thread takes
// over that of the one that makes it.
func niceAll(nice int) error {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list own threads: %w", err)
	}
	for _, e := range entries {
		thread, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, thread, nice); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("lower priority to %d: %w", nice, err)
		}
	}
	return nil
}

// ownGroup keeps the keyboard's Ctrl-C from the child: it ends when its parent closes its input.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
