//go:build !linux

package votelog

import "os"

// dataSync waits for the content and size of f to be on the disk.
func dataSync(f *os.File) error { return f.Sync() }
