package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/quant"
)

// A result is one run; times are in seconds.
type result struct {
	Prefill, PrefillWall float64
	Decode, DecodeWall   float64
	Tokens               []int32
}

// A task is what both are asked to do.
type task struct {
	Prefill []int32 `json:"prefill"`
	Decode  int     `json:"decode"`
}

func main() {
	log.SetFlags(0)
	name := flag.String("format", "Q8_0", "of the random model's weights")
	prefill := flag.Int("prefill", 256, "tokens of one pass")
	decode := flag.Int("decode", 48, "tokens one by one")
	threads := flag.Int("threads", 1, "of both")
	rounds := flag.Int("rounds", 3, "runs of each, in turn")
	stories := flag.String("stories", "", "compare greedy tokens on this model of llama2.c instead")
	tokenizers := flag.Bool("tokenizers", false, "compare tokens of texts instead")
	keep := flag.String("make", "", "write the random model to a file instead")
	only := flag.Bool("ours", false, "do not run llama.cpp")
	flag.Parse()
	folder, err := os.MkdirTemp("", "llamaref")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	model := filepath.Join(folder, "model.gguf")
	switch {
	case *keep != "":
		var format quant.Format
		if format, err = formatByName(*name); err == nil {
			err = makeModel(*keep, format)
		}
	case *stories != "":
		err = compareStories(model, *stories)
	case *tokenizers:
		err = compareTokenizers(model)
	default:
		err = compareSpeed(model, *name, task{prompt(*prefill), *decode}, *threads, *rounds, *only)
	}
	if err != nil {
		os.RemoveAll(folder)
		log.Fatal(err)
	}
}

func prompt(n int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(1 + (i*7919+3)%(vocab-1))
	}
	return tokens
}

func compareSpeed(model, name string, t task, threads, rounds int, only bool) error {
	format, err := formatByName(name)
	if err != nil {
		return err
	}
	if err := makeModel(model, format); err != nil {
		return err
	}
	fmt.Printf("%v, %d threads, path %v; tokens per processor second, then per second\n", format, threads, kernel.Best())
	columns := []any{fmt.Sprintf("prefill %d", len(t.Prefill)), fmt.Sprintf("decode %d", t.Decode)}
	fmt.Printf("%-6s %12s %10s %12s %10s\n", append([]any{""}, append(columns, columns...)...)...)
	var all [2][]result
	for range rounds {
		for i, run := range []func(string, task, int) (result, error){ours, theirs}[:] {
			if i == 1 && only {
				continue
			}
			r, err := run(model, t, threads)
			if err != nil {
				return err
			}
			all[i] = append(all[i], r)
			n, d := float64(len(t.Prefill)), float64(t.Decode)
			fmt.Printf("%-6s %12.1f %10.1f %12.1f %10.1f\n", []string{"ours", "llama"}[i], n/r.Prefill, d/r.Decode, n/r.PrefillWall, d/r.DecodeWall)
		}
	}
	if only {
		return nil
	}
	of := func(f func(result) float64) float64 { return median(all[1], f) / median(all[0], f) }
	fmt.Printf("%-6s %12.2f %10.2f %12.2f %10.2f   (of the medians)\n", "ratio",
		of(func(r result) float64 { return r.Prefill }), of(func(r result) float64 { return r.Decode }),
		of(func(r result) float64 { return r.PrefillWall }), of(func(r result) float64 { return r.DecodeWall }))
	return nil
}

func median(list []result, of func(result) float64) float64 {
	var v []float64
	for _, r := range list {
		v = append(v, of(r))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

func compareStories(model, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var w gguf.Writer
	if err := llama2c.Convert(&w, "stories260K", raw); err != nil {
		return err
	}
	if err := save(model, &w); err != nil {
		return err
	}
	t := task{[]int32{1, 403, 407}, 250}
	a, err := ours(model, t, 1)
	if err != nil {
		return err
	}
	b, err := theirs(model, t, 1)
	if err != nil {
		return err
	}
	same := 0
	for same < len(a.Tokens) && same < len(b.Tokens) && a.Tokens[same] == b.Tokens[same] {
		same++
	}
	fmt.Printf("the first %d of %d greedy tokens are llama.cpp's\n", same, len(a.Tokens))
	return nil
}

// ours runs the task in this process.
func ours(path string, t task, threads int) (result, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return result{}, err
	}
	defer f.Close()
	m, err := lm.Load(f, kernel.Best())
	if err != nil {
		return result{}, err
	}
	run, cache := lm.NewRunner(m, threads), lm.NewCache(m.Config, 1+(len(t.Prefill)+t.Decode)/lm.PageLen)
	seq := cache.NewSequence()
	step := func(tokens []int32, want int) (*lm.Part, error) {
		p := &lm.Part{Seq: seq, Tokens: tokens, Want: want}
		if err := run.Step([]*lm.Part{p}); err != nil {
			return nil, err
		}
		return p, p.Err
	}
	if _, err := step(t.Prefill, 1); err != nil { // pages everything in
		return result{}, err
	}
	seq.Truncate(0)
	var r result
	r.Prefill, r.PrefillWall = timed(func() { _, err = step(t.Prefill[:len(t.Prefill)-1], 1) })
	if err != nil {
		return result{}, err
	}
	next := t.Prefill[len(t.Prefill)-1]
	r.Decode, r.DecodeWall = timed(func() {
		for range t.Decode {
			var p *lm.Part
			if p, err = step([]int32{next}, 1); err != nil {
				return
			}
			next = lm.Greedy(p.Logits[0])
			r.Tokens = append(r.Tokens, next)
		}
	})
	return r, err
}

func timed(f func()) (cpu, wall float64) {
	c, w := cpuSeconds(), time.Now()
	f()
	return cpuSeconds() - c, time.Since(w).Seconds()
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// theirs runs the task in llama.cpp.
func theirs(path string, t task, threads int) (result, error) {
	raw, err := json.Marshal(t)
	if err != nil {
		return result{}, err
	}
	tokens := path + ".json"
	if err := os.WriteFile(tokens, raw, 0o600); err != nil {
		return result{}, err
	}
	cmd := exec.Command("node", "llama.mjs", path, strconv.Itoa(threads), tokens)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, fmt.Errorf("llama.mjs: %w (`npm ci --ignore-scripts` here first)", err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return result{}, fmt.Errorf("llama.mjs printed %q: %w", out, err)
	}
	return r, nil
}
