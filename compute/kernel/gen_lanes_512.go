//go:build ignore

package main

import (
	"bytes"
	"fmt"
	"strings"
)

// AVX-512: registers of sixteen lanes, for the functions of one number, which compute much for each element. What else goes lane by lane
// waits for memory. There are 32 registers, so nothing need be kept in memory but constants, which an instruction broadcasts as it reads them.

// A wideKernel is a kernel on its way to instructions.
type wideKernel struct {
	*target
	k     *kernel
	last  []int
	where []int // the register of each value, -1 for constants
	free  []int
	at    int // the instruction that is being written
}

// wide writes lanes512_amd64.s and .go.
func wide(folder string) {
	t := &target{arch: "amd64", lanes: 1} // the table holds each constant once
	fmt.Fprintf(&t.asm, generated+"#include \"textflag.h\"\n", "amd64 && !purego")
	var decl, cases bytes.Buffer
	fmt.Fprintf(&decl, generated+"package kernel\n", "amd64 && !purego")
	for _, k := range kernels()(16) {
		function, unary := strings.CutPrefix(k.name, "lanesUnary")
		if !unary && k.name != "lanesExpLess" {
			continue
		}
		k.name = "wide" + strings.TrimPrefix(k.name, "lanes")
		k.comment = k.name + k.comment[strings.Index(k.comment, " "):]
		k.comment = strings.Replace(k.comment, "laneCount", "16", 1)
		t.wide(k)
		signature, _ := k.signature()
		fmt.Fprintf(&decl, "\n// %s\n//\n//go:noescape\nfunc %s%s\n", k.comment, k.name, signature)
		if unary {
			fmt.Fprintf(&cases, "case Unary%s:\n%s(n, params, y, x)\n", function, k.name)
		}
	}
	t.asm.WriteString("\n")
	for i, bits := range t.constants {
		fmt.Fprintf(&t.asm, "DATA wideConstants<>+%d(SB)/4, $0x%08x\n", 4*i, bits)
	}
	fmt.Fprintf(&t.asm, "GLOBL wideConstants<>(SB), RODATA|NOPTR, $%d\n", 4*len(t.constants))
	decl.WriteString("\n// wideUnary calls the kernel of a number.\nfunc wideUnary(which Unary, n int, params, y, x *float32) {\nswitch which {\n")
	decl.Write(cases.Bytes())
	decl.WriteString("}\n}\n")
	write(folder, "lanes512_amd64.s", t.asm.Bytes())
	write(folder, "lanes512_amd64.go", decl.Bytes())
}

func (t *target) wide(k *kernel) {
	t.head(k)
	g := &wideKernel{target: t, k: k, last: k.lastUses(), where: make([]int, len(k.code))}
	for r := 31; r >= 0; r-- {
		g.free = append(g.free, r)
	}
	g.a("MOVQ n+0(FP), CX")
	g.a("MOVQ params+8(FP), AX")
	_, pointers := k.signature()
	for i := range pointers {
		name, offset := k.pointer(i)
		g.a("MOVQ %s+%d(FP), %s", name, offset, x86Pointers()[i])
	}
	for i, in := range k.code { // what is the same in every turn
		switch in.kind {
		case "param":
			g.where[i] = g.take()
			g.a("VBROADCASTSS %d(AX), Z%d", 4*in.imm, g.where[i])
			g.last[i] = len(k.code)
		case "const":
			g.where[i] = -1
		}
	}
	g.asm.WriteString("loop:\n")
	for i, in := range k.code {
		g.at = i
		g.instruction(in)
	}
	for i := range pointers {
		g.a("ADDQ $64, %s", x86Pointers()[i])
	}
	g.a("SUBQ $16, CX")
	g.a("JNZ loop")
	g.a("VZEROUPPER")
	g.a("RET")
}

func (g *wideKernel) take() int {
	r := g.free[len(g.free)-1]
	g.free = g.free[:len(g.free)-1]
	return r
}

// register gives a value in a register; extra is set to one that must be given back.
func (g *wideKernel) register(v value, extra *[]int) int {
	if g.where[v] >= 0 {
		return g.where[v]
	}
	r := g.take()
	*extra = append(*extra, r)
	g.a("VBROADCASTSS %s, Z%d", g.place(v), r)
	return r
}

func (g *wideKernel) place(v value) string {
	return fmt.Sprintf("wideConstants<>+%d(SB)", g.constant(g.k.code[v].bits))
}

// with gives the instruction's ending and its first operand: a register, or a constant in memory.
func (g *wideKernel) with(v value) (suffix, operand string) {
	if g.where[v] < 0 {
		return ".BCST", g.place(v)
	}
	return "", fmt.Sprintf("Z%d", g.where[v])
}

