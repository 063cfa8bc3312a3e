//go:build !faulty

package engine

// tamper leaves the output as it is. Only a build with the tag faulty has another one.
func tamper(output, _ []byte) []byte { return output }
