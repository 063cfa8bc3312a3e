package hd

// The published vectors of BIP-32 (as extended keys, decoded here) and BIP-39, the accounts that every
// Ethereum tool has for "test test ... junk", and the strictness of paths and mnemonics.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
)

const junk = "test test test test test test test test test test test junk"

func TestJunkAccounts(t *testing.T) {
	for i, want := range []string{
		"f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
		"70997970c51812dc3a010c7d01b50e0d17dc79c8",
		"3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
		"90f79bf6eb2c4f870365e785982e1f101e93b906",
	} {
		k, err := Account(junk, "", uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		address := k.Public().Address()
		if got := hex.EncodeToString(address[:]); got != want {
			t.Errorf("account %d: got %s, want %s", i, got, want)
		}
	}
	k, err := Account(junk, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	secret := k.Bytes()
	want := "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
	if got := hex.EncodeToString(secret[:]); got != want {
		t.Errorf("private key of account 0: got %s, want %s", got, want)
	}
}

func TestMnemonicVectors(t *testing.T) {
	for _, v := range []struct{ mnemonic, seed string }{
		{
			"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
			"c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
		},
		{
			"legal winner thank year wave sausage worth useful legal winner thank yellow",
			"2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
		},
		{
			"  ZOO zoo zoo zoo zoo zoo zoo\tzoo zoo zoo zoo wrong\n",
			"ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069",
		},
		{
			"void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
			"01f5bced59dec48e362f2c45b5de68b9fd6c92c6634f44d6d40aab69056506f0e35524a518034ddc1192e1dacd32c1ed3eaa3c3b131c88ed8e7e54c49a5d0998",
		},
	} {
		seed, err := Seed(v.mnemonic, "TREZOR")
		if err != nil {
			t.Errorf("%s: %v", v.mnemonic, err)
		}
		if got := hex.EncodeToString(seed); got != v.seed {
			t.Errorf("%s: got %s, want %s", v.mnemonic, got, v.seed)
		}
	}
}

// One passphrase in its composed and decomposed spelling gives one seed.
func TestPassphraseIsNormalised(t *testing.T) {
	composed, err := Seed(junk, "비밀 \u00e9")
	if err != nil {
		t.Fatal(err)
	}
	decomposed, err := Seed(junk, "\u1107\u1175\u1106\u1175\u11af e\u0301")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(decomposed), hex.EncodeToString(composed); got != want {
		t.Errorf("decomposed: got %s, want %s", got, want)
	}
}

func TestNewMnemonic(t *testing.T) {
	seen := map[string]bool{}
	for _, words := range []int{12, 15, 18, 21, 24} {
		m, err := NewMnemonic(words)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(strings.Fields(m)); got != words {
			t.Errorf("words: got %d, want %d", got, words)
		}
		if err := CheckMnemonic(m); err != nil || seen[m] {
			t.Errorf("%d words: %v, seen before %v", words, err, seen[m])
		}
		seen[m] = true
	}
	for _, words := range []int{0, 11, 13, 27, -3} {
		if _, err := NewMnemonic(words); err == nil {
			t.Errorf("%d words: got a mnemonic, want an error", words)
		}
	}
}

func TestBadMnemonics(t *testing.T) {
	for _, c := range []struct{ mnemonic, want string }{
		{"", "0 words"},
		{strings.TrimSuffix(junk, " junk"), "11 words"},
		{strings.Replace(junk, "junk", "junks", 1), "word 12"},
		{strings.Replace(junk, "test", "t\u0435st", 1), "word 1 "}, // a Cyrillic letter
		{strings.Replace(junk, "junk", "test", 1), "checksum"},
		{"junk " + strings.TrimSuffix(junk, " junk"), "checksum"},
		{strings.Repeat("test ", 500), "longer"},
	} {
		err := CheckMnemonic(c.mnemonic)
		if !errors.Is(err, ErrMnemonic) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: got %v, want %v with %q", c.mnemonic, err, ErrMnemonic, c.want)
		}
		if _, err := Account(c.mnemonic, "", 0); !errors.Is(err, ErrMnemonic) {
			t.Errorf("%.60q: account: got %v, want %v", c.mnemonic, err, ErrMnemonic)
		}
	}
}

func TestBIP32Vectors(t *testing.T) {
	for _, v := range []struct {
		seed string
		keys map[string]string
	}{
		{"000102030405060708090a0b0c0d0e0f", map[string]string{
			"m":                      "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
			"m/0'":                   "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7",
			"m/0'/1":                 "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs",
			"m/0'/1/2'":              "xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQSAewRiNMjANTtpgP4mLTj34bhnZX7UiM",
			"m/0'/1/2'/2":            "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7in334",
			"m/0'/1/2'/2/1000000000": "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76",
		}},
		{"4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be", map[string]string{
			"m":    "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6",
			"m/0'": "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L",
		}},
	} {
		seed, err := hex.DecodeString(v.seed)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Master(seed)
		if err != nil {
			t.Fatal(err)
		}
		for text, extended := range v.keys {
			path, err := ParsePath(text)
			if err != nil {
				t.Fatal(err)
			}
			k, err := root.Derive(path)
			if err != nil {
				t.Fatal(err)
			}
			chain, secret := decodeExtended(t, extended)
			if got := k.Private().Bytes(); got != secret || k.chain != chain {
				t.Errorf("%s: got %x %x, want %x %x", text, k.chain, got, chain, secret)
			}
		}
	}
}

// decodeExtended reads chain code and secret from an extended private key in base58 with its checksum.
func decodeExtended(t *testing.T, s string) (chain, secret [32]byte) {
	t.Helper()
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int)
	for _, c := range s {
		n.Mul(n, big.NewInt(58)).Add(n, big.NewInt(int64(strings.IndexRune(alphabet, c))))
	}
	var b [82]byte
	n.FillBytes(b[:])
	first := sha256.Sum256(b[:78])
	if second := sha256.Sum256(first[:]); [4]byte(second[:]) != [4]byte(b[78:]) {
		t.Fatalf("the vector %s has a wrong checksum", s)
	}
	return [32]byte(b[13:]), [32]byte(b[46:])
}

