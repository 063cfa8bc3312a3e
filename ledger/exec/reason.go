package exec

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Reason gives the text for people of a failed call, cut to chain.ReceiptReasonMax bytes.
func Reason(fault vm.Fault, output []byte) string {
	text := fault.Error()
	if fault == vm.FaultRevert {
		if said, ok := RevertReason(output); ok {
			text = said
		}
	}
	return text[:min(len(text), chain.ReceiptReasonMax)]
}

// Selectors of what Solidity reverts with: Error(string) and Panic(uint256).
const (
	selectorError = "\x08\xc3\x79\xa0"
	selectorPanic = "\x4e\x48\x7b\x71"
)

// RevertReason reads the text out of what a call reverted with. Errors that contracts define themselves
// have none.
func RevertReason(output []byte) (string, bool) {
	body, isError := bytes.CutPrefix(output, []byte(selectorError))
	if isError {
		return abiString(body)
	}
	body, isPanic := bytes.CutPrefix(output, []byte(selectorPanic))
	if !isPanic || len(body) < 32 {
		return "", false
	}
	code := new(uint256.Int).SetBytes(body[:32])
	return fmt.Sprintf("panic: %s (%s)", panicText(code), code.Hex()), true
}

// panicText names the codes that Solidity's documentation lists.
func panicText(code *uint256.Int) string {
	if !code.IsUint64() {
		return "unknown code"
	}
	switch code.Uint64() {
	case 0x00:
		return "generic panic"
	case 0x01:
		return "assert(false)"
	case 0x11:
		return "arithmetic underflow or overflow"
	case 0x12:
		return "division or modulo by zero"
	case 0x21:
		return "enum overflow"
	case 0x22:
		return "invalid encoded storage byte array accessed"
	case 0x31:
		return "out-of-bounds array access; popping on an empty array"
	case 0x32:
		return "out-of-bounds access of an array or bytesN"
	case 0x41:
		return "out of memory"
	case 0x51:
		return "uninitialized function"
	}
	return "unknown code"
}

// abiString reads the only string of an ABI encoding.
func abiString(b []byte) (string, bool) {
	offset, ok := abiNumber(b, 0)
	if !ok {
		return "", false
	}
	size, ok := abiNumber(b, offset)
	if !ok || size > uint64(len(b))-offset-32 {
		return "", false
	}
	text := b[offset+32:][:size]
	return string(text), utf8.Valid(text)
}

// abiNumber reads a number at a place; it is one that can be a place or a length in b.
func abiNumber(b []byte, at uint64) (uint64, bool) {
	if uint64(len(b)) < 32 || at > uint64(len(b))-32 {
		return 0, false
	}
	n := new(uint256.Int).SetBytes(b[at:][:32])
	return n.Uint64(), n.LtUint64(uint64(len(b)))
}
