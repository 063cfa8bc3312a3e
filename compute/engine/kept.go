package engine

import (
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// kept is what of a model lies in files that processes share; its zero value is nothing.
type kept struct {
	model *model.Mapped
	shelf *packed.Shelf
	note  func(text string)
}

// notePacked passes a text on.
func (l Library) notePacked(text string) {
	if l.note != nil {
		l.note(NotePacked, text)
	}
}

// Compile readies a model of the library for the quickest path of this machine. Its weights are mapped from files as far as a process has left
// them there. Its error is model.ErrNoModel where there is none.
func (l Library) Compile(id chain.Hash, threads int) (*Compiled, error) {
	o := plan.Default()
	o.Threads = threads
	k := kept{shelf: l.Packed.Shelf(id, o.Path.String(), l.notePacked), note: l.notePacked}
	var err error
	if k.model, err = l.Models.Open(id, k.shelf); err != nil {
		k.close()
		return nil, err
	}
	o.Shelf = k.shelf
	c, err := compile(k.model.File, o)
	if err != nil {
		k.close()
		return nil, err
	}
	c.kept, c.device = k, l.device
	c.onDevice = l.device.load(k.model.File)
	return c, nil
}

// Settle keeps what was packed in the first runs, and says whether the model is worth opening anew because another process did.
func (c *Compiled) Settle() bool { return c.kept.settle() }

func (k *kept) settle() bool {
	saved, err := k.shelf.Save()
	if err != nil && k.note != nil {
		k.note("packed weights are not kept: " + err.Error())
	}
	return saved || k.shelf.Outdated()
}

// close gives the memory back. What it cannot give back goes with the process.
func (k *kept) close() {
	if k.model != nil {
		_ = k.model.Close()
	}
	_ = k.shelf.Close()
}
