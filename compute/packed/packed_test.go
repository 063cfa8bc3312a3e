package packed

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Files are written, read back, damaged in every way that is quick to try, and found out; shelves are opened by several users at once.

func someSections() []section {
	return []section{
		{NameFrom([]byte("b")), bytes.Repeat([]byte{1, 2, 3}, 3000)},
		{NameFrom([]byte("a")), []byte{9}},
		{NameFrom([]byte("c")), bytes.Repeat([]byte{7}, pageBytes)},
	}
}

func encoded(t testing.TB, key [32]byte, sections []section) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, key, sections); err != nil {
		t.Fatal(err)
	}
	if uint64(b.Len()) != sizeOf(sections) {
		t.Fatalf("%d bytes, announced %d", b.Len(), sizeOf(sections))
	}
	return b.Bytes()
}

func TestFile(t *testing.T) {
	key := [32]byte{1}
	for _, sections := range [][]section{nil, someSections()} {
		f, err := Parse(encoded(t, key, sections), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sections {
			if got, err := f.Section(s.name); err != nil || !bytes.Equal(got, s.data) {
				t.Errorf("a section of %d bytes comes back as %d: %v", len(s.data), len(got), err)
			}
		}
		if got, err := f.Section(NameFrom([]byte("none"))); got != nil || err != nil {
			t.Errorf("a section that is not there: %v, %v", got, err)
		}
		if err := f.Verify(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Parse(encoded(t, key, someSections()), [32]byte{2}); !errors.Is(err, ErrStale) {
		t.Errorf("for another key: %v, want ErrStale", err)
	}
}

// Every bit of header and table counts, every length is noticed, and a bit of a section by its checksum and its digest.
func TestDamagedFile(t *testing.T) {
	key := [32]byte{1}
	whole := encoded(t, key, someSections())
	table := headerBytes + entryBytes*len(someSections())
	for i := range table {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(whole)
			bad[i] ^= bit
			if _, err := Parse(bad, key); err == nil {
				t.Fatalf("byte %d with bit %#x flipped is read", i, bit)
			}
		}
	}
	for _, n := range []int{0, 7, headerBytes, table - 1, table, pageBytes, len(whole) - pageBytes, len(whole) - 1} {
		if _, err := Parse(whole[:n:n], key); err == nil {
			t.Errorf("cut to %d bytes it is read", n)
		}
	}
	if _, err := Parse(append(bytes.Clone(whole), make([]byte, pageBytes)...), key); err == nil {
		t.Error("with a page more it is read")
	}
	bad := bytes.Clone(whole)
	bad[pageBytes] ^= 1 // the first section, whichever that is
	f, err := Parse(bad, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(); !errors.Is(err, ErrDamaged) {
		t.Errorf("a flipped bit: %v, want ErrDamaged", err)
	}
	wrong := 0
	for _, s := range someSections() {
		if _, err := f.Section(s.name); errors.Is(err, ErrDamaged) {
			wrong++
		}
	}
	if wrong != 1 {
		t.Errorf("%d sections are found damaged, want 1", wrong)
	}
}

func FuzzParse(f *testing.F) {
	key := [32]byte{1}
	f.Add(encoded(f, key, nil))
	f.Add(encoded(f, key, someSections()))
	f.Add(encoded(f, key, someSections())[:pageBytes])
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b, key)
		if err != nil {
			return
		}
		var sections []section
		for i := range file.table {
			e := &file.table[i]
			if got, err := file.Section(e.name); err == nil && uint64(len(got)) != e.n {
				t.Fatalf("section %d has %d bytes, want %d", i, len(got), e.n)
			}
			sections = append(sections, section{e.name, file.section(i)})
		}
		if file.Verify() == nil { // then it is what encode would write, but for checksums and what lies between sections
			if got := encoded(t, key, sections); len(got) != len(b) {
				t.Fatalf("written again it has %d bytes, not %d", len(got), len(b))
			}
		}
	})
}

func folderAt(dir string) Folder {
	return Folder{Dir: dir, BytesMax: 1 << 20, Build: [32]byte{7}}
}

var someName = NameFrom([]byte("weights"))

