package store

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// SigningSpaceMin is the free disk space in bytes below which a validator stops signing (rule 38).
	SigningSpaceMin = 1 << 30
	// CommitSpaceMin is the free disk space in bytes below which nothing is written any more: enough for
	// the database to finish what it has begun.
	CommitSpaceMin = 64 << 20
)

// ErrDiskFull says that the disk has too little free space. What was committed is safe.
var ErrDiskFull = errors.New("disk full")

// FreeBytes gives the free space of the disk that holds the database.
func (d *DB) FreeBytes() (uint64, error) {
	u, err := d.fs.GetDiskUsage(d.dir)
	if errors.Is(err, vfs.ErrUnsupported) { // disks in memory
		return d.spaceMin, nil
	}
	if err != nil {
		return 0, fmt.Errorf("free space of %s: %w", d.dir, err)
	}
	return u.AvailBytes, nil
}

func (d *DB) space() error {
	free, err := d.FreeBytes()
	if err != nil {
		return err
	}
	if free < d.spaceMin {
		return fmt.Errorf("%w: %s has %d MiB free and needs %d MiB; free some space and start again, nothing that "+
			"was committed is lost", ErrDiskFull, d.dir, free>>20, d.spaceMin>>20)
	}
	return nil
}

// fatal is what Pebble's fatal errors are turned into: a write that failed half-way.
type fatal struct{ text string }

func (f fatal) Error() string { return f.text }

// write runs one write. Pebble answers a failed one by calling its logger's Fatalf, which must not
// return: pebbleLog panics with a fatal, and here, on the goroutine that wrote, it becomes an error. It
// is the only panic that is caught, and after it the database is not written any more.
func (d *DB) write(do func() error) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return d.broken
	}
	defer func() {
		if p := recover(); p != nil {
			f, ours := p.(fatal)
			if !ours {
				panic(p)
			}
			err = f
		}
		if err != nil {
			d.broken = writeError(d.dir, err)
			err = d.broken
		}
	}()
	return do()
}

func writeError(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return fmt.Errorf("%w: write to %s: %w; free some space and start again, nothing that was committed is lost",
			ErrDiskFull, dir, err)
	}
	return fmt.Errorf("write to %s: %w; check the disk and start again, nothing that was committed is lost", dir, err)
}

func lockHeld(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) ||
		strings.Contains(err.Error(), "lock held by current process")
}

// errorLogInterval is the least time between two lines of the database's own errors: on a full disk it
// tries again without a pause, thousands of times a second.
const errorLogInterval = time.Second

// pebbleLog passes on what an operator can use.
type pebbleLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last time.Time // of a line
}

func (l *pebbleLog) Infof(string, ...any) {}

func (l *pebbleLog) Errorf(format string, args ...any) {
	if l.log == nil || !l.due(time.Now()) {
		return
	}
	l.log.Error("database", "error", fmt.Sprintf(format, args...))
}

func (l *pebbleLog) Fatalf(format string, args ...any) { panic(fatal{fmt.Sprintf(format, args...)}) }

func (l *pebbleLog) due(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.last) < errorLogInterval {
		return false
	}
	l.last = now
	return true
}
