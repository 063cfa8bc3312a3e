package grammar

// The machine takes what encoding/json takes, if it is an object, and never turns down a beginning of it; a masked answer that draws blindly
// is JSON.

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// reads says whether a text is the beginning of an object, and whether it is whole.
func reads(s string) (begins, whole bool) {
	var j JSON
	for _, b := range []byte(s) {
		if !j.Next(b) {
			return false, false
		}
	}
	return true, j.Complete()
}

func TestJSON(t *testing.T) {
	for _, s := range []string{
		`{}`, ` { } `[:4], `{"a":1}`, `{"a":[],"b":{},"c":[1,2.5,-0,0.1e5,1E+7,-3e-2,true,false,null,"x"]}`, "{\"a\" :\n\t[ 1 ,\r 2 ] }",
		`{"\"\\\/\b\f\n\r\t\u00fcABCD":"\ud83d\ude00 😀 ü €"}`, `{"a":{"b":{"c":[[[0]]]}}}`,
	} {
		if !json.Valid([]byte(s)) {
			t.Fatalf("%q is no JSON", s)
		}
		for i := range len(s) {
			if begins, whole := reads(s[:i]); !begins || whole {
				t.Errorf("%q: begins %t, whole %t", s[:i], begins, whole)
			}
		}
		if begins, whole := reads(s); !begins || !whole {
			t.Errorf("%q: begins %t, whole %t", s, begins, whole)
		}
	}
	for _, s := range []string{
		`[`, `1`, `"`, `{,`, `{1`, `{"a"}`, `{"a",`, `{"a":}`, `{"a":1,}`, `{"a":[1,]`, `{"a":[}`, `{"a":1]`, `{"a":01`, `{"a":-}`, `{"a":1.}`, `{"a":.5`, `{"a":1e}`,
		`{"a":+1`, `{"a":tru}`, `{"a":nul `, `{"a":"\x`, `{"a":"\u12g`, "{\"a\":\"\n", `{} `, `{}{`, "{\"\xff", "{\"\xc0\x80", "{\"\xed\xa0", "{\"\xf4\x90", "{\"\xe2(",
		strings.Repeat(`{"a":`, depthMax) + `{`, `{` + strings.Repeat(" ", spacesMax+1),
	} {
		if begins, _ := reads(s); begins {
			t.Errorf("%q is taken", s)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}],"c":"\u00fc"}`)
	f.Fuzz(func(t *testing.T, s string) {
		_, whole := reads(s)
		if whole && (!json.Valid([]byte(s)) || !utf8.ValidString(s)) {
			t.Fatalf("%q is taken for JSON", s)
		}
		plain := json.Valid([]byte(s)) && strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") && utf8.ValidString(s)
		if plain && !whole && strings.Count(s, "{")+strings.Count(s, "[") < depthMax && !strings.Contains(s, strings.Repeat(" ", 2)) && len(s) < spacesMax {
			t.Fatalf("%q is not taken", s)
		}
	})
}

// Tokens of one to three bytes are drawn blindly from those that are left: which these are follows from reading each alone.
func TestMask(t *testing.T) {
	texts := []string{""}
	for b := range 256 {
		texts = append(texts, string([]byte{byte(b)}))
	}
	texts = append(texts, `{"`, `":`, `",`, `"}`, `}}`, `[{`, `]]`, `],"`, "tr", "true", "null", "1.5", "ü", "ü\"", "é\xc3", "  ", `{}`, `{}}`, `\u00`, `e5`, "\"\n")
	v := NewVocabulary(len(texts), func(i int32) string { return texts[i] })
	rnd := rand.New(rand.NewPCG(1, 2))
	whole := 0
	for range 10 {
		a := v.Answer([]int32{0})
		said := ""
		for range 400 {
			logits := make([]float32, len(texts)+3) // a matrix may have more rows than there are texts
			if !a.Mask(logits) {
				t.Fatalf("%q: no token is left", said)
			}
			var left []int32
			for i, l := range logits {
				allowed := !math.IsInf(float64(l), -1)
				want := a.so.Complete() && i == 0
				if i > 0 && i < len(texts) && !a.so.Complete() {
					want, _ = reads(said + texts[i])
				}
				if allowed != want {
					t.Fatalf("%q: token %d is left: %t, want %t", said, i, allowed, want)
				}
				if allowed {
					left = append(left, int32(i))
				}
			}
			token := left[rnd.IntN(len(left))]
			if len(said) > 150 { // ends what can be ended
				for _, l := range left {
					if c := texts[l]; c == "}" || c == "]" || c == `"` || c == `"}` {
						token = l
					}
				}
			}
			a.Take(token)
			if token == 0 {
				break
			}
			said += texts[token]
		}
		if a.so.Complete() {
			if whole++; !json.Valid([]byte(said)) {
				t.Errorf("%q is no JSON", said)
			}
		}
	}
	if whole < 5 {
		t.Errorf("%d of 10 answers are whole", whole)
	}
}

func BenchmarkMask(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, 128_000)
	for i := range texts {
		for range 1 + rnd.IntN(8) {
			texts[i] += string(rune(32 + rnd.IntN(90)))
		}
	}
	a := NewVocabulary(len(texts), func(i int32) string { return texts[i] }).Answer(nil)
	for _, c := range []byte(`{"a":"b`) {
		a.so.Next(c)
	}
	logits := make([]float32, len(texts))
	for b.Loop() {
		a.Mask(logits)
	}
}
