//go:build ignore

package main

import "fmt"

// NEON: four registers of 4 lanes are the 16 outputs of a row. The assembler does not know most of the vector
// instructions; they are written as words.

const (
	smull  = 0x0e20c000 // 8 products of bytes, as words
	smlal  = 0x0e208000
	sadalp = 0x4e606800 // adds pairs of words to 4 lanes
	saddlp = 0x4e602800
	addp   = 0x4ea0bc00
	mul    = 0x4ea09c00
	sxtl8  = 0x0f08a400
	sxtl16 = 0x0f10a400
	uxtl8  = 0x2f08a400
	uxtl16 = 0x2f10a400
	scvtf  = 0x4e21d800
	fcvtl  = 0x0e217800
	fmul   = 0x6e20dc00
	fadd   = 0x4e20d400
	fmla   = 0x4e20cc00
	upper  = 0x40000000 // the same with the upper half of its operands
)

func (g *gen) word(op, m, n, d int) { g.a("WORD $0x%08x", op|m<<16|n<<5|d) }

// neonX, neonS and neonC are the registers that point to row r of activations, scales and outputs.
func neonX(r int) string { return []string{"R2", "R8", "R9", "R10"}[r] }

func neonS(r int) string { return []string{"R4", "R11", "R12", "R13"}[r] }

func neonC(r int) string { return []string{"R6", "R14", "R15", "R16"}[r] }

func (g *gen) neonKernel(s shape, rows int) {
	name := fmt.Sprintf("dot%sRows%d", s.name, rows)
	g.text(name, 16*16+8*16+16, 64, fmt.Sprintf("%s adds so many blocks to %d × 16 outputs; ld's are in bytes.", name, rows),
		"(blocks int, w *byte, x unsafe.Pointer, ldx int, s *scaling, lds int, c *float32, ldc int)")
	for i, arg := range []string{"blocks", "w", "x", "ldx", "s", "lds", "c", "ldc"} {
		g.a("MOVD %s+%d(FP), R%d", arg, 8*i, i)
	}
	for r := 1; r < rows; r++ {
		g.a("ADD R3, %s, %s", neonX(r-1), neonX(r))
		g.a("ADD R5, %s, %s", neonS(r-1), neonS(r))
		g.a("ADD R7, %s, %s", neonC(r-1), neonC(r))
	}
	g.a("ADD $16, RSP, R20") // the chains, then what a super-block has
	g.a("ADD $%d, R20, R23", 16*16)
	g.label("segment")
	g.a("MOVD $8, R17")
	g.a("CMP R17, R0")
	g.a("CSEL LT, R0, R17, R17")
	g.a("SUB R17, R0, R0")
	g.a("VEOR V24.B16, V24.B16, V24.B16")
	g.a("MOVD R20, R22")
	for range 4 * rows {
		g.a("VST1.P [V24.S4], 16(R22)")
	}
	g.a("MOVD R23, R22")
	for range s.super / 32 {
		g.neonHalves("R1")
		g.a("ADD $32, R1")
		for i := range 4 {
			g.a("VST1.P [V%d.S4], 16(R22)", 18+i)
		}
	}
	g.label("block")
	g.a("MOVD R1, R21")
	g.a("ADD $%d, R1", s.head)
	switch s.name {
	case "Q8_0":
		g.neonClear(0, 4*rows)
		g.neonPairs(rows, 16)
		g.neonHalves("R21")
	case "Q6_K":
		g.neonScaledPairs(rows)
		g.neonSuper("R23")
	default:
		g.neonNibbles(s, rows)
		if s.name == "Q4_0" {
			g.neonHalves("R21")
		} else {
			g.neonBytes("R21", "R23")
		}
	}
	g.neonChain(rows)
	if s.name == "Q4_K" {
		g.a("ADD $16, R21")
		g.a("ADD $64, R23, R24")
		g.neonBytes("R21", "R24")
		g.neonMinimums(rows)
	}
	for r := range rows {
		g.a("ADD $8, %s", neonS(r))
	}
	g.a("SUBS $1, R17, R17")
	g.a("BNE block")
	g.a("MOVD R20, R22")
	for r := range rows {
		g.a("MOVD %s, R24", neonC(r))
		for range 4 {
			g.a("VLD1.P 16(R22), [V24.S4]")
			g.a("VLD1 (R24), [V25.S4]")
			g.word(fadd, 24, 25, 24)
			g.a("VST1.P [V24.S4], 16(R24)")
		}
	}
	g.a("CBNZ R0, segment")
	g.a("RET")
}

func (g *gen) neonClear(first, n int) {
	for i := range n {
		g.a("VEOR V%d.B16, V%d.B16, V%d.B16", first+i, first+i, first+i)
	}
}

// neonPairs adds the products of so many pairs of bytes, two pairs at a time: their sums fit into words.
func (g *gen) neonPairs(rows, pairs int) {
	for range pairs / 2 {
		g.a("VLD1.P 64(R1), [V16.B16, V17.B16, V18.B16, V19.B16]")
		for r := range rows {
			g.a("VLD1R.P 2(%s), [V20.H8]", neonX(r))
			g.a("VLD1R.P 2(%s), [V21.H8]", neonX(r))
			for i := range 4 {
				half := i % 2 * upper
				g.word(smull|half, 20, 16+i/2, 22+i)
				g.word(smlal|half, 21, 18+i/2, 22+i)
				g.word(sadalp, 0, 22+i, 4*r+i)
			}
		}
	}
}

