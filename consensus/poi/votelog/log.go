package votelog

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
)

const (
	logName       = "votes.log"
	highWaterName = "votes.high"
	lockName      = "votes.lock"
	tmpSuffix     = ".new"
	brokenSuffix  = ".damaged"

	// fillSize is how far the file is filled with zeros ahead of what is written, so that most syncs
	// write data only and no new size.
	fillSize = 1 << 20
)

// A Log is an open vote log. It is used by one goroutine.
type Log struct {
	disk fsys
	lock io.Closer
	head head

	votes   file
	high    file
	records []Record // what the file holds, for Prune
	votesAt map[Mark][]byte

	group    *codec.Writer // frames that Sync will write
	first    uint64        // number of the first frame of the group
	top      Mark          // highest mark appended or pruned
	synced   Mark          // what the high-water file holds
	end      int64         // where the next group goes
	filled   int64         // up to where the file has been written
	fillSize int           // how many zeros to write ahead
	err      error         // LOG-7
}

// A Replay is what Open found.
type Replay struct {
	Records []Record
	High    Mark // highest mark ever signed, as far as is known
	Loss    Loss // not LossNone: the owner must not vote until Resume
	Torn    int  // bytes of an unsynced end that were cut off
}

// Create makes the log of a validator in dir, which it makes too if need be. It is called by init, once;
// an init that crashed may be repeated. It refuses with ErrExists where a log is.
func Create(dir string, genesis chain.Hash, voteKey [32]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("vote log: %w", err)
	}
	return wrap(create(osFS{dir}, binding{genesis, voteKey}))
}

// Open takes the log in dir. A missing or damaged log is not an error: it is made anew as a lost one, so
// that the node can run without voting, and Replay.Loss says so.
func Open(dir string, genesis chain.Hash, voteKey [32]byte) (*Log, Replay, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, Replay{}, fmt.Errorf("vote log: %w", err)
	}
	l, r, err := open(osFS{dir}, binding{genesis, voteKey}, fillSize)
	return l, r, wrap(err)
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("vote log: %w", err)
}

