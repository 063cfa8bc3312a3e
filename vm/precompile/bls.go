package precompile

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// Sizes of EIP-2537: a field element is 48 bytes after 16 zeros.
const (
	blsField  = 64
	blsG1     = 2 * blsField
	blsG2     = 4 * blsField
	blsScalar = 32
	blsPair   = blsG1 + blsG2
)

// addBLS adds 0x0b to 0x11 (EIP-2537).
func addBLS(s *Set) {
	s.low[0x0b] = &Contract{flat(375), blsAddG1}
	s.low[0x0c] = &Contract{msmPrice(blsG1+blsScalar, 12_000, &msmDiscountG1), blsMSMG1}
	s.low[0x0d] = &Contract{flat(600), blsAddG2}
	s.low[0x0e] = &Contract{msmPrice(blsG2+blsScalar, 22_500, &msmDiscountG2), blsMSMG2}
	s.low[0x0f] = &Contract{
		func(in []byte) uint64 { return 37_700 + 32_600*(uint64(len(in))/blsPair) },
		blsPairing,
	}
	s.low[0x10] = &Contract{flat(5_500), blsMapG1}
	s.low[0x11] = &Contract{flat(23_800), blsMapG2}
}

// msmPrice is k multiplications at a discount in thousandths that grows with k up to 128.
func msmPrice(item int, mul uint64, discount *[128]uint16) func([]byte) uint64 {
	return func(in []byte) uint64 {
		k := len(in) / item
		if k == 0 {
			return 0
		}
		return uint64(k) * mul * uint64(discount[min(k, 128)-1]) / 1000
	}
}

var msmDiscountG1 = [128]uint16{
	1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677,
	673, 669, 665, 661, 658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627,
	625, 623, 621, 619, 617, 615, 613, 611, 609, 608, 606, 604, 603, 601, 599, 598,
	596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581, 580, 579, 577, 576,
	575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559,
	558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545, 544,
	543, 542, 541, 540, 540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531,
	530, 529, 528, 528, 527, 526, 525, 525, 524, 523, 522, 522, 521, 520, 520, 519,
}

var msmDiscountG2 = [128]uint16{
	1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717,
	711, 704, 699, 693, 688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646,
	643, 640, 637, 634, 632, 629, 627, 624, 622, 620, 618, 615, 613, 611, 609, 607,
	606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587, 586, 584, 583, 582,
	580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562,
	561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548, 547,
	546, 545, 545, 544, 543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535,
	534, 533, 532, 532, 531, 530, 530, 529, 528, 528, 527, 526, 526, 525, 524, 524,
}

func blsFp(b []byte) (e fp.Element, ok bool) {
	if [16]byte(b[:16]) != ([16]byte{}) {
		return e, false
	}
	return e, e.SetBytesCanonical(b[16:blsField]) == nil
}

func blsFp2(b []byte) (e bls.E2, ok bool) {
	var ok0, ok1 bool
	e.A0, ok0 = blsFp(b[:blsField])
	e.A1, ok1 = blsFp(b[blsField : 2*blsField])
	return e, ok0 && ok1
}

// readG1 reads a point of the curve, in the group if the operation asks for it. Zeros are infinity.
func readG1(b []byte, inGroup bool) (p bls.G1Affine, ok bool) {
	var ok0, ok1 bool
	p.X, ok0 = blsFp(b[:blsField])
	p.Y, ok1 = blsFp(b[blsField:blsG1])
	return p, ok0 && ok1 && p.IsOnCurve() && (!inGroup || p.IsInSubGroup())
}

func readG2(b []byte, inGroup bool) (p bls.G2Affine, ok bool) {
	var ok0, ok1 bool
	p.X, ok0 = blsFp2(b[:2*blsField])
	p.Y, ok1 = blsFp2(b[2*blsField : blsG2])
	return p, ok0 && ok1 && p.IsOnCurve() && (!inGroup || p.IsInSubGroup())
}

func appendFp(dst []byte, e *fp.Element) []byte {
	b := e.Bytes()
	return append(append(dst, make([]byte, blsField-len(b))...), b[:]...)
}

func bytesG1(p *bls.G1Affine) []byte {
	return appendFp(appendFp(make([]byte, 0, blsG1), &p.X), &p.Y)
}

