package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

const (
	diskFreeMin  = 1 << 30
	speedRunsFor = 300 * time.Millisecond
	gemmSize     = 384 // rows, columns and depth of the timed product
)

func (d *doctor) processor(context.Context) {
	var have []string
	for _, p := range kernel.Paths() {
		have = append(have, p.String())
	}
	d.ok("processor", "%s/%s, %d processors, paths %s; engines take %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.Join(have, ", "), quickest())
}

func (d *doctor) threads(context.Context) {
	const name = "threads"
	engines := enginesOf(d.c)
	all := 0
	for i := range max(engines, 1) {
		all += shareOf(threads(d.c), max(engines, 1), i)
	}
	room, limited := processorsAllowed()
	switch {
	case engines < 1:
		d.failed(name, "give --engines at least 1", "%d engines", engines)
	case all > runtime.NumCPU():
		d.failed(name, "give fewer --engines", "%d engines have %d threads on %d processors", engines, all, runtime.NumCPU())
	case limited && float64(all) > room:
		d.failed(name, "give fewer --engine-threads, or the container more processors", "%d engine threads, but the control group allows %.1f processors", all, room)
	default:
		d.ok(name, "%d engines, %d threads together", engines, all)
	}
}

// cgroupFile reads a file of this process's control group (version 2), from the group upwards until one has it.
func cgroupFile(name string) (text string, ok bool) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", false
	}
	_, path, found := strings.Cut(strings.TrimSpace(string(own)), "::")
	if !found {
		return "", false
	}
	for {
		b, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", path, name))
		if err == nil {
			if t := strings.TrimSpace(string(b)); !strings.HasPrefix(t, "max") {
				return t, true
			}
		}
		if path == "/" || path == "." || path == "" {
			return "", false
		}
		path = filepath.Dir(path)
	}
}

// processorsAllowed gives the control group's limit of processors, if it has one.
func processorsAllowed() (n float64, limited bool) {
	text, ok := cgroupFile("cpu.max")
	fields := strings.Fields(text)
	if !ok || len(fields) != 2 {
		return 0, false
	}
	quota, err := strconv.ParseFloat(fields[0], 64)
	period, err2 := strconv.ParseFloat(fields[1], 64)
	return quota / period, errors.Join(err, err2) == nil && period > 0
}

// memory compares what engines may take with what there is: the machine's and the control group's.
func (d *doctor) memory(context.Context) {
	const name = "memory"
	need := int64(max(enginesOf(d.c), 1)) * int64(d.c.Int("engine-memory-mib")) << 20
	free, from, err := memoryFree()
	if err != nil {
		d.notRun(name, "%v", err)
		return
	}
	if need > free {
		d.failed(name, "lower --engine-memory-mib or --engines, or give the machine or container more memory",
			"engines may take %d MiB, %d MiB are free (%s)", need>>20, free>>20, from)
		return
	}
	d.ok(name, "engines may take %d MiB of %d MiB that are free (%s)", need>>20, free>>20, from)
}

func memoryFree() (bytes int64, from string, err error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, "", fmt.Errorf("this system does not tell: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0, "", fmt.Errorf("/proc/meminfo: %w", err)
			}
			bytes, from = kib<<10, "of the machine"
		}
	}
	limit, ok := cgroupFile("memory.max")
	if !ok {
		return bytes, from, nil
	}
	most, err := strconv.ParseInt(limit, 10, 64)
	used, used2 := cgroupFile("memory.current")
	now, err2 := strconv.ParseInt(used, 10, 64)
	if err := errors.Join(err, err2); err != nil || !used2 {
		return bytes, from, err
	}
	if most-now < bytes {
		return most - now, "of the control group", nil
	}
	return bytes, from, nil
}

// nearest gives the folder, or where it is not there yet the one above it in which it will be made.
func nearest(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// disk looks for room for what is fetched and for the journal.
func (d *doctor) disk(context.Context) {
	const name = "disk"
	dir := nearest(d.home.Dir)
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		d.failed(name, "choose a --home on a disk that can be read", "%s: %v", dir, err)
		return
	}
	free := int64(s.Bavail) * int64(s.Bsize)
	store := objectStore(d.c, d.home)
	used, err := store.Used()
	if err != nil {
		d.failed(name, "see the reason", "%v", err)
		return
	}
	switch {
	case store.Check() != nil:
		d.failed(name, "give --objects-mib at least 1", "%v", store.Check())
	case free < diskFreeMin:
		d.failed(name, "make room, or choose a --home on another disk", "%d MiB are free below %s, want %d", free>>20, dir, diskFreeMin>>20)
	case store.QuotaBytes-used > free:
		d.failed(name, "lower --objects-mib, or make room", "what is fetched may still take %d MiB, %d MiB are free", (store.QuotaBytes-used)>>20, free>>20)
	default:
		d.ok(name, "%d MiB free; fetched: %d of at most %d MiB", free>>20, used>>20, store.QuotaBytes>>20)
	}
}

// folders tries to write where the worker will.
func (d *doctor) folders(context.Context) {
	const name = "folders"
	for _, dir := range []string{d.home.Work(), d.home.Objects(), d.home.Models()} {
		f, err := os.CreateTemp(nearest(dir), ".doctor-*")
		if err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
		if err != nil {
			d.failed(name, "make the folder writable for the user that runs the worker", "%v", err)
			return
		}
	}
	d.ok(name, "%s can be written", d.home.Dir)
}

// speed times a product of matrices on each path, on one thread.
func (d *doctor) speed(context.Context) {
	var parts []string
	rates := map[kernel.Path]float64{}
	for _, p := range kernel.Paths() {
		rates[p] = gemmRate(p)
		parts = append(parts, fmt.Sprintf("%s %.1f", p, rates[p]))
	}
	if best := quickest(); best != kernel.PathGo && rates[best] < rates[kernel.PathGo] {
		d.failed("speed", "something slows the processor's wide units down (a hypervisor, power saving); find out before taking work with deadlines",
			"the path %s is slower than plain Go: GFLOP/s on one thread: %s", best, strings.Join(parts, ", "))
		return
	}
	d.ok("speed", "GFLOP/s on one thread: %s", strings.Join(parts, ", "))
}

// gemmRate gives the best of several runs in GFLOP/s.
func gemmRate(p kernel.Path) float64 {
	const n = gemmSize
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	wave(a)
	wave(b)
	panels, post := kernel.Pack(b, n, n), kernel.NewPost(n)
	best := time.Duration(0)
	for began := time.Now(); best == 0 || time.Since(began) < speedRunsFor; {
		start := time.Now()
		p.Gemm(c, a, n, panels, post)
		if took := max(time.Since(start), 1); best == 0 || took < best {
			best = took
		}
	}
	return 2 * n * n * n / best.Seconds() / 1e9
}