// create writes the high-water file first: where a log is, init was complete (LOG-4).
func create(disk fsys, b binding) error {
	lock, err := disk.Lock(lockName)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := disk.ReadFile(logName); err == nil {
		return ErrExists
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	m, ok, err := b.readHighWater(disk)
	if err != nil {
		return err
	}
	if ok && m != (Mark{}) {
		return fmt.Errorf("%w (its votes are missing, only the high-water file is left)", ErrExists)
	}
	if err := writeFile(disk, highWaterName, b.encodeHighWater(Mark{})); err != nil {
		return err
	}
	h := head{binding: b, salt: newSalt()}
	return writeFile(disk, logName, h.encode())
}

func newSalt() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func open(disk fsys, b binding, fill int) (*Log, Replay, error) {
	lock, err := disk.Lock(lockName)
	if err != nil {
		return nil, Replay{}, err
	}
	l := &Log{disk: disk, lock: lock, head: head{binding: b}, fillSize: fill}
	replay, err := l.load()
	if err != nil {
		return nil, Replay{}, errors.Join(err, l.Close())
	}
	return l, replay, nil
}

// load reads both files, judges them and leaves the log ready for the next group.
func (l *Log) load() (Replay, error) {
	high, highOK, err := l.head.readHighWater(l.disk)
	if err != nil {
		return Replay{}, err
	}
	s, loss, err := l.readLog()
	if err != nil {
		return Replay{}, err
	}
	if loss == LossNone {
		loss = l.judge(&s, high, highOK)
	}
	if loss != LossNone && loss != LossUnresumed {
		if err := l.replace(&s, high); err != nil {
			return Replay{}, err
		}
	}
	if err := l.ready(&s, high, highOK); err != nil {
		return Replay{}, err
	}
	return Replay{Records: s.records, High: l.top, Loss: loss, Torn: s.torn}, nil
}

// readLog reads the log file. Damage is a loss; an error is the disk's or the operator's.
func (l *Log) readLog() (scan, Loss, error) {
	raw, err := l.disk.ReadFile(logName)
	if errors.Is(err, fs.ErrNotExist) {
		return scan{}, LossLog, nil
	}
	if err != nil {
		return scan{}, LossNone, err
	}
	h, err := decodeHead(raw)
	if errors.Is(err, ErrFormat) {
		return scan{}, LossNone, err
	}
	if err != nil {
		return scan{}, LossCorrupt, nil
	}
	if h.binding != l.head.binding {
		return scan{}, LossNone, ErrBound
	}
	l.head = h
	s := scanFrames(raw, h.salt)
	if s.damaged {
		return s, LossCorrupt, nil
	}
	return s, LossNone, nil
}

// judge holds a sound log against its high-water file (LOG-3) and its own history (LOG-5).
func (l *Log) judge(s *scan, high Mark, highOK bool) Loss {
	top := l.topOf(s.records)
	switch {
	case !highOK:
		return LossHighWater
	case top.Less(high):
		return LossBehind
	case l.head.lost && !resumed(s.records):
		return LossUnresumed
	}
	return LossNone
}

func (l *Log) topOf(records []Record) Mark {
	top := l.head.floor
	for i := range records {
		r := &records[i]
		if (r.Kind == Vote || r.Kind == Resume) && top.Less(r.mark()) {
			top = r.mark()
		}
	}
	return top
}

func resumed(records []Record) bool {
	for i := range records {
		if records[i].Kind == Resume {
			return true
		}
	}
	return false
}

// replace puts a lost log aside and starts a new one that is marked as lost and keeps the records that
// could be read.
func (l *Log) replace(s *scan, high Mark) error {
	err := l.disk.Rename(logName, logName+brokenSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	floor := l.topOf(s.records)
	if floor.Less(high) {
		floor = high
	}
	l.head.salt, l.head.lost, l.head.floor = newSalt(), true, floor
	// A Resume of an earlier loss does not answer this one.
	kept := s.records[:0:0]
	for _, r := range s.records {
		if r.Kind != Resume {
			kept = append(kept, r)
		}
	}
	s.records = kept
	s.end, err = l.rewrite(kept)
	return err
}

// rewrite writes a whole file with these records and puts it in place.
func (l *Log) rewrite(records []Record) (end int, err error) {
	w := codec.NewWriter(headSize)
	w.Fixed(l.head.encode())
	for i := range records {
		appendFrame(w, l.head.salt, place{uint64(i), 0}, &records[i])
	}
	return w.Len(), writeFile(l.disk, logName, w.Out())
}

// ready opens both files for writing and cuts a torn end off before anything is written over it.
func (l *Log) ready(s *scan, high Mark, highOK bool) (err error) {
	if l.votes, err = l.disk.Open(logName); err != nil {
		return err
	}
	if err := errors.Join(l.votes.Truncate(int64(s.end)), l.votes.Sync()); err != nil {
		return err
	}
	l.end, l.filled = int64(s.end), int64(s.end)
	l.setRecords(s.records)
	l.top = l.topOf(s.records)
	if !highOK || high.Less(l.top) {
		if err := writeFile(l.disk, highWaterName, l.head.encodeHighWater(l.top)); err != nil {
			return err
		}
	}
	l.synced = l.top
	l.high, err = l.disk.Open(highWaterName)
	return err
}

func (l *Log) setRecords(records []Record) {
	l.records = records
	l.votesAt = make(map[Mark][]byte)
	for i := range records {
		if records[i].Kind == Vote {
			l.votesAt[records[i].mark()] = records[i].Payload
		}
	}
	l.group = codec.NewWriter(0)
	l.first = uint64(len(records))
}

// Append adds records to the group that the next Sync writes. Payloads are not copied and must not be
// changed afterwards. A vote that stands at its mark already with the same bytes is left out; one with
// other bytes, or one that comes too late, is a broken invariant of the caller (LOG-2).
func (l *Log) Append(records ...Record) {
	if l.err != nil {
		return // Sync says so
	}
	for _, r := range records {
		if !l.admit(&r) {
			continue
		}
		appendFrame(l.group, l.head.salt, place{uint64(len(l.records)), l.first}, &r)
		l.records = append(l.records, r)
	}
}

func (l *Log) admit(r *Record) bool {
	switch r.Kind {
	case Vote:
		if old, ok := l.votesAt[r.mark()]; ok {
			must.Hold(bytes.Equal(old, r.Payload), "votelog: second vote at one mark (LOG-2)")
			return false
		}
		must.Hold(l.top.Less(r.mark()), "votelog: vote behind the highest mark (LOG-2)")
		l.votesAt[r.mark()] = r.Payload
		l.top = r.mark()
	case Resume:
		must.Hold(l.top.Less(r.mark()), "votelog: resume behind the highest mark (LOG-5)")
		l.top = r.mark()
	}
	return true
}

// Sync writes the group and waits until it is on the disk; then it raises the high-water file. After an
// error the log takes nothing more (LOG-7).
func (l *Log) Sync() error {
	if l.err != nil || l.group.Len() == 0 {
		return l.err
	}
	if err := l.writeGroup(); err != nil {
		l.err = fmt.Errorf("vote log: %w", err)
		return l.err
	}
	return nil
}

func (l *Log) writeGroup() error {
	out := l.group.Out()
	if _, err := l.votes.WriteAt(out, l.end); err != nil {
		return err
	}
	end := l.end + int64(len(out))
	if err := l.fill(end); err != nil {
		return err
	}
	if err := l.votes.Sync(); err != nil {
		return err
	}
	l.end = end
	l.group = codec.NewWriter(len(out))
	l.first = uint64(len(l.records))
	return l.raise()
}

// fill writes zeros ahead of end when the file has been used up.
func (l *Log) fill(end int64) error {
	if end <= l.filled {
		return nil
	}
	l.filled = end + int64(l.fillSize)
	_, err := l.votes.WriteAt(make([]byte, l.fillSize), end)
	return err
}

// raise writes the high-water file. It is not synced: it stands against a log that was put back or cut
// while the machine ran or was stopped in order, and after a power cut it may lag behind the log, which
// is harmless, but never run ahead of it, which would look like a loss.
func (l *Log) raise() error {
	if !l.synced.Less(l.top) {
		return nil
	}
	_, err := l.high.WriteAt(l.head.encodeHighWater(l.top), 0)
	l.synced = l.top
	return err
}

// Size is the length of the log in bytes without its group.
func (l *Log) Size() int64 { return l.end }

// High is the highest mark appended so far.
func (l *Log) High() Mark { return l.top }

// Err is the error after which the log takes nothing more, or nil.
func (l *Log) Err() error { return l.err }

// Prune rewrites the log with those records only that keep names. It must be called between groups.
// The marks of pruned votes still count.
func (l *Log) Prune(keep func(*Record) bool) error {
	if l.err != nil {
		return l.err
	}
	must.Hold(l.group.Len() == 0, "votelog: prune inside a group")
	if err := l.prune(keep); err != nil {
		l.err = fmt.Errorf("vote log: prune: %w", err)
		return l.err
	}
	return nil
}

func (l *Log) prune(keep func(*Record) bool) error {
	var kept []Record
	for i := range l.records {
		if r := &l.records[i]; keep(r) || r.Kind == Resume && l.head.lost {
			kept = append(kept, *r)
		}
	}
	if len(kept) == len(l.records) {
		return nil
	}
	return l.swap(kept)
}

// swap puts a file with these records in the place of the log's.
func (l *Log) swap(kept []Record) error {
	l.head.salt, l.head.floor = newSalt(), l.top
	end, err := l.rewrite(kept)
	if err != nil {
		return err
	}
	if err := l.votes.Close(); err != nil {
		return err
	}
	if l.votes, err = l.disk.Open(logName); err != nil {
		return err
	}
	l.end, l.filled = int64(end), int64(end)
	l.setRecords(kept)
	return nil
}

// Close syncs the high-water file and lets the log go. A group that was not synced is dropped.
func (l *Log) Close() error {
	var errs []error
	if l.high != nil {
		errs = append(errs, l.high.Sync(), l.high.Close())
	}
	if l.votes != nil {
		errs = append(errs, l.votes.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	l.high, l.votes, l.lock = nil, nil, nil
	if l.err == nil {
		l.err = ErrClosed
	}
	return wrap(errors.Join(errs...))
}

// Records gives what is on disk: a group that was not synced is left out. The slice must not be changed.
func (l *Log) Records() []Record { return l.records[:l.first:l.first] }

// Lose marks the log as lost: its owner has seen a vote of its own that the log does not hold. The mark
// stays until a Resume (LOG-5).
func (l *Log) Lose() error {
	if l.err != nil {
		return l.err
	}
	must.Hold(l.group.Len() == 0, "votelog: lose inside a group")
	l.head.lost = true
	if err := l.swap(slices.DeleteFunc(slices.Clone(l.records), func(r Record) bool { return r.Kind == Resume })); err != nil {
		l.err = fmt.Errorf("vote log: lose: %w", err)
	}
	return l.err
}