func bytesG2(p *bls.G2Affine) []byte {
	out := appendFp(appendFp(make([]byte, 0, blsG2), &p.X.A0), &p.X.A1)
	return appendFp(appendFp(out, &p.Y.A0), &p.Y.A1)
}

func blsAddG1(in []byte) ([]byte, bool) {
	if len(in) != 2*blsG1 {
		return nil, false
	}
	p, ok1 := readG1(in, false)
	q, ok2 := readG1(in[blsG1:], false)
	if !ok1 || !ok2 {
		return nil, false
	}
	return bytesG1(new(bls.G1Affine).Add(&p, &q)), true
}

func blsAddG2(in []byte) ([]byte, bool) {
	if len(in) != 2*blsG2 {
		return nil, false
	}
	p, ok1 := readG2(in, false)
	q, ok2 := readG2(in[blsG2:], false)
	if !ok1 || !ok2 {
		return nil, false
	}
	return bytesG2(new(bls.G2Affine).Add(&p, &q)), true
}

// A multiplication of several points runs in one goroutine: blocks are executed in parallel elsewhere.
var msmConfig = ecc.MultiExpConfig{NbTasks: 1}

func blsMSMG1(in []byte) ([]byte, bool) {
	const item = blsG1 + blsScalar
	if len(in) == 0 || len(in)%item != 0 {
		return nil, false
	}
	points, scalars := make([]bls.G1Affine, len(in)/item), make([]fr.Element, len(in)/item)
	for i := range points {
		var ok bool
		if points[i], ok = readG1(in[i*item:], true); !ok {
			return nil, false
		}
		scalars[i].SetBytes(in[i*item+blsG1 : (i+1)*item])
	}
	var sum bls.G1Affine
	if len(points) == 1 {
		sum.ScalarMultiplication(&points[0], scalars[0].BigInt(new(big.Int)))
	} else if _, err := sum.MultiExp(points, scalars, msmConfig); err != nil {
		return nil, false
	}
	return bytesG1(&sum), true
}

func blsMSMG2(in []byte) ([]byte, bool) {
	const item = blsG2 + blsScalar
	if len(in) == 0 || len(in)%item != 0 {
		return nil, false
	}
	points, scalars := make([]bls.G2Affine, len(in)/item), make([]fr.Element, len(in)/item)
	for i := range points {
		var ok bool
		if points[i], ok = readG2(in[i*item:], true); !ok {
			return nil, false
		}
		scalars[i].SetBytes(in[i*item+blsG2 : (i+1)*item])
	}
	var sum bls.G2Affine
	if len(points) == 1 {
		sum.ScalarMultiplication(&points[0], scalars[0].BigInt(new(big.Int)))
	} else if _, err := sum.MultiExp(points, scalars, msmConfig); err != nil {
		return nil, false
	}
	return bytesG2(&sum), true
}

func blsPairing(in []byte) ([]byte, bool) {
	if len(in) == 0 || len(in)%blsPair != 0 {
		return nil, false
	}
	var ps []bls.G1Affine
	var qs []bls.G2Affine
	for ; len(in) > 0; in = in[blsPair:] {
		p, ok1 := readG1(in, true)
		if !ok1 {
			return nil, false
		}
		q, ok2 := readG2(in[blsG1:], true)
		if !ok2 {
			return nil, false
		}
		if !p.IsInfinity() && !q.IsInfinity() {
			ps, qs = append(ps, p), append(qs, q)
		}
	}
	if len(ps) == 0 {
		return one(), true
	}
	equal, err := bls.PairingCheck(ps, qs)
	if err != nil {
		return nil, false
	}
	return truth(equal), true
}

func blsMapG1(in []byte) ([]byte, bool) {
	if len(in) != blsField {
		return nil, false
	}
	e, ok := blsFp(in)
	if !ok {
		return nil, false
	}
	p := bls.MapToG1(e)
	return bytesG1(&p), true
}

func blsMapG2(in []byte) ([]byte, bool) {
	if len(in) != 2*blsField {
		return nil, false
	}
	e, ok := blsFp2(in)
	if !ok {
		return nil, false
	}
	p := bls.MapToG2(e)
	return bytesG2(&p), true
}
