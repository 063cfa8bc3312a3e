package operator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Einsum: sums of products over named indexes. Each element is one chain of AIW-2 over the summed indexes
// in order of their first appearance, the first the slowest; its factors are the product of all operands
// but the last, from the left, and the last.

// An equation is what the text of Einsum says; dots stand for the dimensions that are not named.
type equation struct {
	in  []string // letters of each operand
	out string
}

// letters of dimensions that an ellipsis stands for: they cannot appear in a text.
const ellipsisLetters = "\x00\x01\x02\x03\x04\x05\x06\x07"

func parseEquation(text string) (e equation, ok bool) {
	text = strings.ReplaceAll(text, " ", "")
	left, right, arrow := strings.Cut(text, "->")
	e.in = strings.Split(left, ",")
	for _, word := range append(slices.Clone(e.in), right) {
		for i, c := range strings.Replace(word, "...", "", 1) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') || i > 2*tensor.RankMax {
				return e, false
			}
		}
	}
	if e.out = right; !arrow {
		e.out = implicitOutput(e.in)
	}
	return e, true
}

// implicitOutput is what is left out: the letters that appear once, sorted, behind the ellipsis.
func implicitOutput(in []string) string {
	all := strings.Join(in, "")
	var out []byte
	for c := byte('A'); c <= 'z'; c++ {
		if strings.Count(all, string(c)) == 1 {
			out = append(out, c)
		}
	}
	if strings.Contains(all, "...") {
		return "..." + string(out)
	}
	return string(out)
}

func einsum(a *Attrs) Func {
	a.need("equation")
	e, ok := parseEquation(a.text("equation", ""))
	if !ok {
		a.fail("an equation that cannot be read")
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		if len(e.in) != len(c.In) {
			return nil, fmt.Errorf("an equation of %d operands for %d inputs", len(e.in), len(c.In))
		}
		names, sizes, words, err := e.resolve(c.In)
		if err != nil {
			return nil, err
		}
		return c.einsum(names, sizes, words)
	}
}

// resolve gives all letters, those of the output first, the size of each, and each operand's letters.
func (e equation) resolve(in []*tensor.Tensor) (names [2]string, sizes map[rune]int, words []string, err error) {
	sizes = map[rune]int{}
	dots := 0
	for i, word := range e.in {
		free := in[i].Rank() - len(strings.Replace(word, "...", "", 1))
		if free < 0 || free > 0 && !strings.Contains(word, "...") {
			return names, nil, nil, fmt.Errorf("operand %q for shape %v", word, in[i].Shape())
		}
		word = strings.Replace(word, "...", ellipsisLetters[len(ellipsisLetters)-free:], 1)
		dots = max(dots, free)
		words = append(words, word)
		for d, c := range word {
			n := in[i].Shape()[d]
			if have, ok := sizes[c]; ok && have != 1 && n != 1 && have != n {
				return names, nil, nil, fmt.Errorf("index %q is both %d and %d", c, have, n)
			} else if !ok || have == 1 {
				sizes[c] = n
			}
		}
	}
	names[0] = strings.Replace(e.out, "...", ellipsisLetters[len(ellipsisLetters)-dots:], 1)
	for i, c := range names[0] {
		if _, ok := sizes[c]; !ok || strings.ContainsRune(names[0][:i], c) {
			return names, nil, nil, fmt.Errorf("output %q", e.out)
		}
	}
	for _, c := range strings.Join(words, "") {
		if !strings.ContainsRune(names[0]+names[1], c) {
			names[1] += string(c)
		}
	}
	return names, sizes, words, nil
}

func (c *Call) einsum(names [2]string, sizes map[rune]int, words []string) ([]*tensor.Tensor, error) {
	var shapes [2][]int
	for side, letters := range names {
		for _, l := range letters {
			shapes[side] = append(shapes[side], sizes[l])
		}
		if len(shapes[side]) > tensor.RankMax {
			return nil, fmt.Errorf("an equation of %d indexes", len(shapes[side]))
		}
	}
	out, y, err := c.floats(shapes[0])
	if err != nil {
		return nil, err
	}
	// Where the elements of each operand lie: the part of the output's indexes and of the summed ones.
	at := make([][2][]int32, len(words))
	for i, word := range words {
		own := tensor.Strides(c.In[i].Shape())
		for side, letters := range names {
			strides := make([]int, len(letters))
			for j, l := range letters {
				for d, w := range word {
					if w == l && c.In[i].Shape()[d] != 1 {
						strides[j] += own[d] // a letter that is there twice is a diagonal
					}
				}
			}
			if at[i][side], err = c.offsets(shapes[side], strides, 0); err != nil {
				return nil, err
			}
		}
	}
	terms := tensor.Count(shapes[1])
	if err := c.Budget.Spend(len(y), max(terms, 1), len(words)); err != nil {
		return nil, err
	}
	last := len(words) - 1
	for o := range y {
		var sum kernel.Chain
		for s := range terms {
			left := float32(1)
			for i := range last {
				left = float32(left * floatsOf(c.In[i])[at[i][0][o]+at[i][1][s]])
			}
			sum.Step(left, floatsOf(c.In[last])[at[last][0][o]+at[last][1][s]])
		}
		y[o] = sum.End(0)
	}
	return one(out), nil
}
