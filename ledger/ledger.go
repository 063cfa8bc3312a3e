package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Options says which chain to keep and where.
type Options struct {
	Dir     string // the database's folder
	Genesis *genesis.Genesis
	Modules *native.Set
	Log     *slog.Logger // nil: none
	FS      vfs.FS       // nil: the operating system's; tests use disks that fail
	Workers int          // goroutines that recover senders; 0 means one per CPU
}

// Head is a final block without its transactions.
type Head struct {
	Height chain.Height
	Hash   chain.Hash
	Header chain.Header
	Ext    chain.Extension
}

func headOf(b *chain.Block, hash chain.Hash) Head {
	return Head{Height: b.Header.Number, Hash: hash, Header: b.Header, Ext: b.Ext}
}

// Ledger keeps one chain. See the package comment for who may call what.
type Ledger struct {
	db         *store.DB
	hot        *hot
	genesis    chain.Hash
	origin     chain.Extension // of block 0, which its header does not name
	params     chain.Params
	validators []chain.Validator
	modules    *native.Set
	engine     *exec.Engine      // of Execute and Build
	engines    chan *exec.Engine // spare ones of readers
	log        *slog.Logger
	workers    int
	burnedKey  chain.Hash

	mu      sync.Mutex
	head    Head
	supply  uint256.Int
	moved   chan struct{} // closed at the next commit
	pending outcomes
	recent  recent
}

// Open opens or creates the chain in o.Dir. Its errors tell the operator what to do: the folder belongs
// to another network, was written by another version, or is in use.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	built := o.Genesis.Build(o.Modules)
	db, err := store.Open(store.Options{Dir: o.Dir, Genesis: built.Hash(), FS: o.FS, Log: o.Log})
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		db: db, hot: newHot(db), genesis: built.Hash(), origin: built.Block.Ext, params: o.Genesis.Params, validators: o.Genesis.Set(),
		modules: o.Modules, engine: exec.NewEngine(o.Modules, vm.CodesBytesMax), engines: make(chan *exec.Engine, sparesMax), log: o.Log, workers: workers(o.Workers), burnedKey: native.BurnedKey(),
		moved: make(chan struct{}), pending: outcomes{byHash: make(map[chain.Hash]*Outcome)},
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(l.start(built), ctx.Err()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return l, nil
}

// start takes up the chain where the database left it, or writes block 0.
func (l *Ledger) start(built *genesis.Built) error {
	pos, err := l.db.Position()
	if errors.Is(err, store.ErrNotFound) {
		if err := l.begin(built); err != nil {
			return err
		}
		pos, err = l.db.Position()
	}
	if err != nil {
		return err
	}
	row, err := l.db.Header(pos.Height)
	if err != nil {
		return fmt.Errorf("block %d, the head: %w", pos.Height, err)
	}
	if hash := row.Header.Hash(); hash != pos.Hash {
		return fmt.Errorf("block %d, the head, has the hash %s and not %s: the database is damaged; delete the data "+
			"folder and let the node fetch the chain again", pos.Height, hash, pos.Hash)
	}
	l.head = Head{Height: pos.Height, Hash: pos.Hash, Header: row.Header, Ext: row.Ext}
	l.supply = pos.Supply
	return nil
}

// begin writes block 0 into a database without blocks.
func (l *Ledger) begin(built *genesis.Built) error {
	if _, err := l.db.Header(0); !errors.Is(err, store.ErrNotFound) {
		return errors.Join(errors.New("the database has blocks but no position: it is damaged; delete the data folder "+
			"and let the node fetch the chain again"), err)
	}
	c := &store.Commit{
		Block: built.Block, Hash: built.Hash(), Diff: built.Diff, Pages: built.Tree.Pages, Supply: built.Supply,
	}
	if err := l.db.Commit(c); err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	return nil
}

// Close closes the database. All Views must be closed before.
func (l *Ledger) Close() error { return l.db.Close() }

// Head gives the last final block and a channel that is closed when there is another.
func (l *Ledger) Head() (Head, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head, l.moved
}

// Genesis gives the hash of block 0.
func (l *Ledger) Genesis() chain.Hash { return l.genesis }

// Params gives the chain's parameters; they are not changed.
func (l *Ledger) Params() *chain.Params { return &l.params }

// Validators gives the validator set of a session, which is not changed. It is the one of genesis until
// epochs exist.
func (l *Ledger) Validators(chain.Session) ([]chain.Validator, error) { return l.validators, nil }

// Supply gives all tokens there are at the head, in base units: what genesis gave less what was burned.
func (l *Ledger) Supply() uint256.Int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.supply
}

// FreeBytes gives the free space of the disk with the database (rule 38).
func (l *Ledger) FreeBytes() (uint64, error) { return l.db.FreeBytes() }

// Stats are sizes for metrics.
type Stats struct {
	Outcomes    int    // executed blocks that are not final
	MemoryBytes uint64 // held by the database
	DiskBytes   uint64
	FreeBytes   uint64 // of the disk; 0 if unknown
}

// Stats gives the sizes as they are.
func (l *Ledger) Stats() Stats {
	l.mu.Lock()
	n := len(l.pending.byHash)
	l.mu.Unlock()
	free, err := l.db.FreeBytes()
	if err != nil {
		free = 0
	}
	return Stats{Outcomes: n, MemoryBytes: l.db.MemoryBytes(), DiskBytes: l.db.DiskBytes(), FreeBytes: free}
}
