//go:build ignore

// Gen_lanes writes the assembly of everything that is computed lane by lane: lanes_amd64.s for AVX2,
// lanes_arm64.s for NEON, and their Go declarations; lanes_other.go is for processors with neither.
// gen_functions.go says once, for all processors, what the kernels compute; gen_lanes_amd64.go and
// gen_lanes_arm64.go say it in instructions.
//
//	go run gen_lanes.go gen_functions.go gen_lanes_x86.go gen_lanes_neon.go gen_lanes_512.go
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A value is what an instruction makes: a register of 32-bit lanes.
type value int

// An instruction of a kernel. Which arguments it has is said where it is made, in the methods below.
type instruction struct {
	kind string
	args []value
	imm  int    // a shift, a rounding, a pointer, a parameter
	bits uint32 // of a constant
}

// A kernel is a loop over elements: it reads at some pointers, computes and writes at some pointers.
type kernel struct {
	name, comment string
	outs, ins     []string // Go's types of the elements
	code          []instruction
	sums          []value // accumulators, which are written after the loop
	vectors       int     // registers that one turn of the loop takes from each pointer
}

func (k *kernel) emit(kind string, imm int, args ...value) value {
	k.code = append(k.code, instruction{kind: kind, imm: imm, args: args})
	return value(len(k.code) - 1)
}

// Constants, parameters (one number for all elements) and memory.

func (k *kernel) bits(b uint32) value {
	k.code = append(k.code, instruction{kind: "const", bits: b})
	return value(len(k.code) - 1)
}

func (k *kernel) num(f float32) value { return k.bits(math.Float32bits(f)) }

func (k *kernel) param(i int) value { return k.emit("param", i) }

// in reads pointer i; at counts registers within one turn.
func (k *kernel) in(i, at int) value { return k.emit("in", 100*i+at) }

// evens reads every second element.
func (k *kernel) evens(i int) value { return k.emit("evens", 100*i) }

func (k *kernel) out(i int, v value) { k.emit("out", i, v) }

// Arithmetic; every operation rounds by itself but for the fused ones.

func (k *kernel) add(a, b value) value { return k.emit("add", 0, a, b) }
func (k *kernel) sub(a, b value) value { return k.emit("sub", 0, a, b) }
func (k *kernel) mul(a, b value) value { return k.emit("mul", 0, a, b) }
func (k *kernel) div(a, b value) value { return k.emit("div", 0, a, b) }
func (k *kernel) sqrt(a value) value   { return k.emit("sqrt", 0, a) }

// fma is a·b + c, fnma is c - a·b.
func (k *kernel) fma(a, b, c value) value  { return k.emit("fma", 0, a, b, c) }
func (k *kernel) fnma(a, b, c value) value { return k.emit("fnma", 0, a, b, c) }

// greater is a > b ? a : b and lesser a < b ? a : b: b where either is NaN.
func (k *kernel) greater(a, b value) value { return k.emit("greater", 0, a, b) }
func (k *kernel) lesser(a, b value) value  { return k.emit("lesser", 0, a, b) }

// Comparisons give a mask: all bits where true. As a float, such a mask is NaN.

func (k *kernel) gt(a, b value) value { return k.emit("gt", 0, a, b) }
func (k *kernel) ge(a, b value) value { return k.emit("ge", 0, a, b) }
func (k *kernel) lt(a, b value) value { return k.emit("gt", 0, b, a) }
func (k *kernel) le(a, b value) value { return k.emit("ge", 0, b, a) }
func (k *kernel) eq(a, b value) value { return k.emit("eq", 0, a, b) }
func (k *kernel) nan(a value) value   { return k.emit("nan", 0, a) }

// pick is mask ? a : b.
func (k *kernel) pick(mask, a, b value) value { return k.emit("pick", 0, mask, a, b) }

// Bits and whole numbers.

func (k *kernel) and(a, b value) value { return k.emit("and", 0, a, b) }
func (k *kernel) or(a, b value) value  { return k.emit("or", 0, a, b) }
func (k *kernel) xor(a, b value) value { return k.emit("xor", 0, a, b) }

// without is b and not a.
func (k *kernel) without(a, b value) value { return k.emit("without", 0, a, b) }

func (k *kernel) iadd(a, b value) value      { return k.emit("iadd", 0, a, b) }
func (k *kernel) imul(a, b value) value      { return k.emit("imul", 0, a, b) }
func (k *kernel) isub(a, b value) value      { return k.emit("isub", 0, a, b) }
func (k *kernel) shl(a value, n int) value   { return k.emit("shl", n, a) }
func (k *kernel) sar(a value, n int) value   { return k.emit("sar", n, a) }
func (k *kernel) float(a value) value        { return k.emit("float", 0, a) }
func (k *kernel) whole(a value) value        { return k.emit("whole", 0, a) } // of a float that is whole and fits
func (k *kernel) round(a value, m int) value { return k.emit("round", m, a) }

// Roundings.
const (
	nearest = iota
	down
	up
)

// sum opens an accumulator that begins with parameter start, or with zero below 0; accumulate changes it.
func (k *kernel) sum(start int) value {
	v := k.emit("sum", start)
	k.sums = append(k.sums, v)
	return v
}

func (k *kernel) accumulate(how string, acc, v value) { k.emit("acc"+how, 0, acc, v) }

// lastUses gives the index of the instruction that uses each value last.
func (k *kernel) lastUses() []int {
	last := make([]int, len(k.code))
	for i, in := range k.code {
		for _, a := range in.args {
			last[a] = i
		}
	}
	for _, s := range k.sums {
		last[s] = len(k.code)
	}
	return last
}

