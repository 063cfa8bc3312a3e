package votelog

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/aiwork/aiwork-node/internal/dice"
)

// memDisk is a folder in memory that behaves as a disk does when the power goes: what was written since
// the last sync of a file survives in part, sector by sector, and so do changes of names.
type memDisk struct {
	names  map[string]*memFile // as the running program sees them
	stable map[string]*memFile // as they are after a power cut
	todo   []rename            // changes of names that SyncDir makes stable, in order
	locked map[string]bool

	ops  int   // operations so far
	fail int   // operation from which on every one fails, 0 for never
	err  error // with this error
}

type memFile struct {
	disk    *memDisk
	now     []byte
	stable  []byte
	pending []write
}

// rename puts a file at a name, and takes it away from another if that is not empty.
type rename struct {
	from, to string
	f        *memFile
}

func (r rename) apply(names map[string]*memFile) {
	delete(names, r.from)
	names[r.to] = r.f
}

type write struct {
	at   int64 // -1: the file is cut to len
	data []byte
	len  int64
}

const sector = 512

var errPower = errors.New("power is off")

func newMemDisk() *memDisk {
	return &memDisk{names: map[string]*memFile{}, stable: map[string]*memFile{}, locked: map[string]bool{}}
}

func (d *memDisk) op() error {
	d.ops++
	if d.fail != 0 && d.ops >= d.fail {
		return d.err
	}
	return nil
}

// afterKill is the disk as the next process finds it when this one was killed.
func (d *memDisk) afterKill() *memDisk {
	n := newMemDisk()
	for name, f := range d.names {
		n.put(name, f.now)
	}
	return n
}

// afterPowerCut is the disk after a cut, with what was not synced kept or lost by chance: changes of names
// up to a point, writes sector by sector. The disk itself is left as it is.
func (d *memDisk) afterPowerCut(rng *dice.Dice) *memDisk {
	names := maps.Clone(d.stable)
	for _, r := range d.todo[:rng.Below(uint64(len(d.todo)+1))] {
		r.apply(names)
	}
	n := newMemDisk()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n.put(name, names[name].cut(rng))
	}
	return n
}

func (d *memDisk) put(name string, content []byte) {
	f := &memFile{disk: d, now: append([]byte(nil), content...), stable: append([]byte(nil), content...)}
	d.names[name], d.stable[name] = f, f
}

func (f *memFile) cut(rng *dice.Dice) []byte {
	out := append([]byte(nil), f.stable...)
	for _, w := range f.pending {
		if w.at < 0 {
			if rng.Below(2) == 0 {
				out = resize(out, w.len)
			}
			continue
		}
		for at := 0; at < len(w.data); {
			n := min(sector-int((w.at+int64(at))%sector), len(w.data)-at)
			if rng.Below(2) == 0 {
				out = overwrite(out, w.at+int64(at), w.data[at:at+n])
			}
			at += n
		}
	}
	return out
}

func resize(b []byte, n int64) []byte {
	for int64(len(b)) < n {
		b = append(b, 0)
	}
	return b[:n]
}

func overwrite(b []byte, at int64, data []byte) []byte {
	if need := at + int64(len(data)); int64(len(b)) < need {
		b = append(b, make([]byte, need-int64(len(b)))...)
	}
	copy(b[at:], data)
	return b
}

func (d *memDisk) ReadFile(name string) ([]byte, error) {
	f, ok := d.names[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return append([]byte(nil), f.now...), nil
}

func (d *memDisk) Open(name string) (file, error) {
	f, ok := d.names[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return f, nil
}

func (d *memDisk) Create(name string) (file, error) {
	if err := d.op(); err != nil {
		return nil, err
	}
	f := &memFile{disk: d}
	d.names[name] = f
	d.todo = append(d.todo, rename{to: name, f: f})
	return f, nil
}

func (d *memDisk) Rename(from, to string) error {
	if err := d.op(); err != nil {
		return err
	}
	f, ok := d.names[from]
	if !ok {
		return fs.ErrNotExist
	}
	delete(d.names, from)
	d.names[to] = f
	d.todo = append(d.todo, rename{from, to, f})
	return nil
}

func (d *memDisk) SyncDir() error {
	if err := d.op(); err != nil {
		return err
	}
	for _, r := range d.todo {
		r.apply(d.stable)
	}
	d.todo = nil
	return nil
}

type memLock struct {
	d    *memDisk
	name string
}

func (l memLock) Close() error { delete(l.d.locked, l.name); return nil }

func (d *memDisk) Lock(name string) (io.Closer, error) {
	if d.locked[name] {
		return nil, ErrLocked
	}
	d.locked[name] = true
	return memLock{d, name}, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.disk.op(); err != nil {
		// A write that fails leaves a part of it behind.
		f.write(b[:len(b)/2], off)
		return len(b) / 2, err
	}
	f.write(b, off)
	return len(b), nil
}

func (f *memFile) write(b []byte, off int64) {
	f.now = overwrite(f.now, off, b)
	f.pending = append(f.pending, write{at: off, data: append([]byte(nil), b...)})
}

func (f *memFile) Truncate(n int64) error {
	if err := f.disk.op(); err != nil {
		return err
	}
	f.now = resize(f.now, n)
	f.pending = append(f.pending, write{at: -1, len: n})
	return nil
}

func (f *memFile) Sync() error {
	if err := f.disk.op(); err != nil {
		return err
	}
	f.stable, f.pending = append([]byte(nil), f.now...), nil
	return nil
}

func (f *memFile) Close() error { return nil }
