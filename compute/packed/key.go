package packed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"runtime"
	"runtime/debug"
)

// A key says what a file belongs to.
type key struct {
	model [32]byte
	path  string // of the kernels
	build [32]byte
}

// digest stands in the file's header.
func (k *key) digest() [32]byte {
	h := sha256.New()
	h.Write(k.model[:])
	h.Write(k.build[:])
	h.Write([]byte(k.path))
	return [32]byte(h.Sum(nil))
}

// file is the name of the file. That of another build has the same and is replaced.
func (k *key) file() string { return hex.EncodeToString(k.model[:]) + "." + k.path + extension }

// Build tells this build of the program from others, since the layout of what is packed is its own business: by what it was made of, and by
// the size and date of its file, for builds of sources that were changed meanwhile.
func Build() [32]byte {
	h := sha256.New()
	if info, ok := debug.ReadBuildInfo(); ok {
		h.Write([]byte(info.String()))
	}
	h.Write([]byte(runtime.GOOS + "/" + runtime.GOARCH))
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(info.Size())))
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(info.ModTime().UnixNano())))
		}
	}
	return [32]byte(h.Sum(nil))
}
