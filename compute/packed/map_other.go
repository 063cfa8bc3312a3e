//go:build !unix

package packed

import (
	"io"
	"os"
)

// mapFile reads a file: here each process has its own copy, and saves the time of packing only.
func mapFile(path string) ([]byte, func() error, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileBytesMax))
	return data, func() error { return nil }, err
}
