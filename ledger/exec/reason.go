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
	code, isPanic := PanicCode(output)
	if !isPanic {
		return "", false
	}
	text, known := PanicText(code)
	if !known {
		text = "unknown code"
	}
	return fmt.Sprintf("panic: %s (%s)", text, code.Hex()), true
}

// PanicCode reads the code out of what a failed assertion of Solidity reverted with.
func PanicCode(output []byte) (*uint256.Int, bool) {
	body, isPanic := bytes.CutPrefix(output, []byte(selectorPanic))
	if !isPanic || len(body) < 32 {
		return nil, false
	}
	return new(uint256.Int).SetBytes(body[:32]), true
}

// PanicText names the codes that Solidity's documentation lists.
func PanicText(code *uint256.Int) (string, bool) {
	if !code.IsUint64() {
		return "", false
	}
	switch code.Uint64() {
	case 0x00:
		return "generic panic", true
	case 0x01:
		return "assert(false)", true
	case 0x11:
		return "arithmetic underflow or overflow", true
	case 0x12:
		return "division or modulo by zero", true
	case 0x21:
		return "enum overflow", true
	case 0x22:
		return "invalid encoded storage byte array accessed", true
	case 0x31:
		return "out-of-bounds array access; popping on an empty array", true
	case 0x32:
		return "out-of-bounds access of an array or bytesN", true
	case 0x41:
		return "out of memory", true
	case 0x51:
		return "uninitialized function", true
	}
	return "", false
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
