package evmdiff

import (
	"maps"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Shrink makes a failing program smaller as long as it still fails: without transactions, accounts,
// slots, access lists, authorizations or data, and with stretches of code put out of action.
func Shrink(p *Program, fails func(*Program) bool) *Program {
	for {
		smaller := shrinkOnce(p, fails)
		if smaller == nil {
			return p
		}
		p = smaller
	}
}

// shrinkOnce gives the first smaller program that fails, nil if there is none.
func shrinkOnce(p *Program, fails func(*Program) bool) (smaller *Program) {
	try := func(change func(*Program) bool) bool {
		if smaller != nil {
			return true
		}
		q := p.clone()
		if change(q) && fails(q) {
			smaller = q
		}
		return smaller != nil
	}
	for i := range p.Txs {
		try(func(q *Program) bool { q.Txs = slices.Delete(q.Txs, i, i+1); return true })
	}
	for i := range p.Txs {
		try(func(q *Program) bool { t := &q.Txs[i]; had := t.Access != nil; t.Access = nil; return had })
		try(func(q *Program) bool {
			t := &q.Txs[i]
			had := len(t.Auths) > 1
			t.Auths = t.Auths[:min(1, len(t.Auths))]
			return had
		})
		try(func(q *Program) bool {
			t := &q.Txs[i]
			had := t.To != nil && len(t.Data) > 0
			t.Data = codeIf(!had, t.Data)
			return had
		})
		try(func(q *Program) bool { t := &q.Txs[i]; had := !t.Value.IsZero(); t.Value.Clear(); return had })
	}
	for _, addr := range slices.SortedFunc(maps.Keys(p.World), func(a, b chain.Address) int { return slices.Compare(a[:], b[:]) }) {
		try(func(q *Program) bool { delete(q.World, addr); return true })
		try(func(q *Program) bool { a := q.World[addr]; had := len(a.Slots) > 0; a.Slots = nil; return had })
		for size := len(p.World[addr].Code); size > 0; size /= 2 {
			for at := 0; at < len(p.World[addr].Code) && smaller == nil; at += size {
				try(func(q *Program) bool { return quiet(q.World[addr].Code, at, size) })
			}
		}
		try(func(q *Program) bool { a := q.World[addr]; return cutTail(&a.Code) })
	}
	for i := range p.Txs {
		for size := len(p.Txs[i].Data); p.Txs[i].To == nil && size > 0; size /= 2 {
			for at := 0; at < len(p.Txs[i].Data) && smaller == nil; at += size {
				try(func(q *Program) bool { return quiet(q.Txs[i].Data, at, size) })
			}
		}
	}
	return smaller
}

func codeIf(keep bool, code []byte) []byte {
	if keep {
		return code
	}
	return nil
}

// quiet turns a stretch of code into jump destinations, which do nothing and keep all other places.
func quiet(code []byte, at, size int) (changed bool) {
	for i := at; i < min(at+size, len(code)); i++ {
		changed = changed || code[i] != byte(vm.JUMPDEST)
		code[i] = byte(vm.JUMPDEST)
	}
	return changed
}

// cutTail takes the jump destinations from the end.
func cutTail(code *[]byte) bool {
	n := len(*code)
	for n > 0 && (*code)[n-1] == byte(vm.JUMPDEST) {
		n--
	}
	cut := n < len(*code)
	*code = (*code)[:n]
	return cut
}

// clone copies what Shrink changes.
func (p *Program) clone() *Program {
	q := &Program{World: World{}, Txs: slices.Clone(p.Txs)}
	for addr, a := range p.World {
		b := *a
		b.Code, b.Slots = slices.Clone(a.Code), maps.Clone(a.Slots)
		q.World[addr] = &b
	}
	for i := range q.Txs {
		q.Txs[i].Data = slices.Clone(q.Txs[i].Data)
	}
	return q
}
