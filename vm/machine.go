package vm

import (
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// Block is what code can learn about the block it runs in.
type Block struct {
	ChainID     uint64
	Number      uint64
	Time        uint64
	GasLimit    uint64
	Coinbase    chain.Address
	BaseFee     uint256.Int
	BlobBaseFee uint256.Int
	BlobsMax    uint64      // blobs that a transaction may name; 0 without blobs
	Random      uint256.Int // PREVRANDAO; before Paris the difficulty
	// Hash gives the hash of one of the 256 blocks before this one.
	Hash func(number uint64) chain.Hash
}

// Machine runs transactions and calls on a state under one rule set. It is for one goroutine. What it
// needs for a run it keeps for the next one.
type Machine struct {
	st      State
	fork    fork.Fork
	table   *table
	pre     *precompile.Set // in force
	usual   *precompile.Set // of the rule set
	codes   *Codes
	tracer  Tracer
	natives Natives
	block   Block

	// of the running transaction
	origin     chain.Address
	gasPrice   uint256.Int
	blobHashes []chain.Hash
	created    []chain.Address // contracts created and not undone
	doomed     []chain.Address // accounts that go at the end
	burned     uint256.Int     // money that went with them

	frames     []*frame
	keccak     sponge
	digest     [32]byte
	native     NativeCall
	logs       logMemory
	translator translator

	modulus    uint256.Int // of the last MULMOD
	reciprocal [5]uint64   // of modulus

	amount uint256.Int // an argument to State: what is passed through an interface must not be on the stack
}

// New gives a machine over st. Codes may be shared by machines that are used one after the other.
func New(f fork.Fork, st State, codes *Codes) *Machine {
	usual := precompile.New(f)
	return &Machine{st: st, fork: f, table: newTable(f), pre: usual, usual: usual, codes: codes, keccak: newSponge()}
}

// SetBlock says in which block the next runs are.
func (m *Machine) SetBlock(b Block) { m.block = b }

// SetNatives puts the chain's own contracts in place; nil takes them away.
func (m *Machine) SetNatives(n Natives) { m.natives = n }

// SetPrecompiles puts other built-in contracts in place; nil puts back those of the rule set.
func (m *Machine) SetPrecompiles(s *precompile.Set) {
	if m.pre = s; s == nil {
		m.pre = m.usual
	}
}

// SetState changes the state that the next runs are on.
func (m *Machine) SetState(st State) { m.st = st }

// Trace makes the next runs report to t; nil ends it.
func (m *Machine) Trace(t Tracer) { m.tracer = t }

// frame gives the frame at a depth, empty but for what the caller sets.
func (m *Machine) frame(depth int) *frame {
	if depth == len(m.frames) {
		m.frames = append(m.frames, &frame{depth: depth})
	}
	f := m.frames[depth]
	f.mem, f.ret, f.out = f.mem[:0], f.ret[:0], nil
	return f
}

// release drops large memories at the end of a transaction, so that one greedy contract does not cost
// the node memory for ever.
func (m *Machine) release() {
	for _, f := range m.frames {
		if cap(f.mem) > memoryKeepMax {
			f.mem = nil
		}
		if cap(f.ret) > memoryKeepMax {
			f.ret = nil
		}
		f.input, f.out = nil, nil
	}
}

// codeOf gives the code of an account, nil if it has none.
func (m *Machine) codeOf(addr chain.Address) *Code {
	hash := m.st.CodeHash(addr)
	if hash.IsZero() {
		return nil
	}
	if c := m.codes.find(&hash); c != nil {
		return c
	}
	return m.codes.add(hash, m.st.Code(addr))
}

// warm makes an account warm and reports whether it was already. Built-in contracts always are (EIP-2929).
func (m *Machine) warm(addr chain.Address) (wasWarm bool) {
	return m.pre.Warm(&addr) || m.st.WarmAddress(addr)
}

// warmGas gives the price of touching an account from Berlin on and makes it warm.
func (m *Machine) warmGas(addr chain.Address) uint64 {
	if m.warm(addr) {
		return gasWarm
	}
	return gasColdAccount
}

// mark remembers where to go back to.
type mark struct {
	state, created, doomed int
	burned                 uint256.Int
}

func (m *Machine) mark() mark {
	return mark{m.st.Snapshot(), len(m.created), len(m.doomed), m.burned}
}

func (m *Machine) revert(to mark) {
	m.st.RevertTo(to.state)
	m.created, m.doomed, m.burned = m.created[:to.created], m.doomed[:to.doomed], to.burned
}

func contains(list []chain.Address, addr chain.Address) bool {
	return slices.Contains(list, addr)
}
