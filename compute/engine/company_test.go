package engine

// Items of a language model run together in a child and have the results that they have alone. Who is cancelled or late costs nobody
// else anything; what brings the child down costs the others a run alone.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// actorTalks is the model that an actor runs together.
var actorTalks = chain.Hash{77}

// A troupe is an actor's company. Items are what to do: "all N" waits for N of its kind, which are then answered, the last first; "stay"
// waits to be let go; "mule" does not go; "after N" waits until N of these are there; "crash" and "liar" are what they say.
type troupe struct {
	waiting []uint32
	staying []uint32
	after   int    // items
	first   uint32 // who waits for so many
}

func (t *troupe) act(kind byte, body []byte) error {
	number := binary.LittleEndian.Uint32(body)
	if kind == kindLeave {
		if slices.Contains(t.staying, number) {
			return t.done(number, kindLeft, "")
		}
		return nil
	}
	switch item := string(body[4+32:]); {
	case item == "crash":
		panic("the kernel tripped")
	case item == "liar":
		return t.done(number+1000, kindOutput, "of somebody else")
	case item == "stay":
		t.staying = append(t.staying, number)
	case strings.HasPrefix(item, "after "):
		t.first = number
		if _, err := fmt.Sscanf(item, "after %d", &t.after); err != nil {
			return err
		}
	case strings.HasPrefix(item, "all "):
		t.waiting = append(t.waiting, number)
		if fmt.Sprint("all ", len(t.waiting)) == item {
			for _, n := range slices.Backward(t.waiting) {
				if err := t.done(n, kindOutput, fmt.Sprint("with ", len(t.waiting))); err != nil {
					return err
				}
			}
			t.waiting = nil
		}
	}
	if t.after > 0 && len(t.waiting)+len(t.staying) == t.after {
		t.after = 0
		return t.done(t.first, kindOutput, "they are there")
	}
	return nil
}

func (t *troupe) done(number uint32, kind byte, body string) error {
	return writeFrame(os.Stdout, kindDone, append(append(binary.LittleEndian.AppendUint32(nil, number), kind), body...))
}

// gather has an engine run items at once, and gives what comes of each.
func gather(ctx context.Context, e *Engine, id chain.Hash, items ...string) (outputs []string, errs []error) {
	outputs, errs = make([]string, len(items)), make([]error, len(items))
	var all sync.WaitGroup
	for i, item := range items {
		all.Go(func() {
			b, err := e.Run(ctx, id, []byte(item))
			outputs[i], errs[i] = string(b), err
		})
	}
	all.Wait()
	return outputs, errs
}

func TestCompany(t *testing.T) {
	e := mustStart(t, "actor", nil)
	if e.Together(actorTalks) != language.TogetherMax || e.Together(chain.Hash{1}) != 1 {
		t.Errorf("together: got %d and %d", e.Together(actorTalks), e.Together(chain.Hash{1}))
	}
	process := e.child.cmd.Process.Pid
	outputs, errs := gather(t.Context(), e, actorTalks, "all 3", "all 3", "all 3")
	for i := range outputs {
		if outputs[i] != "with 3" || errs[i] != nil {
			t.Errorf("item %d: got %q, %v", i, outputs[i], errs[i])
		}
	}
	// One that is called back leaves the others where they are.
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := e.Run(ctx, actorTalks, []byte("stay"))
		left <- err
	}()
	stay := make(chan []string)
	go func() {
		outputs, _ := gather(t.Context(), e, actorTalks, "all 2")
		stay <- outputs
	}()
	await(t, e, 2)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("called back: got %v", err)
	}
	if got, _ := gather(t.Context(), e, actorTalks, "all 2"); got[0] != "with 2" || (<-stay)[0] != "with 2" {
		t.Errorf("after one was called back: got %q", got)
	}
	if e.child.cmd.Process.Pid != process {
		t.Error("another child runs them")
	}
}

// await returns when so many items stay or wait in an actor.
func await(t *testing.T, e *Engine, n int) {
	t.Helper()
	if _, err := e.Run(t.Context(), actorTalks, fmt.Append(nil, "after ", n)); err != nil {
		t.Fatal(err)
	}
}

// What brings a child down in company is found out alone, and the others have their results.
func TestCompanyCrashes(t *testing.T) {
	for _, c := range []struct {
		item  string
		cause Cause
	}{{"crash", CauseCrash}, {"liar", 0}} { // alone, the liar is asked in another way, and answers
		e := mustStart(t, "actor", nil)
		held := make(chan []string)
		go func() {
			outputs, errs := gather(t.Context(), e, actorTalks, "all 9", "all 9")
			if errs[0] != nil || errs[1] != nil {
				t.Errorf("beside %s: %v", c.item, errs)
			}
			held <- outputs
		}()
		await(t, e, 2)
		_, err := e.Run(t.Context(), actorTalks, []byte(c.item))
		local, isLocal := errors.AsType[*LocalError](err)
		if isLocal != (c.cause != 0) || isLocal && local.Cause != c.cause {
			t.Errorf("%s: got %v", c.item, err)
		}
		if got := <-held; got[0] != "all 9" || got[1] != "all 9" { // what an actor answers who is asked alone
			t.Errorf("beside %s: got %q", c.item, got)
		}
	}
}

