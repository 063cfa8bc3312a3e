package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
)

const npmPrefix = "npm:"

// Files are a package's files by path. They are a file system to read from.
type Files map[string][]byte

// ReadFile gives a file's content.
func (f Files) ReadFile(name string) ([]byte, error) {
	if b, ok := f[name]; ok {
		return b, nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// Open opens a file; folders cannot be opened.
func (f Files) Open(name string) (fs.File, error) {
	b, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{Reader: bytes.NewReader(b), name: name}, nil
}

// licence gives the text of the licence, or its name where the package has no text.
func (f Files) licence() string {
	for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"} {
		if text := string(f[name]); text != "" && len(text) <= licenceBytesMax {
			return text
		}
	}
	var about struct {
		License string `json:"license"`
	}
	if json.Unmarshal(f["package.json"], &about) != nil {
		return ""
	}
	return about.License
}

// An openFile is a file that is being read.
type openFile struct {
	*bytes.Reader
	name string
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o, nil }
func (o *openFile) Close() error               { return nil }
func (o *openFile) Name() string               { return path.Base(o.name) }
func (o *openFile) Mode() fs.FileMode          { return 0o444 }
func (o *openFile) ModTime() time.Time         { return time.Time{} }
func (o *openFile) IsDir() bool                { return false }
func (o *openFile) Sys() any                   { return nil }

// A Model is one that was found.
type Model struct {
	Name    string
	Source  string // with the path in its package
	licence string
	files   Files
	path    string
	read    reader
	outside lower.Outside
}

// Find lists the models among files, by path. Source names where the files come from: npm:NAME@VERSION or a file's name. An empty
// licence means that of the package.
func Find(source, licence string, files Files) (list []Model) {
	if licence == "" {
		licence = files.licence()
	}
	for p := range files {
		m := Model{Source: source + "#" + p, licence: licence, files: files, path: p}
		k := look(source, p)
		switch {
		case k != nil:
			m.Name, m.read, m.outside = k.name, k.read, k.outside
		case path.Ext(p) == ".onnx":
			m.Name, m.read, m.outside = Stem(p), readONNX, lower.Outside{Form: net.FormTensors}
		case path.Base(p) == "model.json" || path.Base(p) == "model.min.js":
			m.Name, m.read, m.outside = path.Base(path.Dir(p)), readTFJS, lower.Outside{Form: net.FormTensors}
		default:
			continue
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Model) int { return strings.Compare(a.path, b.path) })
	return list
}

// Files are those of the model's package.
func (m *Model) Files() Files { return m.files }

// Path is the model's file within the package.
func (m *Model) Path() string { return m.path }

// File reads the model. What cannot be run is refused; see onnx.IsUnsupported.
func (m *Model) File() (*model.File, error) {
	network, err := m.read(m.files, m.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.path, err)
	}
	l, err := lower.Lower(network, m.outside)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.path, err)
	}
	f := &model.File{Name: m.Name, Source: m.Source, Licence: m.licence, Model: l}
	return f, f.CheckRuns()
}

const (
	nameBytesMax    = 64
	licenceBytesMax = 64 << 10
)

// Stem is a file's name without folder and extension, short enough for a model's name.
func Stem(file string) string {
	name := path.Base(file)
	name = strings.TrimSuffix(name, path.Ext(name))
	return name[:min(len(name), nameBytesMax)]
}
