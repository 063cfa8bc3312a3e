//go:build soak

package kernel

import "testing"

// All 2^32 inputs of exp, on every path.
func TestExpAll(t *testing.T) { sweepExp(t, 1) }

// All 2^32 inputs of every unary function, against package math.
func TestUnaryAll(t *testing.T) { sweepUnary(t, 1) }

// All 2^32 inputs of every unary function that has a vector form, on every path.
func TestUnaryPathsAll(t *testing.T) { sweepUnaryPaths(t, 1) }
