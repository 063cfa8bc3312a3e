//go:build soak

package soft

import "testing"

// All 2^32 inputs of every function of one number.
func TestFunctionsAll(t *testing.T) { sweep(t, 1) }
