package dispute_test

// Disputes about answers of language models: a lie in any value of the pass that two answers come down to, and in the draw, whoever tells it;
// claims that do not hold together; what each call takes.

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/vm/native"
)

// bar opens disputes about answers, of an item and a result that may lie in a blob.
var bar = chain.Address{19: 0xEF}

const sigBar = "open(bytes32,bytes32,address,bytes,bytes32," + dispute.ClaimTypes + ")"

func barModule() native.Module {
	return native.Module{Name: "bar", Address: bar, Methods: []native.Method{{
		Signature: sigBar, Returns: "(uint64)", Mutability: native.Payable,
		Run: func(c *native.Call) {
			about := dispute.Subject{Model: c.Args.Hash(), Item: c.Args.Hash(), Defender: c.Args.Address(), Result: c.Args.Bytes(255), Blob: c.Args.Hash()}
			k := dispute.ReadClaim(c.Args)
			if !c.Ready() {
				return
			}
			bond := c.Value()
			c.Pay(chain.AddrDisputes, &bond)
			c.Out.Uint64(dispute.Open(c.As(chain.AddrDisputes), &about, c.Caller(), &k, &bond))
		},
	}}}
}

// A suit is a dispute about an answer.
type suit struct {
	*world
	model *language.Ready
	id    chain.Hash
	item  []byte
	sides [2]*language.Advocate
	bytes map[string]int // of all calls of a method
	most  int            // bytes of the longest
	spent uint64         // gas of steps
	again func()         // makes the advocates anew before each call; nil: they stay
}

