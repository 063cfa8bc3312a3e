// Every encoded form of the package: it decodes to what it came from, its digest stands in
// testdata/conformance.txt, each cut, lengthened or changed form is refused or decodes to something
// else, and the fuzz targets hold decode and encode against each other. Renew the digests with
//
//	go test ./internal/chain -run TestConformance -rewrite
//
// and read the difference: a changed digest is a changed protocol.
package chain

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/holiman/uint256"
)

var rewrite = flag.Bool("rewrite", false, "renew testdata/conformance.txt")

func testKey(t testing.TB) secp.PrivateKey {
	t.Helper()
	k, err := secp.ParsePrivateKey([32]byte{31: 7})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sampleTx(t testing.TB, kind uint8) *Tx {
	t.Helper()
	to := Address{0xaa, 19: 0xbb}
	tx, err := SignTx(&Tx{
		Type: kind, Nonce: 300, GasTipCap: *uint256.NewInt(2e9), GasFeeCap: *uint256.NewInt(3e9), Gas: 90_000,
		To: &to, Value: *uint256.MustFromDecimal("1000000000000000000000"), Data: []byte{0, 1, 2, 0},
		AccessList: []AccessTuple{{Address{1}, []Hash{{2}, {3}}}, {Address{4}, nil}},
	}, testKey(t), 7357)
	if err != nil {
		t.Fatal(err)
	}
	if kind == TxTypeLegacy {
		tx.AccessList = nil
	}
	return tx
}

// sampleSetCode has an authorization that holds and one with the greatest numbers that it can have.
func sampleSetCode(t testing.TB) *Tx {
	t.Helper()
	tx := sampleTx(t, TxTypeDynamicFee)
	most := *new(uint256.Int).SetAllOne()
	signed, err := SignTx(&Tx{
		Type: TxTypeSetCode, Nonce: 300, GasTipCap: tx.GasTipCap, GasFeeCap: tx.GasFeeCap, Gas: 190_000, To: tx.To, AccessList: tx.AccessList,
		Auths: []Authorization{
			SignAuthorization(Authorization{ChainID: *uint256.NewInt(7357), Address: Address{5}, Nonce: 6}, testKey(t)),
			{ChainID: most, Address: Address{7}, Nonce: math.MaxUint64, V: 255, R: most, S: most},
		},
	}, testKey(t), 7357)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func sampleReceipt() *Receipt {
	r := &Receipt{
		TxType: 2, Status: 1, CumulativeGas: 42_000, GasUsed: 21_000, EffectivePrice: *uint256.NewInt(5e9),
		ContractAddress: &Address{8}, Reason: "because",
		Logs: []Log{{Address{1}, []Hash{{2}, {3}}, []byte("data")}, {Address: Address{4}}},
	}
	r.Bloom.AddLogs(r.Logs)
	return r
}

func sampleBlock(t testing.TB) *Block {
	t.Helper()
	b := &Block{
		Header: Header{
			ParentHash: Hash{1}, Coinbase: Address{2}, StateRoot: Hash{3}, ReceiptRoot: Hash{4},
			Number: 77, GasLimit: 30_000_000, GasUsed: 21_000, Time: 1_800_000_000, MixHash: Hash{5},
			BaseFee: *uint256.NewInt(1e9),
		},
		Ext: Extension{
			Version: 1, ForkID: 9, Session: 2, View: 15, ParentView: 13, Proposer: 3,
			TimeMs: 1_800_000_000_123, VRFProof: [81]byte{6}, NextSetRoot: Hash{7},
		},
		Txs: []*Tx{sampleTx(t, 0), sampleTx(t, 1), sampleTx(t, 2)},
	}
	b.Header.Bloom.Add([]byte("x"))
	b.Header.Extra = b.Ext.Hash()
	b.Header.TxRoot = TxRoot(b.Txs)
	return b
}

func sampleVote(kind VoteKind) *Vote {
	v := &Vote{Kind: kind, Session: 5, View: 9, ParentView: 8, BlockHash: Hash{1, 2}, Signer: 1023, Sig: [64]byte{3}}
	if kind == VoteNullify {
		v.ParentView, v.BlockHash = 0, Hash{}
	}
	return v
}

func sampleCertificate(kind VoteKind) *Certificate {
	v := sampleVote(kind)
	return &Certificate{
		Version: 1, Kind: kind, Session: v.Session, View: v.View, ParentView: v.ParentView,
		BlockHash: v.BlockHash, Signers: []byte{0b1001, 0b10}, Sigs: [][64]byte{{1}, {2}, {3}},
	}
}

func sampleSeal() *Seal {
	return &Seal{sampleCertificate(VoteNotarize), sampleCertificate(VoteFinalize)}
}

// form is an encoded form with a way to decode it and encode it again.
type form struct {
	name  string
	enc   []byte
	again func([]byte) ([]byte, error)
}

type encoder interface{ Encode() []byte }

func back[T encoder](decode func([]byte) (T, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		v, err := decode(b)
		if err != nil {
			return nil, err
		}
		return v.Encode(), nil
	}
}

// backTx encodes the fields anew, not the bytes that the transaction remembers.
func backTx(b []byte) ([]byte, error) {
	tx, err := DecodeTx(b)
	if err != nil {
		return nil, err
	}
	return tx.appendEnvelope(nil, true), nil
}

func backReceipt(b []byte) ([]byte, error) {
	r, err := DecodeStoredReceipt(b)
	if err != nil {
		return nil, err
	}
	return r.EncodeStored(), nil
}

func forms(t testing.TB) []form {
	t.Helper()
	b := sampleBlock(t)
	return []form{
		{"tx/type=0", b.Txs[0].Encode(), backTx},
		{"tx/type=1", b.Txs[1].Encode(), backTx},
		{"tx/type=2", b.Txs[2].Encode(), backTx},
		{"tx/type=4", sampleSetCode(t).Encode(), backTx},
		{"receipt/stored", sampleReceipt().EncodeStored(), backReceipt},
		{"receipt/stored/empty", new(Receipt).EncodeStored(), backReceipt},
		{"header", b.Header.Encode(), back(DecodeHeader)},
		{"extension", b.Ext.Encode(), back(DecodeExtension)},
		{"block", b.Encode(), back(DecodeBlock)},
		{"vote/propose", sampleVote(VotePropose).Encode(), back(DecodeVote)},
		{"vote/notarize", sampleVote(VoteNotarize).Encode(), back(DecodeVote)},
		{"vote/nullify", sampleVote(VoteNullify).Encode(), back(DecodeVote)},
		{"vote/finalize", sampleVote(VoteFinalize).Encode(), back(DecodeVote)},
		{"proposal", sampleProposal().Encode(), back(DecodeProposal)},
		{"certificate/notarize", sampleCertificate(VoteNotarize).Encode(), back(DecodeCertificate)},
		{"certificate/nullify", sampleCertificate(VoteNullify).Encode(), back(DecodeCertificate)},
		{"seal", sampleSeal().Encode(), back(DecodeSeal)},
		{"seal/half", (&Seal{Finalization: sampleCertificate(VoteFinalize)}).Encode(), back(DecodeSeal)},
	}
}

func sampleProposal() *Proposal {
	return &Proposal{Session: 5, View: 9, ParentView: 8, BlockHash: Hash{1, 2}, Signer: 1023, Sig: [64]byte{3}}
}

// Each form decodes and encodes to itself. Without its last byte or with another it is refused; with
// any bit flipped it is refused or is the one form of something else.
func TestFormsAreCanonical(t *testing.T) {
	for _, f := range forms(t) {
		t.Run(f.name, func(t *testing.T) {
			if got, err := f.again(f.enc); err != nil || !bytes.Equal(got, f.enc) {
				t.Fatalf("got %x, %v, want %x", got, err, f.enc)
			}
			for n := range f.enc {
				if _, err := f.again(f.enc[:n]); err == nil {
					t.Fatalf("cut to %d bytes: want it refused", n)
				}
			}
			for _, tail := range []byte{0, 0x80, 0xc0} {
				if _, err := f.again(append(bytes.Clone(f.enc), tail)); err == nil {
					t.Fatalf("with %#x behind it: want it refused", tail)
				}
			}
			for i := range 8 * len(f.enc) {
				bad := bytes.Clone(f.enc)
				bad[i/8] ^= 1 << (i % 8)
				if got, err := f.again(bad); err == nil && !bytes.Equal(got, bad) {
					t.Fatalf("bit %d flipped: decodes, but encodes as %x", i, got)
				}
			}
		})
	}
}

// What was decoded equals what was encoded, field by field.
func TestDecodedValues(t *testing.T) {
	b := sampleBlock(t)
	got, err := DecodeBlock(b.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if got.Header != b.Header || got.Ext != b.Ext || got.Hash() != b.Hash() || len(got.Txs) != 3 {
		t.Errorf("block: got %+v", got)
	}
	if err := got.CheckBody(); err != nil {
		t.Errorf("body: %v", err)
	}
	for i, tx := range got.Txs {
		want := b.Txs[i]
		if !sameTx(tx, want) || tx.Hash() != want.Hash() {
			t.Errorf("tx %d: got %+v, want %+v", i, tx, want)
		}
	}
	r, err := DecodeStoredReceipt(sampleReceipt().EncodeStored())
	if err != nil || !reflect.DeepEqual(r, sampleReceipt()) {
		t.Errorf("receipt: got %+v, %v", r, err)
	}
	s, err := DecodeSeal(sampleSeal().Encode())
	if err != nil || !reflect.DeepEqual(s, sampleSeal()) {
		t.Errorf("seal: got %+v, %v", s, err)
	}
	for _, kind := range []VoteKind{VotePropose, VoteNotarize, VoteNullify, VoteFinalize} {
		v, err := DecodeVote(sampleVote(kind).Encode())
		if err != nil || *v != *sampleVote(kind) {
			t.Errorf("vote: got %+v, %v", v, err)
		}
	}
	p, err := DecodeProposal(sampleProposal().Encode())
	if err != nil || *p != *sampleProposal() {
		t.Errorf("proposal: got %+v, %v", p, err)
	}
}

func sameTx(a, b *Tx) bool {
	return a.Type == b.Type && a.ChainID == b.ChainID && a.Nonce == b.Nonce && a.GasTipCap == b.GasTipCap &&
		a.GasFeeCap == b.GasFeeCap && a.Gas == b.Gas && *a.To == *b.To && a.Value == b.Value &&
		bytes.Equal(a.Data, b.Data) && reflect.DeepEqual(a.AccessList, b.AccessList) &&
		a.V == b.V && a.R == b.R && a.S == b.S
}

// Decoded values share no memory with the input.
func TestDecodedValuesAreCopies(t *testing.T) {
	for _, f := range forms(t) {
		in := bytes.Clone(f.enc)
		switch f.name {
		case "block":
			b, err := DecodeBlock(in)
			if err != nil {
				t.Fatal(err)
			}
			clear(in)
			if !bytes.Equal(b.Encode(), f.enc) || b.Txs[2].Data[1] != 1 {
				t.Errorf("%s: the input is shared", f.name)
			}
		case "tx/type=2":
			tx, err := DecodeTx(in)
			if err != nil {
				t.Fatal(err)
			}
			clear(in)
			if !bytes.Equal(tx.appendEnvelope(nil, true), f.enc) || !bytes.Equal(tx.Encode(), f.enc) {
				t.Errorf("%s: the input is shared", f.name)
			}
		case "certificate/notarize":
			c, err := DecodeCertificate(in)
			if err != nil {
				t.Fatal(err)
			}
			clear(in)
			if !bytes.Equal(c.Encode(), f.enc) {
				t.Errorf("%s: the input is shared", f.name)
			}
		case "receipt/stored":
			r, err := DecodeStoredReceipt(in)
			if err != nil {
				t.Fatal(err)
			}
			clear(in)
			if !bytes.Equal(r.EncodeStored(), f.enc) {
				t.Errorf("%s: the input is shared", f.name)
			}
		}
	}
}

func TestConformance(t *testing.T) {
	var out strings.Builder
	out.WriteString("# SHA-256 of the encoded samples in forms_test.go. A change here changes the protocol.\n")
	line := func(name string, digest [32]byte) { fmt.Fprintf(&out, "%s %x\n", name, digest) }
	for _, f := range forms(t) {
		line(f.name, sha256.Sum256(f.enc))
	}
	line("receipt", sha256.Sum256(sampleReceipt().Encode()))
	line("header/hash", sampleBlock(t).Hash())
	for _, kind := range []VoteKind{VotePropose, VoteNotarize, VoteNullify, VoteFinalize} {
		line(fmt.Sprintf("vote/signing/kind=%d", kind), sampleVote(kind).SigningHash(Hash{9}))
	}
	line("tx/root", TxRoot(sampleBlock(t).Txs))
	line("receipt/root", ReceiptRoot([]*Receipt{sampleReceipt(), new(Receipt)}))
	const file = "testdata/conformance.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// Forms that decode alike but for one rule each.
func TestFaultsOfForms(t *testing.T) {
	vote := func(change func(*Vote)) error {
		v := sampleVote(VoteNotarize)
		change(v)
		_, err := DecodeVote(v.Encode())
		return err
	}
	cert := func(change func(*Certificate)) error {
		c := sampleCertificate(VoteNotarize)
		change(c)
		_, err := DecodeCertificate(c.Encode())
		return err
	}
	seal := func(s Seal) error {
		_, err := DecodeSeal(s.Encode())
		return err
	}
	ext := sampleBlock(t).Ext
	ext.Version = 2
	_, extErr := DecodeExtension(ext.Encode())
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"vote kind 0":          {vote(func(v *Vote) { v.Kind = 0 }), FaultKind},
		"vote kind 5":          {vote(func(v *Vote) { v.Kind = 5 }), FaultKind},
		"vote view 0":          {vote(func(v *Vote) { v.View, v.ParentView = 0, 0 }), FaultView},
		"vote parent view":     {vote(func(v *Vote) { v.ParentView = v.View }), FaultView},
		"vote signer":          {vote(func(v *Vote) { v.Signer = ValidatorsMax }), FaultSigners},
		"nullify with block":   {vote(func(v *Vote) { v.Kind, v.ParentView = VoteNullify, 0 }), FaultNullify},
		"nullify with parent":  {vote(func(v *Vote) { v.Kind, v.BlockHash = VoteNullify, Hash{} }), FaultNullify},
		"certificate version":  {cert(func(c *Certificate) { c.Version = 2 }), FaultVersion},
		"certificate propose":  {cert(func(c *Certificate) { c.Kind = VotePropose }), FaultKind},
		"certificate no votes": {cert(func(c *Certificate) { c.Signers, c.Sigs = []byte{0}, nil }), FaultSigners},
		"certificate missing":  {cert(func(c *Certificate) { c.Sigs = c.Sigs[1:] }), FaultSigners},
		"certificate surplus":  {cert(func(c *Certificate) { c.Sigs = append(c.Sigs, [64]byte{}) }), FaultSigners},
		"seal kinds swapped": {
			seal(Seal{sampleCertificate(VoteFinalize), sampleCertificate(VoteNotarize)}), FaultKind,
		},
		"extension version": {extErr, FaultVersion},
	} {
		if !errors.Is(c.err, c.want) || !errors.Is(c.err, FaultEncoding) {
			t.Errorf("%s: got %v, want %v", name, c.err, c.want)
		}
	}
}

// A bitmap fits one size of set only.
func TestCertificateCheckSet(t *testing.T) {
	c := sampleCertificate(VoteNotarize) // validators 0, 3, 9
	for n, want := range map[int]error{8: FaultSigners, 9: FaultSigners, 10: nil, 16: nil, 17: FaultSigners} {
		if got := c.CheckSet(n); !errors.Is(got, want) {
			t.Errorf("set of %d: got %v, want %v", n, got, want)
		}
	}
	for i, want := range map[int]bool{-1: false, 0: true, 1: false, 3: true, 9: true, 10: false, 99: false} {
		if got := c.Has(i); got != want {
			t.Errorf("signer %d: got %v, want %v", i, got, want)
		}
	}
}

// Everything signed is bound to the chain, the kind, the views and the block; a certificate, a vote and
// a proposal on the same subject sign the same.
func TestSigningHashes(t *testing.T) {
	base := sampleVote(VotePropose)
	seen := map[Hash]string{}
	put := func(name string, h Hash) {
		if other, ok := seen[h]; ok {
			t.Errorf("%s signs the same as %s", name, other)
		}
		seen[h] = name
	}
	put("base", base.SigningHash(Hash{1}))
	put("other chain", base.SigningHash(Hash{2}))
	for name, change := range map[string]func(*Vote){
		"kind": func(v *Vote) { v.Kind = VoteNotarize }, "session": func(v *Vote) { v.Session++ },
		"view": func(v *Vote) { v.View++ }, "parent": func(v *Vote) { v.ParentView-- },
		"block": func(v *Vote) { v.BlockHash[31] = 1 },
	} {
		v := *base
		change(&v)
		put(name, v.SigningHash(Hash{1}))
	}
	if got, want := sampleProposal().SigningHash(Hash{1}), base.SigningHash(Hash{1}); got != want {
		t.Errorf("proposal: got %s, want %s", got, want)
	}
	c, v := sampleCertificate(VoteFinalize), sampleVote(VoteFinalize)
	if got, want := c.SigningHash(Hash{1}), v.SigningHash(Hash{1}); got != want {
		t.Errorf("certificate: got %s, want %s", got, want)
	}
}

// Header fields that are constants hold their constants.
func TestHeaderConstants(t *testing.T) {
	enc := sampleBlock(t).Header.Encode()
	outer := rlp.NewReader(enc)
	r := outer.List()
	var items [][]byte
	for r.More() {
		items = append(items, r.Raw())
	}
	if len(items) != 21 {
		t.Fatalf("got %d fields, want the 21 of Osaka", len(items))
	}
	for _, i := range []int{1, 7, 14, 16, 17, 18, 19, 20} {
		bad := bytes.Clone(items[i])
		if len(bad) == 1 {
			bad = []byte{1}
		} else {
			bad[len(bad)-1] ^= 1
		}
		var payload []byte
		for j, item := range items {
			if j == i {
				item = bad
			}
			payload = append(payload, item...)
		}
		if _, err := DecodeHeader(rlp.AppendList(nil, payload)); !errors.Is(err, FaultConstant) {
			t.Errorf("field %d changed: got %v, want %v", i, err, FaultConstant)
		}
	}
	for _, n := range []int{20, 22} {
		var payload []byte
		for j := range n {
			payload = append(payload, items[j%21]...)
		}
		if _, err := DecodeHeader(rlp.AppendList(nil, payload)); err == nil {
			t.Errorf("%d fields: want it refused", n)
		}
	}
}

func TestCheckBody(t *testing.T) {
	for want, change := range map[Fault]func(*Block){
		FaultExtension: func(b *Block) { b.Ext.View++ },
		FaultTime:      func(b *Block) { b.Header.Time++ },
		FaultGasUsed:   func(b *Block) { b.Header.GasUsed = b.Header.GasLimit + 1 },
		FaultTxRoot:    func(b *Block) { b.Txs = b.Txs[:2] },
	} {
		b := sampleBlock(t)
		change(b)
		if got := b.CheckBody(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestSizeLimits(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"tx":      {second(DecodeTx(make([]byte, TxSizeMax+1))), TxSize},
		"block":   {second(DecodeBlock(make([]byte, BlockSizeMax+1))), FaultSize},
		"header":  {second(DecodeHeader(make([]byte, HeaderSizeMax+1))), FaultSize},
		"receipt": {second(DecodeStoredReceipt(make([]byte, ReceiptSizeMax+1))), FaultSize},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", name, c.err, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// fuzzForm starts from the valid forms, each with a changed byte in several places, and from near ones.
func fuzzForm(f *testing.F, name string, again func([]byte) ([]byte, error)) {
	for _, s := range forms(f) {
		if strings.HasPrefix(s.name, name) {
			f.Add(s.enc)
			for _, i := range []int{len(s.enc) / 4, len(s.enc) / 2, len(s.enc) - 1} {
				bad := bytes.Clone(s.enc)
				bad[i] ^= 0x81
				f.Add(bad)
			}
			f.Add(append(bytes.Clone(s.enc), 0))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := again(b); err == nil && !bytes.Equal(got, b) {
			t.Fatalf("%x decodes, but encodes as %x", b, got)
		}
	})
}

func FuzzTx(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.enc)
	}
	fuzzForm(f, "tx", func(b []byte) ([]byte, error) {
		tx, err := DecodeTx(b)
		if err != nil {
			return nil, err
		}
		if tx.Check(7357) == nil {
			if _, overflow := tx.Cost(); overflow {
				return nil, nil // caught as a form that encodes otherwise
			}
		}
		return tx.appendEnvelope(nil, true), nil
	})
}

func FuzzHeader(f *testing.F)      { fuzzForm(f, "header", back(DecodeHeader)) }
func FuzzExtension(f *testing.F)   { fuzzForm(f, "extension", back(DecodeExtension)) }
func FuzzBlock(f *testing.F)       { fuzzForm(f, "block", back(DecodeBlock)) }
func FuzzReceipt(f *testing.F)     { fuzzForm(f, "receipt", backReceipt) }
func FuzzVote(f *testing.F)        { fuzzForm(f, "vote", back(DecodeVote)) }
func FuzzProposal(f *testing.F)    { fuzzForm(f, "proposal", back(DecodeProposal)) }
func FuzzCertificate(f *testing.F) { fuzzForm(f, "certificate", back(DecodeCertificate)) }
func FuzzSeal(f *testing.F)        { fuzzForm(f, "seal", back(DecodeSeal)) }
