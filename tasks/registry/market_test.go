package registry

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The grid of asks, and markets that workers join and leave at random, held against what a list of them gives.

func TestAskGrid(t *testing.T) {
	before := uint256.NewInt(0)
	for b := range askBuckets {
		v := AskOf(b)
		if b > 0 && !before.Lt(&v) {
			t.Fatalf("place %d: %s after %s", b, v.Dec(), before.Dec())
		}
		if got, ok := BucketOf(&v); !ok || got != b {
			t.Fatalf("place of %s: got %d, %v, want %d", v.Dec(), got, ok, b)
		}
		if b > 1 { // rounded up by a quarter at most
			above := new(uint256.Int).AddUint64(before, 1)
			if got, ok := BucketOf(above); !ok || got != b {
				t.Fatalf("place of %s: got %d, %v, want %d", above.Dec(), got, ok, b)
			}
			if most := new(uint256.Int).Mul(before, uint256.NewInt(5)); new(uint256.Int).Mul(&v, uint256.NewInt(4)).Gt(most) {
				t.Fatalf("place %d is more than a quarter above the one before", b)
			}
		}
		before = &v
	}
	if _, ok := BucketOf(new(uint256.Int).AddUint64(before, 1)); ok {
		t.Error("an ask above the last place has one")
	}
}

// offerOfTest is what the test knows of a worker.
type offerOfTest struct {
	active bool
	weight uint64
	speed  uint64
	bucket int
}

func TestMarkets(t *testing.T) {
	w, d := newTown(), dice.New(sha256.Sum256([]byte("markets")))
	model := chain.Hash{1}
	known := map[chain.Address]*offerOfTest{}
	changes := 0
	for step := range 3000 {
		a := chain.Address{byte(1 + d.Below(12))}
		k := known[a]
		w.block.Session = chain.Session(step / 4)
		switch pick := d.Below(6); {
		case k == nil:
			bond := 1 + d.Below(9)
			if w.send(a, bond, PackRegister(a, []chain.Hash{model}, "")) {
				known[a] = &offerOfTest{active: true, weight: bond}
			}
		case pick == 0 && k.active:
			k.active = !w.send(a, 0, PackDrain())
		case pick == 1 && !k.active && w.send(a, 0, PackResume()):
			info, _, err := Load(viewOf{w}, a)
			if err != nil {
				t.Fatal(err)
			}
			k.active, k.weight = true, weightOfBond(&info.Bond)
		case pick == 2:
			w.send(a, 1+d.Below(3), PackAddBond()) // counts when the offer is counted next
		default:
			ask := uint256.NewInt(d.Below(1 << 50))
			speed := d.Below(1000)
			if !w.send(a, 0, PackOffer([]chain.Hash{model}, []uint64{speed}, []uint256.Int{*ask}, nil)) {
				t.Fatal("an offer is refused")
			}
			k.speed = speed
			k.bucket, _ = BucketOf(ask)
			if info, _, _ := Load(viewOf{w}, a); k.active {
				k.weight = weightOfBond(&info.Bond)
			}
			changes++
		}
		got, err := LoadMarket(viewOf{w}, model)
		if err != nil {
			t.Fatal(err)
		}
		if want := marketOfList(known); got != want {
			t.Fatalf("step %d: got %+v, want %+v", step, got, want)
		}
	}
	if changes < 1000 {
		t.Errorf("only %d offers were made", changes)
	}
}

func weightOfBond(bond *uint256.Int) uint64 {
	return new(uint256.Int).Div(bond, uint256.NewInt(1_000_000_000_000_000_000)).Uint64()
}

// marketOfList gives what a list of offers comes to: the lowest ask that half of the weight meets.
func marketOfList(list map[chain.Address]*offerOfTest) (m Market) {
	var active []*offerOfTest
	for _, k := range list {
		if k.active {
			active = append(active, k)
			m.Servers, m.Capacity, m.Weight = m.Servers+1, m.Capacity+k.speed, m.Weight+k.weight
		}
	}
	slices.SortFunc(active, func(a, b *offerOfTest) int { return a.bucket - b.bucket })
	sum := uint64(0)
	for _, k := range active {
		if sum += k.weight; 2*sum >= m.Weight {
			m.Ask = AskOf(k.bucket)
			break
		}
	}
	return m
}

// viewOf reads the town's state.
type viewOf struct{ w *town }

func (v viewOf) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return v.w.view.Slot(a, key), nil
}

// What draws and clients must agree on is locked. AIWORK_REWRITE=1 writes the file anew, and the difference is to be read.
func TestConformance(t *testing.T) {
	const path = "testdata/conformance.txt"
	var b strings.Builder
	line := func(name string, v any) { fmt.Fprintf(&b, "%s %v\n", name, v) }
	a, model := chain.Address{1}, chain.Hash{2}
	rec := Worker{Address: a, Payout: chain.Address{3}, State: Active, Bond: *uint256.NewInt(4), MissedCount: 5, LateCount: 6, Passed: 7, Score: 1000}
	line("record/worker", fmt.Sprintf("%x", rec.encode()))
	line("entry", entry{address: a, before: 1, now: 2, since: 3}.word())
	w := newTown()
	w.send(a, 5, PackRegister(a, []chain.Hash{model}, ""))
	if !w.send(a, 0, PackOffer([]chain.Hash{model}, []uint64{3600}, []uint256.Int{*uint256.NewInt(1e18)}, []byte("record"))) {
		t.Fatal("the offer is refused")
	}
	for _, k := range []struct {
		name string
		key  chain.Hash
	}{{"serves", servesKey(a, model)}, {"servers", serversKey(model)}, {"asks", asksKey(model, 15)}, {"capability", capabilityKey(a)}} {
		line("key/"+k.name, k.key)
		line("word/"+k.name, w.view.Slot(chain.AddrRegistry, k.key))
	}
	for _, bucket := range []int{0, 1, 4, 5, 128, askBuckets - 1} {
		v := AskOf(bucket)
		line(fmt.Sprintf("ask/%d", bucket), v.Dec())
	}
	for _, e := range []native.Event{eventRegistered(), eventOffers(), eventCapability(), eventMissed()} {
		line("topic/"+e.Signature, native.Topic(e.Signature))
	}
	for _, m := range Module().Methods {
		line("selector/"+m.Signature, fmt.Sprintf("%x", native.Selector(m.Signature)))
	}
	if os.Getenv("AIWORK_REWRITE") == "1" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
