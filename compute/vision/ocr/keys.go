package ocr

import (
	"fmt"
	"strings"
)

const (
	keysMax     = 1 << 16
	keyBytesMax = 64
)

// Keys are the characters that a network knows, from class 1 on. Class 0 is the blank between two.
type Keys []string

// ReadKeys reads a file of one character a line; the space, which no line can show, comes last.
func ReadKeys(file []byte) (Keys, error) {
	keys := Keys(strings.Split(strings.TrimSuffix(string(file), "\n"), "\n"))
	if len(keys) > keysMax {
		return nil, fmt.Errorf("%d characters, at most %d", len(keys), keysMax)
	}
	for i, k := range keys {
		if keys[i] = strings.TrimSuffix(k, "\r"); keys[i] == "" || len(k) > keyBytesMax {
			return nil, fmt.Errorf("line %d is no character", i+1)
		}
	}
	return append(keys, " "), nil
}

// decode gives the text of so many steps and the mean probability of its characters (OCR-4).
func (k Keys) decode(p []float32, steps int) (text string, score float32) {
	var b strings.Builder
	classes, last, count := len(k)+1, 0, 0
	for step := range steps {
		row := p[step*classes : (step+1)*classes]
		best := 0
		for i, v := range row {
			if v > row[best] {
				best = i
			}
		}
		if best != 0 && best != last {
			b.WriteString(k[best-1])
			score += row[best]
			count++
		}
		last = best
	}
	if count > 0 {
		score /= float32(count)
	}
	return b.String(), score
}
