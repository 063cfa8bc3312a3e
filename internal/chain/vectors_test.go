// The TransactionTests of github.com/ethereum/tests (testdata): each valid transaction has the hash,
// sender and intrinsic gas that is listed and encodes again to the same bytes; each invalid one is
// refused, for a reason of the kind that is listed.
package chain

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

type vector struct {
	name, fork, exception, hash, sender string
	intrinsic                           uint64
	enc                                 []byte
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/ethereum-transactions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for line := range strings.Lines(string(raw)) {
		if line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		gas, err := strconv.ParseUint(f[5], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		enc, err := hex.DecodeString(strings.TrimPrefix(f[6], "0x"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vector{f[0], f[1], f[2], f[3], f[4], gas, enc})
	}
	return all
}

// passed lists the cases that end otherwise here, and why.
var passed = map[string]string{
	"ttValue/TransactionWithHighValue": "value and fee together exceed 2^256, which no balance covers: refused at once",
}

// causes gives the faults that may answer an exception.
var causes = map[string][]error{
	"INVALID_CHAINID":                       {TxSignature, TxChainID, TxEncoding},
	"INVALID_SIGNATURE_VRS":                 {TxSignature, TxEncoding},
	"EC_RECOVERY_FAIL":                      {TxSignature},
	"INTRINSIC_GAS_TOO_LOW":                 {TxGasLow},
	"GASLIMIT_PRICE_PRODUCT_OVERFLOW":       {TxFeeOverflow},
	"NONCE_OVERFLOW":                        {TxEncoding, TxNonceMax},
	"NONCE_IS_MAX":                          {TxNonceMax},
	"PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS": {TxFeeOrder},
	"RLP_INVALID_HEADER":                    {TxType},
	"RLP_ERROR_EOF":                         {TxType},
	"INITCODE_SIZE_EXCEEDED":                {TxInitCode},
	"TYPE_NOT_SUPPORTED":                    {TxType, TxEncoding},
}

// verdict applies all that Ethereum's rules say of a transaction by itself. The vectors are older than
// the floor price of data (EIP-7623), so that alone refuses nothing here.
func verdict(t *testing.T, enc []byte) (*Tx, Address, error) {
	t.Helper()
	tx, err := DecodeTx(enc)
	if err != nil {
		return nil, Address{}, err
	}
	if again := tx.appendEnvelope(nil, true); !bytes.Equal(again, enc) {
		t.Errorf("encodes again as %x, want %x", again, enc)
	}
	if tx.ChainID > 1 {
		return nil, Address{}, TxChainID
	}
	if err := tx.checkRules(); err != nil && !errors.Is(err, TxGasFloor) {
		return nil, Address{}, err
	}
	sender, err := tx.Sender()
	return tx, sender, err
}

func TestEthereumTransactions(t *testing.T) {
	valid, invalid := 0, 0
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			if why, ok := passed[v.name]; ok {
				t.Skip(why)
			}
			tx, sender, err := verdict(t, v.enc)
			if v.exception != "-" {
				invalid++
				wantRefused(t, v, err)
				return
			}
			valid++
			if err != nil {
				t.Fatalf("got %v, want it accepted", err)
			}
			gas, _ := tx.IntrinsicGas()
			if got := tx.Hash().String(); got != v.hash || "0x"+hex.EncodeToString(sender[:]) != v.sender {
				t.Errorf("got hash %s sender %s, want %s %s", got, sender, v.hash, v.sender)
			}
			if gas != v.intrinsic {
				t.Errorf("intrinsic gas: got %d, want %d", gas, v.intrinsic)
			}
		})
	}
	t.Logf("%d valid, %d invalid, %d passed over", valid, invalid, len(passed))
	if valid+invalid+len(passed) != 141 {
		t.Errorf("got %d cases, want 141", valid+invalid)
	}
}

func wantRefused(t *testing.T, v vector, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want %s", v.exception)
	}
	want, ok := causes[v.exception]
	if !ok {
		want = []error{TxEncoding}
	}
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Errorf("got %v, want one of %v for %s", err, want, v.exception)
}