// result takes a register for what an instruction makes, after those of inputs that end here are given back.
func (g *wideKernel) result(in instruction, extra []int) int {
	given := map[int]bool{}
	for _, v := range in.args {
		if r := g.where[v]; r >= 0 && g.last[v] == g.at && !given[r] {
			given[r] = true
			g.free = append(g.free, r)
		}
	}
	g.free = append(g.free, extra...)
	g.where[g.at] = g.take()
	return g.where[g.at]
}

func (g *wideKernel) instruction(in instruction) {
	var extra []int
	switch in.kind {
	case "const", "param":
	case "in":
		g.where[g.at] = g.take()
		g.a("VMOVUPS (%s), Z%d", x86Pointers()[in.imm/100+len(g.k.outs)], g.where[g.at])
	case "out":
		g.a("VMOVUPS Z%d, (%s)", g.register(in.args[0], &extra), x86Pointers()[in.imm])
		g.result(in, extra)
		g.free = append(g.free, g.where[g.at])
	case "fma", "fnma":
		g.fused(in)
	case "gt", "ge", "eq", "nan":
		g.compare(in)
	case "pick":
		mask, b := g.register(in.args[0], &extra), g.register(in.args[2], &extra)
		suffix, a := g.with(in.args[1])
		g.a("VPMOVD2M Z%d, K1", mask)
		g.a("VBLENDMPS%s %s, Z%d, K1, Z%d", suffix, a, b, g.result(in, extra))
	default:
		if op, ok := x86Threes()[in.kind]; ok {
			a := g.register(in.args[0], &extra)
			suffix, b := g.with(in.args[1])
			g.a("%s%s %s, Z%d, Z%d", op, suffix, b, a, g.result(in, extra))
			return
		}
		a := g.register(in.args[0], &extra)
		g.one(in, a, g.result(in, extra))
	}
}

// compare makes all bits of a lane what its bit of a mask is.
func (g *wideKernel) compare(in instruction) {
	var extra []int
	a, other := g.register(in.args[0], &extra), in.args[len(in.args)-1]
	suffix, b := g.with(other)
	if in.kind == "nan" {
		suffix, b = "", fmt.Sprintf("Z%d", a)
	}
	g.a("VCMPPS%s $%d, %s, Z%d, K1", suffix, map[string]int{"gt": 0x1e, "ge": 0x1d, "eq": 0, "nan": 3}[in.kind], b, a)
	g.a("VPMOVM2D K1, Z%d", g.result(in, extra))
}

// one writes the instructions of a single input.
func (g *wideKernel) one(in instruction, a, d int) {
	switch in.kind {
	case "sqrt":
		g.a("VSQRTPS Z%d, Z%d", a, d)
	case "shl":
		g.a("VPSLLD $%d, Z%d, Z%d", in.imm, a, d)
	case "sar":
		g.a("VPSRAD $%d, Z%d, Z%d", in.imm, a, d)
	case "float":
		g.a("VCVTDQ2PS Z%d, Z%d", a, d)
	case "whole":
		g.a("VCVTPS2DQ Z%d, Z%d", a, d)
	case "round":
		g.a("VRNDSCALEPS $%d, Z%d, Z%d", 8+in.imm, a, d)
	default:
		panic(in.kind)
	}
}

// fused writes a·b + c or c - a·b over a copy of c, or over c itself if it ends here. A constant c is read from memory if a factor ends here.
func (g *wideKernel) fused(in instruction) {
	a, b, c := in.args[0], in.args[1], in.args[2]
	if g.where[a] < 0 {
		a, b = b, a
	}
	var extra []int
	if g.where[c] < 0 && a != b && g.where[b] >= 0 {
		if g.last[a] != g.at {
			a, b = b, a
		}
		if g.last[a] == g.at {
			g.overFactor(in, a, b, c)
			return
		}
	}
	x := g.register(a, &extra)
	suffix, y := g.with(b)
	d := g.where[c]
	if d < 0 || g.last[c] != g.at {
		d = g.take()
		if g.where[c] < 0 {
			g.a("VBROADCASTSS %s, Z%d", g.place(c), d)
		} else {
			g.a("VMOVAPS Z%d, Z%d", g.where[c], d)
		}
	}
	g.a("%s231PS%s %s, Z%d, Z%d", fusedName(in), suffix, y, x, d)
	given := map[int]bool{d: true}
	for _, v := range in.args {
		if r := g.where[v]; r >= 0 && g.last[v] == g.at && !given[r] {
			given[r] = true
			g.free = append(g.free, r)
		}
	}
	g.free = append(g.free, extra...)
	g.where[g.at] = d
}

func fusedName(in instruction) string {
	return map[string]string{"fma": "VFMADD", "fnma": "VFNMADD"}[in.kind]
}

// overFactor writes the same over a, which ends here; c is a constant.
func (g *wideKernel) overFactor(in instruction, a, b, c value) {
	g.a("%s213PS.BCST %s, Z%d, Z%d", fusedName(in), g.place(c), g.where[b], g.where[a])
	if r := g.where[b]; g.last[b] == g.at {
		g.free = append(g.free, r)
	}
	g.where[g.at] = g.where[a]
}
