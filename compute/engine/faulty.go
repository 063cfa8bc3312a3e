//go:build faulty

package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"strconv"
)

// faultEnv names the variable that sets how many outputs are spoilt: one in N. Unset or not a positive
// number means every one.
const faultEnv = "AIWORK_FAULT_ONE_IN"

// tamper flips the lowest bit of the first value of the output, for one input in N. Which inputs these
// are follows from their bytes, so that a retry does not hide the fault. It exists to show that audits
// catch it and must never be built into a release.
func tamper(output, input []byte) []byte {
	n, err := strconv.ParseUint(os.Getenv(faultEnv), 10, 64)
	if err != nil || n == 0 {
		n = 1
	}
	sum := sha256.Sum256(append([]byte("aiwork/fault/1"), input...))
	if binary.BigEndian.Uint64(sum[:8])%n == 0 && len(output) > 0 {
		output[0] ^= 1
	}
	return output
}
