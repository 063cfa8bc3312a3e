package registry

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/vm/native"
)

// Every event stands in the Solidity interface with the same types and indexed values.
func TestSolidityEvents(t *testing.T) {
	b, err := os.ReadFile("../../contracts/IRegistry.sol")
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
	events := []native.Event{
		eventRegistered(), eventBondAdded(), eventModels(), eventState(), eventWithdrawn(), eventSlashed(), eventMissed(), eventOffers(), eventCapability(),
	}
	for _, e := range events {
		if !inFile[fmt.Sprintf("%s %d", e.Signature, e.Indexed)] {
			t.Errorf("not in IRegistry.sol: %s with %d indexed", e.Signature, e.Indexed)
		}
	}
	if len(inFile) != len(events) {
		t.Errorf("events in IRegistry.sol: got %d, want %d", len(inFile), len(events))
	}
}
