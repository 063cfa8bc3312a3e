package fork

// What is tested: names and rule sets stand for each other, in order.

import "testing"

func TestNames(t *testing.T) {
	for f := Frontier; f <= Latest; f++ {
		if got, ok := Parse(f.String()); !ok || got != f {
			t.Errorf("%s: got %v, %v", f, got, ok)
		}
	}
	if Latest.String() != "Osaka" || !(Berlin < London && London < Paris) {
		t.Error("the rule sets are out of order")
	}
	if _, ok := Parse("Amsterdam"); ok || Fork(200).String() != "unknown fork" {
		t.Error("an unknown rule set has a name")
	}
}
