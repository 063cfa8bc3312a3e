package secp

// A Fault says why bytes from outside are refused. Values are never reused.
type Fault uint8

// The faults of keys and signatures.
const (
	FaultPrivateKey Fault = iota + 1 // the scalar is 0 or not below n
	FaultLength                      // the encoding has the wrong length
	FaultPrefix                      // the first byte names no accepted form
	FaultPoint                       // the coordinates are not those of a point of the curve
	FaultRange                       // a number of the signature is 0 or too large
	FaultHighS                       // s is above n/2
	FaultRecovery                    // V is neither 0 nor 1, or no key fits
	FaultSignature                   // the signature does not cover these bytes under this key
)

// Error tells the reason in words.
func (f Fault) Error() string {
	switch f {
	case FaultPrivateKey:
		return "private key is zero or not below the group order"
	case FaultLength:
		return "key or signature has the wrong length"
	case FaultPrefix:
		return "public key has an unknown prefix"
	case FaultPoint:
		return "coordinates are not a point of secp256k1"
	case FaultRange:
		return "signature value out of range"
	case FaultHighS:
		return "signature s is above half the group order"
	case FaultRecovery:
		return "no public key can be recovered"
	case FaultSignature:
		return "signature is not valid"
	}
	return "unknown fault of a key or signature"
}
