package job_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/vm/native"
)

// The Solidity interfaces in contracts/ name exactly the methods that the contracts have, with the same
// types, mutability and results, and every event with the same indexed values.

var function = regexp.MustCompile(`(?s)function (\w+)\((.*?)\)\s*external\s*(view|payable)?\s*(?:returns\s*\((.*?)\))?\s*;`)

// types gives the first word of each parameter, and how many are indexed.
func types(list string) (out string, indexed int) {
	var names []string
	for p := range strings.SplitSeq(list, ",") {
		words := strings.Fields(p)
		if len(words) == 0 {
			continue
		}
		names = append(names, words[0])
		if len(words) > 1 && words[1] == "indexed" {
			indexed++
		}
	}
	return "(" + strings.Join(names, ",") + ")", indexed
}

func TestSolidity(t *testing.T) {
	files := map[string]string{"stake": "IStake", "beacon": "IBeacon", "registry": "IRegistry", "jobs": "IJobs", "disputes": "IDisputes"}
	kinds := map[native.Mutability]string{native.View: "view", native.Payable: "payable"}
	for _, m := range modules().Modules() {
		var want, got []string
		for _, method := range m.Methods {
			returns := method.Returns
			want = append(want, strings.Join([]string{method.Signature, kinds[method.Mutability], returns}, " "))
		}
		for _, f := range function.FindAllStringSubmatch(source(t, files[m.Name]), -1) {
			params, _ := types(f[2])
			returns, _ := types(f[4])
			got = append(got, strings.Join([]string{f[1] + params, f[3], returns}, " "))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", m.Name, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

func source(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "contracts", name+".sol"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