// signature gives the Go parameters: the number of elements, the parameters, the pointers.
func (k *kernel) signature() (text string, pointers int) {
	var b strings.Builder
	b.WriteString("(n int, params *float32")
	for i, t := range k.outs {
		fmt.Fprintf(&b, ", y%d *%s", i, t)
	}
	for i, t := range k.ins {
		fmt.Fprintf(&b, ", x%d *%s", i, t)
	}
	b.WriteString(")")
	return b.String(), len(k.outs) + len(k.ins)
}

// pointer names argument i of the pointers, outputs first, and its place in the frame.
func (k *kernel) pointer(i int) (name string, offset int) {
	if i < len(k.outs) {
		return fmt.Sprintf("y%d", i), 16 + 8*i
	}
	return fmt.Sprintf("x%d", i-len(k.outs)), 16 + 8*i
}

// width is the number of bytes of an element behind pointer i.
func (k *kernel) width(i int) int {
	if t := slices.Concat(k.outs, k.ins)[i]; t == "uint8" || t == "int8" {
		return 1
	}
	return 4
}

// step is how many elements pointer i moves on per lane: 2 where every second one is read.
func (k *kernel) step(i int) int {
	for _, in := range k.code {
		if in.kind == "evens" && in.imm/100+len(k.outs) == i {
			return 2
		}
	}
	return 1
}

func (k *kernel) elementType(pointer int) string { return slices.Concat(k.outs, k.ins)[pointer] }

// A target is a processor.
type target struct {
	arch      string
	lanes     int // of a register
	asm       bytes.Buffer
	constants []uint32
}

func (t *target) a(format string, args ...any) { fmt.Fprintf(&t.asm, "\t"+format+"\n", args...) }

// constant gives the offset of a constant in the table, each filling a register.
func (t *target) constant(bits uint32) int {
	at := slices.Index(t.constants, bits)
	if at < 0 {
		at = len(t.constants)
		t.constants = append(t.constants, bits)
	}
	return at * 4 * t.lanes
}

func (t *target) head(k *kernel) {
	_, pointers := k.signature()
	fmt.Fprintf(&t.asm, "\n// %s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", k.comment, k.name, 16+8*pointers)
}

// table writes the constants behind the code.
func (t *target) table() {
	t.asm.WriteString("\n")
	for i, bits := range t.constants {
		for at := range t.lanes / 2 {
			fmt.Fprintf(&t.asm, "DATA constants<>+%d(SB)/8, $0x%08x%08x\n", i*4*t.lanes+8*at, bits, bits)
		}
	}
	fmt.Fprintf(&t.asm, "GLOBL constants<>(SB), RODATA|NOPTR, $%d\n", 4*t.lanes*len(t.constants))
}

const generated = "// Code generated by gen_lanes.go; DO NOT EDIT.\n\n//go:build %s\n\n"

func main() {
	folder := "."
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	list := kernels()
	for _, t := range []*target{{arch: "amd64", lanes: 8}, {arch: "arm64", lanes: 4}} {
		tag := t.arch + " && !purego"
		fmt.Fprintf(&t.asm, generated+"#include \"textflag.h\"\n", tag)
		for _, k := range list(t.lanes) {
			if t.arch == "amd64" {
				t.x86(k)
			} else {
				t.neon(k)
			}
		}
		t.table()
		write(folder, "lanes_"+t.arch+".s", t.asm.Bytes())
		write(folder, "lanes_"+t.arch+".go", declarations(tag, t.lanes, list(t.lanes), true))
	}
	wide(folder)
	write(folder, "lanes_other.go", declarations("!(amd64 || arm64) || purego", 1, list(8), false))
}

// declarations writes the Go side: with assembly, or with functions that are never called.
func declarations(tag string, lanes int, list []*kernel, assembly bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, generated+"package kernel\n\n", tag)
	fmt.Fprintf(&b, "// laneCount is the number of float32 in a register.\nconst laneCount = %d\n", lanes)
	if !assembly {
		b.WriteString("\nconst noLanes = \"vector code is called where there is none\"\n")
	}
	for _, k := range list {
		signature, _ := k.signature()
		fmt.Fprintf(&b, "\n// %s\n", k.comment)
		if assembly {
			fmt.Fprintf(&b, "//\n//go:noescape\nfunc %s%s\n", k.name, signature)
		} else {
			fmt.Fprintf(&b, "func %s%s { panic(noLanes) }\n", k.name, signature)
		}
	}
	dispatch(&b, list)
	return b.Bytes()
}

// dispatch writes the functions that call a kernel by its number, so that its pointers need not escape.
func dispatch(b *bytes.Buffer, list []*kernel) {
	for _, group := range groups() {
		fmt.Fprintf(b, "\n// %s calls the kernel of a number.\nfunc %s(which %s, n int, params, y%s *float32) {\nswitch which {\n",
			group.function, group.function, group.kind, group.inputs)
		for _, k := range list {
			if name, ok := strings.CutPrefix(k.name, group.prefix); ok {
				fmt.Fprintf(b, "case %s%s:\n%s(n, params, y%s)\n", group.kind, name, k.name, group.inputs)
			}
		}
		b.WriteString("}\n}\n")
	}
}

func write(folder, name string, b []byte) {
	if strings.HasSuffix(name, ".go") {
		code, err := format.Source(b)
		if err != nil {
			log.Fatalf("%s: %v\n%s", name, err, b)
		}
		b = code
	}
	if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
		log.Fatal(err)
	}
}
