package tfjs

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A File is a network as it was saved.
type File struct {
	Weights  *Weights
	topology *value // null in a file of weights only
}

// Read reads a network from its main file, a model's or a manifest of weights; shards lie beside it.
func Read(files fs.FS, name string) (*File, error) {
	b, err := readFile(files, name)
	if err != nil {
		return nil, err
	}
	root, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	groups, topology := root, &value{}
	if root.kind == kindObject {
		groups, topology = root.get("weightsManifest"), root.get("modelTopology")
	}
	if groups.kind != kindList {
		return nil, fmt.Errorf("%s: no manifest of weights", name)
	}
	w := &Weights{byName: map[string]*weight{}}
	for i, group := range groups.list {
		raw, err := readShards(files, name, group.get("paths"))
		if err != nil {
			return nil, fmt.Errorf("%s: group %d: %w", name, i, err)
		}
		if err := w.cut(group.get("weights"), raw); err != nil {
			return nil, fmt.Errorf("%s: group %d: %w", name, i, err)
		}
	}
	elements := 0
	for _, one := range w.byName {
		elements += tensor.Count(one.shape)
	}
	if elements > WeightBytesMax/4 {
		return nil, fmt.Errorf("%s: weights of more than %d bytes", name, WeightBytesMax)
	}
	return &File{Weights: w, topology: topology}, nil
}

// readShards reads the files of one group and joins them. Modules of JavaScript hold base64.
func readShards(files fs.FS, name string, paths *value) ([]byte, error) {
	if len(paths.list) == 0 || len(paths.list) > shardsMax {
		return nil, fmt.Errorf("%d files, want 1 to %d", len(paths.list), shardsMax)
	}
	const module = ".min.js"
	var all []byte
	for _, p := range paths.list {
		file := path.Join(path.Dir(name), p.text)
		script := strings.HasSuffix(name, module)
		if script {
			file += module
		}
		b, err := readFile(files, file)
		if err != nil {
			return nil, err
		}
		if script {
			if b, err = decodeModule(b); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		if all = append(all, b...); len(all) > FileBytesMax {
			return nil, fmt.Errorf("files of more than %d bytes", FileBytesMax)
		}
	}
	return all, nil
}

// decodeModule gives the bytes that a JavaScript module exports as a text in base64.
func decodeModule(b []byte) ([]byte, error) {
	v, err := parse(b)
	if err != nil {
		return nil, err
	}
	if v.kind != kindText {
		return nil, fmt.Errorf("exports no text")
	}
	return base64.StdEncoding.DecodeString(v.text)
}

func readFile(files fs.FS, name string) ([]byte, error) {
	if !fs.ValidPath(name) { // a name in a manifest may try to lead out of the folder
		return nil, fmt.Errorf("invalid name of a file: %q", name)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, FileBytesMax+1))
	if err == nil && len(b) > FileBytesMax {
		err = fmt.Errorf("%s: more than %d bytes", name, FileBytesMax)
	}
	return b, err
}

// Model makes the model that the file's topology describes.
func (f *File) Model() (*onnx.Model, error) {
	b := newBuilder(f.Weights)
	switch {
	case f.topology.get("model_config").kind == kindObject:
		b.layers(f.topology.get("model_config"))
	case f.topology.get("node").kind == kindList:
		b.nodes(f.topology.get("node"))
	default:
		return nil, fmt.Errorf("weights without a topology")
	}
	return b.finish(true)
}
