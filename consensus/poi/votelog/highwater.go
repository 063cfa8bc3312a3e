package votelog

import (
	"crypto/sha256"
	"errors"
	"io/fs"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	highWaterSize = 24
	highWaterTag  = "aiwork/high-water/1"
	tagSize       = highWaterSize - 17 // what session, view and kind leave
)

// A binding is what a log belongs to.
type binding struct {
	genesis chain.Hash
	key     [32]byte
}

// encodeHighWater gives session, view, kind and the first seven bytes of a digest over them and what
// they are bound to. 24 bytes lie in one sector, so that a crash leaves the old ones or the new ones.
func (b binding) encodeHighWater(m Mark) []byte {
	w := codec.NewWriter(highWaterSize)
	w.U64(uint64(m.Session))
	w.U64(uint64(m.View))
	w.U8(uint8(m.VoteKind))
	tag := b.highWaterTag(w.Out())
	w.Fixed(tag[:])
	return w.Out()
}

func (b binding) highWaterTag(mark []byte) (tag [tagSize]byte) {
	w := codec.NewWriter(128)
	w.U16(uint16(len(highWaterTag)))
	w.Fixed([]byte(highWaterTag))
	w.Fixed(b.genesis[:])
	w.Fixed(b.key[:])
	w.Fixed(mark)
	sum := sha256.Sum256(w.Out())
	copy(tag[:], sum[:])
	return tag
}

// decodeHighWater gives ok = false for bytes that are damaged or bound to something else.
func (b binding) decodeHighWater(raw []byte) (m Mark, ok bool) {
	r := codec.NewReader(raw)
	m = Mark{chain.Session(r.U64()), chain.View(r.U64()), chain.VoteKind(r.U8())}
	var tag [tagSize]byte
	r.Fixed(tag[:])
	if r.End() != nil || m.VoteKind > voteKindMax || tag != b.highWaterTag(raw[:17]) {
		return Mark{}, false
	}
	return m, true
}

// readHighWater gives ok = false when the file is missing or damaged, and an error of the disk.
func (b binding) readHighWater(disk fsys) (m Mark, ok bool, err error) {
	raw, err := disk.ReadFile(highWaterName)
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, false, nil
	}
	if err != nil {
		return Mark{}, false, err
	}
	m, ok = b.decodeHighWater(raw)
	return m, ok, nil
}

// writeFile puts a whole file in place so that a crash leaves the old one or the new one.
func writeFile(disk fsys, name string, content []byte) error {
	f, err := disk.Create(name + tmpSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = disk.Rename(name+tmpSuffix, name); err != nil {
		return err
	}
	return disk.SyncDir()
}
