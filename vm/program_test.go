package vm_test

// What is tested: a program that runs translated does what the plain loop does, which the traced run stands
// for: gas, answer, fault and state are equal, with every gas limit at which programs end early. The programs
// are made from seeds out of the sequences that have forms of their own, with jumps between them.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

const (
	translatedSeeds = 400
	gasLimits       = 12 // tried for each seed
	piecesMax       = 40
)

// pieces are written one after the other. In their place: ? a small number, # a word of 32 bytes, L a label.
var pieces = []string{
	"01", "02", "03", "04", "05", "06", "07", "08", "09", "0a", "0b", "10", "11", "12", "13", "14", "15", "16",
	"17", "18", "19", "1a", "1b", "1c", "1d", "1e", "20", "30", "33", "34", "35", "36", "3d", "47", "50", "51", "52", "53", "54",
	"55", "58", "59", "5a", "5b", "5c", "5d", "5e", "5f",
	"60?01", "60?02", "60?03", "60?04", "60?10", "60?11", "60?14", "60?16", "60?1b", "60?1c", "60?1d", "60?9003",
	"60?9004", "60?51", "60?52", "7f#01", "7f#02", "7f#03", "7f#10", "7f#11", "7f#14", "7f#16", "7f#9003", "7f#9004",
	"7f#", "60?", "60?60?", "60?80", "60?81", "61??83", "63????", "60?60?1b", "60?60?01", "60?60?03", "60?19", "7f#15",
	"8001", "8101", "8203", "8102", "8216", "8017", "8110", "8111", "8212", "8213", "8114", "8051", "8152", "8052",
	"8081", "8182", "8283", "8f", "8e8d", "90", "91", "92", "9f", "9190", "9291", "9050", "915050", "92505050", "93505050505050", "9052",
	"5050", "505050", "0101", "0151", "1015", "1115", "1415", "1515", "151515",
	"1061L57", "101561L57", "1161L57", "111561L57", "1261L57", "121561L57", "1361L57", "131561L57", "1461L57",
	"141561L57", "1561L57", "151561L57", "61L57", "8161L57", "811061L57", "81101561L57", "821161L57", "811261L57",
	"821361L57", "82131561L57", "811461L57", "80141561L57", "61L56", "80" + "61L9057", "61L90" + "5050", "60?57", "60?56",
	"60?60?f3", "60?60?fd", "60?60?a0", "60?60?60?a1", "5f5f5f5f5f305af1", "5f5f5f5f305afa", "60?60?37", "0c", "fe", "00",
	"60?5f60?39", "60?5f60?3e", "60?60?60?f0",
}

// assemble makes a code and gives its labels places.
func assemble(d *dice.Dice) []byte {
	var code []byte
	var holes, labels []int
	for range 8 + d.Below(8) {
		code = append(code, byte(vm.PUSH1), byte(d.Below(256)))
	}
	for range 1 + d.Below(piecesMax) {
		if d.Below(4) == 0 {
			labels = append(labels, len(code))
			code = append(code, byte(vm.JUMPDEST))
		}
		piece := pieces[d.Below(uint64(len(pieces)))]
		for i := 0; i < len(piece); i++ {
			switch piece[i] {
			case '?':
				code = append(code, byte(d.Below(40)))
			case '#':
				word := wordOf(d)
				code = append(code, word[:]...)
			case 'L':
				holes = append(holes, len(code))
				code = append(code, 0, 0)
			default:
				var b byte
				fmt.Sscanf(piece[i:i+2], "%02x", &b)
				code = append(code, b)
				i++
			}
		}
	}
	labels = append(labels, 0)
	for _, at := range holes {
		binary.BigEndian.PutUint16(code[at:], uint16(labels[d.Below(uint64(len(labels)))]))
	}
	return code
}

// wordOf gives a word of which many bytes are alike, so that words meet that are nearly equal.
func wordOf(d *dice.Dice) (word [32]byte) {
	x := new(uint256.Int).Lsh(uint256.NewInt(d.Below(4)), uint(d.Below(256)))
	if d.Below(2) == 0 {
		x.Not(x)
	}
	return x.Bytes32()
}

func TestTranslatedIsPlain(t *testing.T) {
	ends := map[vm.Fault]int{}
	for seed := range uint64(translatedSeeds) {
		d := dice.New([32]byte{0: byte(seed), 1: byte(seed >> 8)})
		code, input := assemble(d), wordOf(d)
		for range gasLimits {
			gas := 22_300 + d.Below(1<<(4+d.Below(14)))
			want := runOnce(t, code, input[:], gas, func(b *bench) { b.m.Trace(&counter{t: t}) })
			for name, how := range map[string]func(*bench){
				"plain": func(*bench) {}, "translated": func(b *bench) { b.codes.TranslateAll() },
			} {
				if got := runOnce(t, code, input[:], gas, how); got != want {
					t.Fatalf("seed %d, gas %d, code %x, %s: got %s, traced %s", seed, gas, code, name, got, want)
				}
			}
			ends[faultOf(want)]++
		}
	}
	// Programs that all end alike would test little.
	for _, f := range []vm.Fault{
		0, vm.FaultRevert, vm.FaultGas, vm.FaultInstruction, vm.FaultUnderflow, vm.FaultJump, vm.FaultReturnData,
	} {
		if ends[f] == 0 {
			t.Errorf("no program ended with fault %d (%v)", f, ends)
		}
	}
}

// runOnce runs a code and says all that came of it. The fault's number stands first.
func runOnce(t testing.TB, code, input []byte, gas uint64, how func(*bench)) string {
	b := newBench(fork.Osaka, code, code[:len(code)/2])
	how(b)
	b.tx.Gas, b.tx.Data = gas, input
	out := b.run(t)
	return fmt.Sprintf("%d gas %d output %x root %s logs %v", out.Fault, out.GasUsed, out.Output, b.w.Root(), b.w.Logs())
}

func faultOf(end string) (f vm.Fault) {
	fmt.Sscanf(end, "%d", &f)
	return f
}

// Running off the stack at either end is found before a block begins, and named as the plain loop names it.
func TestTranslatedStackLimits(t *testing.T) {
	loop := func(body ...byte) []byte { return append(append([]byte{byte(vm.JUMPDEST)}, body...), 0x5f, 0x56) }
	for _, c := range []struct {
		code []byte
		want vm.Fault
	}{
		{loop(0x30), vm.FaultOverflow},
		{loop(0x80, 0x80, 0x80), vm.FaultUnderflow},
		{loop(0x60, 1, 0x60, 2, 0x60, 3), vm.FaultOverflow},
		{loop(bytes.Repeat([]byte{0x50}, 1025)...), vm.FaultUnderflow},
		{loop(append(bytes.Repeat([]byte{0x5f}, 1025), bytes.Repeat([]byte{0x50}, 1025)...)...), vm.FaultOverflow},
		{loop(append(bytes.Repeat([]byte{0x5f}, 1024), bytes.Repeat([]byte{0x50}, 1024)...)...), vm.FaultGas},
	} {
		b := newBench(fork.Osaka, c.code, nil)
		b.codes.TranslateAll()
		if got := b.run(t).Fault; got != c.want {
			t.Errorf("code %.20x: got fault %d, want %d", c.code, got, c.want)
		}
	}
}
