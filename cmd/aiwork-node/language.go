package main

import (
	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/packed"
)

// loadLanguage lays out the language model with an id, or takes what was laid out before.
func loadLanguage(folder packed.Folder, id [32]byte, f *gguf.File, path kernel.Path, note func(text string)) (*lm.Model, *packed.Shelf, error) {
	return packed.Load(folder, id, path.String(), note, func(s *packed.Shelf) (*lm.Model, error) { return lm.LoadKept(f, path, s) })
}
