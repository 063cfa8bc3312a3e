package dispute

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every event stands in the Solidity interface with the same types and indexed values, in the same order.
func TestSolidityEvents(t *testing.T) {
	b, err := os.ReadFile("../../contracts/IDisputes.sol")
	if err != nil {
		t.Fatal(err)
	}
	inFile := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?s)event (\w+)\((.*?)\);`).FindAllStringSubmatch(string(b), -1) {
		var types []string
		indexed := 0
		for p := range strings.SplitSeq(m[2], ",") {
			words := strings.Fields(p)
			types = append(types, words[0])
			if words[1] == "indexed" {
				indexed++
			}
		}
		inFile[fmt.Sprintf("%s(%s) %d", m[1], strings.Join(types, ","), indexed)] = true
	}
	for k := DisputeOpened; k < eventEnd; k++ {
		if e := k.event(); !inFile[fmt.Sprintf("%s %d", e.Signature, e.Indexed)] {
			t.Errorf("not in IDisputes.sol: %s with %d indexed", e.Signature, e.Indexed)
		}
	}
	if got, want := len(inFile), int(eventEnd)-1; got != want {
		t.Errorf("events in IDisputes.sol: got %d, want %d", got, want)
	}
}