func TestShelf(t *testing.T) {
	folder := folderAt(filepath.Join(t.TempDir(), "packed"))
	model := [32]byte{3}
	var notes []string
	open := func() *Shelf {
		s := folder.Shelf(model, "avx2", func(text string) { notes = append(notes, text) })
		t.Cleanup(func() { s.Close() })
		return s
	}
	first, second := open(), open()
	if first.Take(someName) != nil || second.Take(someName) != nil {
		t.Fatal("an empty folder gives something")
	}
	want := []byte("packed bytes")
	first.Keep(someName, want)
	second.Keep(someName, want)
	if saved, err := second.Save(); saved || err != nil {
		t.Errorf("the second one, who does not have the lock, writes: %v, %v", saved, err)
	}
	if second.Outdated() {
		t.Error("outdated before there is a file")
	}
	if saved, err := first.Save(); !saved || err != nil {
		t.Fatalf("the first one does not write: %v, %v", saved, err)
	}
	if !second.Outdated() {
		t.Error("the second one does not see that there is a file")
	}
	third := open()
	if got := third.Take(someName); !bytes.Equal(got, want) || third.Mapped() == 0 {
		t.Errorf("got %q, %d bytes mapped, want %q", got, third.Mapped(), want)
	}
	// More is added without loss of what is there.
	more := NameFrom([]byte("more"))
	third.Keep(more, make([]byte, 3*pageBytes))
	if saved, err := third.Save(); !saved || err != nil {
		t.Fatalf("more is not written: %v, %v", saved, err)
	}
	fourth := open()
	if len(fourth.Take(more)) != 3*pageBytes || !bytes.Equal(fourth.Take(someName), want) {
		t.Error("adding to a file loses something")
	}
	// Little beside much is not worth a file.
	fourth.Keep(NameFrom([]byte("little")), make([]byte, 10))
	if saved, _ := fourth.Save(); saved {
		t.Error("ten bytes are worth a new file")
	}
	if len(notes) > 0 {
		t.Errorf("noted: %q", notes)
	}
	if info, err := os.Stat(fourth.path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder.Dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// A damaged file is noted, removed and made anew; one of another build is replaced, one of others' is not looked at.
func TestBadFiles(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(t *testing.T, path string)
		note  string // part of it
		saves bool
	}{
		{"header", func(t *testing.T, path string) { change(t, path, 0) }, "damaged", true},
		{"table", func(t *testing.T, path string) { change(t, path, headerBytes+3) }, "damaged", true},
		{"section", func(t *testing.T, path string) { change(t, path, pageBytes) }, "checksum", true},
		{"cut", func(t *testing.T, path string) { must(t, os.Truncate(path, pageBytes)) }, "damaged", true},
		{"empty", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, "damaged", true},
		{"readable by others", func(t *testing.T, path string) { must(t, os.Chmod(path, 0o644)) }, "this user alone", false},
		{"a link", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+"2"))
			must(t, os.Symlink(path+"2", path))
		}, "cannot be opened", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			folder := folderAt(t.TempDir())
			s := folder.Shelf([32]byte{3}, "avx2", nil)
			s.Keep(someName, []byte("packed bytes"))
			if saved, err := s.Save(); !saved {
				t.Fatal(err)
			}
			s.Close()
			c.spoil(t, s.path())
			var notes []string
			s = folder.Shelf([32]byte{3}, "avx2", func(text string) { notes = append(notes, text) })
			defer s.Close()
			if got := s.Take(someName); got != nil {
				t.Errorf("gives %q", got)
			}
			if len(notes) != 1 || !strings.Contains(notes[0], c.note) {
				t.Errorf("noted %q, want one with %q", notes, c.note)
			}
			s.Keep(someName, []byte("packed again"))
			if saved, err := s.Save(); saved != c.saves || err != nil {
				t.Errorf("saved: %v, %v, want %v", saved, err, c.saves)
			}
		})
	}
}

func TestAnotherBuild(t *testing.T) {
	folder := folderAt(t.TempDir())
	for build := range byte(3) {
		folder.Build = [32]byte{build}
		s := folder.Shelf([32]byte{3}, "avx2", func(text string) { t.Errorf("build %d: %s", build, text) })
		if got := s.Take(someName); got != nil {
			t.Errorf("build %d is given %q", build, got)
		}
		s.Keep(someName, fmt.Append(nil, build))
		if saved, err := s.Save(); !saved {
			t.Errorf("build %d: %v", build, err)
		}
		s.Close()
	}
	if list, err := folder.List(); err != nil || len(list) != 1 {
		t.Errorf("%d files, want one: %v", len(list), err)
	}
}

// Where nothing can be written, or nothing is to be kept, everything goes on in memory.
func TestNowhere(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(blocked, nil, 0o600))
	for _, folder := range []Folder{{}, {Dir: t.TempDir()}, {Dir: filepath.Join(blocked, "in"), BytesMax: 1 << 20}} {
		s := folder.Shelf([32]byte{3}, "avx2", nil)
		s.Keep(someName, []byte("packed"))
		if saved, err := s.Save(); saved || err != nil || s.Take(someName) != nil || s.Outdated() {
			t.Errorf("%v: saved %v, %v", folder, saved, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	var none *Shelf
	none.Keep(someName, nil)
	if _, ok := none.NameOf(nil); ok || none.Take(someName) != nil || none.Outdated() || none.Mapped() != 0 || none.Close() != nil {
		t.Error("no shelf gives something")
	}
}

// Files give way to others, those first that were not opened for longest; one that has no room at all is not written.
func TestRoom(t *testing.T) {
	folder := folderAt(t.TempDir())
	put := func(model byte, pages int) error {
		s := folder.Shelf([32]byte{model}, "go", nil)
		defer s.Close()
		s.Keep(someName, make([]byte, pages*pageBytes))
		_, err := s.Save()
		return err
	}
	folder.BytesMax = 10 * pageBytes
	for model := range byte(3) { // of 3 pages each
		must(t, put(model, 2))
		age := time.Now().Add(time.Duration(model) * time.Hour)
		must(t, os.Chtimes(folder.Shelf([32]byte{model}, "go", nil).path(), age, age))
	}
	used := time.Now().Add(9 * time.Hour)
	must(t, os.Chtimes(folder.Shelf([32]byte{0}, "go", nil).path(), used, used)) // model 0 was used last
	must(t, put(9, 3))
	list, err := folder.List()
	if err != nil {
		t.Fatal(err)
	}
	got := map[byte]bool{}
	size := int64(0)
	for _, k := range list {
		got[k.Model[0]] = true
		size += k.Bytes
	}
	if !got[9] || !got[0] || !got[2] || got[1] || size > folder.BytesMax {
		t.Errorf("%v of %d bytes stay, want 0, 2 and 9", got, size)
	}
	if err := put(8, 10); err == nil {
		t.Error("a file of more than may be kept is written")
	}
	if after, _ := folder.List(); len(after) != len(list) {
		t.Error("files went for one that is not written")
	}
	must(t, folder.Remove([32]byte{9}))
	if _, err := os.Stat(folder.Shelf([32]byte{9}, "go", nil).path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed with its model: %v", err)
	}
	for _, k := range list {
		if err := folder.Verify(k); k.Model[0] != 9 && err != nil {
			t.Errorf("model %d: %v", k.Model[0], err)
		}
	}
}

func change(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[at] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
