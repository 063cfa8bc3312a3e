package testnet_test

// Models between real processes: fetched by id from the validators of a network by a machine that is no node of it,
// killed in the middle and gone on with, from one that holds another file than its name says, within a quota.

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	cnet "github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/testnet"
)

// noisyModel gives a model of so many random weights.
func noisyModel(t *testing.T, name string, weights int) *model.File {
	t.Helper()
	w := make([]float32, weights)
	chance := rand.New(rand.NewPCG(1, uint64(weights)))
	for i := range w {
		w[i] = math.Float32frombits(chance.Uint32()&0x3FFFFFFF | 0x20000000)
	}
	l, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:       []onnx.Value{{Name: "x", Type: tensor.Float32, Ranks: true, Shape: []onnx.Dim{{Size: 1}}}},
		Initializers: []onnx.Initializer{{Name: "w", Tensor: tensor.Of([]int{weights}, w)}},
		Nodes:        []onnx.Node{{Op: "Add", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
		Outputs:      []onnx.Value{{Name: "y"}},
	}}, lower.Outside{Form: cnet.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	return &model.File{Name: name, Source: "noise", Licence: "MIT", Model: l}
}

// modelsOf gives the folder of models of a validator.
func modelsOf(c *testnet.Cluster, i int) model.Store {
	return model.Store{Dir: filepath.Join(c.Dir, fmt.Sprintf("validator%d", i), "models")}
}

func stock(t *testing.T, s model.Store, f *model.File) chain.Hash {
	t.Helper()
	id, err := s.Put(f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// metricOf reads one value of a validator's metrics, summed over its labels.
func metricOf(t *testing.T, c *testnet.Cluster, i int, name string) float64 {
	t.Helper()
	return metricAt(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Layout.MetricsPort+i)), name)
}

// metricAt reads one value, with its labels or summed over them.
func metricAt(t *testing.T, address, name string) (sum float64) {
	t.Helper()
	_, text := get(t.Context(), "http://"+address+"/metrics")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, name+" ") && !strings.HasPrefix(line, name+"{") {
			continue
		}
		fields := strings.Fields(line)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// served waits until a validator offers what is in its folder.
func served(t *testing.T, c *testnet.Cluster, i int, id chain.Hash) {
	t.Helper()
	log := filepath.Join(c.Dir, fmt.Sprintf("validator%d", i), "node.log")
	eventually(t, "model on offer", func(context.Context) (bool, string) {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "model offered to peers") && strings.Contains(string(text), id.String()), fmt.Sprint(err)
	})
}

type pulledModel struct {
	ID    *chain.Hash `json:"id"`
	Name  string      `json:"name"`
	Error string      `json:"error"`
}

func pull(t *testing.T, home string, flags ...string) (pulledModel, outcome) {
	t.Helper()
	o := command(t, nil, append([]string{"--home", home, "--json", "model", "pull"}, flags...)...)
	var list []pulledModel
	if err := json.Unmarshal([]byte(o.stdout), &list); err != nil || len(list) != 1 {
		t.Fatalf("model pull: %v: %s%s", err, o.stdout, o.stderr)
	}
	return list[0], o
}

func TestModelsArePulledFromPeers(t *testing.T) {
	c := createNetwork(t, program(t), 4, 0)
	big, small := noisyModel(t, "big", 24<<20), noisyModel(t, "small", 1<<20)
	bigID, smallID := stock(t, modelsOf(c, 0), big), stock(t, modelsOf(c, 0), small)
	// Validator 1 has another model under the name of the small one, and validator 2 the true one.
	b, err := os.ReadFile(modelsOf(c, 0).Path(smallID))
	if err != nil {
		t.Fatal(err)
	}
	stock(t, modelsOf(c, 2), small)
	b[len(b)-1] ^= 1
	if err := os.MkdirAll(modelsOf(c, 1).Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(modelsOf(c, 1).Path(smallID), b, 0o644); err != nil {
		t.Fatal(err)
	}
	faces := facesPipeline(t, c)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	for i := range 3 {
		served(t, c, i, smallID)
	}
	for i, role := range faces.Roles {
		served(t, c, i, role.Model)
	}
	served(t, c, 2, faces.ID())
	served(t, c, 0, bigID)
	home := filepath.Join(t.TempDir(), "elsewhere")
	m := &models{t: t, c: c, home: home}
	t.Run("killed in the middle", func(t *testing.T) { m.killed(t, bigID) })
	t.Run("a peer holds another file", func(t *testing.T) { m.lied(t, smallID) })
	t.Run("a pipeline with its networks", func(t *testing.T) { m.pipeline(t, faces) })
	t.Run("more than the quota", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "small")
		r, o := pull(t, other, "--rpc", c.URL(0), "--objects-mib", "20", bigID.String())
		if o.code != 1 || !strings.Contains(r.Error, "object store full") {
			t.Errorf("got code %d, %q, want 1 and what to do about the quota", o.code, r.Error)
		}
	})
	t.Run("nobody has it", func(t *testing.T) {
		r, o := pull(t, home, "--rpc", c.URL(3), chain.Hash{1}.String())
		if o.code != 1 || !strings.Contains(r.Error, "offers a model or an object") {
			t.Errorf("got code %d, %q, want 1 and that nobody has it", o.code, r.Error)
		}
	})
}

// models is a network whose validators serve some, and a machine that fetches them.
type models struct {
	t    *testing.T
	c    *testnet.Cluster
	home string
}

