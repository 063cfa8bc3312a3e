package dispute_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// rewritten gives an answer that was changed.
func rewritten(t *testing.T, result []byte, change func(a *language.Answer)) []byte {
	t.Helper()
	a, err := language.DecodeAnswer(result)
	if err != nil {
		t.Fatal(err)
	}
	a.Tokens = slices.Clone(a.Tokens)
	change(a)
	return a.Encode()
}

// refuseOpen makes a challenge that must fail without a trace.
func (s *suit) refuseOpen(what string, given []byte, k *dispute.Claim) {
	s.t.Helper()
	before := s.print()
	if res := s.send("open", challenger, bar, tokens(10), s.pack(given, k)); res.Err == nil {
		s.t.Errorf("%s: not refused", what)
	}
	if s.print() != before {
		s.t.Errorf("%s: left something", what)
	}
}

// begun is a dispute about a lie in an inner value, whose defender lies, before it is opened.
func begun(t *testing.T, p language.Prompt) *suit {
	s := newSuit(t, languagetest.Write(t, languagetest.Change{Weight: -1}), p)
	at := s.passAt(3, &p)
	s.lie(dispute.Defender, 3, at.FirstOf(at.Ops()/2), rand.New(rand.NewPCG(1, 1)))
	return s
}

// headed gives a claim whose head was changed.
func headed(t *testing.T, k *dispute.Claim, q dispute.Quarrel, change func(q *dispute.Quarrel)) *dispute.Claim {
	t.Helper()
	out := *k
	change(&q)
	out.Head = q.Encode()
	return &out
}

