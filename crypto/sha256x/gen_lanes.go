//go:build ignore

package main

import "fmt"

// Many messages at once, one in each lane of a register: round by round as FIPS 180-4 has it, all words of a kind side by side.

// A machine is one width of registers.
type machine struct {
	name  string
	lanes int
	reg   string
	wide  bool // it has AVX-512: 32 registers, rotations and functions of three inputs
}

func machines() []machine {
	return []machine{{"AVX2", 8, "Y", false}, {"AVX512", 16, "Z", true}}
}

func (m machine) bytes() int { return 4 * m.lanes }

func (m machine) r(i int) string { return fmt.Sprintf("%s%d", m.reg, i) }

// Registers: 0 to 7 hold the state, 8 to 15 are free; with AVX-512, 16 to 31 hold the schedule, which otherwise lies on the stack.
const firstWord = 16

// word is where word i of the schedule lies.
func (m machine) word(i int) string {
	if m.wide {
		return m.r(firstWord + i%16)
	}
	return fmt.Sprintf("%d(SP)", m.words()+i%16*m.bytes())
}

// What lies on the stack: where each message goes on, the state before a block, and without AVX-512 the schedule.
func (m machine) states() int { return 8 * m.lanes }

func (m machine) words() int { return m.states() + 8*m.bytes() }

func (m machine) frame() int {
	if m.wide {
		return m.words()
	}
	return m.words() + 16*m.bytes()
}

func (g *gen) lanes(m machine) {
	g.text("lanes"+m.name, m.frame(), argBytes, fmt.Sprintf("hashes %d messages.", m.lanes), signature(m.lanes))
	for i := range 8 {
		g.a("VPBROADCASTD start<>+%d(SB), %s", 4*i, m.r(i))
	}
	g.segments(func(at int) {
		g.a("MOVQ edges+0(FP), SI")
		for l := range m.lanes {
			g.a("LEAQ %d(SI), R9", l*edgeBytes+at)
			g.a("MOVQ R9, %d(SP)", 8*l)
		}
		g.a("XORQ R8, R8") // bytes that are done of each message
	}, func() {
		g.a("MOVQ messages+8(FP), SI")
		for l := range m.lanes {
			g.a("MOVQ %d(SI), R9", l*sliceBytes)
			g.a("MOVQ R9, %d(SP)", 8*l)
		}
		g.a("MOVQ begin+16(FP), R8")
	}, func() { g.lanesBlock(m) })
	g.a("MOVQ out+24(FP), DI")
	g.a("VMOVDQU%s swap<>(SB), %s", m.kind(), m.r(15))
	for half := range 2 {
		if half == 1 {
			for i := range 4 {
				g.a("VMOVDQU%s %s, %s", m.kind(), m.r(4+i), m.r(i))
			}
		}
		g.turn(m)
		for row := range 4 {
			g.a("VPSHUFB %s, %s, %s", m.r(15), m.r(row), m.r(row))
			g.unload(m, row, 16*half)
		}
	}
	g.a("VZEROUPPER")
	g.a("RET")
}

func (g *gen) lanesBlock(m machine) {
	for i := range 8 {
		g.a("VMOVDQU%s %s, %d(SP)", m.kind(), m.r(i), m.states()+i*m.bytes())
	}
	g.load(m)
	for i := range 8 {
		g.a("VMOVDQU%s %d(SP), %s", m.kind(), m.states()+i*m.bytes(), m.r(i))
	}
	g.a("LEAQ constants<>(SB), AX")
	for i := range 16 {
		g.round(m, i)
	}
	g.a("MOVL $3, BX")
	g.label("sixteen")
	g.a("ADDQ $64, AX")
	for i := range 16 {
		g.schedule(m, i)
		g.round(m, i)
	}
	g.a("DECL BX")
	g.a("JNZ sixteen")
	for i := range 8 {
		g.a("VPADDD %d(SP), %s, %s", m.states()+i*m.bytes(), m.r(i), m.r(i))
	}
	g.a("ADDQ $64, R8")
}

