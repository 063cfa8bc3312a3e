package genesis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Limits of a genesis file.
const (
	FileSizeMax  = 64 << 20
	AllocsMax    = 1 << 20
	NameBytesMax = 64        // of a fork
	timestampMax = 1<<53 - 1 // ms: what every client can represent
)

// Genesis is what a genesis file says.
type Genesis struct {
	TimestampMs uint64       `json:"timestampMs"` // time of block 0, in ms since 1970
	Params      chain.Params `json:"params"`
	Validators  []Validator  `json:"validators"`
	Alloc       []Alloc      `json:"alloc"`
}

// Alloc gives an account tokens.
type Alloc struct {
	Address chain.Address `json:"address"`
	Balance Amount        `json:"balance"`
}

// Amount is a number of base units, in JSON a string of decimal digits.
type Amount struct{ Int uint256.Int }

// MarshalText gives decimal digits.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.Int.Dec()), nil }

// UnmarshalText accepts decimal digits without sign, leading zero or point.
func (a *Amount) UnmarshalText(text []byte) error {
	if len(text) == 0 || len(text) > 78 || len(text) > 1 && text[0] == '0' {
		return fmt.Errorf("amount %q: want base units as decimal digits, for example \"1000000000000000000\"", clip(text))
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return fmt.Errorf("amount %q: want base units as decimal digits, for example \"1000000000000000000\"", clip(text))
		}
	}
	if err := a.Int.SetFromDecimal(string(text)); err != nil {
		return fmt.Errorf("amount %q: %w", clip(text), err)
	}
	return nil
}

func clip(text []byte) []byte { return text[:min(len(text), 100)] }

// SupplyMax is the cap on all tokens, in base units: 10^10 with 18 decimals.
func SupplyMax() uint256.Int {
	ten := uint256.NewInt(10)
	var max uint256.Int
	max.Exp(ten, uint256.NewInt(28))
	return max
}

// Decode reads and checks a genesis file.
func Decode(b []byte) (*Genesis, error) {
	if len(b) > FileSizeMax {
		return nil, fmt.Errorf("genesis: file of %d bytes, at most %d are allowed", len(b), FileSizeMax)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	g := new(Genesis)
	if err := d.Decode(g); err != nil {
		return nil, fmt.Errorf("genesis: %w", place(b, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("genesis: text follows the end of the file's one object")
	}
	if err := checkKeys(b, g.Encode()); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	if err := g.Check(); err != nil {
		return nil, err
	}
	return g, nil
}

// place adds the line where the JSON is broken.
func place(b []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// Encode gives the file's form.
func (g *Genesis) Encode() []byte {
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		panic("genesis: a type that has no JSON form: " + err.Error())
	}
	return append(b, '\n')
}

// Check refuses a genesis that no chain can start from. Decode calls it.
func (g *Genesis) Check() error {
	if g.TimestampMs > timestampMax {
		return fmt.Errorf("genesis: timestampMs: want at most %d", uint64(timestampMax))
	}
	if err := checkParams(&g.Params); err != nil {
		return fmt.Errorf("genesis: params: %w", err)
	}
	if err := g.checkAlloc(); err != nil {
		return fmt.Errorf("genesis: alloc: %w", err)
	}
	if err := g.checkValidators(); err != nil {
		return fmt.Errorf("genesis: validators: %w", err)
	}
	return nil
}

func (g *Genesis) checkAlloc() error {
	if len(g.Alloc) > AllocsMax {
		return fmt.Errorf("%d accounts, at most %d are allowed", len(g.Alloc), AllocsMax)
	}
	var total uint256.Int
	limit := SupplyMax()
	add := func(amount *uint256.Int) error {
		if _, overflow := total.AddOverflow(&total, amount); overflow || total.Gt(&limit) {
			return errors.New("balances, stakes and bonds together are above 10^10 tokens (10^28 base units)")
		}
		return nil
	}
	seen := make(map[chain.Address]bool, len(g.Alloc))
	for i := range g.Alloc {
		a := &g.Alloc[i]
		switch {
		case seen[a.Address]:
			return fmt.Errorf("%s stands twice", a.Address.Checksum())
		case reserved(a.Address):
			return fmt.Errorf("%s is the address of a system contract", a.Address.Checksum())
		case a.Balance.Int.IsZero():
			return fmt.Errorf("%s has no balance: leave it out", a.Address.Checksum())
		}
		seen[a.Address] = true
		if err := add(&a.Balance.Int); err != nil {
			return err
		}
	}
	for i := range g.Validators {
		v := &g.Validators[i]
		if err := errors.Join(add(&v.Stake.Int), add(&v.ServiceBond.Int)); err != nil {
			return err
		}
	}
	return nil
}

// reserved reports whether an address is set aside: the low 64 Ki addresses, where precompiled and system
// contracts stand, and the history contract.
func reserved(a chain.Address) bool {
	high := a
	high[18], high[19] = 0, 0
	return high.IsZero() || a == historyAddress()
}
