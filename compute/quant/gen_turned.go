//go:build ignore

package main

import "fmt"

// Products of Q8_0 with many rows of activations at once: lanes are rows of activations, four times eight, and weights are broadcast.
//
// VPMADDUBSW takes one operand without sign, so a product of bytes is |w| · (x with the sign of w), and giving x that sign costs an instruction
// for each eight outputs. Here that is done beforehand: four weights of an output have one of 16 combinations of signs, and a table holds the
// activations of four columns with each of them. The signs of four weights are the place in the table. What is left are three instructions for
// 32 products, which keep both multipliers of the processor busy. A pair is at most 2 · 128 · 127, which words hold.
//
// While a panel is multiplied, the next one is made ready on the stack: scales, signs and magnitudes of its block. Pairs of columns become
// fours there, by which the outputs come in another order: 0 to 3, 8 to 11, 4 to 7, 12 to 15.

const (
	turnedRows = 32                    // of activations
	fourBytes  = 16*turnedRows*4 + 128 // of the table for four columns; a multiple of 2 KiB would put all of them into the same places of the cache

	readySigns = 64                // behind 16 scales; 8 bytes for four columns of 8 outputs
	readySizes = readySigns + 128  // behind the signs: fours of 16 outputs
	readyBytes = readySizes + 512  // of a panel
	readyFrame = 2*readyBytes + 64 // and room to align them
)

func (g *gen) turned() {
	g.signs()
	g.tableOfSigns()
	g.storeTotals()
	g.text("turnedQ8_0", readyFrame, 57, "turnedQ8_0 adds a block of some panels to their 16 × 32 chains. At the end of a segment these are added to the totals, and begin anew.",
		"(panels int, w *byte, panelBytes int, table *int8, d, chains, totals *float32, end bool)")
	for i, r := range []string{"DX", "", "SI", "R8", "DI", "R10"} {
		if r != "" {
			g.a("MOVQ %s+%d(FP), %s", []string{"w", "panelBytes", "table", "d", "chains", "totals"}[i], 8+8*i, r)
		}
	}
	g.a("MOVBLZX end+56(FP), R11")
	g.a("VMOVDQU ·onesWord<>(SB), Y13")
	g.a("LEAQ 63(SP), R14")
	g.a("ANDQ $~63, R14")
	g.a("LEAQ %d(R14), R15", readyBytes)
	g.a("LEAQ 32(DX), AX")
	g.a("LEAQ %d(R14), CX", readySigns)
	for range 8 {
		g.readyFour()
	}
	g.a("SUBQ $512, R14")
	g.readyScales()
	g.label("panel")
	g.a("XCHGQ R14, R15")
	g.a("CMPQ panels+0(FP), $1")
	g.a("JEQ same") // there is no next one: what is made ready is not used
	g.a("ADDQ panelBytes+16(FP), DX")
	g.label("same")
	g.a("LEAQ 32(DX), AX")
	g.a("LEAQ %d(R14), CX", readySigns)
	g.a("LEAQ %d(R15), R12", readySigns)
	g.a("XORQ R13, R13") // outputs that are done
	g.label("eight")
	g.a("XORQ BX, BX") // the bits of an output's signs
	g.label("output")
	g.turnedOutput("first")
	g.turnedOutput("second")
	g.readyFour()
	g.a("CMPQ BX, $32")
	g.a("JLT output")
	g.a("ADDQ $64, R12")
	g.a("CMPQ R13, $16")
	g.a("JLT eight")
	g.a("SUBQ $512, R14")
	g.readyScales()
	g.a("DECQ panels+0(FP)")
	g.a("JNZ panel")
	g.a("VZEROUPPER")
	g.a("RET")
}

