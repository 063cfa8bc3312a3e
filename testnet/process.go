package testnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	stopGrace    = 10 * time.Second // from SIGTERM to SIGKILL
	logTailBytes = 2048             // of a dead process's log that an error shows
)

// LifelineFD is the file descriptor on which a child hears that its parent is gone: it reads end of file.
const LifelineFD = 3

// LifelineEnv tells a child that LifelineFD is there.
const LifelineEnv = "AIWORK_LIFELINE"

// Process is one child process. Methods are safe for concurrent use.
type Process struct {
	Name string
	exe  string
	args []string
	env  []string
	log  string // path

	mu       sync.Mutex
	cmd      *exec.Cmd
	lifeline *os.File
	done     chan struct{} // closed when the current run has ended
	err      error         // how it ended
	starts   int
}

// NewProcess describes a child that is not started yet. Its output is appended to the file log.
func NewProcess(name, exe string, args, env []string, log string) *Process {
	done := make(chan struct{})
	close(done)
	return &Process{Name: name, exe: exe, args: args, env: env, log: log, done: done}
}

// Setenv sets a variable of the environment that the next start has.
func (p *Process) Setenv(name, value string) { p.env = append(p.env, name+"="+value) }

// Start runs the child. It is an error if it runs already.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return fmt.Errorf("%s: runs already", p.Name)
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: log: %w", p.Name, err)
	}
	defer out.Close()
	theirs, ours, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer theirs.Close()
	cmd := exec.Command(p.exe, p.args...)
	cmd.Env = append(append(os.Environ(), LifelineEnv+"=1"), p.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = []*os.File{theirs}
	// Ctrl-C in the terminal goes to the parent alone, which stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		ours.Close()
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	p.cmd, p.lifeline, p.done, p.err = cmd, ours, make(chan struct{}), nil
	p.starts++
	go p.wait(cmd, ours, p.done)
	return nil
}

func (p *Process) wait(cmd *exec.Cmd, lifeline *os.File, done chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	p.cmd, p.err = nil, err
	p.mu.Unlock()
	lifeline.Close()
	close(done)
}

// Done gives a channel that is closed when the current run has ended.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// PID gives the process id, or 0 when it does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill ends the child at once, as a power cut would, and waits for its end.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.Done()
}

// Stop asks the child to end, and kills it if it does not within the grace.
func (p *Process) Stop() error {
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.Done():
		return nil
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("%s: did not stop within %s and was killed: see %s", p.Name, stopGrace, p.log)
	}
}

func (p *Process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		// The only error is that it has ended meanwhile, which is what was wanted.
		_ = p.cmd.Process.Signal(sig)
	}
}

// How says how the last run ended: "ended" stands for exit code 0.
func (p *Process) How() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.String()
	}
	return "ended"
}

// Failure explains the end of a run that nobody asked for, with the last lines of its log.
func (p *Process) Failure() error {
	return fmt.Errorf("%s: %s; its log %s ends:\n%s", p.Name, p.How(), p.log, indent(tail(p.log)))
}

func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > logTailBytes {
		_, _ = f.Seek(-logTailBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(f, logTailBytes))
	return string(text)
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// WithLifeline gives a context that also ends when the parent process is gone. In a process that no
// Process started it changes nothing.
func WithLifeline(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv(LifelineEnv) != "1" {
		return ctx, cancel
	}
	// The variable would make a grandchild believe that it has the pipe too.
	_ = os.Unsetenv(LifelineEnv)
	syscall.CloseOnExec(LifelineFD)
	pipe := os.NewFile(LifelineFD, "lifeline")
	go func() {
		_, _ = pipe.Read(make([]byte, 1))
		cancel()
	}()
	return ctx, cancel
}
