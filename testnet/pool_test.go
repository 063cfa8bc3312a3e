package testnet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aiwork/aiwork-node/compute/model"
)

// childrenOf lists the processes whose parent is pid.
func childrenOf(t *testing.T, pid int) (list []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		fields := strings.Fields(rest)
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			list = append(list, child)
		}
	}
	return list
}

// A worker with two engines fetches the model that it is to have from the validators before it enrols, runs the items
// of a batch in both, gets their inputs from peers, and loses no item when an engine is killed.
func TestWorkerPool(t *testing.T) {
	m := newMarket(t)
	file := doubler(t)
	for _, h := range m.homes()[:4] { // the validators'
		stock(t, model.Store{Dir: filepath.Join(h, "models")}, file)
	}
	id := file.Net.ID()
	m.flags = []string{"--engines", "2", "--engine-memory-mib", "512", "--objects-mib", "64", "--pull", id.String()}
	m.run()
	store := model.Store{Dir: filepath.Join(m.cluster.Dir, "worker0", "models")}
	if f, err := store.Get(id); err != nil || f.Name != "doubler" {
		t.Fatalf("the model after the start: got %v, want it pulled", err)
	}
	engines := childrenOf(t, m.worker.PID())
	if len(engines) != 2 {
		t.Fatalf("children of the worker: got %v, want two engines", engines)
	}

	const outputs = `aiwork_pool_items_total{outcome="output"}`
	measured := metricAt(t, m.metrics, outputs) // by the worker itself, before it enrolled
	id1 := m.order(pictures(t, 6))
	eventually(t, "items in both engines", func(context.Context) (bool, string) {
		n := m.items(m.metrics)
		return n >= 1, fmt.Sprint(n)
	})
	if err := syscall.Kill(engines[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.doneOnce(id1, 6)

	m.model = file.Name
	m.doneOnce(m.order(vectors(t, 4)), 4)

	for name, want := range map[string]float64{
		outputs: measured + 10, `aiwork_pool_items_total{outcome="given_up"}`: 0,
		`aiwork_pool_failures_total{cause="crash"}`: 1, `aiwork_pool_waiting_items`: 0, `aiwork_pool_running_items`: 0,
	} {
		if got := metricAt(t, m.metrics, name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	// An input that is asked for while it is uploaded may come from the node instead.
	if got := metricAt(t, m.metrics, `aiwork_objects_fetches_total{outcome="fetched"}`); got < 6 || got > 11 {
		t.Errorf("fetched from peers: got %v, want the model and most of ten inputs", got)
	}
	if got := childrenOf(t, m.worker.PID()); len(got) != 2 {
		t.Errorf("children at the end: got %v, want two engines again", got)
	}
	m.signal(syscall.SIGTERM)
	if how := m.ended(waitMax); how != "ended" {
		t.Errorf("drained: got %s, want exit code 0", how)
	}
}
