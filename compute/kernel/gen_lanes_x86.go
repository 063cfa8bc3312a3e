//go:build ignore

package main

import "fmt"

// AVX2: registers of eight lanes. A constant is an operand in memory wherever an instruction takes one.

// An x86Kernel is a kernel on its way to instructions.
type x86Kernel struct {
	*target
	k     *kernel
	last  []int
	where []int // the register of each value, -1 for constants
	free  []int
	at    int // the instruction that is being written
}

func x86Pointers() []string {
	return []string{"DI", "SI", "DX", "R8", "R9", "R10", "R11", "R12", "R13"}
}

func (t *target) x86(k *kernel) {
	t.head(k)
	g := &x86Kernel{target: t, k: k, last: k.lastUses(), where: make([]int, len(k.code))}
	for r := 15; r >= 0; r-- {
		g.free = append(g.free, r)
	}
	_, pointers := k.signature()
	g.a("MOVQ n+0(FP), CX")
	g.a("MOVQ params+8(FP), AX")
	for i := range pointers {
		name, offset := k.pointer(i)
		g.a("MOVQ %s+%d(FP), %s", name, offset, x86Pointers()[i])
	}
	for i, in := range k.code { // what is the same in every turn
		switch in.kind {
		case "param":
			g.where[i] = g.take()
			g.a("VBROADCASTSS %d(AX), Y%d", 4*in.imm, g.where[i])
			g.last[i] = len(k.code)
		case "sum":
			g.where[i] = g.take()
			if in.imm >= 0 {
				g.a("VBROADCASTSS %d(AX), Y%d", 4*in.imm, g.where[i])
			} else {
				g.a("VXORPS Y%d, Y%d, Y%d", g.where[i], g.where[i], g.where[i])
			}
		case "const":
			g.where[i] = -1
		}
	}
	g.asm.WriteString("loop:\n")
	for i, in := range k.code {
		g.at = i
		g.instruction(in)
	}
	perTurn := k.vectors * g.lanes
	for i := range pointers {
		if i >= len(k.outs) || len(k.sums) == 0 {
			g.a("ADDQ $%d, %s", perTurn*k.width(i)*k.step(i), x86Pointers()[i])
		}
	}
	g.a("SUBQ $%d, CX", perTurn)
	g.a("JNZ loop")
	for i, s := range k.sums {
		g.a("VMOVUPS Y%d, %d(DI)", g.where[s], 32*i)
	}
	g.a("VZEROUPPER")
	g.a("RET")
}

func (g *x86Kernel) take() int {
	if len(g.free) == 0 {
		panic("no register left in " + g.k.name)
	}
	r := g.free[len(g.free)-1]
	g.free = g.free[:len(g.free)-1]
	return r
}

// dies says whether a register is not needed behind this instruction.
func (g *x86Kernel) dies(v value) bool { return g.where[v] >= 0 && g.last[v] == g.at }

// release gives back the registers of values that end here, each once.
func (g *x86Kernel) release(args []value) {
	for i, v := range args {
		again := false
		for _, w := range args[:i] {
			again = again || w == v
		}
		if g.dies(v) && !again {
			g.free = append(g.free, g.where[v])
		}
	}
}

// operand gives a value as a register or, if it is a constant, as a place in memory.
func (g *x86Kernel) operand(v value) string {
	if g.where[v] < 0 {
		return fmt.Sprintf("constants<>+%d(SB)", g.constant(g.k.code[v].bits))
	}
	return fmt.Sprintf("Y%d", g.where[v])
}

// register gives a value in a register; extra is set to one that must be given back.
func (g *x86Kernel) register(v value, extra *[]int) int {
	if g.where[v] >= 0 {
		return g.where[v]
	}
	r := g.take()
	*extra = append(*extra, r)
	g.a("VMOVUPS %s, Y%d", g.operand(v), r)
	return r
}

// threes names the instructions of two inputs; the second may be in memory.
func x86Threes() map[string]string {
	return map[string]string{
		"add": "VADDPS", "sub": "VSUBPS", "mul": "VMULPS", "div": "VDIVPS", "greater": "VMAXPS", "lesser": "VMINPS",
		"and": "VANDPS", "or": "VORPS", "xor": "VXORPS", "without": "VANDNPS", "iadd": "VPADDD", "isub": "VPSUBD", "imul": "VPMULLD",
		"gt": "VCMPPS $0x1e,", "ge": "VCMPPS $0x1d,", "eq": "VCMPPS $0,",
	}
}

func (g *x86Kernel) instruction(in instruction) {
	if op, ok := x86Threes()[in.kind]; ok {
		var extra []int
		a := g.register(in.args[0], &extra)
		b := g.operand(in.args[1])
		d := g.result(in, extra)
		g.a("%s %s, Y%d, Y%d", op, b, a, d)
		return
	}
	switch in.kind {
	case "const", "param", "sum":
	case "in", "evens":
		g.read(in)
	case "out":
		g.store(in)
	case "fma", "fnma":
		g.fused(in)
	case "pick":
		var extra []int
		mask, b := g.register(in.args[0], &extra), g.register(in.args[2], &extra)
		a := g.operand(in.args[1])
		g.a("VBLENDVPS Y%d, %s, Y%d, Y%d", mask, a, b, g.result(in, extra))
	case "accadd", "accor", "accgreater", "acclesser":
		acc := g.where[in.args[0]]
		g.a("%s %s, Y%d, Y%d", x86Threes()[in.kind[3:]], g.operand(in.args[1]), acc, acc)
		g.release(in.args[1:])
	case "accnan":
		v := g.where[in.args[1]]
		scratch, acc := g.take(), g.where[in.args[0]]
		g.a("VCMPPS $3, Y%d, Y%d, Y%d", v, v, scratch)
		g.a("VORPS Y%d, Y%d, Y%d", scratch, acc, acc)
		g.free = append(g.free, scratch)
		g.release(in.args[1:])
	default:
		g.one(in)
	}
}