// unload stores 16 bytes of each sum of the messages row, row+4, row+8 and so on.
func (g *gen) unload(m machine, row, at int) {
	g.a("VMOVDQU X%d, %d(DI)", row, 32*row+at)
	for part := 1; part < m.lanes/4; part++ {
		to := 32*(row+4*part) + at
		if m.wide {
			g.a("VEXTRACTI32X4 $%d, %s, %d(DI)", part, m.r(row), to)
		} else {
			g.a("VEXTRACTI128 $%d, %s, %d(DI)", part, m.r(row), to)
		}
	}
}

// kind is the suffix of an instruction whose 512-bit form counts elements.
func (m machine) kind() string {
	if m.wide {
		return "32"
	}
	return ""
}

// load turns a block of each message into 16 words of each lane. Quarters of 16 bytes of four messages are turned where they lie, so that a
// register takes word i of the messages 0 to 3 in its first quarter, of 4 to 7 in its second.
func (g *gen) load(m machine) {
	g.a("VMOVDQU%s swap<>(SB), %s", m.kind(), m.r(15))
	for quarter := range 4 {
		for row := range 4 {
			g.quarter(m, row, 16*quarter)
		}
		for row := range 4 {
			g.a("VPSHUFB %s, %s, %s", m.r(15), m.r(row), m.r(row))
		}
		g.turn(m)
		for row := range 4 {
			g.a("VMOVDQU%s %s, %s", m.kind(), m.r(row), m.word(4*quarter+row))
		}
	}
}

// quarter loads 16 bytes of each of the messages row, row+4, row+8 and so on.
func (g *gen) quarter(m machine, row, at int) {
	g.a("MOVQ %d(SP), R9", 8*row)
	g.a("VMOVDQU %d(R9)(R8*1), X%d", at, row)
	for part := 1; part < m.lanes/4; part++ {
		g.a("MOVQ %d(SP), R9", 8*(row+4*part))
		if m.wide {
			g.a("VINSERTI32X4 $%d, %d(R9)(R8*1), %s, %s", part, at, m.r(row), m.r(row))
		} else {
			g.a("VINSERTI128 $%d, %d(R9)(R8*1), %s, %s", part, at, m.r(row), m.r(row))
		}
	}
}

// turn transposes 4 × 4 words in each quarter of registers 0 to 3.
func (g *gen) turn(m machine) {
	g.a("VPUNPCKLDQ %s, %s, %s", m.r(1), m.r(0), m.r(8))
	g.a("VPUNPCKHDQ %s, %s, %s", m.r(1), m.r(0), m.r(9))
	g.a("VPUNPCKLDQ %s, %s, %s", m.r(3), m.r(2), m.r(10))
	g.a("VPUNPCKHDQ %s, %s, %s", m.r(3), m.r(2), m.r(11))
	g.a("VPUNPCKLQDQ %s, %s, %s", m.r(10), m.r(8), m.r(0))
	g.a("VPUNPCKHQDQ %s, %s, %s", m.r(10), m.r(8), m.r(1))
	g.a("VPUNPCKLQDQ %s, %s, %s", m.r(11), m.r(9), m.r(2))
	g.a("VPUNPCKHQDQ %s, %s, %s", m.r(11), m.r(9), m.r(3))
}

