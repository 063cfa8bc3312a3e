package term

import (
	"fmt"
	"strings"

	"github.com/holiman/uint256"
)

// decimals of the token: 1 AWO is 10^18 base units.
const decimals = 18

// AWO writes base units exactly as a decimal number of tokens, without trailing zeros.
func AWO(v *uint256.Int) string {
	digits := v.Dec()
	if len(digits) <= decimals {
		digits = strings.Repeat("0", decimals+1-len(digits)) + digits
	}
	whole, frac := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}

// ParseAWO reads a decimal number of tokens (1.5), or base units with the suffix "wei", exactly.
func ParseAWO(text string) (uint256.Int, error) {
	var v uint256.Int
	if base, ok := strings.CutSuffix(text, "wei"); ok {
		if err := v.SetFromDecimal(base); err != nil {
			return v, fmt.Errorf("amount %q: want a whole number before wei", text)
		}
		return v, nil
	}
	whole, frac, _ := strings.Cut(text, ".")
	if len(frac) > decimals || whole+frac == "" || len(whole) > 60 || !onlyDigits(whole+frac) {
		return v, fmt.Errorf("amount %q: want tokens such as 1.5 (at most %d decimals), or 1500wei", text, decimals)
	}
	if err := v.SetFromDecimal("0" + strings.TrimLeft(whole, "0") + frac + strings.Repeat("0", decimals-len(frac))); err != nil {
		return v, fmt.Errorf("amount %q: too large", text)
	}
	return v, nil
}

func onlyDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
