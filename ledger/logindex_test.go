package ledger

// What is tested: a query by the index of logs gives what a look at every block gives, for random logs and
// queries; limits name a range that leads on, a deadline too; what it costs to find one log in 100,000
// blocks.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

func someAddress(rng *rand.Rand) chain.Address { return chain.Address{19: byte(rng.IntN(5))} }

// someTopic gives values that are also addresses, and the same ones at every position.
func someTopic(rng *rand.Rand) chain.Hash { return chain.Hash{31: byte(rng.IntN(5))} }

func someLogs(rng *rand.Rand) (logs []chain.Log) {
	if rng.IntN(3) > 0 {
		return nil
	}
	for range rng.IntN(4) {
		l := chain.Log{Address: someAddress(rng)}
		for range rng.IntN(chain.LogTopicsMax + 1) {
			l.Topics = append(l.Topics, someTopic(rng))
		}
		logs = append(logs, l)
	}
	return logs
}

func someQuery(rng *rand.Rand, head int) LogQuery {
	q := LogQuery{From: chain.Height(rng.IntN(head + 1))}
	q.To = q.From + chain.Height(rng.IntN(head+20))
	for range rng.IntN(3) {
		q.Addresses = append(q.Addresses, someAddress(rng))
	}
	for range rng.IntN(chain.LogTopicsMax + 1) {
		var place []chain.Hash
		for range rng.IntN(3) {
			place = append(place, someTopic(rng))
		}
		q.Topics = append(q.Topics, place)
	}
	return q
}

// byHand gives how often each height has a log that q asks for, by the words of the documentation.
func byHand(q *LogQuery, all [][]chain.Log) map[chain.Height]int {
	found := map[chain.Height]int{}
	for h, logs := range all {
		for _, l := range logs {
			ok := q.From <= chain.Height(h) && chain.Height(h) <= q.To && len(l.Topics) >= len(q.Topics)
			if len(q.Addresses) > 0 {
				one := false
				for _, a := range q.Addresses {
					one = one || a == l.Address
				}
				ok = ok && one
			}
			for i, place := range q.Topics {
				one := len(place) == 0
				for _, topic := range place {
					one = one || i < len(l.Topics) && topic == l.Topics[i]
				}
				ok = ok && one
			}
			if ok {
				found[chain.Height(h)]++
			}
		}
	}
	return found
}

func TestLogsByIndexAreThoseOfAScan(t *testing.T) {
	const head = 300
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([][]chain.Log, head+1)
	l := filled(t, head, func(h chain.Height) []chain.Log {
		all[h] = someLogs(rng)
		return all[h]
	}, nil)
	indexed, hits := 0, 0
	for i := range 600 {
		q := someQuery(rng, head)
		got, err := l.Logs(t.Context(), q)
		if err != nil {
			t.Fatalf("query %d %+v: %v", i, q, err)
		}
		scan, err := l.logsIn(t.Context(), &q, everyBlock{min(q.To, head)})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, scan) {
			t.Fatalf("query %d %+v: the index gives %d logs, a scan %d", i, q, len(got), len(scan))
		}
		counts := map[chain.Height]int{}
		for _, e := range got {
			counts[e.Height]++
		}
		if want := byHand(&q, all); !reflect.DeepEqual(counts, want) {
			t.Fatalf("query %d %+v: got %v, want %v", i, q, counts, want)
		}
		if q.indexed() {
			indexed++
			hits += len(got)
		}
	}
	if indexed < 300 || hits < 1000 {
		t.Errorf("%d queries by index with %d hits: too few to show anything", indexed, hits)
	}
}

