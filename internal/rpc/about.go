package rpc

import (
	"context"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/ledger/exec"
)

func (e *eth) addAbout(t *Table) {
	t.Add(Method{Name: "eth_config", Summary: "Rules in force, before and after (EIP-7910)."}, e.config)
	t.Add(Method{Name: "eth_capabilities", Summary: "How far back the node can answer about what."}, e.capabilities)
}

// ruleForm is one entry of eth_config.
type ruleForm struct {
	ActivationTime  uint64                   `json:"activationTime"` // seconds
	BlobSchedule    blobScheduleForm         `json:"blobSchedule"`
	ChainID         Uint64                   `json:"chainId"`
	ForkID          Bytes                    `json:"forkId"`
	Precompiles     map[string]chain.Address `json:"precompiles"`
	SystemContracts map[string]chain.Address `json:"systemContracts"`
}

// blobScheduleForm is all zero: there are no blobs.
type blobScheduleForm struct {
	BaseFeeUpdateFraction uint64 `json:"baseFeeUpdateFraction"`
	Max                   uint64 `json:"max"`
	Target                uint64 `json:"target"`
}

type configForm struct {
	Current *ruleForm `json:"current"`
	Next    *ruleForm `json:"next"`
	Last    *ruleForm `json:"last"`
}

func (e *eth) config(context.Context) (*configForm, error) {
	b, err := e.chain.BlockByHeight(0)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, Errorf(CodeInternal, "internal error: no genesis block")
	}
	head, _ := e.chain.Head()
	genesisHash, now, forks := b.Hash(), head.Ext.TimeMs, e.params.Forks
	out := &configForm{Current: e.rules(genesisHash, 0)}
	for i, f := range forks {
		if f.ActivationMs <= now {
			out.Current = e.rules(genesisHash, f.ActivationMs)
			continue
		}
		if out.Next = e.rules(genesisHash, f.ActivationMs); i < len(forks)-1 {
			out.Last = e.rules(genesisHash, forks[len(forks)-1].ActivationMs)
		} else {
			out.Last = out.Next
		}
		break
	}
	return out, nil
}

func (e *eth) rules(genesisHash chain.Hash, sinceMs uint64) *ruleForm {
	return &ruleForm{
		ActivationTime: sinceMs / 1000, ChainID: Uint64(e.params.ChainID), Precompiles: precompileNames(),
		ForkID:          binary.BigEndian.AppendUint32(nil, genesis.ForkID(genesisHash, e.params.Forks, sinceMs)),
		SystemContracts: map[string]chain.Address{"HISTORY_STORAGE_ADDRESS": exec.HistoryAddress()},
	}
}

// precompileNames are those of EIP-7910 and the EIPs that it refers to.
func precompileNames() map[string]chain.Address {
	out := map[string]chain.Address{"P256VERIFY": {18: 1}}
	for i, name := range []string{
		"ECREC", "SHA256", "RIPEMD160", "ID", "MODEXP", "BN254_ADD", "BN254_MUL", "BN254_PAIRING", "BLAKE2F",
		"KZG_POINT_EVALUATION", "BLS12_G1ADD", "BLS12_G1MSM", "BLS12_G2ADD", "BLS12_G2MSM", "BLS12_PAIRING_CHECK",
		"BLS12_MAP_FP_TO_G1", "BLS12_MAP_FP2_TO_G2",
	} {
		out[name] = chain.Address{19: byte(i + 1)}
	}
	return out
}

type capabilityForm struct {
	Disabled       bool          `json:"disabled"`
	OldestBlock    Uint64        `json:"oldestBlock"`
	DeleteStrategy *strategyForm `json:"deleteStrategy,omitempty"`
}

type strategyForm struct {
	Type            string `json:"type"`
	RetentionBlocks Uint64 `json:"retentionBlocks"`
}

type capabilitiesForm struct {
	Head        headForm       `json:"head"`
	State       capabilityForm `json:"state"`
	Tx          capabilityForm `json:"tx"`
	Logs        capabilityForm `json:"logs"`
	Receipts    capabilityForm `json:"receipts"`
	Blocks      capabilityForm `json:"blocks"`
	StateProofs capabilityForm `json:"stateproofs"`
}

type headForm struct {
	Number Uint64     `json:"number"`
	Hash   chain.Hash `json:"hash"`
}

// capabilities are those of a node that keeps all blocks, the states of a window, and the tree of the head.
func (e *eth) capabilities(context.Context) (*capabilitiesForm, error) {
	head, _ := e.chain.Head()
	return &capabilitiesForm{
		Head: headForm{Uint64(head.Height), head.Hash},
		State: capabilityForm{
			OldestBlock: Uint64(e.chain.OldestState()), DeleteStrategy: &strategyForm{"window", StateHeightsMax},
		},
		StateProofs: capabilityForm{OldestBlock: Uint64(head.Height), DeleteStrategy: &strategyForm{"window", 1}},
	}, nil
}

// StateHeightsMax is how many heights the ledger keeps states of.
const StateHeightsMax = 8192
