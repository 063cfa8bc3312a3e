package term

// Amounts both ways, tables, and that JSON output stays clean of everything else.

import (
	"bytes"
	"io"
	"testing"
)

func TestAmounts(t *testing.T) {
	for _, tc := range []struct{ text, wei, shown string }{
		{"1", "1000000000000000000", "1"},
		{"1.5", "1500000000000000000", "1.5"},
		{"0.000000000000000001", "1", "0.000000000000000001"},
		{".25", "250000000000000000", "0.25"},
		{"0", "0", "0"},
		{"007", "7000000000000000000", "7"},
		{"42wei", "42", "0.000000000000000042"},
		{"10000000000", "10000000000000000000000000000", "10000000000"},
	} {
		v, err := ParseAWO(tc.text)
		if err != nil || v.Dec() != tc.wei || AWO(&v) != tc.shown {
			t.Errorf("%s: got %s (%s), %v; want %s (%s)", tc.text, v.Dec(), AWO(&v), err, tc.wei, tc.shown)
		}
	}
	for _, bad := range []string{
		"", ".", "-1", "1.0000000000000000001", "1e9", "1,5", "wei", "1.5wei", " 1", "+1",
		"99999999999999999999999999999999999999999999999999999999999999999999999999999999",
	} {
		if v, err := ParseAWO(bad); err == nil {
			t.Errorf("%q: got %s, want an error", bad, v.Dec())
		}
	}
}

func FuzzParseAWO(f *testing.F) {
	f.Add("1.5")
	f.Add("12wei")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseAWO(text)
		if err != nil {
			return
		}
		again, err := ParseAWO(AWO(&v))
		if err != nil || !again.Eq(&v) {
			t.Errorf("%q: %s is read back as %s, %v", text, v.Dec(), again.Dec(), err)
		}
	})
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	Table(&b, []string{"name", ">paid"}, [][]string{{"a", "1"}, {"버스", "100"}})
	if got, want := b.String(), "name  paid\na        1\n버스     100\n"; got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestJSONStaysClean(t *testing.T) {
	var out, errs bytes.Buffer
	p := &Printer{Out: &out, Err: &errs, JSON: true, Live: true}
	p.Note("a note")
	bar := p.Progress("work", 10)
	bar.Set(5, "")
	bar.Done()
	if err := p.Result(map[string]int{"n": 1}, func(io.Writer) {}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{\n  \"n\": 1\n}\n" || errs.Len() != 0 {
		t.Errorf("got out %q, err %q", out.String(), errs.String())
	}
}

// Elsewhere than on a terminal progress is a few lines, however many units there are.
func TestProgressInALog(t *testing.T) {
	for _, tc := range []struct {
		total uint64
		want  string
	}{
		{1, "up: 1 of 1 x\n"},
		{8, "up: 4 of 8 x\nup: 8 of 8 x\n"},
		{20, "up: 2 of 20 x\nup: 4 of 20 x\nup: 6 of 20 x\nup: 8 of 20 x\nup: 10 of 20 x\n" +
			"up: 12 of 20 x\nup: 14 of 20 x\nup: 16 of 20 x\nup: 18 of 20 x\nup: 20 of 20 x\n"},
	} {
		var errs bytes.Buffer
		bar := (&Printer{Out: io.Discard, Err: &errs}).Progress("up", tc.total)
		for i := range tc.total + 1 {
			bar.Set(i, "x")
		}
		bar.Done()
		if got := errs.String(); got != tc.want {
			t.Errorf("%d units: got\n%swant\n%s", tc.total, got, tc.want)
		}
	}
	var errs bytes.Buffer
	bar := (&Printer{Out: io.Discard, Err: &errs}).Progress("up", 1000)
	for i := range uint64(1200) { // more than was announced is no reason to go on
		bar.Set(i, "")
	}
	if n := bytes.Count(errs.Bytes(), []byte("\n")); n != 10 {
		t.Errorf("1000 units: got %d lines, want 10", n)
	}
}
