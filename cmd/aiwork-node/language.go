package main

import (
	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/packed"
)

// loadLanguage loads a language model of a file, with weights that are packed once and mapped.
func loadLanguage(folder packed.Folder, f *gguf.File, file string, path kernel.Path, note func(text string)) (*lm.Model, *packed.Shelf, error) {
	id, err := packed.FileID(file)
	if err != nil {
		return nil, nil, err
	}
	return packed.Load(folder, id, path.String(), note, func(s *packed.Shelf) (*lm.Model, error) { return lm.LoadKept(f, path, s) })
}