// round writes round i of sixteen. The state moves down by one register a round.
func (g *gen) round(m machine, i int) {
	s := func(n int) string { return m.r((n + 16 - i) % 8) } // a is 0, h is 7
	a, b, c, d, e, f, gg, h := s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7)
	g.a("VPBROADCASTD %d(AX), %s", 4*i, m.r(8))
	g.a("VPADDD %s, %s, %s", m.word(i), m.r(8), m.r(8))
	g.a("VPADDD %s, %s, %s", m.r(8), h, h)
	g.rotations(m, e, [3]int{6, 11, 25}, false, m.r(9))
	g.a("VPADDD %s, %s, %s", m.r(9), h, h)
	g.choose(m, e, f, gg, m.r(10))
	g.a("VPADDD %s, %s, %s", m.r(10), h, h)
	g.a("VPADDD %s, %s, %s", h, d, d)
	g.majority(m, a, b, c, m.r(10))
	g.a("VPADDD %s, %s, %s", m.r(10), h, h)
	g.rotations(m, a, [3]int{2, 13, 22}, false, m.r(9))
	g.a("VPADDD %s, %s, %s", m.r(9), h, h)
}

// schedule replaces word i by the one 16 later.
func (g *gen) schedule(m machine, i int) {
	early, late := m.r(13), m.r(14)
	if m.wide {
		early, late = m.word(i+1), m.word(i+14)
	} else {
		g.a("VMOVDQU %s, %s", m.word(i+1), early)
		g.a("VMOVDQU %s, %s", m.word(i+14), late)
	}
	g.rotations(m, early, [3]int{7, 18, 3}, true, m.r(9))
	g.a("VPADDD %s, %s, %s", m.word(i), m.r(9), m.r(12))
	g.a("VPADDD %s, %s, %s", m.word(i+9), m.r(12), m.r(12))
	g.rotations(m, late, [3]int{17, 19, 10}, true, m.r(9))
	if m.wide {
		g.a("VPADDD %s, %s, %s", m.r(9), m.r(12), m.word(i))
		return
	}
	g.a("VPADDD %s, %s, %s", m.r(9), m.r(12), m.r(12))
	g.a("VMOVDQU %s, %s", m.r(12), m.word(i))
}

// rotations gives the exclusive or of x rotated right by three numbers; by the third it is shifted if so said. It uses registers 10 and 11.
func (g *gen) rotations(m machine, x string, by [3]int, shift bool, to string) {
	if m.wide {
		g.a("VPRORD $%d, %s, %s", by[0], x, to)
		g.a("VPRORD $%d, %s, %s", by[1], x, m.r(10))
		if shift {
			g.a("VPSRLD $%d, %s, %s", by[2], x, m.r(11))
		} else {
			g.a("VPRORD $%d, %s, %s", by[2], x, m.r(11))
		}
		g.a("VPTERNLOGD $0x96, %s, %s, %s", m.r(11), m.r(10), to)
		return
	}
	g.a("VPSRLD $%d, %s, %s", by[0], x, to)
	for n, r := range by {
		if n > 0 {
			g.a("VPSRLD $%d, %s, %s", r, x, m.r(10))
			g.a("VPXOR %s, %s, %s", m.r(10), to, to)
		}
		if n < 2 || !shift {
			g.a("VPSLLD $%d, %s, %s", 32-r, x, m.r(11))
			g.a("VPXOR %s, %s, %s", m.r(11), to, to)
		}
	}
}

// choose gives y where x is 1, else z.
func (g *gen) choose(m machine, x, y, z, to string) {
	if m.wide {
		g.a("VMOVDQA32 %s, %s", x, to)
		g.a("VPTERNLOGD $0xca, %s, %s, %s", z, y, to)
		return
	}
	g.a("VPXOR %s, %s, %s", y, z, to)
	g.a("VPAND %s, %s, %s", x, to, to)
	g.a("VPXOR %s, %s, %s", z, to, to)
}

// majority gives what two of three say.
func (g *gen) majority(m machine, x, y, z, to string) {
	if m.wide {
		g.a("VMOVDQA32 %s, %s", x, to)
		g.a("VPTERNLOGD $0xe8, %s, %s, %s", z, y, to)
		return
	}
	g.a("VPXOR %s, %s, %s", x, y, to)
	g.a("VPXOR %s, %s, %s", y, z, m.r(11))
	g.a("VPAND %s, %s, %s", to, m.r(11), to)
	g.a("VPXOR %s, %s, %s", y, to, to)
}
