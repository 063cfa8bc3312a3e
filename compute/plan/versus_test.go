package plan

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// What a run costs beside ONNX Runtime, in one go and on the same inputs:
//
//	npm ci --prefix tools/onnxref --ignore-scripts
//	go test ./compute/plan -run TestAgainstONNXRuntime -v -args -versus 2
//
// The argument is how many seconds each measurement takes. Runs of both alternate, model by model, since
// machines are shared; the quickest run is what is compared.

var (
	versus     = flag.Float64("versus", 0, "seconds per measurement against ONNX Runtime; 0 leaves it out")
	versusOnly = flag.String("versus-only", "", "measure only models whose name has this in it")
	versusCase = flag.String("versus-case", "", "path of a case without its ending: run it some times and print the most memory that was held")
)

// A contest is a model with inputs.
type contest struct {
	name   string
	file   []byte
	inputs []*tensor.Tensor
}

func contests(t testing.TB) (list []contest) {
	for _, name := range []string{detection, recognition, direction, voice} {
		raw, err := os.ReadFile(filepath.Join(testutil.Root(t), "tools", "onnxref", "node_modules", name))
		if err != nil {
			testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
		}
		list = append(list, contest{strings.TrimSuffix(filepath.Base(name), ".onnx"), raw, realInputs(name, false)})
	}
	list = append(list, contentSafety(t))
	for _, n := range networks() {
		list = append(list, contest{n.name, onnx.EncodeModel(n.model), n.inputs})
	}
	return slices.DeleteFunc(list, func(c contest) bool { return !strings.Contains(c.name, *versusOnly) })
}

// contentSafety is the model that ships with the node.
func contentSafety(t testing.TB) contest {
	t.Helper()
	f, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	return contest{"content-safety", onnx.EncodeModel(m), []*tensor.Tensor{wave(1, 3, 224, 224)}}
}

type timing struct {
	Best, Median, CPU float64
	RSS               float64 // MiB, the most that the process held so far
}

func TestAgainstONNXRuntime(t *testing.T) {
	if *versus == 0 {
		t.Skip("measures: give -args -versus SECONDS")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		testutil.Skip(t, "needs Node")
	}
	t.Logf("%-32s %7s %9s %9s %9s %9s %9s %6s %6s %7s %7s", "model", "threads", "ours ms", "median", "cpu ms", "ort ms", "ort cpu", "ratio", "of cpu", "MiB", "ort MiB")
	for _, c := range contests(t) {
		folder := writeCase(t, c)
		theirs, memory := measureRuntime(t, node, folder, c.name), measureMemory(t, filepath.Join(folder, c.name))
		for _, threads := range []int{1, 2} {
			ours := measurePlan(t, c, threads)
			ort := theirs[fmt.Sprint(threads)]
			t.Logf("%-32s %7d %9.3f %9.3f %9.3f %9.3f %9.3f %6.2f %6.2f %7.0f %7.0f", c.name, threads, ours.Best, ours.Median, ours.CPU, ort.Best, ort.CPU, ours.Best/ort.Best, ours.CPU/ort.CPU, memory, theirs["1"].RSS)
		}
	}
}

// A caseInput is an input as it lies in a case's file.
type caseInput struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Shape []int  `json:"shape"`
	Data  string `json:"data"`
}

// writeCase writes a model and its inputs for other processes.
func writeCase(t *testing.T, c contest) (folder string) {
	t.Helper()
	folder = t.TempDir()
	m, err := onnx.DecodeModel(c.file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	var list []caseInput
	for i, x := range c.inputs {
		list = append(list, caseInput{p.Inputs[i].Name, x.Type().String(), append([]int{}, x.Shape()...), base64.StdEncoding.EncodeToString(rawBytes(x))})
	}
	feeds, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{c.name + ".onnx": c.file, c.name + ".json": feeds} {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// measureMemory gives the most memory that a process holds which does nothing but run a case some times with one thread, in MiB.
func measureMemory(t *testing.T, path string) (mib float64) {
	t.Helper()
	out, err := exec.Command(os.Args[0], "-test.run", "^TestMemoryOfACase$", "-versus-case", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(out), "peak %f", &mib); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return mib
}

func TestMemoryOfACase(t *testing.T) {
	if *versusCase == "" {
		t.Skip("is a part of TestAgainstONNXRuntime")
	}
	p, inputs := readCase(t, *versusCase)
	r := newRunner(t, p, Default())
	for range 5 {
		if _, err := r.Run(context.Background(), inputs, program.DefaultLimits()); err != nil {
			t.Fatal(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status") // getrusage counts what the parent held, too
	if err != nil {
		t.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(peak, &kib); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("peak %.1f MiB\n", kib/1024)
}

func readCase(t *testing.T, path string) (*program.Program, []*tensor.Tensor) {
	t.Helper()
	file, err := os.ReadFile(path + ".onnx")
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.DecodeModel(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var list []caseInput
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	var inputs []*tensor.Tensor
	for i, c := range list {
		data, err := base64.StdEncoding.DecodeString(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(p.Inputs[i].Type, c.Shape)
		if _, err := binary.Decode(data, binary.LittleEndian, elementsOf(x)); err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, x)
	}
	return p, inputs
}

func elementsOf(x *tensor.Tensor) any {
	if x.Type() == tensor.Float32 {
		return tensor.Values[float32](x)
	}
	return tensor.Values[int64](x)
}

// measureRuntime runs tools/onnxref/bench.mjs on one case.
func measureRuntime(t *testing.T, node, folder, name string) map[string]timing {
	t.Helper()
	script := filepath.Join(testutil.Root(t), "tools", "onnxref", "bench.mjs")
	cmd := exec.Command(node, script, folder, fmt.Sprint(*versus))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var result map[string]map[string]timing
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatal(err)
	}
	return result[name]
}

func rawBytes(x *tensor.Tensor) (b []byte) {
	if x.Type() == tensor.Float32 {
		for _, v := range tensor.Values[float32](x) {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	for _, v := range tensor.Values[int64](x) {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}

func measurePlan(t *testing.T, c contest, threads int) timing {
	t.Helper()
	m, err := onnx.DecodeModel(c.file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(t, p, Options{Threads: threads, Path: kernel.Best()})
	run := func() time.Duration {
		start := time.Now()
		if _, err := r.Run(context.Background(), c.inputs, program.DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	run()
	run()
	var times []time.Duration
	before := processTime(t)
	for end := time.Now().Add(time.Duration(*versus * float64(time.Second))); len(times) < 5 || time.Now().Before(end); {
		times = append(times, run())
	}
	used := processTime(t) - before
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	return timing{Best: ms(times[0]), Median: ms(times[len(times)/2]), CPU: ms(used) / float64(len(times))}
}

// processTime is the processor time that this process has used.
func processTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
