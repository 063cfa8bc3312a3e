package packed

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
)

// Load makes something of a model by a shelf. Where that packs weights which are worth keeping, they are kept, and it is made once more, so that
// they are mapped and the copies in memory can go. The shelf stays open as long as what was made is used.
func Load[T any](f Folder, model [32]byte, path string, note func(text string), load func(*Shelf) (T, error)) (made T, shelf *Shelf, err error) {
	shelf = f.Shelf(model, path, note)
	if made, err = load(shelf); err != nil {
		_ = shelf.Close()
		return made, nil, err
	}
	saved, err := shelf.Save()
	if err != nil {
		shelf.tell("packed weights are not kept: " + err.Error())
	}
	if !saved {
		return made, shelf, nil
	}
	_ = shelf.Close()
	shelf = f.Shelf(model, path, note)
	if made, err = load(shelf); err != nil {
		_ = shelf.Close()
	}
	return made, shelf, err
}

const (
	samples     = 64
	sampleBytes = 4 << 10
	frontBytes  = 1 << 20
)

// FileID tells a file from others without reading all of it: by its place, size and date, its front, and samples of the rest.
func FileID(path string) (id [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return id, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return id, err
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return id, err
	}
	h := sha256.New()
	h.Write([]byte(whole))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(info.Size())))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(info.ModTime().UnixNano())))
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, frontBytes)); err != nil {
		return id, err
	}
	for i := range int64(samples) {
		if _, err := io.Copy(h, io.NewSectionReader(f, info.Size()/samples*i, sampleBytes)); err != nil {
			return id, err
		}
	}
	return [32]byte(h.Sum(nil)), nil
}
