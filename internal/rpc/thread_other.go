//go:build !linux

package rpc

// lowerThread does nothing: only Linux has priorities of single threads.
func lowerThread() {}