// readyFour makes four columns ready: AX points to them, CX to where their signs go, R14 to what their magnitudes lie behind; all go on.
func (g *gen) readyFour() {
	g.a("MOVQ panelBytes+16(FP), R9")
	g.a("PREFETCHT0 (AX)(R9*1)") // the panel behind that one
	g.a("VMOVDQU (AX), Y14")
	g.a("VMOVDQU 32(AX), Y15")
	for half, unpack := range []string{"VPUNPCKLWD", "VPUNPCKHWD"} {
		g.a("%s Y15, Y14, Y12", unpack)
		g.a("VPMOVMSKB Y12, R9")
		g.a("SHLQ $7, R9") // a place in the table has 128 bytes
		g.a("MOVQ R9, %d(CX)", 64*half)
		g.a("VPABSB Y12, Y12")
		g.a("VMOVDQU Y12, %d(R14)", readySizes+32*half)
	}
	g.a("ADDQ $64, AX")
	g.a("ADDQ $8, CX")
	g.a("ADDQ $64, R14")
}

func (g *gen) readyScales() {
	g.a("VCVTPH2PS (DX), Y14")
	g.a("VCVTPH2PS 16(DX), Y15")
	g.a("VINSERTF128 $1, X15, Y14, Y12")
	g.a("VPERM2F128 $0x31, Y15, Y14, Y14")
	g.a("VMOVUPS Y12, (R14)")
	g.a("VMOVUPS Y14, 32(R14)")
}

// turnedOutput multiplies the weights of an output, of the panel that R15 points to. Sums are added while the next four columns are multiplied.
func (g *gen) turnedOutput(name string) {
	for four := range 8 {
		g.a("VPBROADCASTD %d(R15)(R13*4), Y12", readySizes+64*four)
		g.a("SHRXQ BX, %d(R12), R9", 8*four)
		g.a("ANDL $0x780, R9")
		for v := range 4 {
			product := 4 + (4*four+v)%8
			g.a("VPMADDUBSW %d(SI)(R9*1), Y12, Y%d", fourBytes*four+32*v, product)
			if four > 1 {
				before := 4 + (4*(four-1)+v)%8
				g.a("VPADDD Y%d, Y%d, Y%d", before, v, v)
			}
			to := product
			if four == 0 {
				to = v
			}
			g.a("VPMADDWD Y13, Y%d, Y%d", product, to)
		}
	}
	for v := range 4 {
		g.a("VPADDD Y%d, Y%d, Y%d", 4+(28+v)%8, v, v)
	}
	g.a("PREFETCHT0 %d(DI)", 4*4*turnedRows) // chains lie in the second cache
	g.a("PREFETCHT0 %d(DI)", 4*4*turnedRows+64)
	g.a("VBROADCASTSS (R15)(R13*4), Y12")
	for v := range 4 {
		g.a("VMULPS %d(R8), Y12, Y14", 32*v)
		g.a("VCVTDQ2PS Y%d, Y%d", v, v)
		g.a("VFMADD213PS %d(DI), Y14, Y%d", 32*v, v)
	}
	g.a("TESTL R11, R11")
	g.a("JZ %sOn", name)
	g.a("VPXOR Y14, Y14, Y14")
	for v := range 4 {
		g.a("VADDPS %d(R10), Y%d, Y%d", 32*v, v, v)
		g.a("VMOVUPS Y%d, %d(R10)", v, 32*v)
		g.a("VMOVDQA Y14, Y%d", v)
	}
	g.label(name + "On")
	for v := range 4 {
		g.a("VMOVUPS Y%d, %d(DI)", v, 32*v)
	}
	g.a("ADDQ $%d, DI", 4*turnedRows)
	g.a("ADDQ $%d, R10", 4*turnedRows)
	g.a("INCQ R13")
	g.a("ADDQ $4, BX")
}

// signs writes what four bytes are multiplied with for each combination of their signs.
func (g *gen) signs() {
	g.asm.WriteString("\n")
	for i := range 16 {
		word := uint32(0)
		for bit := range 4 {
			sign := uint32(0x01)
			if i>>bit&1 == 1 {
				sign = 0xff
			}
			word |= sign << (8 * bit)
		}
		fmt.Fprintf(&g.asm, "DATA ·signs<>+%d(SB)/4, $0x%08x\n", 4*i, word)
	}
	g.asm.WriteString("GLOBL ·signs<>(SB), RODATA|NOPTR, $64\n")
}

