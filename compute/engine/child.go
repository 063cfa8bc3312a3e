package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// A child is one running process. It is owned by one caller at a time, or by a company.
type child struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  *words
	note    func(Note) // is told what the child notes
	company *company
	dead    atomic.Bool // it is being ended, or has
	end     sync.Once
}

// A reply is one frame of the child.
type reply struct {
	kind byte
	body []byte
	err  error
}

func startChild(ctx context.Context, o Options) (*child, []ModelInfo, error) {
	c := &child{cmd: exec.Command(o.Exe, o.Args...), stderr: &words{}, note: o.Note, company: newCompany()}
	c.cmd.Stderr, c.cmd.SysProcAttr = c.stderr, ownGroup()
	c.cmd.WaitDelay = exitGrace // for the end of its standard error, once it is dead
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, nil, &LocalError{Cause: CauseStart, Err: err}
	}
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		return nil, nil, &LocalError{Cause: CauseStart, Err: err}
	}
	if err := c.cmd.Start(); err != nil {
		return nil, nil, &LocalError{Cause: CauseStart, Err: err}
	}
	s := setup{threads: uint32(o.ThreadsMax), nice: uint32(o.Nice), memoryBytes: uint64(o.MemoryMaxBytes)}
	kind, body, err := c.ask(ctx, startTimeout, kindConfigure, s.encode())
	if err != nil {
		return nil, nil, asStart(err)
	}
	models, err := decodeModels(body)
	if err != nil || kind != kindHello {
		return nil, nil, c.broken()
	}
	return c, models, nil
}

// asStart turns a crash before the first answer into what it is to the operator.
func asStart(err error) error {
	var local *LocalError
	if errors.As(err, &local) {
		local.Cause = CauseStart
	}
	return err
}

// run has the child do one item.
func (c *child) run(ctx context.Context, timeout time.Duration, id chain.Hash, input []byte) ([]byte, error) {
	kind, body, err := c.ask(ctx, timeout, kindRun, append(id[:], input...))
	if err != nil {
		return nil, err
	}
	if kind == kindOutput {
		return body, nil
	}
	return nil, c.refusal(kind, body, id)
}

// check has the child say whether a result follows from an item.
func (c *child) check(ctx context.Context, timeout time.Duration, id chain.Hash, input, result []byte) (bool, error) {
	kind, body, err := c.ask(ctx, timeout, kindCheck, encodeCheck(id, input, result))
	if err != nil {
		return false, err
	}
	if kind == kindVerdict && len(body) == 1 && body[0] <= 1 {
		return body[0] == 1, nil
	}
	return false, c.refusal(kind, body, id)
}

// refusal reads an answer that is no result.
func (c *child) refusal(kind byte, body []byte, id chain.Hash) error {
	switch kind {
	case kindInputFault:
		if fault, err := decodeFault(body); err == nil {
			return &InputError{Fault: fault}
		}
	case kindUnknownModel:
		if string(body) == string(id[:]) {
			return &UnknownModelError{ID: id}
		}
	}
	return c.broken()
}

// ask sends a frame and waits for the answer. Whatever goes wrong, the child is dead afterwards.
func (c *child) ask(ctx context.Context, timeout time.Duration, kind byte, body []byte) (byte, []byte, error) {
	answer := make(chan reply, 1)
	go func() {
		if err := writeFrame(c.stdin, kind, body); err != nil {
			answer <- reply{err: err}
			return
		}
		kind, body, err := readAnswer(c.stdout, c.note)
		answer <- reply{kind, body, err}
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case r := <-answer:
		if r.err != nil {
			return 0, nil, c.crashed(r.err)
		}
		return r.kind, r.body, nil
	case <-timer.C:
		c.kill()
		<-answer
		return 0, nil, &LocalError{Cause: CauseTimeout, Err: fmt.Errorf("after %v", timeout)}
	case <-ctx.Done():
		c.kill()
		<-answer
		return 0, nil, ctx.Err()
	}
}

// crashed reports a child whose pipe has ended or spoke no frames.
func (c *child) crashed(cause error) error {
	c.kill()
	if errors.Is(cause, errFrame) || errors.Is(cause, errLong) {
		return &LocalError{Cause: CauseProtocol, Err: cause, Detail: c.stderr.String()}
	}
	return &LocalError{Cause: CauseCrash, Err: fmt.Errorf("%v", c.cmd.ProcessState), Detail: c.stderr.String()}
}

func (c *child) broken() error { return c.crashed(errFrame) }

// kill ends the child at once and waits for its end. One that has ended by itself keeps its reason.
func (c *child) kill() {
	c.end.Do(func() {
		c.dead.Store(true)
		c.stdin.Close()
		c.cmd.Process.Kill()
		c.cmd.Wait()
	})
}

// close lets the child end by itself, and helps if it does not.
func (c *child) close() {
	c.end.Do(func() {
		c.dead.Store(true)
		c.stdin.Close()
		timer := time.AfterFunc(exitGrace, func() { c.cmd.Process.Kill() })
		defer timer.Stop()
		c.cmd.Wait()
	})
}

// A words keeps the first bytes that a child writes to its standard error: it should write nothing, and
// a crashing Go program says why first and where afterwards.
type words struct {
	mu    sync.Mutex
	first []byte
}

const wordsBytesMax = 2 << 10

// Write keeps what has room.
func (t *words) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	room := wordsBytesMax - len(t.first)
	t.first = append(t.first, b[:min(room, len(b))]...)
	return len(b), nil
}

// String gives the first line, which in a crash of a Go program is the reason.
func (t *words) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.first)), "\n")
	return line
}