func TestPaths(t *testing.T) {
	for _, s := range []string{"m", "m/0", "m/0'", "m/44'/60'/0'/0/7", "m/2147483647'/2147483647"} {
		p, err := ParsePath(s)
		if err != nil || p.String() != s {
			t.Errorf("%s: got %s, %v", s, p, err)
		}
	}
	for _, s := range []string{
		"", "/", "M", "m/", "m//0", "0/1", "m/0/", "m/00", "m/01", "m/+1", "m/-1", "m/1h", "m/1H", "m/1''", "m/'",
		"m/2147483648", "m/99999999999999999999", "m/0x1", "m/1 ", " m/1", "m/٣", "m" + strings.Repeat("/0", PathDepthMax+1),
	} {
		if p, err := ParsePath(s); !errors.Is(err, ErrPath) {
			t.Errorf("%q: got %v, %v, want %v", s, p, err, ErrPath)
		}
	}
	p, err := AccountPath(5)
	if got, want := p.String(), "m/44'/60'/0'/0/5"; err != nil || got != want {
		t.Errorf("account 5: got %s, %v, want %s", got, err, want)
	}
	if _, err := AccountPath(1 << 31); err == nil {
		t.Error("account 2^31: got a path, want an error")
	}
}

func TestMasterSeedBounds(t *testing.T) {
	for n, want := range map[int]bool{0: false, 15: false, 16: true, 64: true, 65: false} {
		if _, err := Master(make([]byte, n)); (err == nil) != want {
			t.Errorf("seed of %d bytes: got %v, want accepted %v", n, err, want)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"m", "m/44'/60'/0'/0/0", "m/0/1'", "m/2147483648", "m/01", "m/0/", "m/1''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			if !errors.Is(err, ErrPath) {
				t.Fatalf("got %v, want %v", err, ErrPath)
			}
			return
		}
		if got := p.String(); got != s || len(p) > PathDepthMax {
			t.Fatalf("written again: got %q, want %q", got, s)
		}
	})
}

func FuzzCheckMnemonic(f *testing.F) {
	f.Add(junk)
	f.Add(strings.ToUpper(junk))
	f.Add(strings.Replace(junk, "junk", "zoo", 1))
	f.Fuzz(func(t *testing.T, s string) {
		words, err := normalised(s)
		if err != nil {
			return
		}
		if again, err := normalised(words); err != nil || again != words {
			t.Fatalf("normalised again: got %q, %v, want %q", again, err, words)
		}
	})
}