// neonScaledPairs sums both halves of a block, each times its scale, in registers from 0 on.
func (g *gen) neonScaledPairs(rows int) {
	sums := 8 // of the second half, where two rows fit
	g.neonClear(0, 4*rows)
	g.neonPairs(rows, 8)
	g.neonScale(rows, 0)
	for i := range 4 * rows {
		g.a("VMOV V%d.B16, V%d.B16", i, sums+i)
	}
	g.neonClear(0, 4*rows)
	g.neonPairs(rows, 8)
	g.neonScale(rows, 16)
	for i := range 4 * rows {
		g.a("VADD V%d.S4, V%d.S4, V%d.S4", sums+i, i, i)
	}
}

// neonScale multiplies sums by 16 signed bytes at an offset of the block's head.
func (g *gen) neonScale(rows, offset int) {
	g.a("ADD $%d, R21, R22", offset)
	g.a("VLD1 (R22), [V16.B16]")
	for i := range 2 {
		g.word(sxtl8|i*upper, 0, 16, 17)
		g.word(sxtl16, 0, 17, 18+2*i)
		g.word(sxtl16|upper, 0, 17, 19+2*i)
	}
	for i := range 4 * rows {
		g.word(mul, 18+i%4, i, i)
	}
}

// neonNibbles sums products in words, of which 8 stay below 2^15, and then in the registers from 0 on. A register of 16
// bytes has four outputs, low and high nibbles.
func (g *gen) neonNibbles(s shape, rows int) {
	g.a("VMOVI $15, V28.B16")
	g.a("VMOVI $8, V29.B16")
	g.neonClear(0, 8*rows)
	for range 8 {
		g.a("VLD1.P 32(R1), [V16.B16, V17.B16]")
		for i := range 2 {
			g.a("VUSHR $4, V%d.B16, V%d.B16", 16+i, 20+i)
			g.a("VAND V28.B16, V%d.B16, V%d.B16", 16+i, 18+i)
		}
		for i := 18; i < 22 && s.name == "Q4_0"; i++ {
			g.a("VSUB V29.B16, V%d.B16, V%d.B16", i, i)
		}
		for r := range rows {
			g.a("VLD1R.P 4(%s), [V22.S4]", neonX(r))
			for i := range 8 {
				g.word(smlal|i%2*upper, 22, 18+i/2, 8*r+i)
			}
		}
	}
	for r := range rows {
		for i := range 4 {
			a, b := 8*r+2*i, 8*r+2*i+1
			g.word(saddlp, 0, a, a)
			g.word(saddlp, 0, b, b)
			g.word(addp, b, a, 4*r+i) // of lower number than what is still to be read
		}
	}
}

// neonHalves turns 16 halves into registers 18 to 21.
func (g *gen) neonHalves(at string) {
	g.a("VLD1 (%s), [V16.H8, V17.H8]", at)
	for i := range 4 {
		g.word(fcvtl|i%2*upper, 0, 16+i/2, 18+i)
	}
}

func (g *gen) neonSuper(at string) {
	g.a("VLD1 (%s), [V18.S4, V19.S4, V20.S4, V21.S4]", at)
}

// neonBytes turns 16 bytes, times what a super-block has, into registers 18 to 21.
func (g *gen) neonBytes(at, units string) {
	g.a("VLD1 (%s), [V16.B16]", at)
	g.a("VLD1 (%s), [V24.S4, V25.S4, V26.S4, V27.S4]", units)
	for i := range 2 {
		g.word(uxtl8|i*upper, 0, 16, 17)
		g.word(uxtl16, 0, 17, 18+2*i)
		g.word(uxtl16|upper, 0, 17, 19+2*i)
	}
	for i := range 4 {
		g.word(scvtf, 0, 18+i, 18+i)
		g.word(fmul, 24+i, 18+i, 18+i)
	}
}

// neonChain takes all chains one step on.
func (g *gen) neonChain(rows int) {
	g.a("MOVD R20, R22")
	for r := range rows {
		g.a("VLD1R (%s), [V22.S4]", neonS(r))
		for i := range 4 {
			g.word(scvtf, 0, 4*r+i, 4*r+i)
			g.neonStep(22, 18+i, 4*r+i)
		}
	}
}

// neonMinimums takes all chains over the minimums.
func (g *gen) neonMinimums(rows int) {
	g.a("MOVD R20, R22")
	for r := range rows {
		g.a("VLD1R (%s), [V22.S4]", neonS(r))
		g.a("ADD $4, %s, R24", neonS(r))
		g.a("VLD1R (R24), [V26.S4]")
		g.word(scvtf, 0, 26, 26)
		for i := range 4 {
			g.neonStep(22, 18+i, 26)
		}
	}
}

// neonStep adds s · (w·d) to the chain at R22, which moves on.
func (g *gen) neonStep(d, w, s int) {
	g.word(fmul, d, w, 23)
	g.a("VLD1 (R22), [V24.S4]")
	g.word(fmla, 23, s, 24)
	g.a("VST1.P [V24.S4], 16(R22)")
}