// one writes the instructions of a single input.
func (g *x86Kernel) one(in instruction) {
	var extra []int
	a := g.register(in.args[0], &extra)
	d := g.result(in, extra)
	switch in.kind {
	case "sqrt":
		g.a("VSQRTPS Y%d, Y%d", a, d)
	case "nan":
		g.a("VCMPPS $3, Y%d, Y%d, Y%d", a, a, d)
	case "shl":
		g.a("VPSLLD $%d, Y%d, Y%d", in.imm, a, d)
	case "sar":
		g.a("VPSRAD $%d, Y%d, Y%d", in.imm, a, d)
	case "float":
		g.a("VCVTDQ2PS Y%d, Y%d", a, d)
	case "whole":
		g.a("VCVTPS2DQ Y%d, Y%d", a, d)
	case "round":
		g.a("VROUNDPS $%d, Y%d, Y%d", 8+in.imm, a, d)
	default:
		panic(in.kind)
	}
}

// result takes a register for what an instruction makes; it may be one of its inputs'.
func (g *x86Kernel) result(in instruction, extra []int) int {
	g.release(in.args)
	g.free = append(g.free, extra...)
	g.where[g.at] = g.take()
	return g.where[g.at]
}

// fused writes a·b + c or c - a·b over the register of an input that ends here, or over a copy.
func (g *x86Kernel) fused(in instruction) {
	op := map[string]string{"fma": "VFMADD", "fnma": "VFNMADD"}[in.kind]
	a, b, c := in.args[0], in.args[1], in.args[2]
	if g.where[a] < 0 {
		a, b = b, a
	}
	var extra []int
	if g.where[c] >= 0 { // over c
		x, y := g.register(a, &extra), g.operand(b)
		d := g.over(c, in, extra)
		g.a("%s231PS %s, Y%d, Y%d", op, y, x, d)
		return
	}
	if !g.dies(a) && g.dies(b) {
		a, b = b, a
	}
	x, z := g.register(b, &extra), g.operand(c)
	if a == b { // a square: the register is read and written
		d := g.over(a, in, extra)
		g.a("%s213PS %s, Y%d, Y%d", op, z, d, d)
		return
	}
	d := g.over(a, in, extra)
	g.a("%s213PS %s, Y%d, Y%d", op, z, x, d)
}

// over gives a register that holds v and may be overwritten. The other inputs keep theirs until then.
func (g *x86Kernel) over(v value, in instruction, extra []int) int {
	d := g.where[v]
	var rest []value
	for _, w := range in.args {
		if w != v {
			rest = append(rest, w)
		}
	}
	if !g.dies(v) {
		d = g.take()
		g.a("VMOVAPS Y%d, Y%d", g.where[v], d)
	}
	g.release(rest)
	g.free = append(g.free, extra...)
	g.where[g.at] = d
	return d
}

func (g *x86Kernel) read(in instruction) {
	i := in.imm/100 + len(g.k.outs)
	base, d := x86Pointers()[i], g.take()
	g.where[g.at] = d
	switch {
	case in.kind == "evens":
		g.a("VMOVUPS (%s), Y%d", base, d)
		g.a("VSHUFPS $0x88, 32(%s), Y%d, Y%d", base, d, d)
		g.a("VPERMPD $0xd8, Y%d, Y%d", d, d)
	case g.k.elementType(i) == "uint8":
		g.a("VPMOVZXBD (%s), Y%d", base, d)
	case g.k.elementType(i) == "int8":
		g.a("VPMOVSXBD (%s), Y%d", base, d)
	default:
		g.a("VMOVUPS %d(%s), Y%d", 32*(in.imm%100), base, d)
	}
}

// store writes a register; of bytes, the low ones of the lanes.
func (g *x86Kernel) store(in instruction) {
	base, v := x86Pointers()[in.imm], in.args[0]
	if g.k.width(in.imm) == 4 {
		var extra []int
		g.a("VMOVUPS Y%d, (%s)", g.register(v, &extra), base)
		g.free = append(g.free, extra...)
		g.release(in.args)
		return
	}
	low, high := g.take(), g.take()
	g.a("VANDPS constants<>+%d(SB), Y%d, Y%d", g.constant(0xff), g.where[v], low)
	g.a("VEXTRACTI128 $1, Y%d, X%d", low, high)
	g.a("VPACKUSDW X%d, X%d, X%d", high, low, low)
	g.a("VPACKUSWB X%d, X%d, X%d", low, low, low)
	g.a("VMOVQ X%d, (%s)", low, base)
	g.free = append(g.free, low, high)
	g.release(in.args)
}
