package pipeline

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Specs have one form and one id; a store keeps them; answers are written in one form; a pipeline that lacks something is refused by name. What real
// pipelines answer is tested in compute/catalog.

func sample() *Spec {
	s := &Spec{
		Name: "reader", Kind: OCR, Files: []File{{"keys", []byte("a\nb\n")}},
		Roles: []Role{{"recognition", chain.Hash{3}}, {"detection", chain.Hash{1}}, {"direction", chain.Hash{2}}},
	}
	s.Sort()
	return s
}

// Changing this changes the protocol.
func TestLocked(t *testing.T) {
	id := sample().ID()
	if got, want := hex.EncodeToString(id[:]), "788930d08979678294451deb8b5df773fd7865cc84b6897ca08a0d9c63f569fd"; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	named := sample()
	named.Name = "another"
	if named.ID() != id {
		t.Error("the name is part of the id")
	}
	for name, change := range map[string]func(s *Spec){
		"role": func(s *Spec) { s.Roles[0].Model[0]++ }, "file": func(s *Spec) { s.Files[0].Data[0]++ }, "kind": func(s *Spec) { s.Kind = Faces },
	} {
		s := sample()
		change(s)
		if s.ID() == id {
			t.Errorf("another %s has the same id", name)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(s *Spec){
		"no name": func(s *Spec) { s.Name = "" }, "kind": func(s *Spec) { s.Kind = kindEnd }, "missing role": func(s *Spec) { s.Roles = s.Roles[1:] },
		"order": func(s *Spec) { s.Roles[0], s.Roles[1] = s.Roles[1], s.Roles[0] }, "missing file": func(s *Spec) { s.Files = nil },
		"long file": func(s *Spec) { s.Files[0].Data = make([]byte, FileBytesMax+1) },
	} {
		s := sample()
		change(s)
		if s.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	missing := errors.New("not here")
	_, err := Open(sample(), func(id chain.Hash) (vision.Runner, error) {
		if id == (chain.Hash{2}) {
			return nil, missing
		}
		return nil, nil
	})
	if !errors.Is(err, missing) || !strings.Contains(err.Error(), "direction") {
		t.Errorf("a network that is not there: %v", err)
	}
}

func TestStore(t *testing.T) {
	s := Store{t.TempDir()}
	id, err := s.Put(sample())
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(id)
	if err != nil || got.ID() != id || got.Name != "reader" {
		t.Errorf("got %+v, %v", got, err)
	}
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	if _, err := s.Get(chain.Hash{9}); !errors.Is(err, ErrNone) {
		t.Errorf("what is not there: %v", err)
	}
	if err := s.Remove(id); err != nil {
		t.Error(err)
	}
}

func TestAnswerForm(t *testing.T) {
	w := &writer{}
	w.open('{')
	w.key("a")
	w.open('[')
	w.int(-1)
	w.text("x\"\\\n\x7fé\xff")
	w.open('{')
	w.close('}')
	w.close(']')
	w.key("b")
	w.int(2)
	w.close('}')
	if got, want := string(w.b), `{"a":[-1,"x\"\\\u000a`+"\x7fé\uFFFD"+`",{}],"b":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	nan := float32(math.NaN())
	for _, c := range []struct{ got, want int64 }{
		{score(0.5), 500_000},
		{score(1), 1_000_000},
		{score(2), 1_000_000},
		{score(-1), 0},
		{score(nan), 0},
		{score(0.9999999), 999_999},
		{pixels(-0.5), -1},
		{pixels(3.9), 3},
		{pixels(1e30), 1 << 24},
		{pixels(nan), -1 << 24},
		{floorMillionths(-0.1), -100_001},
		{floorMillionths(nan), 0},
		{floorMillionths(0.25), 250_000},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err == nil && !bytes.Equal(s.Encode(), b) {
			t.Error("written again it is another file")
		}
	})
}
