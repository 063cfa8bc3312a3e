package operator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// class lists the types that a letter of a signature may stand for.
func class(letter byte) []tensor.Type {
	switch letter {
	case 'f', 'g':
		return []tensor.Type{tensor.Float32}
	case 'l':
		return []tensor.Type{tensor.Int64}
	case 'w':
		return []tensor.Type{tensor.Int32}
	case 'c':
		return []tensor.Type{tensor.Uint8}
	case 'b':
		return []tensor.Type{tensor.Bool}
	case 'i', 'j':
		return []tensor.Type{tensor.Int32, tensor.Int64}
	case 'u', 'v', 't':
		return []tensor.Type{tensor.Uint8, tensor.Int8}
	case 'q':
		return []tensor.Type{tensor.Uint8, tensor.Int8, tensor.Int32}
	case 'x':
		return integers()
	case 'n', 'm', 'k':
		return append(integers(), tensor.Float32)
	case 'o':
		return []tensor.Type{tensor.Float32, tensor.Int32}
	}
	return append(integers(), tensor.Float32, tensor.Bool) // a, d, e: anything
}

func integers() []tensor.Type {
	return []tensor.Type{
		tensor.Uint8, tensor.Int8, tensor.Uint16, tensor.Int16,
		tensor.Uint32, tensor.Int32, tensor.Uint64, tensor.Int64,
	}
}

// A bound signature knows what its letters stand for.
type bound map[byte]tensor.Type

// bind takes a value's type for a letter.
func (b bound) bind(letter byte, kind tensor.Type) error {
	if have, ok := b[letter]; ok {
		if have != kind {
			return fmt.Errorf("type %v beside %v", kind, have)
		}
		return nil
	}
	if slices.Contains(class(letter), kind) {
		b[letter] = kind
		return nil
	}
	return &onnx.Unsupported{What: "element type " + kind.String()}
}

// Infer checks the types of a node's inputs against a signature (zero where one is left out) and gives
// those of as many outputs as are wanted. result is what 'T' stands for.
func Infer(signature string, in []tensor.Type, wanted int, result tensor.Type) ([]tensor.Type, error) {
	left, right, _ := strings.Cut(signature, ">")
	b := bound{'T': result}
	at := 0
	for _, word := range words(left) {
		star, optional := strings.HasSuffix(word, "*"), strings.HasSuffix(word, "?")
		for {
			if at >= len(in) || in[at] == 0 {
				if !optional {
					return nil, fmt.Errorf("input %d is missing", at)
				}
				at++
				break
			}
			if err := b.bind(word[0], in[at]); err != nil {
				return nil, fmt.Errorf("input %d: %w", at, err)
			}
			at++
			if !star || at >= len(in) {
				break
			}
		}
	}
	if at < len(in) {
		return nil, fmt.Errorf("%d inputs, at most %d are known", len(in), at)
	}
	return b.outputs(words(right), wanted)
}

func (b bound) outputs(list []string, wanted int) ([]tensor.Type, error) {
	out := make([]tensor.Type, wanted)
	for i := range out {
		word := list[min(i, len(list)-1)]
		if i >= len(list) && !strings.HasSuffix(word, "*") {
			return nil, fmt.Errorf("%d outputs, at most %d are known", wanted, len(list))
		}
		kind, ok := b[word[0]]
		if !ok {
			kind = class(word[0])[0]
		}
		out[i] = kind
	}
	return out, nil
}

func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