func newSuit(t testing.TB, path string, p language.Prompt) *suit {
	t.Helper()
	s := &suit{world: newWorld(t), item: p.Encode(), bytes: map[string]int{}}
	s.set = native.NewSet(host(), barModule(), dispute.Module())
	m, err := language.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.id, err = m.ID(); err != nil {
		t.Fatal(err)
	}
	if s.model, err = m.Load(language.Options{Threads: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.model.Close)
	for i := range s.sides {
		if s.sides[i], err = s.model.Advocate(t.Context(), s.id, s.item, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// lie makes a side stand by an answer with another token at a place, by that draw, and by one bit of another value of the pass; 0 for none.
func (s *suit) lie(side dispute.Side, place int, v net.Value, r *rand.Rand) {
	s.t.Helper()
	a, err := language.DecodeAnswer(s.sides[side].Claim().Result)
	if err != nil {
		s.t.Fatal(err)
	}
	a.Tokens = slices.Clone(a.Tokens)
	a.Tokens[place] = (a.Tokens[place] + 1) % languagetest.Vocab
	bit := r.Uint64()
	err = s.sides[side].StandBy(a.Encode(), func(p *pass.Pass, value net.Value, b []byte) {
		_, end := p.EndAt()
		switch {
		case value == end.Token:
			binary.LittleEndian.PutUint32(b, uint32(a.Tokens[place]))
		case value == v && len(b) > 0:
			b[bit%uint64(len(b))] ^= 1
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// claim gives the call that opens the dispute.
func (s *suit) claim() []byte {
	s.t.Helper()
	given := s.sides[0].Claim().Result
	k, err := s.sides[1].Against(s.t.Context(), given)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.pack(given, k)
}

func (s *suit) pack(given []byte, k *dispute.Claim) []byte {
	e := native.NewInput(sigBar)
	e.Hash(s.id)
	e.Hash(blake3.Sum256(s.item))
	e.Address(worker)
	if len(given) > 255 {
		e.Bytes(nil)
		e.Hash(blake3.Sum256(given))
	} else {
		e.Bytes(given)
		e.Hash(chain.Hash{})
	}
	k.Write(e)
	return e.Out()
}

func (s *suit) call(method string, from, to chain.Address, input []byte) {
	s.t.Helper()
	value := none
	if method == "open" {
		value = tokens(10)
	}
	s.must(s.send(method, from, to, value, input))
	s.bytes[method] += len(input)
	s.most = max(s.most, len(input))
	if method == "step" {
		s.spent += s.last
	}
}

// run plays the dispute to its end. The honest side feeds.
func (s *suit) run(honest dispute.Side) dispute.Dispute {
	s.t.Helper()
	s.call("open", challenger, bar, s.claim())
	for range 400 {
		d := s.load(1)
		if s.again != nil {
			s.again()
		}
		switch d.Phase {
		case dispute.Ended:
			return d
		case dispute.Answering:
			s.plead(&d, dispute.Defender, "answer", worker)
		case dispute.Judging:
			s.feed(&d, honest, "judge")
		case dispute.Feeding:
			s.feed(&d, honest, "step")
		default:
			for side := range s.sides {
				s.plead(&d, dispute.Side(side), d.Phase.String(), d.Parties[side])
			}
		}
	}
	s.t.Fatal("the dispute does not end")
	return dispute.Dispute{}
}

func (s *suit) plead(d *dispute.Dispute, side dispute.Side, method string, from chain.Address) {
	s.t.Helper()
	b, err := s.sides[side].Plead(s.t.Context(), d, side, d.EntriesIn(s.raw))
	if err != nil {
		s.t.Fatal(err)
	}
	s.call(method, from, chain.AddrDisputes, b)
}

// feed makes the calls that anybody may make: a defender that is honest makes them as well.
func (s *suit) feed(d *dispute.Dispute, honest dispute.Side, method string) {
	s.t.Helper()
	b, err := s.sides[honest].Plead(s.t.Context(), d, dispute.Challenger, d.EntriesIn(s.raw))
	if err != nil {
		s.t.Fatal(err)
	}
	s.call(method, stranger, chain.AddrDisputes, b)
}

func prompt() language.Prompt {
	return language.Prompt{
		Tokens: []int32{1, 7, 200, 31, 5}, TokensMax: 12, Seed: 5, TemperaturePpm: 1_000_000, TopK: 40, TopPPpm: 900_000, PenaltyPpm: 1_100_000,
	}
}

// passAt gives the pass that an answer with a false token at a place comes down to.
func (s *suit) passAt(place int, p *language.Prompt) pass.Pass {
	return s.model.Shape.PassOf(len(p.Tokens)+place, p.Draw())
}

// A lie about any value, told by one side or the other in turn: the liar loses, at the operator that makes the value.
func TestAnswerEveryValue(t *testing.T) {
	path := languagetest.Write(t, languagetest.Change{Weight: -1})
	p := prompt()
	const place = 3
	s := newSuit(t, path, p)
	at := s.passAt(place, &p)
	for i := range at.Ops() {
		if testing.Short() && i%7 != 0 {
			continue
		}
		honest := dispute.Side(i % 2)
		s := newSuit(t, path, p)
		s.lie(1-honest, place, at.FirstOf(i), rand.New(rand.NewPCG(uint64(i), 1)))
		d := s.run(honest)
		if want := [2]dispute.Verdict{dispute.Stands, dispute.Wrong}[honest]; d.Verdict != want || d.Entry != uint64(i)+1 {
			t.Errorf("operator %d, honest is %d: got %v at entry %d, want %v at %d", i, honest, d.Verdict, d.Entry, want, i+1)
		}
	}
}

// What the calls about a real model take: every one fits a transaction.
func TestAnswerStories(t *testing.T) {
	path := storiesFile(t)
	p := language.Prompt{Tokens: []int32{1, 403, 407, 261, 378}, TokensMax: 200, Seed: 5, TemperaturePpm: 1_000_000, TopK: 40, TopPPpm: 900_000, PenaltyPpm: 1_100_000}
	s := newSuit(t, path, p)
	a, err := language.DecodeAnswer(s.sides[0].Claim().Result)
	if err != nil {
		t.Fatal(err)
	}
	place := len(a.Tokens) - 1
	at := s.passAt(place, &p)
	seen := map[string]bool{}
	for i := at.Ops() - 1; i >= 0; i-- {
		op, err := at.Op(i, func(int) pass.Tensor { return pass.Tensor{Name: "x", Dims: []uint64{64, 1}} })
		if err != nil {
			t.Fatal(err)
		}
		if seen[op.Name] {
			continue
		}
		seen[op.Name] = true
		s := newSuit(t, path, p)
		s.lie(dispute.Defender, place, at.FirstOf(i), rand.New(rand.NewPCG(uint64(i), 1)))
		d := s.run(dispute.Challenger)
		if d.Verdict != dispute.Wrong || d.Entry != uint64(i)+1 {
			t.Errorf("%s: got %v at entry %d, want wrong at %d", op.Name, d.Verdict, d.Entry, i+1)
		}
		if s.most > 100_000 || s.gas["step"]+40*uint64(s.most) > chain.TxGasMaxLimit {
			t.Errorf("%s: a call of %d bytes and a step of %d gas", op.Name, s.most, s.gas["step"])
		}
		t.Logf("%d tokens: %-18s %2d rounds, %2d steps, %9d gas (%8d at most), longest call %6d bytes; open %d bytes %d gas, answer %d, judge %d bytes %d gas, steps %d bytes",
			d.Tokens, op.Name, d.Rounds, d.Steps, s.spent, s.gas["step"], s.most, s.bytes["open"], s.gas["open"], s.bytes["answer"], s.bytes["judge"], s.gas["judge"], s.bytes["step"])
	}
}

func storiesFile(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(testutil.Shared(t, "data", "models", "stories260K.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var w gguf.Writer
	if err := llama2c.Convert(&w, "stories260K", raw); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stories260K.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return path
}
