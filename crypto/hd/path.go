package hd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PathDepthMax is the largest number of steps in a path.
const PathDepthMax = 16

const hardened = 1 << 31

// ErrPath is the error of a text that is no path.
var ErrPath = errors.New("not a derivation path like m/44'/60'/0'/0/0")

// A Path holds the steps from the root to a key; those from 2^31 on are hardened.
type Path []uint32

// AccountPath returns m/44'/60'/0'/0/i (HD-3).
func AccountPath(i uint32) (Path, error) {
	if i >= hardened {
		return nil, fmt.Errorf("account number %d is not below 2^31", i)
	}
	return Path{44 + hardened, 60 + hardened, hardened, 0, i}, nil
}

// ParsePath reads exactly the texts that HD-2 describes; for others its error wraps ErrPath.
func ParsePath(s string) (Path, error) {
	steps := strings.SplitN(s, "/", PathDepthMax+2)
	if steps[0] != "m" {
		return nil, fmt.Errorf("%w: it must begin with m", ErrPath)
	}
	if len(steps) > PathDepthMax+1 {
		return nil, fmt.Errorf("%w: more than %d steps", ErrPath, PathDepthMax)
	}
	path := make(Path, 0, len(steps)-1)
	for _, step := range steps[1:] {
		n, err := parseStep(step)
		if err != nil {
			return nil, err
		}
		path = append(path, n)
	}
	return path, nil
}

func parseStep(step string) (uint32, error) {
	digits, offset := step, uint32(0)
	if plain, ok := strings.CutSuffix(step, "'"); ok {
		digits, offset = plain, hardened
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, fmt.Errorf("%w: step %.20q", ErrPath, step)
	}
	return uint32(n) + offset, nil
}

// String writes the path as ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('m')
	for _, n := range p {
		b.WriteByte('/')
		b.WriteString(strconv.FormatUint(uint64(n%hardened), 10))
		if n >= hardened {
			b.WriteByte('\'')
		}
	}
	return b.String()
}