// Who is late is called back; only a child that does not let it go is ended.
func TestCompanyTimeout(t *testing.T) {
	e := mustStart(t, "actor", func(o *Options) { o.ItemTimeout = 50 * time.Millisecond })
	process := e.child.cmd.Process.Pid
	_, err := e.Run(t.Context(), actorTalks, []byte("stay"))
	if local, ok := errors.AsType[*LocalError](err); !ok || local.Cause != CauseTimeout {
		t.Errorf("late: got %v", err)
	}
	if e.child.cmd.Process.Pid != process || e.child.dead.Load() {
		t.Error("the child was ended for an item that it let go")
	}
	e.child.company.grace = 50 * time.Millisecond
	_, err = e.Run(t.Context(), actorTalks, []byte("mule"))
	if local, ok := errors.AsType[*LocalError](err); !ok || local.Cause != CauseTimeout {
		t.Errorf("late and stubborn: got %v", err)
	}
	if !e.child.dead.Load() {
		t.Error("a child that holds on to an item lives")
	}
	if outputs, errs := gather(t.Context(), e, actorTalks, "all 1"); outputs[0] != "with 1" {
		t.Errorf("after that: got %q, %v", outputs, errs)
	}
}

// Callers go in as they came: one alone, or several of one model, up to a number.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l line
		var inside []string
		enter := func(name string, model byte, most int) context.CancelFunc {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if l.enter(ctx, chain.Hash{model}, most) == nil {
					inside = append(inside, name)
				}
			}()
			synctest.Wait()
			return cancel
		}
		want := func(names ...string) {
			t.Helper()
			if !slices.Equal(inside, names) {
				t.Fatalf("inside are %q, want %q", inside, names)
			}
		}
		leave := func() { l.leave(); synctest.Wait() }
		enter("a", 1, 2)
		enter("b", 1, 2)
		enter("c", 1, 2)
		alone := enter("d", 1, 1)
		enter("e", 1, 2)
		enter("f", 2, 2)
		want("a", "b")
		leave()
		want("a", "b", "c")
		leave()
		want("a", "b", "c") // d is next, and wants to be alone
		alone()
		synctest.Wait()
		want("a", "b", "c", "e")
		leave()
		want("a", "b", "c", "e")
		leave()
		want("a", "b", "c", "e", "f")
		leave()
		if l.inside != 0 || len(l.waiting) != 0 {
			t.Errorf("%d are inside and %d wait at the end", l.inside, len(l.waiting))
		}
	})
}

// A real child: every result is the one that the model gives alone; faults and want of room are those of their items.
func TestCompanyOfAModel(t *testing.T) {
	folder := t.TempDir()
	store := language.Store{Dir: folder}
	id, _, err := store.Put(languagetest.Write(t, languagetest.Change{Weight: -1}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := m.Load(language.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	t.Setenv(storeEnv, folder)
	e := mustStart(t, "real", nil)
	var items []string
	for i := range 40 {
		p := language.Prompt{Tokens: []int32{1, int32(i), 9}, TokensMax: 1 + 17*i%100, Seed: uint64(i), TemperaturePpm: uint32(i%2) * 900_000}
		if i%7 == 3 {
			p.Tokens[0] = languagetest.Vocab
		}
		items = append(items, string(p.Encode()))
	}
	outputs, errs := gather(t.Context(), e, id, items...)
	for i := range items {
		want, err := alone.Run(t.Context(), []byte(items[i]))
		if err == nil && (errs[i] != nil || !bytes.Equal([]byte(outputs[i]), want)) {
			t.Errorf("item %d: got %x, %v, want %x", i, outputs[i], errs[i], want)
		}
		if err != nil && !errors.Is(errs[i], image.FaultShape) {
			t.Errorf("item %d: got %v, want %v", i, errs[i], err)
		}
	}
}

// An item that the child has no room for is told so, and nobody else is any the worse.
func TestCompanyWithoutRoom(t *testing.T) {
	store := language.Store{Dir: t.TempDir()}
	id, _, err := store.Put(languagetest.Write(t, languagetest.Change{Weight: -1}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	page := lm.NewCache(m.Shape, 1).PageBytes()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	s := &shop{models: Library{Languages: store}, threads: 1, memoryBytes: uint64(2 * page), ready: map[chain.Hash]runnable{}}
	p := language.Prompt{Tokens: []int32{1}, TokensMax: 3}
	var out bytes.Buffer
	if err := s.one(t.Context(), &out, kindJoin, append(append([]byte{1, 0, 0, 0}, id[:]...), p.Encode()...)); err != nil {
		t.Fatal(err)
	}
	kind, body, err := readFrame(&out)
	if err != nil || kind != kindDone || body[4] != kindNoRoom || !strings.Contains(string(body), "more memory") {
		t.Errorf("got %d %q, %v", kind, body, err)
	}
	c := &child{}
	_, err = c.joined(reply{kind: body[4], body: body[5:]}, id)
	if local, ok := errors.AsType[*LocalError](err); !ok || local.Cause != CauseRoom {
		t.Errorf("the parent reads %v", err)
	}
}
