package compute

import (
	"errors"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// bookSlotsMax bounds what a Book remembers: some 100 bytes for each slot of the state, of which a batch takes about 15. What is
// beyond it is read anew each time.
const bookSlotsMax = 1 << 18

// States is what a Book needs of the ledger.
type States interface {
	// State gives the state after the head. Release must be called.
	State() (r native.SlotReader, height chain.Height, timeMs uint64, release func() error, err error)
	// ChangedSlots lists the slots of an account that a final block has changed; known is false for one that is too long ago.
	// It knows every height that State has given.
	ChangedSlots(h chain.Height, a chain.Address) (keys []chain.Hash, known bool)
}

// A Book answers what the head asks of anybody. It remembers the live jobs with the slots of the state that tell of them, and reads only
// those anew in which a block has changed something: a walk over all of them for each address at each height would take longer than a
// block. It is safe for concurrent use; one question is answered after the other.
type Book struct {
	states States
	turn   chan struct{} // of one; who holds it owns what follows

	height chain.Height
	pages  map[uint64]*page
	owners map[chain.Hash]uint64 // slots, by the page that was made of them
}

// A page is what the state tells of a live job, or, under the number 0, which jobs are live.
type page struct {
	live     []uint64
	job      job.Job
	batches  []job.Batch
	auditors map[uint32][]job.Auditor // of batches whose auditors are asked
	slots    []chain.Hash
}

// NewBook gives a book that knows nothing yet.
func NewBook(s States) *Book {
	b := &Book{states: s, turn: make(chan struct{}, 1)}
	b.forget()
	return b
}

func (b *Book) forget() {
	b.pages, b.owners = map[uint64]*page{}, map[chain.Hash]uint64{}
}

// Agenda gives what the head's state asks of an address.
func (b *Book) Agenda(who chain.Address) (a Agenda, err error) {
	err = b.read(func(r native.SlotReader, height chain.Height, timeMs uint64) (err error) {
		a, err = readAgenda(b.source(r), who, height, timeMs)
		return err
	})
	return a, err
}

// Unsettled gives the batches of others than an address whose results lie open in the head's state.
func (b *Book) Unsettled(who chain.Address) (list []Task, err error) {
	err = b.read(func(r native.SlotReader, _ chain.Height, _ uint64) (err error) {
		list, err = readUnsettled(b.source(r), who)
		return err
	})
	return list, err
}

// read brings the book up to the head and answers a question from it.
func (b *Book) read(answer func(native.SlotReader, chain.Height, uint64) error) (err error) {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	r, height, timeMs, release, err := b.states.State()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	b.follow(height)
	return answer(r, height, timeMs)
}

// follow drops the pages in which the blocks up to a height have changed something.
func (b *Book) follow(height chain.Height) {
	for h := b.height + 1; h <= height; h++ {
		keys, known := b.states.ChangedSlots(h, chain.AddrJobs)
		if !known {
			b.forget()
			break
		}
		for _, key := range keys {
			if id, ours := b.owners[key]; ours {
				b.drop(id)
			}
		}
	}
	b.height = height
}

func (b *Book) drop(id uint64) {
	for _, key := range b.pages[id].slots {
		delete(b.owners, key)
	}
	delete(b.pages, id)
}

// source gives the pages of a state, those that the book has and those that are read now.
func (b *Book) source(r native.SlotReader) source {
	return source{r: r, page: func(id uint64) (*page, error) {
		if p := b.pages[id]; p != nil {
			return p, nil
		}
		p, err := readPage(r, id)
		if err != nil {
			return nil, err
		}
		b.keep(id, p)
		return p, nil
	}}
}

// keep remembers a page, if there is room.
func (b *Book) keep(id uint64, p *page) {
	if len(b.owners)+len(p.slots) > bookSlotsMax {
		return
	}
	for _, key := range p.slots {
		if _, taken := b.owners[key]; taken {
			return // a slot has one owner; a page that shares one is read each time
		}
	}
	for _, key := range p.slots {
		b.owners[key] = id
	}
	b.pages[id] = p
}

// A source is where a question finds pages: in a Book or in the state alone.
type source struct {
	r    native.SlotReader
	page func(id uint64) (*page, error)
}

// plain reads every page from a state.
func plain(r native.SlotReader) source {
	return source{r: r, page: func(id uint64) (*page, error) { return readPage(r, id) }}
}

// each goes once through the live jobs.
func (s source) each(do func(*page) error) error {
	list, err := s.page(0)
	if err != nil {
		return err
	}
	for _, id := range list.live {
		p, err := s.page(id)
		if err != nil {
			return err
		}
		if err := do(p); err != nil {
			return err
		}
	}
	return nil
}

// readPage makes a page and notes what it was made of.
func readPage(r native.SlotReader, id uint64) (*page, error) {
	noted := &noting{r: r, seen: map[chain.Hash]bool{}}
	p := &page{auditors: map[uint32][]job.Auditor{}}
	err := p.fill(noted, id)
	p.slots = noted.slots
	return p, err
}

func (p *page) fill(r native.SlotReader, id uint64) (err error) {
	if id == 0 {
		p.live, err = job.Live(r, 0, job.LiveMax)
		return err
	}
	if p.job, err = job.Load(r, id); err != nil || p.job.State == job.Filling {
		return err
	}
	if p.batches, err = job.LoadBatches(r, id); err != nil {
		return err
	}
	for i := range p.batches {
		switch b := &p.batches[i]; b.State {
		case job.Auditing, job.Opening, job.Revealing, job.Disputed:
			if p.auditors[b.Index], err = job.LoadAuditors(r, id, b.Index); err != nil {
				return err
			}
		}
	}
	return nil
}

// noting is a reader that notes which slots of the jobs' contract are read.
type noting struct {
	r     native.SlotReader
	seen  map[chain.Hash]bool
	slots []chain.Hash
}

func (n *noting) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	if a == chain.AddrJobs && !n.seen[key] {
		n.seen[key] = true
		n.slots = append(n.slots, key)
	}
	return n.r.Slot(a, key)
}
