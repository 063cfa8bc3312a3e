package ledger

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// verifyPast goes back from the head by what the rows of history say and holds the root of every state
// against the header of its block.
func verifyPast(ctx context.Context, snap *store.Snapshot) error {
	old := pastTree{from: snap, pages: make(map[tree.Path][]byte)}
	return snap.Undo(func(h chain.Height, back state.Diff) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		u, err := tree.Apply(&old, tree.Changes(back))
		if err != nil {
			return fmt.Errorf("state of height %d: %w", h-1, err)
		}
		old.put(u)
		row, err := snap.Header(h - 1)
		if err != nil {
			return fmt.Errorf("block %d: %w", h-1, err)
		}
		if u.Root != row.Header.StateRoot {
			return fmt.Errorf("state of height %d: the rows of history give the root %s, the block says %s", h-1, u.Root,
				row.Header.StateRoot)
		}
		return nil
	})
}

// pastTree is the tree as it was: the pages that differ from those on disk are kept in memory.
type pastTree struct {
	from  tree.Reader
	pages map[tree.Path][]byte
}

// Page gives a page as it was.
func (t *pastTree) Page(p tree.Path) ([]byte, error) {
	if page, ok := t.pages[p]; ok {
		return page, nil
	}
	return t.from.Page(p)
}

func (t *pastTree) put(u tree.Update) {
	for i := range u.Pages {
		t.pages[u.Pages[i].Path] = u.Pages[i].Page
	}
}
