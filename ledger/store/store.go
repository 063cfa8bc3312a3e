package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// Sizes are small on purpose: an idle validator stays below 150 MB. The hot parts of the state are
// cached decoded, above the database. The cache pays for the memory tables too, one that fills and one
// that is written out; with no room beside them each read loads its filters again.
const (
	blockCacheBytes = 32 << 20
	memTableBytes   = 8 << 20
	openFilesMax    = 256
	bloomBitsPerKey = 10
)

// Options says where the database is and to which chain it belongs.
type Options struct {
	Dir     string
	Genesis chain.Hash
	FS      vfs.FS       // nil: the operating system's
	Log     *slog.Logger // nil: none
	// SpaceMin is the free space in bytes below which nothing is written; 0 means CommitSpaceMin.
	SpaceMin uint64
}

// DB is an open database.
type DB struct {
	reads
	db       *pebble.DB
	fs       vfs.FS
	dir      string
	spaceMin uint64
	window   window

	mu     sync.Mutex
	broken error // set by the first write that failed; nothing is written after it
}

// Open opens or creates the database in o.Dir. It gives an error that says what to do when the folder
// belongs to another chain, was written by another version, or is in use.
func Open(o Options) (*DB, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.SpaceMin == 0 {
		o.SpaceMin = CommitSpaceMin
	}
	// Without room Pebble tidies up at opening, fails, and tries again for ever.
	if err := (&DB{fs: o.FS, dir: o.Dir, spaceMin: o.SpaceMin}).space(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	cache := pebble.NewCache(blockCacheBytes)
	defer cache.Unref() // the database holds a reference of its own
	db, err := pebble.Open(o.Dir, pebbleOptions(&o, cache))
	if err != nil {
		return nil, openError(o.Dir, err)
	}
	d := &DB{reads: reads{db}, db: db, fs: o.FS, dir: o.Dir, spaceMin: o.SpaceMin, window: window{HistoryHeightsMax, partitionHeights}}
	if err := d.bind(o.Genesis); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

func pebbleOptions(o *Options, cache *pebble.Cache) *pebble.Options {
	p := &pebble.Options{
		FS:                 o.FS,
		Comparer:           Comparer(),
		Cache:              cache,
		MemTableSize:       memTableBytes,
		MaxOpenFiles:       openFilesMax,
		FormatMajorVersion: pebble.FormatTableFormatV6,
		Logger:             &pebbleLog{log: o.Log},
	}
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	}
	return p
}

func openError(dir string, err error) error {
	if lockHeld(err) {
		return fmt.Errorf("data folder %s is in use: another aiwork-node runs on it; stop that one or choose "+
			"another folder with --home: %w", dir, err)
	}
	if strings.Contains(err.Error(), "comparer name from file") { // before the row with the format can be read
		return fmt.Errorf("data folder %s has another format than %d, which this version needs: delete the folder and "+
			"let the node fetch the chain again: %w", dir, Format, err)
	}
	return fmt.Errorf("data folder %s: %w", dir, err)
}

// bind checks the first row, or writes it into a new database.
func (d *DB) bind(genesis chain.Hash) error {
	m, err := get(d.reads, []byte{kindMeta}, decodeMeta)
	if errors.Is(err, ErrNotFound) {
		m = meta{Format, genesis}
		return d.write(func() error { return d.db.Set([]byte{kindMeta}, m.encode(), pebble.Sync) })
	}
	switch {
	case err != nil:
		return fmt.Errorf("data folder %s: %w", d.dir, err)
	case m.format > Format:
		return fmt.Errorf("data folder %s has format %d, written by a newer version; this one knows format %d: "+
			"install the newer version again", d.dir, m.format, Format)
	case m.format < Format:
		return fmt.Errorf("data folder %s has format %d, this version needs %d: delete the folder and let the "+
			"node fetch the chain again", d.dir, m.format, Format)
	case m.genesis != genesis:
		return fmt.Errorf("data folder %s belongs to another network (genesis %s, not %s): choose another folder "+
			"with --home, or the genesis file that it was made with", d.dir, m.genesis, genesis)
	}
	return nil
}

// Commit is what a final block brings.
type Commit struct {
	Block    *chain.Block
	Hash     chain.Hash
	Beta     [32]byte
	Receipts []*chain.Receipt
	Seal     chain.Seal
	Diff     state.Diff
	Pages    []tree.PageChange
	Supply   uint256.Int
}

// Commit writes all of c and the new position in one batch and returns when it is safe on disk.
func (d *DB) Commit(c *Commit) error {
	if err := d.space(); err != nil {
		return err
	}
	batch := d.db.NewBatch()
	// Errors of a batch in memory can only come from a batch that is closed or too large.
	if err := errors.Join(c.putBlock(batch), c.putState(batch), c.putPast(batch, d.window), c.putTerms(batch), c.putAppearances(batch)); err != nil {
		return errors.Join(err, batch.Close())
	}
	return d.write(func() error { return batch.Commit(pebble.Sync) })
}

func (c *Commit) putBlock(b *pebble.Batch) error {
	h := c.Block.Header.Number
	row := HeaderRow{c.Block.Header, c.Block.Ext, c.Beta}
	pos := Position{Height: h, Hash: c.Hash, Supply: c.Supply}
	p := putter{b: b}
	p.set(heightKey(kindHeader, h), row.encode())
	p.set(heightKey(kindBody, h), encodeBody(c.Block.Txs))
	p.set(heightKey(kindReceipts, h), encodeReceipts(c.Receipts))
	p.set(heightKey(kindSeal, h), c.Seal.Encode())
	p.set(hashKey(kindHeight, c.Hash), encodeHeight(h))
	for i, tx := range c.Block.Txs {
		place := TxPlace{h, uint32(i)}
		p.set(hashKey(kindTx, tx.Hash()), place.encode())
	}
	p.set([]byte{kindPosition}, pos.encode())
	return p.err
}

func (c *Commit) putState(b *pebble.Batch) error {
	p := putter{b: b}
	for i := range c.Diff.Accounts {
		a := &c.Diff.Accounts[i]
		if a.New.Empty() {
			p.del(accountKey(a.Address))
		} else {
			p.set(accountKey(a.Address), encodeAccount(&a.New))
		}
	}
	for i := range c.Diff.Slots {
		s := &c.Diff.Slots[i]
		if s.New.IsZero() {
			p.del(slotKey(s.Address, s.Key))
		} else {
			p.set(slotKey(s.Address, s.Key), s.New[:])
		}
	}
	for i := range c.Diff.Codes {
		p.set(hashKey(kindCode, c.Diff.Codes[i].Hash), c.Diff.Codes[i].Code)
	}
	for i := range c.Pages {
		if c.Pages[i].Page == nil {
			p.del(pageKey(c.Pages[i].Path))
		} else {
			p.set(pageKey(c.Pages[i].Path), c.Pages[i].Page)
		}
	}
	return p.err
}

// putter fills a batch and keeps the first error.
type putter struct {
	b   *pebble.Batch
	err error
}

func (p *putter) set(key, value []byte) {
	if p.err == nil {
		p.err = p.b.Set(key, value, nil)
	}
}

func (p *putter) delRange(from, to []byte) {
	if p.err == nil {
		p.err = p.b.DeleteRange(from, to, nil)
	}
}

func (p *putter) del(key []byte) {
	if p.err == nil {
		p.err = p.b.Delete(key, nil)
	}
}

// Snapshot gives the database as it stands after the last commit.
func (d *DB) Snapshot() *Snapshot {
	s := d.db.NewSnapshot()
	return &Snapshot{reads{s}, s, d.window}
}

// Backup writes a copy of the database, as it stands, into a new folder, while the node runs on.
func (d *DB) Backup(dir string) error {
	if err := d.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("backup to %s: %w", dir, err)
	}
	return nil
}

// MemoryBytes gives what the database holds in memory, for metrics.
func (d *DB) MemoryBytes() uint64 {
	m := d.db.Metrics()
	return m.MemTable.Size + uint64(m.BlockCache.Size)
}

// DiskBytes gives what the database takes on disk, for metrics.
func (d *DB) DiskBytes() uint64 { return d.db.Metrics().DiskSpaceUsage() }

// Close closes the database. All snapshots must be closed before.
func (d *DB) Close() error {
	d.mu.Lock()
	broken := d.broken
	d.mu.Unlock()
	if broken != nil {
		return nil // Pebble cannot be closed after a failed write: it holds its locks for ever
	}
	return d.db.Close()
}
