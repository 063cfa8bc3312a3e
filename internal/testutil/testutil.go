package testutil

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Skip skips the test, or fails it where AIWORK_TEST_ALL=1 says that nothing may be skipped.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("AIWORK_TEST_ALL") == "1" {
		t.Fatalf("AIWORK_TEST_ALL=1 and this test cannot run: %s", reason)
	}
	t.Skip(reason)
}

// Long skips a test of half a minute and more, unless AIWORK_TEST_ALL=1 asks for all: `make test` is to end in a quarter of an hour.
func Long(t testing.TB) {
	t.Helper()
	if os.Getenv("AIWORK_TEST_ALL") != "1" {
		t.Skip("a long test: AIWORK_TEST_ALL=1 runs it")
	}
}

// Root gives the repository's top folder: the nearest one upwards with a go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}

// Shared gives the path of a file of the shared test data beside the repository, or skips the test.
// Users do not have that data, so its absence is a plain skip even under AIWORK_TEST_ALL.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{filepath.Dir(Root(t)), "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared test data not here: %s", filepath.Join(elem...))
	}
	return path
}

// Tool gives the path of a program, or skips the test naming the package that brings it.
func Tool(t testing.TB, program, packageName string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Skip(t, program+" is not installed (package "+packageName+")")
	}
	return path
}
