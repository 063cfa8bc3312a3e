package compute

// A market and an engine that do what a test says. The market is a chain of one account: it shows an agenda
// and takes transactions, which a test may lose, refuse or answer late.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

var errDown = errors.New("connection refused")

type fakeMarket struct {
	genesis chain.Hash

	mu     sync.Mutex
	agenda Agenda
	down   bool
	broken bool // subscriptions end at once
	joined int  // subscriptions
	heads  []chan chain.Height
	sent   []Call
	onSend func(ctx context.Context, n int, c Call) error // n counts from 1; nil: taken
	blobs  map[chain.Hash][]byte
	over   map[Key]bool
	asked  int // blobs asked for
}

func newFakeMarket() *fakeMarket {
	return &fakeMarket{genesis: chain.Hash{1}, blobs: map[chain.Hash][]byte{}, over: map[Key]bool{}}
}

func (m *fakeMarket) Genesis(context.Context) (chain.Hash, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return chain.Hash{}, errDown
	}
	return m.genesis, nil
}

func (m *fakeMarket) Heads(context.Context) (<-chan chain.Height, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errDown
	}
	c := make(chan chain.Height, 1)
	if m.joined++; m.broken {
		close(c)
		return c, nil
	}
	m.heads = append(m.heads, c)
	return c, nil
}

// cut ends all subscriptions, and with down every answer.
func (m *fakeMarket) cut(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
	for _, c := range m.heads {
		close(c)
	}
	m.heads = nil
}

func (m *fakeMarket) up() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = false
}

// show makes an agenda the head's, and tells of the head.
func (m *fakeMarket) show(tasks []Task, dues []Due) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.agenda = Agenda{Height: m.agenda.Height + 1, Tasks: tasks, Dues: dues}
	for _, c := range m.heads {
		select {
		case c <- m.agenda.Height:
		default:
		}
	}
}

func (m *fakeMarket) PutBlob(_ context.Context, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[blake3.Sum256(data)] = data
	return nil
}

func (m *fakeMarket) Agenda(context.Context, chain.Address) (Agenda, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return Agenda{}, errDown
	}
	return m.agenda, nil
}

func (m *fakeMarket) Over(_ context.Context, k Key) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return false, errDown
	}
	return m.over[k], nil
}

func (m *fakeMarket) Blob(_ context.Context, id chain.Hash) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if m.down {
		return nil, errDown
	}
	if b, ok := m.blobs[id]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("%w: not here", ErrNoBlob)
}

func (m *fakeMarket) Send(ctx context.Context, c Call) error {
	m.mu.Lock()
	if m.down {
		m.mu.Unlock()
		return errDown
	}
	m.sent = append(m.sent, c)
	n, on := len(m.sent), m.onSend
	m.mu.Unlock()
	if on == nil {
		return nil
	}
	return on(ctx, n, c)
}

// calls names what was sent, in order.
func (m *fakeMarket) calls() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := map[string][]byte{
		"commit": job.PackCommit(0, 0, chain.Hash{}, 0), "open": job.PackOpen(0, 0, chain.Hash{}, nil),
		"auditCommit": job.PackAuditCommit(0, 0, chain.Hash{}), "auditReveal": job.PackAuditReveal(0, 0, chain.Hash{}, nil),
		"release": job.PackRelease(0, 0, job.Draining), "poke": job.PackPoke(0, 0),
		"challenge": job.PackChallenge(0, 0, 0, &dispute.Claim{}),
	}
	for _, c := range m.sent {
		name := "?"
		for k, v := range known {
			if bytes.Equal(c.Data[:4], v[:4]) {
				name = k
			}
		}
		names = append(names, name)
	}
	return names
}

func (m *fakeMarket) last() Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent[len(m.sent)-1]
}

// fakeEngine gives the input back as output, unless a test says otherwise.
type fakeEngine struct {
	mu   sync.Mutex
	done int // items that came to an end
	on   func(ctx context.Context, input []byte) ([]byte, error)
}

func (e *fakeEngine) Run(ctx context.Context, _ chain.Hash, input []byte) ([]byte, error) {
	e.mu.Lock()
	on := e.on
	e.mu.Unlock()
	out, err := append([]byte("out "), input...), error(nil)
	if on != nil {
		out, err = on(ctx, input)
	}
	if err == nil {
		e.mu.Lock()
		e.done++
		e.mu.Unlock()
	}
	return out, err
}

func (e *fakeEngine) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.done
}

// world is a runner with everything that it needs, and what survives it.
type world struct {
	t       *testing.T
	market  *fakeMarket
	engine  *fakeEngine
	dir     string
	logs    *logCount
	runner  *Runner
	watch   uint32
	court   Court // nil: no disputes
	counsel Counsel

	journal *Journal
	cancel  context.CancelFunc
	ended   chan error
}

func newWorld(t *testing.T) *world {
	return &world{t: t, market: newFakeMarket(), engine: &fakeEngine{}, dir: t.TempDir(), logs: &logCount{}}
}

var me = chain.Address{0xaa}

// start starts a runner as a new process would.
func (w *world) start(drained <-chan struct{}) {
	w.t.Helper()
	var err error
	if w.journal, err = OpenJournal(w.dir, chain.Hash{1}, me); err != nil {
		w.t.Fatal(err)
	}
	o := Options{
		Address: me, Roles: []Role{RoleWorker, RoleAuditor, RoleChallenger}, Market: w.market, Engine: w.engine, Journal: w.journal,
		Genesis: chain.Hash{1}, Poke: true, Watch: w.watch, Log: slog.New(w.logs),
	}
	if w.court != nil {
		o.Party = NewParty(PartyOptions{
			Address: me, Market: w.market, Court: w.court, Counsel: w.counsel, BondMax: *uint256.NewInt(job.Gwei), Log: o.Log,
		})
	}
	w.runner = NewRunner(o)
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan error, 1)
	go func() { w.ended <- w.runner.Run(ctx, drained) }()
}

// stop ends the runner as the end of its process would: whatever is under way is cut off.
func (w *world) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.ended; err != nil {
		w.t.Errorf("end of the runner: got %v, want nil", err)
	}
	if err := w.journal.Close(); err != nil {
		w.t.Error(err)
	}
}

// task gives a task of n items whose blobs are there.
func (w *world) task(role Role, state job.BatchState, n int) Task {
	t := Task{Role: role, Job: 7, Batch: 1, Attempt: 2, State: state.String(), Model: chain.Hash{9}, First: 4}
	for i := range n {
		id := chain.Hash{byte(i + 1)}
		t.Blobs = append(t.Blobs, id)
		w.market.mu.Lock()
		w.market.blobs[id] = []byte{byte(i)}
		w.market.mu.Unlock()
	}
	return t
}

// outputs gives what the engine makes of a task's inputs, encoded.
func outputs(places ...int) (out [][]byte) {
	for _, i := range places {
		o := job.Output{Result: append([]byte("out "), byte(i))}
		out = append(out, o.Encode())
	}
	return out
}

// logCount counts records by level.
type logCount struct {
	mu       sync.Mutex
	warnings []string
}

func (l *logCount) Enabled(context.Context, slog.Level) bool { return true }
func (l *logCount) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logCount) WithGroup(string) slog.Handler            { return l }
func (l *logCount) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.warnings = append(l.warnings, r.Message)
	}
	return nil
}

func (l *logCount) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.warnings)
}