func TestAnswerClaimsRefused(t *testing.T) {
	s := begun(t, prompt())
	given, own := s.sides[0].Claim().Result, s.sides[1].Claim().Result
	k, err := s.sides[1].Against(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	shape := s.model.Shape.Shape()
	q := dispute.Quarrel{Shape: shape.Encode(), Item: s.item, Given: given}
	for name, change := range map[string]func(q *dispute.Quarrel){
		"another item":    func(q *dispute.Quarrel) { q.Item = bytes.Clone(q.Item); q.Item[20] ^= 1 },
		"another answer":  func(q *dispute.Quarrel) { q.Given = own },
		"another shape":   func(q *dispute.Quarrel) { q.Shape = bytes.Clone(q.Shape); q.Shape[12] ^= 1 },
		"no shape":        func(q *dispute.Quarrel) { q.Shape = nil },
		"nothing of them": func(q *dispute.Quarrel) { *q = dispute.Quarrel{} },
	} {
		s.refuseOpen(name, given, headed(t, k, q, change))
	}
	for name, change := range map[string]func(k *dispute.Claim){
		"a kind that it is not": func(k *dispute.Claim) { k.Kind = dispute.Network },
		"another proof":         func(k *dispute.Claim) { k.InModel = k.InModel[1:] },
		"another receipt":       func(k *dispute.Claim) { k.Receipt[0] ^= 1 },
		"an entry less":         func(k *dispute.Claim) { k.Entries, k.Places = k.Entries[1:], k.Places[1:] },
		"an entry changed": func(k *dispute.Claim) {
			k.Entries = [][]byte{bytes.Clone(k.Entries[0]), k.Entries[1]}
			k.Entries[0][30] ^= 1
		},
		"a head that ends early": func(k *dispute.Claim) {
			k.Head = k.Head[:len(k.Head)-1]
		},
		"a token that is not drawn": func(k *dispute.Claim) {
			k.Result = rewritten(t, own, func(a *language.Answer) { a.Tokens[3] = (a.Tokens[3] + 7) % languagetest.Vocab })
		},
		"the same tokens": func(k *dispute.Claim) { k.Result = given },
		"the beginning of the other": func(k *dispute.Claim) {
			k.Result = rewritten(t, given, func(a *language.Answer) { a.Tokens = a.Tokens[:3] })
		},
		"another length of the prompt": func(k *dispute.Claim) {
			k.Result = rewritten(t, own, func(a *language.Answer) { a.PromptTokens++ })
		},
		"another place": func(k *dispute.Claim) {
			k.Result = rewritten(t, own, func(a *language.Answer) { a.Tokens[1]++ })
		},
		"no answer": func(k *dispute.Claim) { k.Result = []byte{2, 1} },
	} {
		c := *k
		change(&c)
		s.refuseOpen(name, given, &c)
	}
	s.call("open", challenger, bar, s.pack(given, k))
}

func TestAnswerRefused(t *testing.T) {
	s := begun(t, prompt())
	s.call("open", challenger, bar, s.claim())
	d := s.load(1)
	if d.Tokens != 8 || d.Kind != dispute.Language {
		t.Errorf("the dispute is %+v, want one over 8 tokens", d)
	}
	b, err := s.sides[1].Plead(t.Context(), &d, dispute.Defender, [2][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	s.refuse("a receipt that draws another token", worker, b)
	b, err = s.sides[0].Plead(t.Context(), &d, dispute.Defender, [2][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	s.refuse("the challenger's answer", challenger, b)
	for i := 100; i < len(b); i += 97 { // somewhere in the question, the entries or the proof; or padding, which nobody may send
		c := bytes.Clone(b)
		c[i] ^= 4
		s.refuse("an answer with a bit changed", worker, c)
	}
	s.call("answer", worker, chain.AddrDisputes, b)
	for d = s.load(1); d.Phase != dispute.Judging; d = s.load(1) {
		for side := range s.sides {
			s.plead(&d, dispute.Side(side), d.Phase.String(), d.Parties[side])
		}
	}
	b, err = s.sides[1].Plead(t.Context(), &d, dispute.Challenger, d.EntriesIn(s.raw))
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(b); i += 61 {
		c := bytes.Clone(b)
		c[i] ^= 4
		s.refuse("a judgement with a bit changed", stranger, c)
	}
	s.call("judge", stranger, chain.AddrDisputes, b)
}

// Silence, from the phase in which it begins.
func TestAnswerSilence(t *testing.T) {
	for phase, want := range map[dispute.Phase]dispute.Verdict{
		dispute.Answering: dispute.Wrong, dispute.Judging: dispute.Stands, dispute.Feeding: dispute.Stands,
	} {
		s := begun(t, prompt())
		s.call("open", challenger, bar, s.claim())
		d := s.load(1)
		for ; d.Phase != phase; d = s.load(1) {
			if d.Phase == dispute.Judging {
				s.feed(&d, dispute.Challenger, "judge")
				continue
			}
			for side := range s.sides {
				if d.Phase != dispute.Answering || side == 0 {
					s.plead(&d, dispute.Side(side), "x", d.Parties[side])
				}
			}
		}
		s.wait(200_000)
		s.must(s.send("poke", stranger, chain.AddrDisputes, none, dispute.PackPoke(1)))
		if d = s.load(1); d.Verdict != want {
			t.Errorf("silent from %v on: got %v, want %v", phase, d.Verdict, want)
		}
	}
}

// A long answer lies in a blob.
func TestAnswerInBlob(t *testing.T) {
	p := prompt()
	p.TokensMax = 90
	s := begun(t, p)
	given := s.sides[0].Claim().Result
	if len(given) < 256 {
		t.Fatalf("an answer of %d bytes, want one that does not lie on chain", len(given))
	}
	k, err := s.sides[1].Against(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	shape := s.model.Shape.Shape()
	s.refuseOpen("another answer", given, headed(t, k, dispute.Quarrel{Shape: shape.Encode(), Item: s.item, Given: given}, func(q *dispute.Quarrel) {
		q.Given = bytes.Clone(q.Given)
		q.Given[len(given)-1] ^= 1
	}))
	if d := s.run(dispute.Challenger); d.Verdict != dispute.Wrong || d.Steps == 0 {
		t.Errorf("got %v after %d steps, want wrong after a tile", d.Verdict, d.Steps)
	}
}

// A prompt that is a text: who is agreed about its tokens is judged as ever; else nothing is decided.
func TestAnswerToText(t *testing.T) {
	p := prompt()
	p.Tokens, p.Parts = nil, []token.Part{{Text: "once upon a time"}}
	s := newSuit(t, languagetest.Write(t, languagetest.Change{Weight: -1}), p)
	s.lie(dispute.Defender, 3, 0, rand.New(rand.NewPCG(1, 1)))
	if d := s.run(dispute.Challenger); d.Verdict != dispute.Wrong || d.Steps == 0 {
		t.Errorf("the same tokens: got %v after %d steps, want wrong after a tile", d.Verdict, d.Steps)
	}
	s = newSuit(t, languagetest.Write(t, languagetest.Change{Weight: -1}), p)
	s.lie(dispute.Defender, 3, 0, rand.New(rand.NewPCG(1, 1)))
	s.sides[0].Misread(func(tokens []int32) { tokens[1] ^= 1 })
	if d := s.run(dispute.Challenger); d.Verdict != dispute.Undecided {
		t.Errorf("other tokens: got %v, want undecided", d.Verdict)
	}
}

// Advocates that know nothing of the calls before, as after a restart of their programs.
func TestAnswerFromTheChainAlone(t *testing.T) {
	p := prompt()
	s := newSuit(t, languagetest.Write(t, languagetest.Change{Weight: -1}), p)
	at := s.passAt(3, &p)
	s.again = func() {
		for i := range s.sides {
			a, err := s.model.Advocate(t.Context(), s.id, s.item, nil)
			if err != nil {
				t.Fatal(err)
			}
			s.sides[i] = a
		}
		s.lie(dispute.Defender, 3, at.FirstOf(at.Ops()/3), rand.New(rand.NewPCG(1, 1)))
	}
	s.again()
	if d := s.run(dispute.Challenger); d.Verdict != dispute.Wrong || d.Steps == 0 {
		t.Errorf("got %v after %d steps, want wrong after a tile", d.Verdict, d.Steps)
	}
}

// An advocate has no words for disputes about other answers, and none for a result that does not differ in a token.
func TestAnswerNotDisputed(t *testing.T) {
	s := begun(t, prompt())
	s.call("open", challenger, bar, s.claim())
	d := s.load(1)
	for name, change := range map[string]func(d *dispute.Dispute){
		"another model": func(d *dispute.Dispute) { d.Model[0] ^= 1 },
		"another kind":  func(d *dispute.Dispute) { d.Kind = dispute.Network },
		"no tokens":     func(d *dispute.Dispute) { d.Tokens = 0 },
		"more tokens":   func(d *dispute.Dispute) { d.Tokens = 400 },
		"an entry more": func(d *dispute.Dispute) { d.Phase, d.Entry = dispute.Judging, 10_000 },
	} {
		c := d
		change(&c)
		if _, err := s.sides[0].Plead(t.Context(), &c, dispute.Challenger, [2][]byte{{1}, {1}}); err == nil {
			t.Errorf("%s: it has a call to make", name)
		}
	}
	own := s.sides[1].Claim().Result
	for name, given := range map[string][]byte{
		"its own":   own,
		"beginning": rewritten(t, own, func(a *language.Answer) { a.Tokens = a.Tokens[:4] }),
		"text":      rewritten(t, own, func(a *language.Answer) { a.Text += "!" }),
		"garbage":   {1, 2, 3},
	} {
		if _, err := s.sides[1].Against(t.Context(), given); err == nil {
			t.Errorf("%s: it has a claim", name)
		}
	}
}

// FuzzQuestion gives bytes to what reads a question, an item and answers.
func FuzzQuestion(f *testing.F) {
	q := dispute.Question{Shape: []byte{1}, Pass: []byte{2}}
	f.Add(q.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, _, err := dispute.DecodeQuestion(b); err == nil && string(q.Encode()) != string(b) {
			t.Errorf("the question %x has another encoding", b)
		}
		_, _, _, _ = dispute.Ask(b, b, b, b)
	})
}
