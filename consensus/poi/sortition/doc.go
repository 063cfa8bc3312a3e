// Package sortition draws leaders, panels and seeds from agreed randomness.
package sortition
