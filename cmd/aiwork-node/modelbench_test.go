package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// `model bench --profile --receipt`: the steps are those of the model, their shares add up, and the checkpoint that is made beside a
// fast run is the one of a run by definitions.
func TestModelBenchTellsMore(t *testing.T) {
	network := smallNetwork(t, t.TempDir())
	var got benched
	if err := json.Unmarshal(output(t, "model", "bench", network, "--runs", "3", "--threads", "2", "--profile", "--receipt", "--json"), &got); err != nil {
		t.Fatal(err)
	}
	share, ops := 0.0, map[string]profiled{}
	for _, s := range got.Profile {
		share += s.Share
		ops[s.Operators] = s
	}
	if share < 0.999 || share > 1.001 || got.PeakGFlops <= 0 {
		t.Errorf("shares add up to %v, peak %v", share, got.PeakGFlops)
	}
	if s := ops["Conv+Relu"]; s.GFlops <= 0 || s.OfPeak <= 0 {
		t.Errorf("no product among %+v", got.Profile)
	}
	if s, ok := ops["GlobalAveragePool"]; !ok || s.GFlops != 0 {
		t.Errorf("no pool among %+v", got.Profile)
	}
	if want := definedCheckpoint(t, network); got.Receipt == nil || got.Receipt.Cuts == 0 || got.Receipt.Root.String() != want {
		t.Errorf("checkpoint %+v, want %s", got.Receipt, want)
	}
	if text := string(output(t, "model", "bench", network, "--runs", "1", "--profile", "--receipt")); !strings.Contains(text, "Conv+Relu") || !strings.Contains(text, "overhead") {
		t.Errorf("%s", text)
	}
	err := try(t, "model", "bench", network, "--reference", "--profile")
	if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--reference") {
		t.Errorf("--reference --profile: %v", err)
	}
}

// definedCheckpoint makes the checkpoint of a run on the made-up input, operator by operator.
func definedCheckpoint(t *testing.T, network string) string {
	t.Helper()
	list, err := fileModels(nil, filepath.Clean(network))
	if err != nil {
		t.Fatal(err)
	}
	f, err := list[0].File()
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(tensor.Float32, []int{1, 3, 16, 16})
	wave(tensor.Values[float32](x))
	run, err := receipt.Run(f.Model, []*tensor.Tensor{x}, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	cuts := receipt.Chosen(f.Net, receipt.Stretches, func(v net.Value) receipt.Form { return receipt.FormOf(run.Values[v]) })
	c := receipt.NewCheckpoint(cuts)
	for v, x := range run.Values {
		c.Observe(net.Value(v), x)
	}
	return c.Root().String()
}
