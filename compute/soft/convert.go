package soft

// FromInt rounds a whole number to a float.
func FromInt(v int64) F32 {
	if v < 0 {
		return round(sign, -uint64(v), 0)
	}
	return round(0, uint64(v), 0)
}

// FromUint rounds a whole number without sign to a float.
func FromUint(v uint64) F32 { return round(0, v, 0) }

// ToInt cuts a towards zero and then to the numbers from low to high; a NaN gives 0 (AIW-6).
func ToInt(a F32, low, high int64) int64 {
	if a.IsNaN() {
		return 0
	}
	m, over := whole(a)
	var v int64
	switch {
	case a.Negative() && (over || m > 1<<63):
		return low
	case over || m > 1<<63-1 && !a.Negative():
		return high
	case a.Negative():
		v = -int64(m)
	default:
		v = int64(m)
	}
	return min(max(v, low), high)
}

// ToUint is ToInt for the numbers from 0 to 2^64 - 1.
func ToUint(a F32) uint64 {
	if a.IsNaN() || a.Negative() {
		return 0
	}
	m, over := whole(a)
	if over {
		return 1<<64 - 1
	}
	return m
}

// whole gives |a| cut to a whole number, unless it is beyond 2^64.
func whole(a F32) (m uint64, over bool) {
	if a.IsInf() {
		return 0, true
	}
	m, e := a.parts()
	switch {
	case e > 40:
		return 0, true
	case e >= 0:
		return m << e, false
	case e > -64:
		return m >> -e, false
	}
	return 0, false
}

// RoundEven gives the nearest whole number, of two the even one, with the sign of a.
func RoundEven(a F32) F32 {
	return integral(a, func(m, rest, half uint64, _ bool) uint64 {
		if rest > half || rest == half && m&1 == 1 {
			m++
		}
		return m
	})
}

// Floor gives the largest whole number that is not above a.
func Floor(a F32) F32 {
	return integral(a, func(m, rest, _ uint64, negative bool) uint64 {
		if negative && rest > 0 {
			m++
		}
		return m
	})
}

// Ceil gives the smallest whole number that is not below a.
func Ceil(a F32) F32 {
	return integral(a, func(m, rest, _ uint64, negative bool) uint64 {
		if !negative && rest > 0 {
			m++
		}
		return m
	})
}

// integral rounds |a|, whose whole part is m and whose rest stands beside a half, by a rule.
func integral(a F32, rule func(m, rest, half uint64, negative bool) uint64) F32 {
	if a.IsNaN() || a.IsInf() {
		return Canonical(a)
	}
	um, e := a.parts()
	if e >= 0 {
		return a
	}
	by := min(-e, 30) // a rest below 2^-30 counts as any below a half
	kept, rest, half := um>>by, um&(1<<by-1), uint64(1)<<(by-1)
	if by < -e { // then um < 2^24 lies far below the half
		kept, rest = 0, min(um, 1)
	}
	return a&sign | FromUint(rule(kept, rest, half, a.Negative()))
}

// Mod gives a - b · trunc(a / b), exactly, with the sign of a: the fmod of C.
func Mod(a, b F32) F32 {
	switch {
	case a.IsNaN() || b.IsNaN() || a.IsInf() || b.IsZero():
		return NaN
	case b.IsInf() || a.IsZero():
		return a
	}
	am, ae := a.normal()
	bm, be := b.normal()
	if ae < be {
		return a
	}
	for ; ae > be; ae-- {
		am = am % bm << 1
	}
	return round(a&sign, am%bm, be)
}