// tableOfSigns writes the function that fills a table.
func (g *gen) tableOfSigns() {
	g.text("tableQ8_0", 1024+64, 24, "tableQ8_0 fills the table of a block of 32 rows, which lie ldx bytes apart.", "(table, x *int8, ldx int)")
	g.a("MOVQ table+0(FP), DI")
	g.a("MOVQ x+8(FP), SI")
	g.a("MOVQ ldx+16(FP), R8")
	g.a("LEAQ 63(SP), R9")
	g.a("ANDQ $~63, R9")
	g.a("MOVQ $4, CX")
	g.label("eight") // rows, whose fours go where they stand in each combination
	for r := range 8 {
		g.a("VMOVDQU (SI), Y%d", r)
		g.a("ADDQ R8, SI")
	}
	g.transpose()
	for four := range 8 {
		g.a("VMOVDQU Y%d, %d(R9)", four, 4*turnedRows*four)
	}
	g.a("ADDQ $32, R9")
	g.a("DECQ CX")
	g.a("JNZ eight")
	g.a("SUBQ $128, R9")
	g.a("MOVQ $8, CX")
	g.label("four")
	for v := range 4 {
		g.a("VMOVDQU %d(R9), Y%d", 32*v, v)
	}
	for i := range 16 {
		g.a("VPBROADCASTD ·signs<>+%d(SB), Y15", 4*i)
		for v := range 4 {
			g.a("VPSIGNB Y15, Y%d, Y%d", v, 4+v)
			g.a("VMOVDQU Y%d, %d(DI)", 4+v, 4*turnedRows*i+32*v)
		}
	}
	g.a("ADDQ $%d, R9", 4*turnedRows)
	g.a("ADDQ $%d, DI", fourBytes)
	g.a("DECQ CX")
	g.a("JNZ four")
	g.a("VZEROUPPER")
	g.a("RET")
}

// storeTotals writes the function that turns the totals of a panel around: 8 × 8 at a time.
func (g *gen) storeTotals() {
	g.text("storeQ8_0", 0, 24, "storeQ8_0 stores the totals of a panel, 16 × 32, as 32 rows of 16 outputs, which lie ldo bytes apart.", "(out *float32, ldo int, totals *float32)")
	g.a("MOVQ out+0(FP), DI")
	g.a("MOVQ ldo+8(FP), R8")
	g.a("MOVQ totals+16(FP), SI")
	g.a("MOVQ $4, CX")
	g.label("eight")
	for half := range 2 {
		for i := range 8 {
			g.a("VMOVUPS %d(SI), Y%d", 4*turnedRows*(8*half+i), i)
		}
		g.transpose()
		g.a("MOVQ DI, DX")
		for i := range 8 {
			g.a("VMOVUPS X%d, %d(DX)", i, 16*half)
			g.a("VEXTRACTF128 $1, Y%d, %d(DX)", i, 16*half+32)
			g.a("ADDQ R8, DX")
		}
	}
	g.a("LEAQ (DI)(R8*8), DI")
	g.a("ADDQ $32, SI")
	g.a("DECQ CX")
	g.a("JNZ eight")
	g.a("VZEROUPPER")
	g.a("RET")
}

// transpose turns 8 × 8 double words in registers 0 to 7 around.
func (g *gen) transpose() {
	for i := 0; i < 8; i += 2 {
		g.a("VPUNPCKLDQ Y%d, Y%d, Y%d", i+1, i, 8+i)
		g.a("VPUNPCKHDQ Y%d, Y%d, Y%d", i+1, i, 9+i)
	}
	for i := 0; i < 8; i += 4 {
		g.a("VPUNPCKLQDQ Y%d, Y%d, Y%d", 10+i, 8+i, i)
		g.a("VPUNPCKHQDQ Y%d, Y%d, Y%d", 10+i, 8+i, i+1)
		g.a("VPUNPCKLQDQ Y%d, Y%d, Y%d", 11+i, 9+i, i+2)
		g.a("VPUNPCKHQDQ Y%d, Y%d, Y%d", 11+i, 9+i, i+3)
	}
	for i := range 4 {
		g.a("VPERM2I128 $0x31, Y%d, Y%d, Y%d", 4+i, i, 8+i)
		g.a("VINSERTI128 $1, X%d, Y%d, Y%d", 4+i, i, i)
	}
	for i := range 4 {
		g.a("VMOVDQA Y%d, Y%d", 8+i, 4+i)
	}
}
