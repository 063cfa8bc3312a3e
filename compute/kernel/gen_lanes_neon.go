//go:build ignore

package main

// NEON: registers of four lanes. Go's assembler knows few of its instructions on floats, so they are
// written as words; each has a function here that is named as in ARM's manual.

func three(base uint32) func(d, n, m int) uint32 {
	return func(d, n, m int) uint32 { return base | uint32(m)<<16 | uint32(n)<<5 | uint32(d) }
}

func two(base uint32) func(d, n int) uint32 {
	return func(d, n int) uint32 { return base | uint32(n)<<5 | uint32(d) }
}

// Instructions on four lanes of 32 bits unless their names say otherwise.
var (
	fadd  = three(0x4e20d400)
	fsub  = three(0x4ea0d400)
	fmul  = three(0x6e20dc00)
	fdiv  = three(0x6e20fc00)
	fmla  = three(0x4e20cc00) // d += n·m, fused
	fmls  = three(0x4ea0cc00) // d -= n·m, fused
	fcmeq = three(0x4e20e400)
	fcmge = three(0x6e20e400)
	fcmgt = three(0x6ea0e400)
	and   = three(0x4e201c00)
	bic   = three(0x4e601c00) // n and not m
	orr   = three(0x4ea01c00)
	eor   = three(0x6e201c00)
	bsl   = three(0x6e601c00) // d ? n : m, bit by bit
	add   = three(0x4ea08400)
	sub   = three(0x6ea08400)
	mul   = three(0x4ea09c00)
	uzp1  = three(0x4e801800) // the even elements of n, then those of m

	fsqrt  = two(0x6ea1f800)
	frintn = two(0x4e218800) // to nearest, ties to even
	frintm = two(0x4e219800) // down
	frintp = two(0x4ea18800) // up
	fcvtns = two(0x4e21a800) // to a whole number, to nearest
	scvtf  = two(0x4e21d800)
	mvn    = two(0x6e205800)
	xtn4   = two(0x0e612800) // four words to halves
	xtn8   = two(0x0e212800) // eight halves to bytes
	uxtl8  = two(0x2f08a400) // eight bytes to halves
	uxtl4  = two(0x2f10a400) // four halves to words
	sxtl8  = two(0x0f08a400)
	sxtl4  = two(0x0f10a400)
)

func shl(d, n, by int) uint32  { return 0x4f005400 | uint32(32+by)<<16 | uint32(n)<<5 | uint32(d) }
func sshr(d, n, by int) uint32 { return 0x4f000400 | uint32(64-by)<<16 | uint32(n)<<5 | uint32(d) }

// A neonKernel is a kernel on its way to instructions.
type neonKernel struct {
	*target
	k     *kernel
	last  []int
	where []int
	free  []int
	at    int
}

// neonKept is how many registers hold constants over the whole loop; further ones are read when used.
const neonKept = 14

func (t *target) neon(k *kernel) {
	t.head(k)
	g := &neonKernel{target: t, k: k, last: k.lastUses(), where: make([]int, len(k.code))}
	for r := 31; r >= 0; r-- {
		g.free = append(g.free, r)
	}
	_, pointers := k.signature()
	g.a("MOVD n+0(FP), R0")
	g.a("MOVD params+8(FP), R1")
	g.a("MOVD $constants<>(SB), R2")
	for i := range pointers {
		name, offset := k.pointer(i)
		g.a("MOVD %s+%d(FP), R%d", name, offset, 3+i)
	}
	kept := map[uint32]int{}
	for i, in := range k.code {
		switch in.kind {
		case "param":
			g.where[i] = g.take()
			g.a("ADD $%d, R1, R13", 4*in.imm)
			g.a("VLD1R (R13), [V%d.S4]", g.where[i])
			g.last[i] = len(k.code)
		case "sum":
			g.where[i] = g.take()
			if in.imm >= 0 {
				g.a("ADD $%d, R1, R13", 4*in.imm)
				g.a("VLD1R (R13), [V%d.S4]", g.where[i])
			} else {
				g.word(eor(g.where[i], g.where[i], g.where[i]), "EOR")
			}
		case "const":
			r, ok := kept[in.bits]
			if !ok && len(kept) < neonKept {
				r, ok = g.take(), true
				kept[in.bits] = r
				g.a("FMOVQ %d(R2), F%d", g.constant(in.bits), r)
			}
			if g.where[i] = -1; ok {
				g.where[i], g.last[i] = r, len(k.code)
			}
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
			g.a("ADD $%d, R%d", perTurn*k.width(i)*k.step(i), 3+i)
		}
	}
	g.a("SUBS $%d, R0, R0", perTurn)
	g.a("BNE loop")
	for i, s := range k.sums {
		g.a("FMOVQ F%d, %d(R3)", g.where[s], 16*i)
	}
	g.a("RET")
}

