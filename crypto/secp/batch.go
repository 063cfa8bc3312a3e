package secp

import (
	"crypto/sha256"
	"encoding/binary"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// batchMax is the number of signatures that one sum takes; longer batches are several sums of nearly the
// same size. More would save little and leave the processor's cache.
const batchMax = 64

// sumMin is the number of signatures from which on one sum beats single verification.
const sumMin = 4

// A SchnorrItem is one signature of a batch.
type SchnorrItem struct {
	Pub [32]byte
	Msg []byte
	Sig [64]byte
}

// VerifySchnorrBatch returns nil when every signature is valid, else a fault that does not say which one
// is not (SECP-5). It is never slower than single verification and takes two thirds of its time from about
// a dozen signatures on.
func VerifySchnorrBatch(items []SchnorrItem) error {
	keyed := make([]SchnorrKeyItem, len(items))
	for i := range items {
		key, err := ParseSchnorrKey(items[i].Pub)
		if err != nil {
			return err
		}
		keyed[i] = SchnorrKeyItem{Key: key, Msg: items[i].Msg, Sig: items[i].Sig}
	}
	return VerifySchnorrKeyBatch(keyed)
}

// A SchnorrKeyItem is a SchnorrItem whose key has been parsed.
type SchnorrKeyItem struct {
	Key SchnorrKey
	Msg []byte
	Sig [64]byte
}

// VerifySchnorrKeyBatch is VerifySchnorrBatch for keys that have been parsed.
func VerifySchnorrKeyBatch(items []SchnorrKeyItem) error {
	for sums := (len(items) + batchMax - 1) / batchMax; sums > 0; sums-- {
		n := len(items) / sums
		if err := verifyBatch(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// verifyBatch checks that the sum over all items of c (s G - e P - R) is the identity, where c is 1 for the
// first item and the item's coefficient for the others.
func verifyBatch(items []SchnorrKeyItem) error {
	if len(items) < sumMin {
		return verifyEach(items)
	}
	terms := newTerms(2 * len(items))
	coefficients := newCoefficients(items)
	var sum dcr.ModNScalar
	for i := range items {
		it := &items[i]
		r, err := liftX((*[32]byte)(it.Sig[:32]))
		if err != nil {
			return FaultSignature
		}
		s, err := schnorrScalar(&it.Sig)
		if err != nil {
			return err
		}
		c, short := coefficients.next(i)
		sum.Add(s.Mul(&c))
		e := schnorrChallenge(it.Sig[:32], it.Key.x[:], it.Msg)
		terms.add(&it.Key.point, e.Mul(&c).Negate())
		short.negative = true
		terms.addShort(&r, short)
	}
	if total := terms.sumWithBase(&sum); !total.identity {
		return FaultSignature
	}
	return nil
}

func verifyEach(items []SchnorrKeyItem) error {
	for i := range items {
		if err := items[i].Key.Verify(items[i].Msg, items[i].Sig); err != nil {
			return err
		}
	}
	return nil
}

// coefficients are numbers of 128 bits that come from a hash over all items, so that nobody can choose
// signatures to fit them. The package has no chance of its own, and every node judges alike.
type coefficients struct {
	seed [sha256.Size]byte
}

func newCoefficients(items []SchnorrKeyItem) (c coefficients) {
	h := sha256.New()
	h.Write([]byte("aiwork/schnorr-batch/1"))
	for i := range items {
		it := &items[i]
		msg := sha256.Sum256(it.Msg)
		h.Write(it.Key.x[:])
		h.Write(msg[:])
		h.Write(it.Sig[:])
	}
	h.Sum(c.seed[:0])
	return c
}

// next returns the coefficient of item i in both forms.
func (c *coefficients) next(i int) (dcr.ModNScalar, part) {
	var s dcr.ModNScalar
	if i == 0 {
		return *s.SetInt(1), part{low: 1}
	}
	var b [sha256.Size + 8]byte
	copy(b[:], c.seed[:])
	binary.BigEndian.PutUint64(b[sha256.Size:], uint64(i))
	sum := sha256.Sum256(b[:])
	clear(sum[:16])
	s.SetBytes(&sum)
	return s, part{low: binary.BigEndian.Uint64(sum[24:]), high: binary.BigEndian.Uint64(sum[16:])}
}
