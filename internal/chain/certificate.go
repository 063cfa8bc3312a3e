package chain

import (
	"math/bits"

	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	// CertificateVersion is the only version of a certificate.
	CertificateVersion = 1
	// CertificateSizeMax is the greatest length of an encoded certificate.
	CertificateSizeMax = 2 + subjectSize + 4 + ValidatorsMax/8 + 64*ValidatorsMax
	// SealSizeMax is the greatest length of an encoded seal.
	SealSizeMax = 2 * (1 + 4 + CertificateSizeMax)
)

// Certificate is the votes of many validators on one subject. Bit i of Signers, counted from the lowest
// bit of the first byte, stands for validator i; Sigs holds a signature for each set bit, ascending.
type Certificate struct {
	Version    uint8
	Kind       VoteKind // VoteNotarize, VoteNullify or VoteFinalize
	Session    Session
	View       View
	ParentView View
	BlockHash  Hash
	Signers    []byte
	Sigs       [][64]byte
}

func (c *Certificate) subject() subject {
	return subject{c.Kind, c.Session, c.View, c.ParentView, c.BlockHash}
}

// SigningHash gives what each signer signed, the same as for its vote.
func (c *Certificate) SigningHash(genesis Hash) Hash { return c.subject().signingHash(genesis) }

// Has reports whether validator i signed.
func (c *Certificate) Has(i int) bool {
	return i >= 0 && i/8 < len(c.Signers) && c.Signers[i/8]>>(i%8)&1 == 1
}

// CheckSet refuses a certificate whose bitmap is not of the length for a set of n validators, or has a
// bit beyond them, or whose number of signatures differs from that of its bits.
func (c *Certificate) CheckSet(n int) error {
	if n > ValidatorsMax || len(c.Signers) != (n+7)/8 || signerCount(c.Signers) != len(c.Sigs) {
		return FaultSigners
	}
	if n%8 != 0 && c.Signers[n/8]>>(n%8) != 0 {
		return FaultSigners
	}
	return nil
}

func signerCount(bitmap []byte) int {
	n := 0
	for _, b := range bitmap {
		n += bits.OnesCount8(b)
	}
	return n
}

// Encode gives the canonical form. The number of signatures follows from the bitmap.
func (c *Certificate) Encode() []byte {
	w := codec.NewWriter(2 + subjectSize + 4 + len(c.Signers) + 64*len(c.Sigs))
	w.U8(c.Version)
	w.U8(uint8(c.Kind))
	c.subject().write(w)
	w.Bytes(c.Signers)
	for i := range c.Sigs {
		w.Fixed(c.Sigs[i][:])
	}
	return w.Out()
}

// DecodeCertificate reads what Encode gave. Signatures and weight are not checked, nor is the bitmap
// held against a set: see CheckSet.
func DecodeCertificate(b []byte) (*Certificate, error) {
	r := codec.NewReader(b)
	c := &Certificate{Version: r.U8()}
	if c.Version != CertificateVersion {
		r.Fail(FaultVersion)
	}
	s := readSubject(r, VoteKind(r.U8()))
	if s.kind == VotePropose {
		r.Fail(FaultKind)
	}
	c.Kind, c.Session, c.View, c.ParentView, c.BlockHash = s.kind, s.session, s.view, s.parentView, s.hash
	c.Signers = append([]byte(nil), r.Bytes(ValidatorsMax/8)...)
	n := signerCount(c.Signers)
	if r.Err() == nil && (n == 0 || r.Len() != 64*n) {
		r.Fail(FaultSigners)
	}
	if err := r.Err(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	c.Sigs = make([][64]byte, n)
	for i := range c.Sigs {
		r.Fixed(c.Sigs[i][:])
	}
	return c, nil
}

// Seal proves that a block is final, beside it. Either certificate may be absent. The finalization may
// be that of a later block of the same session, of which this block is then an ancestor.
type Seal struct {
	Notarization *Certificate
	Finalization *Certificate
}

// Encode gives each certificate as a flag and, if present, its bytes.
func (s *Seal) Encode() []byte {
	w := codec.NewWriter(512)
	for _, c := range []*Certificate{s.Notarization, s.Finalization} {
		w.Bool(c != nil)
		if c != nil {
			w.Bytes(c.Encode())
		}
	}
	return w.Out()
}

// DecodeSeal reads what Encode gave.
func DecodeSeal(b []byte) (*Seal, error) {
	r := codec.NewReader(b)
	s := &Seal{Notarization: readSealed(r, VoteNotarize), Finalization: readSealed(r, VoteFinalize)}
	if err := r.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	return s, nil
}

func readSealed(r *codec.Reader, kind VoteKind) *Certificate {
	if !r.Bool() {
		return nil
	}
	b := r.Bytes(CertificateSizeMax)
	if r.Err() != nil {
		return nil
	}
	c, err := DecodeCertificate(b)
	if err != nil {
		r.Fail(err)
		return nil
	}
	if c.Kind != kind {
		r.Fail(FaultKind)
	}
	return c
}
