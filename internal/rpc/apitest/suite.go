package apitest

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"go.yaml.in/yaml/v3"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

const fileBytesMax = 8 << 20

// Suite is the archive, unpacked.
type Suite struct {
	Cases   []Case
	Genesis []byte // of the chain that the cases were recorded on
	Chain   []byte // its blocks, in RLP, one after the other

	schemas map[string]any // components/schemas by name
	results map[string]any // schema of each method's result
}

// Case is one file of the suite.
type Case struct {
	Method, Name string
	SpecOnly     bool // the recorded answer is an example: only the schema counts
	Exchanges    []Exchange
}

// Exchange is a request and the recorded answer.
type Exchange struct {
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *Error
}

// Error is a recorded error.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Load reads the archive, or skips the test where it is absent.
func Load(t testing.TB) *Suite {
	t.Helper()
	files := unpack(t, testutil.Shared(t, "data", "evm", "execution-apis.tar.zst"))
	s := &Suite{
		Genesis: files["tests/genesis.json"], Chain: files["tests/chain.rlp"],
		schemas: map[string]any{}, results: map[string]any{},
	}
	for name, text := range files {
		switch {
		case path.Ext(name) == ".io":
			s.Cases = append(s.Cases, parseCase(t, name, string(text)))
		case strings.HasPrefix(name, "src/schemas/"):
			var defined map[string]any
			if err := yaml.Unmarshal(text, &defined); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			maps.Copy(s.schemas, defined)
		case path.Ext(name) == ".yaml" && slices.Contains([]string{"src/eth", "src/debug", "src/txpool"}, path.Dir(name)):
			s.addMethods(t, name, text)
		}
	}
	slices.SortFunc(s.Cases, func(a, b Case) int { return strings.Compare(a.Method+"/"+a.Name, b.Method+"/"+b.Name) })
	return s
}

func (s *Suite) addMethods(t testing.TB, name string, text []byte) {
	t.Helper()
	var methods []struct {
		Name   string
		Result struct{ Schema any }
	}
	if err := yaml.Unmarshal(text, &methods); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, m := range methods {
		s.results[m.Name] = m.Result.Schema
	}
}

func unpack(t testing.TB, archive string) map[string][]byte {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || h.Size > fileBytesMax {
			continue
		}
		if out[path.Clean(h.Name)], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func parseCase(t testing.TB, name, text string) Case {
	t.Helper()
	c := Case{Method: path.Base(path.Dir(name)), Name: strings.TrimSuffix(path.Base(name), ".io")}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "// speconly"):
			c.SpecOnly = true
		case strings.HasPrefix(line, ">> "):
			var x Exchange
			if err := json.Unmarshal([]byte(line[3:]), &x); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			c.Exchanges = append(c.Exchanges, x)
		case strings.HasPrefix(line, "<< "):
			if err := json.Unmarshal([]byte(line[3:]), &c.Exchanges[len(c.Exchanges)-1]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return c
}
