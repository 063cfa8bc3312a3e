package native

import (
	"strings"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Selector gives the first four bytes of the hash of a signature such as "transfer(address,uint256)".
func Selector(signature string) [4]byte {
	sum := keccak.Sum256([]byte(signature))
	return [4]byte(sum[:])
}

// Topic gives the hash of an event's signature: the first topic of its logs.
func Topic(signature string) chain.Hash { return keccak.Sum256([]byte(signature)) }

// typesOf splits "name(a,b)" or "(a,b)" into its types. Signatures are constants of ours, so a malformed
// one is a panic.
func typesOf(signature string) []string {
	open := strings.IndexByte(signature, '(')
	must.Hold(open >= 0 && strings.HasSuffix(signature, ")"), "abi: malformed signature "+signature)
	list := signature[open+1 : len(signature)-1]
	if list == "" {
		return nil
	}
	types := strings.Split(list, ",")
	for _, t := range types {
		must.Hold(knownType(t), "abi: unknown type "+t+" in "+signature)
	}
	return types
}

// knownType reports whether encoders and decoders can handle t.
func knownType(t string) bool {
	switch t {
	case "uint8", "uint16", "uint32", "uint64", "uint256", "address", "bytes32", "bool", "bytes", "string",
		"bytes32[]", "address[]", "uint64[]", "uint256[]", "bytes[]":
		return true
	}
	return false
}

// uintBytes gives the number of bytes of an unsigned type that fits 64 bits, or 0.
func uintBytes(t string) int {
	switch t {
	case "uint8":
		return 1
	case "uint16":
		return 2
	case "uint32":
		return 4
	case "uint64":
		return 8
	}
	return 0
}
