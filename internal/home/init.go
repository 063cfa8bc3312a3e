package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Init makes the folder a node of the network that the genesis file begins. Validator keys, if there are
// any, must be in place: the vote log is made here, bound to genesis and vote key, and its absence later
// means that votes may have been forgotten (rule 12).
func (h Home) Init(file []byte, modules *native.Set) (*genesis.Genesis, error) {
	g, err := genesis.Decode(file)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(h.Genesis()); err == nil {
		return nil, fmt.Errorf("%s is a node already: choose another --home, or remove the folder to begin anew", h.Dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("node folder: %w", err)
	}
	if err := h.Create(); err != nil {
		return nil, err
	}
	if h.HasValidatorKeys() {
		keys, err := h.LoadValidatorKeys()
		if err != nil {
			return nil, err
		}
		if err := votelog.Create(h.VoteLog(), g.Build(modules).Hash(), keys.Vote.Public().XOnly()); err != nil {
			return nil, err
		}
	}
	// The genesis file comes last: it is what makes the folder a node.
	if err := os.WriteFile(h.Genesis(), file, 0o600); err != nil {
		return nil, fmt.Errorf("node folder: %w", err)
	}
	return g, nil
}

// LoadGenesis reads the node's genesis file.
func (h Home) LoadGenesis() (g *genesis.Genesis, file []byte, err error) {
	if err := h.CheckInitialised(); err != nil {
		return nil, nil, err
	}
	if file, err = os.ReadFile(h.Genesis()); err != nil {
		return nil, nil, fmt.Errorf("genesis: %w", err)
	}
	if g, err = genesis.Decode(file); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: put the network's own file there again", h.Genesis(), err)
	}
	return g, file, nil
}
