//go:build soak

package kernel

import "testing"

// All 2^32 inputs of exp, on every path. It takes some minutes.
func TestExpAll(t *testing.T) { sweepExp(t, 1) }