func (g *neonKernel) word(w uint32, name string) { g.a("WORD $0x%08x // %s", w, name) }

func (g *neonKernel) take() int {
	if len(g.free) == 0 {
		panic("no register left in " + g.k.name)
	}
	r := g.free[len(g.free)-1]
	g.free = g.free[:len(g.free)-1]
	return r
}

func (g *neonKernel) dies(v value) bool { return g.where[v] >= 0 && g.last[v] == g.at }

func (g *neonKernel) release(args []value) {
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

// registers gives the inputs in registers, and those that were taken for constants.
func (g *neonKernel) registers(in instruction) (regs, extra []int) {
	for _, v := range in.args {
		r := g.where[v]
		if r < 0 {
			r = g.take()
			extra = append(extra, r)
			g.a("FMOVQ %d(R2), F%d", g.constant(g.k.code[v].bits), r)
		}
		regs = append(regs, r)
	}
	return regs, extra
}

// result takes a register for what an instruction makes; it may be one of its inputs'.
func (g *neonKernel) result(in instruction, extra []int) int {
	g.release(in.args)
	g.free = append(g.free, extra...)
	g.where[g.at] = g.take()
	return g.where[g.at]
}

// fresh is result for instructions that write before they have read all: none of the inputs' registers.
func (g *neonKernel) fresh(in instruction, extra []int) int {
	d := g.take()
	g.release(in.args)
	g.free = append(g.free, extra...)
	g.where[g.at] = d
	return d
}

func neonThrees() map[string]func(d, n, m int) uint32 {
	return map[string]func(d, n, m int) uint32{
		"add": fadd, "sub": fsub, "mul": fmul, "div": fdiv, "gt": fcmgt, "ge": fcmge, "eq": fcmeq,
		"and": and, "or": orr, "xor": eor, "iadd": add, "isub": sub, "imul": mul,
	}
}

func (g *neonKernel) instruction(in instruction) {
	if op, ok := neonThrees()[in.kind]; ok {
		r, extra := g.registers(in)
		g.word(op(g.result(in, extra), r[0], r[1]), in.kind)
		return
	}
	switch in.kind {
	case "const", "param", "sum":
	case "in", "evens":
		g.read(in)
	case "out":
		g.store(in)
	case "without":
		r, extra := g.registers(in)
		g.word(bic(g.result(in, extra), r[1], r[0]), "bic")
	case "greater", "lesser":
		r, extra := g.registers(in)
		d := g.fresh(in, extra)
		g.extreme(in.kind, d, r[0], r[1])
	case "pick":
		g.pick(in)
	case "fma", "fnma":
		g.fused(in)
	case "accadd", "accor":
		acc := g.where[in.args[0]]
		g.word(neonThrees()[in.kind[3:]](acc, acc, g.where[in.args[1]]), in.kind)
		g.release(in.args[1:])
	case "accgreater", "acclesser":
		acc, d := g.where[in.args[0]], g.take()
		g.extreme(in.kind[3:], d, acc, g.where[in.args[1]])
		g.word(orr(acc, d, d), "MOV")
		g.free = append(g.free, d)
		g.release(in.args[1:])
	case "accnan":
		acc, v, d := g.where[in.args[0]], g.where[in.args[1]], g.take()
		g.word(fcmeq(d, v, v), "FCMEQ")
		g.word(mvn(d, d), "MVN")
		g.word(orr(acc, acc, d), "ORR")
		g.free = append(g.free, d)
		g.release(in.args[1:])
	default:
		g.one(in)
	}
}

// extreme sets d, which is none of the others, to a > b ? a : b or a < b ? a : b.
func (g *neonKernel) extreme(kind string, d, a, b int) {
	if kind == "greater" {
		g.word(fcmgt(d, a, b), "FCMGT")
	} else {
		g.word(fcmgt(d, b, a), "FCMGT")
	}
	g.word(bsl(d, a, b), "BSL")
}

func (g *neonKernel) one(in instruction) {
	r, extra := g.registers(in)
	n := r[0]
	d := g.result(in, extra)
	switch in.kind {
	case "sqrt":
		g.word(fsqrt(d, n), "FSQRT")
	case "nan":
		g.word(fcmeq(d, n, n), "FCMEQ")
		g.word(mvn(d, d), "MVN")
	case "shl":
		g.word(shl(d, n, in.imm), "SHL")
	case "sar":
		g.word(sshr(d, n, in.imm), "SSHR")
	case "float":
		g.word(scvtf(d, n), "SCVTF")
	case "whole":
		g.word(fcvtns(d, n), "FCVTNS")
	case "round":
		g.word([]func(d, n int) uint32{frintn, frintm, frintp}[in.imm](d, n), "FRINT")
	default:
		panic(in.kind)
	}
}

// pick overwrites its mask, or a copy of it.
func (g *neonKernel) pick(in instruction) {
	r, extra := g.registers(in)
	d := g.fresh(in, extra)
	g.word(orr(d, r[0], r[0]), "MOV")
	g.word(bsl(d, r[1], r[2]), "BSL")
}

// fused adds to the register of c if that ends here, or to a copy.
func (g *neonKernel) fused(in instruction) {
	r, extra := g.registers(in)
	c := in.args[2]
	var d int
	if g.dies(c) && in.args[0] != c && in.args[1] != c {
		d = r[2]
		g.release(in.args[:2])
		g.free = append(g.free, extra...)
		g.where[g.at] = d
	} else {
		d = g.fresh(in, extra)
		g.word(orr(d, r[2], r[2]), "MOV")
	}
	if in.kind == "fma" {
		g.word(fmla(d, r[0], r[1]), "FMLA")
	} else {
		g.word(fmls(d, r[0], r[1]), "FMLS")
	}
}

func (g *neonKernel) read(in instruction) {
	i := in.imm/100 + len(g.k.outs)
	base, d := 3+i, g.take()
	g.where[g.at] = d
	switch {
	case in.kind == "evens":
		high := g.take()
		g.a("FMOVQ (R%d), F%d", base, d)
		g.a("FMOVQ 16(R%d), F%d", base, high)
		g.word(uzp1(d, d, high), "UZP1")
		g.free = append(g.free, high)
	case g.k.elementType(i) == "uint8":
		g.a("FMOVS (R%d), F%d", base, d)
		g.word(uxtl8(d, d), "UXTL")
		g.word(uxtl4(d, d), "UXTL")
	case g.k.elementType(i) == "int8":
		g.a("FMOVS (R%d), F%d", base, d)
		g.word(sxtl8(d, d), "SXTL")
		g.word(sxtl4(d, d), "SXTL")
	default:
		g.a("FMOVQ %d(R%d), F%d", 16*(in.imm%100), base, d)
	}
}

func (g *neonKernel) store(in instruction) {
	r, extra := g.registers(in)
	base := 3 + in.imm
	if g.k.width(in.imm) == 4 {
		g.a("FMOVQ F%d, (R%d)", r[0], base)
	} else {
		low := g.take()
		g.word(xtn4(low, r[0]), "XTN")
		g.word(xtn8(low, low), "XTN")
		g.a("FMOVS F%d, (R%d)", low, base)
		g.free = append(g.free, low)
	}
	g.free = append(g.free, extra...)
	g.release(in.args)
}
