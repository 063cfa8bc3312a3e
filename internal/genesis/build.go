package genesis

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Built is block 0 with the state after it.
type Built struct {
	Block  *chain.Block
	Diff   state.Diff // from the empty state
	Tree   tree.Update
	Supply uint256.Int // all tokens there are
}

// Hash gives the hash of block 0, which names the network.
func (b *Built) Hash() chain.Hash { return b.Block.Hash() }

func historyAddress() chain.Address { return exec.HistoryAddress() }

// Commitment gives the SHA-256 hash of everything but the forks in canonical form (GEN-1). The order of
// alloc in the file does not matter, that of the validators does: it is their numbering.
func (g *Genesis) Commitment() chain.Hash {
	w := codec.NewWriter(4096)
	const tag = "aiwork/genesis/1"
	w.U16(uint16(len(tag)))
	w.Fixed([]byte(tag))
	w.U64(g.TimestampMs)
	writeParams(w, &g.Params)
	w.Count(len(g.Validators))
	for i := range g.Validators {
		v := &g.Validators[i]
		w.Bytes([]byte(v.Name))
		w.Fixed(v.Address[:])
		for _, b := range []Hex{v.VoteKey, v.VoteProof, v.VRFKey, v.VRFProof} {
			w.Bytes(b)
		}
		writeAmount(w, &v.Stake)
		writeAmount(w, &v.ServiceBond)
	}
	alloc := slices.Clone(g.Alloc)
	slices.SortFunc(alloc, func(a, b Alloc) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	w.Count(len(alloc))
	for i := range alloc {
		w.Fixed(alloc[i].Address[:])
		writeAmount(w, &alloc[i].Balance)
	}
	return sha256.Sum256(w.Out())
}

func writeAmount(w *codec.Writer, a *Amount) {
	b := a.Int.Bytes32()
	w.Fixed(b[:])
}

// Build makes block 0 and its state. g has passed Check.
func (g *Genesis) Build(modules *native.Set) *Built {
	view := state.New(state.Empty{})
	for i := range g.Alloc {
		view.AddBalance(g.Alloc[i].Address, &g.Alloc[i].Balance.Int)
	}
	for _, addr := range modules.Addresses() {
		view.SetCode(addr, []byte{0xfe})
		view.SetNonce(addr, 1)
	}
	view.SetCode(historyAddress(), exec.HistoryCode())
	view.SetNonce(historyAddress(), 1)
	commitment := g.Commitment()
	view.SetCode(DeployerAddress(), deployerCode())
	view.SetNonce(DeployerAddress(), 1)
	modules.Genesis(view, g.Set(), &g.Params, commitment)
	b := &Built{Diff: view.Diff()}
	update, err := tree.Apply(tree.Empty{}, tree.Changes(b.Diff))
	must.Hold(err == nil && view.Err() == nil, "genesis: the empty state cannot be read")
	b.Tree = update
	for i := range b.Diff.Accounts {
		b.Supply.Add(&b.Supply, &b.Diff.Accounts[i].New.Balance)
	}
	limit := SupplyMax()
	must.Hold(!b.Supply.Gt(&limit), "genesis: supply above its cap")
	b.Block = &chain.Block{Header: g.header(commitment, update.Root)}
	b.Block.Ext = chain.Extension{
		Version: chain.ExtensionVersion, TimeMs: g.TimestampMs,
		ForkID: ForkID(b.Block.Hash(), g.Params.Forks, g.TimestampMs),
	}
	return b
}

// header is block 0's. Its extra data is the commitment, not the hash of an extension: block 0 is never
// sent, its extension only gives later blocks their parent's time.
func (g *Genesis) header(commitment, root chain.Hash) chain.Header {
	return chain.Header{
		StateRoot: root, TxRoot: chain.TxRoot(nil), ReceiptRoot: chain.ReceiptRoot(nil),
		GasLimit: g.Params.BlockGasLimit, Time: g.TimestampMs / 1000, Extra: commitment,
		BaseFee: uint256.Int{g.Params.BaseFeeFloor},
	}
}
