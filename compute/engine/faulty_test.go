//go:build faulty

package engine

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"
)

// A faulty build flips exactly one bit, always for the same inputs, at about the rate that is asked.
func TestTamper(t *testing.T) {
	t.Setenv(faultEnv, "8")
	spoilt := 0
	for i := range 2000 {
		input := fmt.Append(nil, "input ", i)
		out := tamper(make([]byte, 20), input)
		if !bytes.Equal(out, tamper(make([]byte, 20), input)) {
			t.Fatal("the same input is spoilt once and not the next time")
		}
		ones := 0
		for _, b := range out {
			ones += bits.OnesCount8(b)
		}
		if ones > 1 {
			t.Fatalf("%d bits flipped, want at most 1", ones)
		}
		spoilt += ones
	}
	if spoilt < 190 || spoilt > 310 { // 250, six standard deviations either way
		t.Errorf("got %d of 2000 outputs spoilt, want about 250", spoilt)
	}
	t.Setenv(faultEnv, "")
	if out := tamper(make([]byte, 20), nil); out[0] != 1 {
		t.Error("unset means every output, and this one was spared")
	}
}
