package sim

// Mutants: the machine with one rule broken, as a patch of its source, built with go test -overlay. The
// simulator must find each. A file of testdata/mutants holds a comment that names the rule, and edits:
//
//	== FILE of consensus/poi
//	text that stands in it exactly once
//	-- becomes
//	other text
//
// The six of the specification run always (not with -short), all of them with AIWORK_TEST_ALL=1.

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutantSeedsMax is how many seeds a mutant may survive.
const mutantSeedsMax = 3000

// specified are the mutants that the specification names, with their measured rates.
var specified = []string{
	"finalize-after-nullify", "log-forgotten", "no-entry-certificates", "quorum-too-small",
	"skipped-views-unchecked", "timers-not-armed-at-restart",
}

func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test binary per mutant; run without -short")
	}
	files, err := filepath.Glob("testdata/mutants/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("mutants: got %d files (%v), want at least 20", len(files), err)
	}
	var medians []int
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if only := os.Getenv("AIWORK_MUTANT"); only != "" && only != name {
			continue
		}
		if os.Getenv("AIWORK_TEST_ALL") == "" && os.Getenv("AIWORK_MUTANT") == "" && !slices.Contains(specified, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if n := kill(t, file); n > 0 {
				medians = append(medians, n)
			}
		})
	}
	slices.Sort(medians)
	if len(medians) > 0 {
		t.Logf("%d mutants killed, median of seeds to kill %d, most %d", len(medians), medians[len(medians)/2], medians[len(medians)-1])
	}
}

// kill builds the mutant and reports after how many seeds it was found, at the median of three tries.
func kill(t *testing.T, file string) int {
	dir := t.TempDir()
	overlay := mutate(t, file, dir)
	binary := filepath.Join(dir, "mutant.test")
	build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the mutant does not build: %v\n%s", err, out)
	}
	var counts []int
	text := ""
	for try := range 3 {
		run := exec.Command(binary, "-test.run", "^TestAsMutant$", "-test.v")
		run.Env = append(os.Environ(), "AIWORK_AS_MUTANT="+strconv.Itoa(try*1_000_000))
		out, err := run.CombinedOutput()
		_, after, found := strings.Cut(string(out), "killed after ")
		if !found {
			t.Fatalf("survives %d seeds (%v)\n%s", mutantSeedsMax, err, out)
		}
		number, rest, _ := strings.Cut(after, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("output of the mutant: %v", err)
		}
		counts, text = append(counts, n), rest
	}
	slices.Sort(counts)
	t.Logf("killed after %d seeds (of three tries %v), last %s", counts[1], counts, strings.TrimSpace(text))
	return counts[1]
}

// mutate applies the edits of a file and writes the overlay for the go command.
func mutate(t *testing.T, file, dir string) string {
	patch, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, edit := range strings.Split("\n"+string(patch), "\n== ")[1:] {
		name, body, _ := strings.Cut(edit, "\n")
		from, to, ok := strings.Cut(strings.TrimSuffix(body, "\n")+"\n", "\n-- becomes\n")
		if !ok {
			t.Fatalf("%s: an edit without '-- becomes'", file)
		}
		path, err := filepath.Abs(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if sources[path] == "" {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources[path] = string(source)
		}
		if n := strings.Count(sources[path], from); n != 1 {
			t.Fatalf("%s: the text to replace stands %d times in %s, want once:\n%s", file, n, name, from)
		}
		sources[path] = strings.Replace(sources[path], from, strings.TrimSuffix(to, "\n"), 1)
	}
	replace := map[string]string{}
	for path, source := range sources {
		target := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(target, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = target
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// TestAsMutant is what a mutant's binary runs: seeds until one fails.
func TestAsMutant(t *testing.T) {
	from, err := strconv.ParseUint(os.Getenv("AIWORK_AS_MUTANT"), 10, 64)
	if err != nil {
		t.Skip("runs in the binaries that TestMutants builds")
	}
	for n := range uint64(mutantSeedsMax) {
		if _, err := Run(Config{Seed: from + n}); err != nil {
			fmt.Printf("killed after %d seeds: %s\n", n+1, strings.SplitN(err.Error(), "\n", 2)[0])
			return
		}
	}
	fmt.Println("survived")
}
