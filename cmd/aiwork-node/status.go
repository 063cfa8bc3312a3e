package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:   "status",
		Usage:  "show how a node stands: head, consensus, peers",
		Flags:  []cli.Flag{rpcFlag()},
		Action: status,
	}
}

type nodeStatus struct {
	ChainID   client.Uint64  `json:"chainId"`
	Genesis   chain.Hash     `json:"genesis"`
	Height    client.Uint64  `json:"height"`
	Hash      chain.Hash     `json:"hash"`
	TimeMs    client.Uint64  `json:"timeMs"`
	BaseFee   client.Uint256 `json:"baseFeePerGas"`
	Consensus struct {
		Session        client.Uint64  `json:"session"`
		View           client.Uint64  `json:"view"`
		Leader         client.Uint64  `json:"leader"`
		Validator      *client.Uint64 `json:"validator"`
		Voting         bool           `json:"voting"`
		Silent         string         `json:"silent,omitempty"`
		NullifiedViews client.Uint64  `json:"nullifiedViews"`
		DeltaMs        client.Uint64  `json:"deltaMs"`
		FinalityMs     float64        `json:"finalityMs"`
	} `json:"consensus"`
	Peers        client.Uint64 `json:"peers"`
	P2PAddresses []string      `json:"p2pAddresses"`
	Version      string        `json:"version"`
	Syncing      bool          `json:"syncing"`
	Highest      client.Uint64 `json:"highest"`
}

func status(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	cl, err := dial(c)
	if err != nil {
		return err
	}
	defer cl.Close()
	var s nodeStatus
	if err := cl.Call(c.Context, &s, "aiwork_status"); err != nil {
		return err
	}
	if err := cl.Call(c.Context, &s.Version, "web3_clientVersion"); err != nil {
		return err
	}
	s.Highest = s.Height
	var behind struct {
		Highest client.Uint64 `json:"highestBlock"`
	}
	// Not syncing is the answer false, which does not decode into an object.
	if cl.Call(c.Context, &behind, "eth_syncing") == nil {
		s.Syncing, s.Highest = true, behind.Highest
	}
	return printer(c).Result(s, func(w io.Writer) { s.print(w) })
}

func (s *nodeStatus) print(w io.Writer) {
	role := "follows"
	if s.Consensus.Validator != nil {
		role = fmt.Sprintf("validator %d, voting", *s.Consensus.Validator)
		if !s.Consensus.Voting {
			role = fmt.Sprintf("validator %d, silent: %s", *s.Consensus.Validator, s.Consensus.Silent)
		}
	}
	age := time.Since(time.UnixMilli(int64(s.TimeMs))).Round(time.Millisecond)
	pairs := [][2]string{
		{"node", s.Version},
		{"chain", fmt.Sprintf("%d, genesis %s", s.ChainID, s.Genesis)},
		{"head", fmt.Sprintf("%d, %s old, %s", s.Height, age, s.Hash)},
		{"base fee", fmt.Sprintf("%s wei per gas", s.BaseFee.Dec())},
		{"role", role},
		{"consensus", fmt.Sprintf("session %d, view %d, leader %d, %d views without a block", s.Consensus.Session, s.Consensus.View, s.Consensus.Leader, s.Consensus.NullifiedViews)},
		{"finality", fmt.Sprintf("%.1f ms for the last block, message delay assumed %d ms", s.Consensus.FinalityMs, s.Consensus.DeltaMs)},
		{"peers", fmt.Sprint(s.Peers)},
	}
	if s.Syncing {
		pairs = append(pairs, [2]string{"syncing", fmt.Sprintf("to %d, %d blocks behind", s.Highest, s.Highest-s.Height)})
	}
	for _, a := range s.P2PAddresses {
		pairs = append(pairs, [2]string{"reached at", a})
	}
	term.Pairs(w, pairs...)
}
