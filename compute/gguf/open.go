package gguf

import "fmt"

// Open maps the file into memory and reads it. Close gives the memory back.
func Open(path string) (*File, error) {
	data, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(data)
	if err != nil {
		_ = unmap()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.close = unmap
	return f, nil
}

// Close gives back the memory of a file that Open made; its values and tensors must not be used any more.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	unmap := f.close
	f.close = nil
	return unmap()
}
