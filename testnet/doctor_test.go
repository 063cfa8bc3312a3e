package testnet_test

// `worker doctor` on a worker that has all it needs, and on ones that lack something: each fault is found, named and
// told what to do about, and nothing else is called a fault.

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model"
)

type diagnosis struct {
	Failed int `json:"failed"`
	Checks []struct {
		Check, Outcome, Found, Todo string
	} `json:"checks"`
}

func diagnose(t *testing.T, flags ...string) (diagnosis, outcome) {
	t.Helper()
	o := command(t, nil, append(append([]string{"--json"}, flags[:2]...), append([]string{"worker", "doctor"}, flags[2:]...)...)...)
	var d diagnosis
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
		t.Fatalf("%v: %s%s", err, o.stdout, o.stderr)
	}
	return d, o
}

// failures lists the checks that failed, each of which must say what to do.
func (d *diagnosis) failures(t *testing.T) (names []string) {
	t.Helper()
	for _, c := range d.Checks {
		if c.Outcome != "failed" && c.Outcome != "mismatch" {
			continue
		}
		names = append(names, c.Check)
		if c.Todo == "" {
			t.Errorf("%s failed (%s) and nothing is said of what to do", c.Check, c.Found)
		}
	}
	if d.Failed != len(names) {
		t.Errorf("count of failures: got %d, want %d", d.Failed, len(names))
	}
	return names
}

func (d *diagnosis) outcome(check string) string {
	for _, c := range d.Checks {
		if c.Check == check {
			return c.Outcome
		}
	}
	return "absent"
}

func TestWorkerDoctor(t *testing.T) {
	m := startMarket(t)
	home := filepath.Join(m.cluster.Dir, "worker0")
	url := m.cluster.URL(0)
	small := []string{"--quick", "--engine-memory-mib", "512", "--objects-mib", "100", "--known-max", "5s"}
	all := func(flags ...string) (diagnosis, outcome) {
		return diagnose(t, append(append([]string{"--home", home, "--rpc", url}, small...), flags...)...)
	}
	id := stock(t, model.Store{Dir: filepath.Join(home, "models")}, noisyModel(t, "noise", 1000))

	d, o := all()
	if bad := d.failures(t); o.code != 0 || len(bad) > 0 {
		t.Errorf("a worker that has all: got code %d and failures %v: %s", o.code, bad, o.stdout)
	}
	for check, want := range map[string]string{
		"node": "ok", "node synced": "ok", "chain": "ok", "clock": "ok", "account": "ok", "bond": "ok", "models": "ok", "engine": "ok",
		"known answer, path " + kernel.Best().String(): "validated", "known answer, noise": "validated", "peers for downloads": "ok", "ports": "not run", "memory": "ok",
	} {
		if got := d.outcome(check); got != want {
			t.Errorf("%s: got %q, want %q", check, got, want)
		}
	}

	path := model.Store{Dir: filepath.Join(home, "models")}.Path(id)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	d, o = all("--engine-memory-mib", "100000000", "--objects-mib", "900000000", "--engines", "50", "--metrics", m.metrics)
	want := []string{"threads", "memory", "disk", "ports", "model " + id.String()[:10]}
	if got := d.failures(t); o.code != 1 || !slices.Equal(got, want) {
		t.Errorf("with five faults: got code %d, %v, want 1, %v", o.code, got, want)
	}
	if !strings.Contains(o.stderr, "5 of") {
		t.Errorf("last line: got %q, want how many failed", o.stderr)
	}

	empty := filepath.Join(t.TempDir(), "nobody")
	d, o = diagnose(t, append([]string{"--home", empty, "--rpc", "http://127.0.0.1:1"}, small...)...)
	if got := d.failures(t); o.code != 1 || !slices.Equal(got, []string{"node", "account"}) {
		t.Errorf("an empty home without a node: got code %d, %v, want node and account", o.code, got)
	}
	for _, check := range []string{"node synced", "chain", "clock", "bond"} {
		if got := d.outcome(check); got != "not run" {
			t.Errorf("%s without a node: got %q, want that it was not run", check, got)
		}
	}
	if _, err := os.Stat(empty); !os.IsNotExist(err) {
		t.Errorf("the doctor made the home: %v", err)
	}
}
