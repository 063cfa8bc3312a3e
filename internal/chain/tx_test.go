// Signing, senders, stateless checks, gas and prices of transactions.
package chain

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/holiman/uint256"
)

// The example of EIP-155: signing is deterministic, so the bytes are the same.
func TestEIP155Example(t *testing.T) {
	var secret [32]byte
	for i := range secret {
		secret[i] = 0x46
	}
	key, err := secp.ParsePrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	to, err := ParseAddress("0x3535353535353535353535353535353535353535")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := SignTx(&Tx{
		Nonce: 9, GasFeeCap: *uint256.NewInt(20e9), Gas: 21_000, To: &to, Value: *uint256.NewInt(1e18),
	}, key, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080" +
		"25a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276" +
		"a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
	if got := hex.EncodeToString(tx.Encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := tx.SigningHash().String(), "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"; got != want {
		t.Errorf("signing hash: got %s, want %s", got, want)
	}
}

// A signed transaction passes its checks, and what was signed by nobody else has that sender.
func TestSignAndRecover(t *testing.T) {
	key := testKey(t)
	for kind := range uint8(3) {
		signed := sampleTx(t, kind)
		tx, err := DecodeTx(signed.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Check(7357); err != nil {
			t.Errorf("type %d: %v", kind, err)
		}
		if _, known := tx.CachedSender(); known {
			t.Errorf("type %d: the sender is known before it is recovered", kind)
		}
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if got, err := tx.Sender(); err != nil || got != key.Public().Address() {
					t.Errorf("type %d: got %s, %v", kind, got, err)
				}
			})
		}
		wait.Wait()
		if got, known := tx.CachedSender(); !known || got != key.Public().Address() {
			t.Errorf("type %d: got %s, %v", kind, got, known)
		}
		if got, _ := signed.CachedSender(); got != key.Public().Address() {
			t.Errorf("type %d: signer does not know itself", kind)
		}
	}
}

// With any bit of a signed transaction flipped the sender is another, or there is none.
func TestFlippedBitsChangeTheSender(t *testing.T) {
	me := testKey(t).Public().Address()
	for kind := range uint8(3) {
		enc := sampleTx(t, kind).Encode()
		for i := 0; i < 8*len(enc); i += 7 {
			bad := append([]byte(nil), enc...)
			bad[i/8] ^= 1 << (i % 8)
			tx, err := DecodeTx(bad)
			if err != nil {
				continue
			}
			if got, err := tx.Sender(); err == nil && got == me {
				t.Fatalf("type %d: bit %d is not signed", kind, i)
			}
		}
	}
}

func TestSignTxRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		tx   *Tx
		id   uint64
		want error
	}{
		"no chain":   {&Tx{}, 0, TxChainID},
		"chain high": {&Tx{}, ChainIDMax + 1, TxChainID},
		"type":       {&Tx{Type: 3}, 1, TxType},
	} {
		if _, err := SignTx(c.tx, testKey(t), c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	tx, err := SignTx(&Tx{To: &Address{}}, testKey(t), ChainIDMax)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := DecodeTx(tx.Encode()); err != nil || d.ChainID != ChainIDMax {
		t.Fatalf("got %v, %v, want the highest chain id", d, err)
	}
}

func TestCheck(t *testing.T) {
	to := &Address{1}
	gas := uint64(21_000)
	sign := func(tx *Tx) *Tx {
		s, err := SignTx(tx, testKey(t), 1)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	highS := sign(&Tx{Type: 2, To: to, Gas: gas})
	order := groupOrder()
	highS.S.Sub(&order, &highS.S)
	zeroR := sign(&Tx{Type: 2, To: to, Gas: gas})
	zeroR.R.Clear()
	bigR := sign(&Tx{Type: 2, To: to, Gas: gas})
	bigR.R = order
	parity := sign(&Tx{Type: 2, To: to, Gas: gas})
	parity.V = 2
	plain := sign(&Tx{To: to, Gas: gas})
	plain.ChainID, plain.V = 0, 27
	most := *new(uint256.Int).SetAllOne()
	for name, c := range map[string]struct {
		tx   *Tx
		want error
	}{
		"good":         {sign(&Tx{Type: 2, To: to, Gas: gas}), nil},
		"unprotected":  {plain, TxUnprotected},
		"creation":     {sign(&Tx{Type: 2, Gas: 100_000}), nil},
		"creation gas": {sign(&Tx{Type: 2, Gas: 52_999}), TxGasLow},
		"no auths":     {sign(&Tx{Type: 4, To: to, Gas: 100_000}), TxAuthNone},
		"auths create": {sign(&Tx{Type: 4, Gas: 100_000, Auths: make([]Authorization, 1)}), TxAuthCreate},
		"auths gas":    {sign(&Tx{Type: 4, To: to, Gas: 45_999, Auths: make([]Authorization, 1)}), TxGasLow},
		"bad auth":     {sign(&Tx{Type: 4, To: to, Gas: 46_000, Auths: make([]Authorization, 1)}), nil},
		"size":         {sign(&Tx{Type: 2, To: to, Gas: 1 << 24, Data: make([]byte, TxSizeMax)}), TxSize},
		"gas max":      {sign(&Tx{Type: 2, To: to, Gas: 1<<24 + 1}), TxGasMax},
		"gas low":      {sign(&Tx{Type: 2, To: to, Gas: gas - 1}), TxGasLow},
		"gas floor":    {sign(&Tx{Type: 2, To: to, Gas: 21_039, Data: []byte{1}}), TxGasFloor},
		"at the floor": {sign(&Tx{Type: 2, To: to, Gas: 21_040, Data: []byte{1}}), nil},
		"nonce":        {sign(&Tx{Type: 2, To: to, Gas: gas, Nonce: math.MaxUint64}), TxNonceMax},
		"tip":          {sign(&Tx{Type: 2, To: to, Gas: gas, GasTipCap: *uint256.NewInt(1)}), TxFeeOrder},
		"fee overflow": {sign(&Tx{Type: 2, To: to, Gas: gas, GasFeeCap: most}), TxFeeOverflow},
		"sum overflow": {sign(&Tx{Type: 2, To: to, Gas: gas, GasFeeCap: *uint256.NewInt(1), Value: most}), TxFeeOverflow},
		"high s":       {highS, TxSignature},
		"zero r":       {zeroR, TxSignature},
		"big r":        {bigR, TxSignature},
		"parity":       {parity, TxSignature},
	} {
		if got := c.tx.Check(1); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if got := sign(&Tx{Type: 2, To: to, Gas: gas}).Check(2); got != TxChainID {
		t.Errorf("got %v, want %v", got, TxChainID)
	}
	highS.sender.Store(nil)
	if _, err := highS.Sender(); !errors.Is(err, TxSignature) {
		t.Errorf("sender: got %v, want %v", err, TxSignature)
	}
}

func TestUnsupportedTypes(t *testing.T) {
	for in, want := range map[string]error{
		"03c0": TxBlob, "04c0": TxEncoding, "05c0": TxType, "7fc0": TxType, "80": TxType, "": TxEncoding,
		"01": TxEncoding, "02c0": TxEncoding,
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeTx(b); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", in, err, want)
		}
	}
}

func TestGas(t *testing.T) {
	to := &Address{1}
	for name, c := range map[string]struct {
		tx               *Tx
		intrinsic, floor uint64
	}{
		"transfer":    {&Tx{To: to}, 21_000, 21_000},
		"data":        {&Tx{To: to, Data: []byte{0, 0, 1}}, 21_024, 21_060},
		"access list": {&Tx{To: to, AccessList: []AccessTuple{{Slots: make([]Hash, 3)}, {}}}, 21_000 + 2*2400 + 3*1900, 21_000},
		"creation":    {&Tx{Data: make([]byte, 33)}, 53_000 + 33*4 + 2*2, 21_330},
	} {
		got, err := c.tx.IntrinsicGas()
		if err != nil || got != c.intrinsic || c.tx.FloorGas() != c.floor {
			t.Errorf("%s: got %d, %d, %v, want %d, %d", name, got, c.tx.FloorGas(), err, c.intrinsic, c.floor)
		}
	}
	if _, err := (&Tx{Data: make([]byte, InitCodeSizeMax+1)}).IntrinsicGas(); err != TxInitCode {
		t.Errorf("got %v, want %v", err, TxInitCode)
	}
}

func TestPrices(t *testing.T) {
	for _, c := range []struct{ fee, tip, base, wantTip, wantPrice uint64 }{
		{100, 10, 50, 10, 60},
		{100, 60, 50, 50, 100},
		{100, 0, 50, 0, 50},
		{100, 100, 100, 0, 100},
		{100, 10, 101, 0, 100},
	} {
		tx := &Tx{GasFeeCap: *uint256.NewInt(c.fee), GasTipCap: *uint256.NewInt(c.tip)}
		base := uint256.NewInt(c.base)
		tip, price := tx.EffectiveTip(base), tx.EffectivePrice(base)
		if tip.Uint64() != c.wantTip || price.Uint64() != c.wantPrice {
			t.Errorf("%+v: got %s, %s", c, tip.Dec(), price.Dec())
		}
	}
	tx := &Tx{Gas: 3, GasFeeCap: *uint256.NewInt(5), Value: *uint256.NewInt(7)}
	if got, overflow := tx.Cost(); overflow || got.Uint64() != 22 {
		t.Errorf("cost: got %s, %v, want 22", got.Dec(), overflow)
	}
}

// The examples of EIP-55.
func TestAddressChecksum(t *testing.T) {
	for _, want := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		lower, upper := strings.ToLower(want), "0x"+strings.ToUpper(want[2:])
		for _, form := range []string{want, lower, upper} {
			a, err := ParseAddress(form)
			if err != nil || a.Checksum() != want {
				t.Errorf("%s: got %s, %v, want %s", form, a, err, want)
			}
		}
	}
	for _, bad := range []string{
		"", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd",
		"0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
	} {
		if a, err := ParseAddress(bad); err == nil {
			t.Errorf("%q: got %s, want it refused", bad, a)
		}
	}
}

// Sessions cut the heights without gaps.
func TestSessions(t *testing.T) {
	if got := SessionOf(0); got != 0 {
		t.Errorf("genesis: got session %d, want 0", got)
	}
	for h := Height(1); h < 5*SessionHeights; h++ {
		s := SessionOf(h)
		if h < s.FirstHeight() || h > s.LastHeight() || s.LastHeight()+1 != (s+1).FirstHeight() {
			t.Fatalf("height %d: session %d from %d to %d", h, s, s.FirstHeight(), s.LastHeight())
		}
	}
}