// killed kills a fetch in the middle: the next goes on, and in all hardly more than the model is sent.
func (m *models) killed(t *testing.T, id chain.Hash) {
	const triesMax = 10 // a fetch may end between two looks at it
	sent := func() float64 { return metricOf(t, m.c, 0, "aiwork_p2p_object_bytes_sent_total") }
	before, tries := sent(), 1
	for ; m.fetchedAtTheKill(t, id); tries++ {
		if tries == triesMax {
			t.Fatal("the model was there before each kill: nothing is tested")
		}
		if err := os.RemoveAll(m.home); err != nil {
			t.Fatal(err)
		}
		before = sent()
	}
	store := model.Store{Dir: filepath.Join(m.home, "models")}
	first := sent() - before
	r, o := pull(t, m.home, "--rpc", m.c.URL(0), id.String())
	if o.code != 0 || r.ID == nil || *r.ID != id || r.Name != "big" {
		t.Fatalf("after the kill: got code %d, %+v, %s", o.code, r, o.stderr)
	}
	f, err := store.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	size := float64(len(f.Encode()))
	all := sent() - before
	t.Logf("try %d: %.0f MiB: %.0f before the kill, %.0f after", tries, size/(1<<20), first/(1<<20), (all-first)/(1<<20))
	if first < size/20 || all > size+16<<20 {
		t.Errorf("sent: got %.0f bytes before the kill and %.0f in all, want some and hardly more than the model's %.0f", first, all, size)
	}
	if left, err := os.ReadDir(filepath.Join(m.home, "objects")); err != nil || len(left) > 1 {
		t.Errorf("left in the folder of objects: got %v, %v, want the lock alone", left, err)
	}
	if r, o := pull(t, m.home, "--rpc", "http://127.0.0.1:1", id.String()); o.code != 0 || *r.ID != id {
		t.Errorf("once more without a node: got code %d, want what is there", o.code)
	}
}

// fetchedAtTheKill begins a fetch, kills it when a tenth has come, and reports whether it was over by then.
func (m *models) fetchedAtTheKill(t *testing.T, id chain.Hash) bool {
	log := filepath.Join(t.TempDir(), "pull.log")
	p := testnet.NewProcess("pull", program(t), []string{"--home", m.home, "model", "pull", "--rpc", m.c.URL(0), id.String()}, nil, log)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a tenth of it", func(context.Context) (bool, string) {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "MiB from"), fmt.Sprint(string(text), err)
	})
	p.Kill()
	_, err := model.Store{Dir: filepath.Join(m.home, "models")}.Get(id)
	return err == nil
}

func (m *models) lied(t *testing.T, id chain.Hash) {
	home := filepath.Join(t.TempDir(), "one")
	r, o := pull(t, home, "--rpc", m.c.URL(1), id.String())
	if o.code != 0 || r.ID == nil || *r.ID != id {
		t.Fatalf("beside two that have the true one: got code %d, %+v", o.code, r)
	}
	var s struct {
		Addresses []string `json:"p2pAddresses"`
	}
	if err := m.c.Client(1).Call(t.Context(), &s, "aiwork_status"); err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "alone")
	command(t, nil, "--home", alone, "init", "--genesis", m.c.URL(1)).succeeded(t)
	r, o = pull(t, alone, "--rpc", "http://127.0.0.1:1", "--peer", s.Addresses[0], id.String())
	if o.code != 1 || !strings.Contains(r.Error, "does not hold the model") {
		t.Errorf("from the liar alone: got code %d, %q, want that it does not hold it", o.code, r.Error)
	}
	if left, err := os.ReadDir(filepath.Join(alone, "objects")); err != nil || len(left) > 1 {
		t.Errorf("left of the wrong object: got %v, %v, want the lock alone", left, err)
	}
}

// facesPipeline stores a pipeline at validator 2, and each of its networks at another validator.
func facesPipeline(t *testing.T, c *testnet.Cluster) *pipeline.Spec {
	t.Helper()
	s := &pipeline.Spec{Name: "faces", Kind: pipeline.Faces}
	for i, role := range []string{"descriptor", "detector", "landmarks"} {
		s.Roles = append(s.Roles, pipeline.Role{Name: role, Model: stock(t, modelsOf(c, i), noisyModel(t, role, 1000+i))})
	}
	s.Sort()
	if _, err := (pipeline.Store{Dir: modelsOf(c, 2).Dir}).Put(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// pipeline fetches one by its id: its networks come along, from whom has them. Asked again, it brings only what has gone.
func (m *models) pipeline(t *testing.T, s *pipeline.Spec) {
	home := filepath.Join(t.TempDir(), "piped")
	store := model.Store{Dir: filepath.Join(home, "models")}
	whole := func() {
		t.Helper()
		r, o := pull(t, home, "--rpc", m.c.URL(3), s.ID().String())
		if o.code != 0 || r.ID == nil || *r.ID != s.ID() || r.Name != s.Name {
			t.Fatalf("got code %d, %+v, %s", o.code, r, o.stderr)
		}
		for _, role := range s.Roles {
			if _, err := store.Get(role.Model); err != nil {
				t.Errorf("network %s: %v", role.Name, err)
			}
		}
	}
	whole()
	if got, err := (pipeline.Store{Dir: store.Dir}).Get(s.ID()); err != nil || got.Name != s.Name {
		t.Errorf("the pipeline: %v", err)
	}
	if err := store.Remove(s.Roles[1].Model); err != nil {
		t.Fatal(err)
	}
	whole()
}
