// Package tile recomputes one tile of one output of one operator, in small steps, from elements that are handed
// to it. A contract that settles a dispute about a run does this and nothing more.
//
// Nouns. A Task is an operator with what is known of its operands: types, shapes and the few values that shape
// its outputs (parameters). A Plan is a task understood: its output's type and shape. A Work is one tile of
// that output. A State says how far a work is; Needs names the tiles of operands that its next step reads (an
// Ask), and Step reads them and moves the state on, until the tile's bytes are there.
//
//	TILE-1: a tile's bytes are those of net.Tiles, computed by the text of AIW-1 on soft floats. That they are what
//	        compute/operator gives, to the bit, is tested for every operator.
//	TILE-2: how far a step goes follows from the task and the state alone: as many positions as fit WorkMax reads
//	        and StepBytesMax of operands with their proofs, one at least. A state has one encoding.
//	TILE-3: nothing that a stranger sends makes it panic, run on without end or allocate without bound. A task
//	        that is not covered, or that no honest run gets to, is a Fault.
//	TILE-4: an attribute that nobody reads makes a task FaultUnsupported: what is not understood is not judged.
//
// A position is the smallest piece of a work: a sum's next term for all of the tile's elements, say. A recipe
// lists for each position what it reads and what it does to a few registers.
//
// The package is pure. Callers: tasks/dispute, and whoever wants to win there.
//
//	plan, err := tile.Resolve(task, parameters)
//	work := plan.Tile(7)
//	for state := work.Begin(); !work.Done(state); {
//		ask := work.Needs(state)
//		err = work.Step(&state, ask, elementsOf(ask.Runs))
//	}
package tile
