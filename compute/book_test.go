package compute

import (
	"encoding/json"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// headStates is a ledger as a Book reads it.
type headStates struct{ *ledger.Ledger }

func (s headStates) State() (native.SlotReader, chain.Height, uint64, func() error, error) {
	view, err := s.Ledger.State()
	if err != nil {
		return nil, 0, 0, nil, err
	}
	return view, view.Height, view.Ext.TimeMs, view.Close, nil
}

// counted counts what a book reads of the jobs' contract, and may forget what blocks have changed.
type counted struct {
	headStates
	slots     int
	forgetful bool
}

func (s *counted) State() (native.SlotReader, chain.Height, uint64, func() error, error) {
	r, height, timeMs, release, err := s.headStates.State()
	return countedReader{r, s}, height, timeMs, release, err
}

func (s *counted) ChangedSlots(h chain.Height, a chain.Address) ([]chain.Hash, bool) {
	if s.forgetful {
		return nil, false
	}
	return s.headStates.ChangedSlots(h, a)
}

type countedReader struct {
	native.SlotReader
	of *counted
}

func (r countedReader) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	r.of.slots++
	return r.SlotReader.Slot(a, key)
}

// Through the lives of several jobs a book says at each height, of everybody, what the state says that is read from scratch; also when it
// cannot know what has changed.
func TestBookEqualsTheState(t *testing.T) {
	w := newLifeWorld(t)
	states := &counted{headStates: headStates{w.Ledger}}
	book, blind := NewBook(states), NewBook(&counted{headStates: headStates{w.Ledger}, forgetful: true})
	who := []chain.Address{{}}
	for _, a := range w.Accounts {
		who = append(who, a.Address)
	}
	for _, v := range w.Validators {
		who = append(who, v.Account.Address)
	}
	tasks, open := 0, 0
	compare := func() {
		t.Helper()
		for _, a := range who {
			want := w.agenda(a)
			unsettled, err := LoadUnsettled(w.View(), a)
			if err != nil {
				t.Fatal(err)
			}
			tasks, open = tasks+len(want.Tasks), open+len(unsettled)
			for _, b := range []*Book{book, blind} {
				got, err := b.Agenda(a)
				if same(t, got) != same(t, want) || err != nil {
					t.Fatalf("agenda of %s at height %d: got %+v, %v, want %+v", a, want.Height, got, err, want)
				}
				list, err := b.Unsettled(a)
				if same(t, list) != same(t, unsettled) || err != nil {
					t.Fatalf("unsettled for %s at height %d: got %+v, %v, want %+v", a, want.Height, list, err, unsettled)
				}
			}
		}
	}
	w.after = compare
	over := func() bool {
		live, err := job.Live(w.View(), 0, 1)
		return err == nil && len(live) == 0
	}
	for n := range 600 {
		if n < 60 && n%20 == 0 {
			w.create(2 + n/20)
		}
		if n == 50 {
			w.MustSend(w.Accounts[0], chain.AddrJobs, nil, job.PackCancel(3))
		}
		if n > 60 && over() {
			break
		}
		w.turn()
	}
	if !over() || tasks < 100 || open < 10 {
		t.Errorf("all over: %v; %d tasks and %d open batches were compared, want all of it to have happened", over(), tasks, open)
	}
	if len(book.owners) > 20 { // the list of live jobs, and nothing of jobs that are over
		t.Errorf("%d slots are remembered at the end, want those of the list", len(book.owners))
	}
}

func same(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Of a crowd of jobs a book reads those anew in which something has changed, and no others.
func TestBookReadsWhatChanged(t *testing.T) {
	w := newLifeWorld(t)
	const jobs = 50
	spec := job.Spec{Model: chain.Hash{9}, Items: []chain.Hash{{1}}, ItemCount: 3, Price: *uint256.NewInt(1), LifeMs: 600_000}
	for range jobs {
		w.MustSend(w.Accounts[0], chain.AddrJobs, ledgertest.Tokens(100), job.PackCreate(&spec))
	}
	states := &counted{headStates: headStates{w.Ledger}}
	book := NewBook(states)
	read := func() int {
		t.Helper()
		before := states.slots
		if _, err := book.Agenda(chain.Address{1}); err != nil {
			t.Fatal(err)
		}
		return states.slots - before
	}
	all := read()
	if again := read(); all < 3*jobs || again != 0 {
		t.Errorf("read %d slots at first and %d the second time, want all and none", all, again)
	}
	w.Block()
	if got := read(); got != 0 {
		t.Errorf("after an empty block: read %d slots, want none", got)
	}
	w.MustSend(w.Accounts[0], chain.AddrJobs, nil, job.PackAddItems(7, []chain.Hash{{2}}, []chain.Hash{{}}))
	if got := read(); got == 0 || got > all/jobs+5 {
		t.Errorf("after one job of %d has changed: read %d slots, want those of one, some %d", jobs, got, all/jobs)
	}
	w.MustSend(w.Accounts[0], chain.AddrJobs, nil, job.PackCancel(8))
	if got := read(); got == 0 || got > all/2 {
		t.Errorf("after one job has ended: read %d slots of %d, want the list alone", got, all)
	}
}