// Only blocks in which all places of a query stand are opened, not those of some.
func TestPlacesMeet(t *testing.T) {
	l := filled(t, 100, func(h chain.Height) (logs []chain.Log) {
		for i, n := range []chain.Height{2, 3, 5} {
			if h%n == 0 {
				logs = append(logs, chain.Log{Address: chain.Address{byte(i)}, Topics: []chain.Hash{{byte(i)}, {byte(i)}}})
			}
		}
		return logs
	}, nil)
	q := LogQuery{From: 1, To: 95, Addresses: []chain.Address{{0}}, Topics: [][]chain.Hash{{{1}}, {{2}}}}
	in, err := l.blocksOf(&q, q.To)
	if err != nil {
		t.Fatal(err)
	}
	var got []chain.Height
	for from := q.From; ; from++ {
		h, found, err := in.seek(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			break
		}
		got, from = append(got, h), h
	}
	if want := []chain.Height{30, 60, 90}; !slices.Equal(got, want) {
		t.Errorf("blocks to open: got %v, want %v", got, want)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

// patience is a context whose deadline passes after so many looks at it.
type patience struct {
	context.Context
	looks int
}

func (p *patience) Err() error {
	if p.looks--; p.looks < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func TestLogsLimits(t *testing.T) {
	const head, each = 2600, 5 // blocks, and common logs in one
	rare := chain.Address{1}
	l := filled(t, head, func(h chain.Height) []chain.Log {
		var logs []chain.Log
		for range each {
			logs = append(logs, chain.Log{Address: chain.Address{2}, Topics: []chain.Hash{{3}}})
		}
		if h%1000 == 17 {
			logs = append(logs, chain.Log{Address: rare})
		}
		return logs
	}, nil)
	named := func(err error) *RangeError {
		t.Helper()
		r, ok := errors.AsType[*RangeError](err)
		if !ok {
			t.Fatalf("got %v, want a range error", err)
		}
		return r
	}
	// Without a term the range is bounded, with one it is not.
	_, err := l.Logs(t.Context(), LogQuery{From: 3, To: 3 + RangeBlocksMax})
	if r := named(err); r.From != 3 || r.To-r.From >= RangeBlocksMax || r.To <= r.From {
		t.Errorf("no term: %+v", r)
	}
	_, err = l.Logs(t.Context(), LogQuery{From: 3, To: 3 + RangeBlocksMax, Topics: [][]chain.Hash{{}, {}}})
	named(err)
	got, err := l.Logs(t.Context(), LogQuery{To: ^chain.Height(0), Addresses: []chain.Address{rare}})
	if err != nil || len(got) != 3 {
		t.Errorf("one address over all: got %d, %v, want 3", len(got), err)
	}
	// Too many results: the named range has as many as there may be.
	_, err = l.Logs(t.Context(), LogQuery{From: 100, To: head, Topics: [][]chain.Hash{{{3}}}})
	r := named(err)
	if r.From != 100 || r.To != 100+RangeLogsMax/each-1 {
		t.Errorf("too many: %+v", r)
	}
	if got, err = l.Logs(t.Context(), LogQuery{From: r.From, To: r.To, Topics: [][]chain.Hash{{{3}}}}); err != nil || len(got) != RangeLogsMax {
		t.Errorf("the named range: got %d, %v", len(got), err)
	}
	// A deadline: whoever asks for the named ranges gets everything in the end.
	for name, q := range map[string]LogQuery{
		"scan":  {From: 10, To: head},
		"index": {From: 10, To: head, Topics: [][]chain.Hash{{{3}}}},
	} {
		_, err = l.Logs(&patience{t.Context(), 1001}, q)
		r := named(err)
		if r.From != 10 || r.To < 10+400 || r.To > 10+1001 {
			t.Errorf("%s: deadline: %+v", name, r)
		}
		got, err := l.Logs(&patience{t.Context(), 1001}, LogQuery{From: r.From, To: r.To, Topics: q.Topics})
		if err != nil || len(got) < int(r.To-r.From) {
			t.Errorf("%s: the named range: got %d, %v", name, len(got), err)
		}
	}
	// Before anything is done there is no range to name, and who went away gets none.
	if _, err := l.Logs(&patience{t.Context(), 0}, LogQuery{To: head, Addresses: []chain.Address{rare}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no time at all: got %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Logs(gone, LogQuery{To: 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// BenchmarkLogs finds one log in 100,000 blocks, each of which has ten others.
func BenchmarkLogs(b *testing.B) {
	const head = 100_000
	rare := chain.Address{1}
	l := filled(b, head, func(h chain.Height) []chain.Log {
		rng := rand.New(rand.NewPCG(uint64(h), 0))
		var logs []chain.Log
		for range 10 {
			who := chain.Hash{30: byte(rng.IntN(256)), 31: byte(rng.IntN(256))}
			logs = append(logs, chain.Log{Address: chain.Address{2}, Topics: []chain.Hash{{3}, who}})
		}
		if h == head/3 {
			logs = append(logs, chain.Log{Address: rare, Topics: []chain.Hash{{3}}})
		}
		return logs
	}, nil)
	for _, q := range []struct {
		name string
		LogQuery
		hits int
	}{
		{"address", LogQuery{To: head, Addresses: []chain.Address{rare}}, 1},
		{"address+topic", LogQuery{To: head, Addresses: []chain.Address{rare}, Topics: [][]chain.Hash{{{3}}}}, 1},
	} {
		for _, by := range []string{"index", "scan"} {
			b.Run(fmt.Sprintf("query=%s/by=%s", q.name, by), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var in blocks = everyBlock{head}
					if by == "index" {
						var err error
						if in, err = l.blocksOf(&q.LogQuery, head); err != nil {
							b.Fatal(err)
						}
					}
					found, err := l.logsIn(b.Context(), &q.LogQuery, in)
					if err = errors.Join(err, in.Close()); err != nil || len(found) != q.hits {
						b.Fatalf("%d logs, %v", len(found), err)
					}
				}
			})
		}
	}
}
