// Package vrf is a verifiable random function: the owner of a key turns an input into 32 bytes that look
// random, that nobody else can foresee, and that everybody can check with the proof and the public key.
//
// Nouns: alpha is the input, beta the output, the proof is what convinces. There is exactly one beta for
// a key and an alpha, so the owner cannot choose.
//
// It is ECVRF of RFC 9381 with try-and-increment, over secp256k1 and SHA-256. The RFC has no suite for
// this curve, so ours has a name of its own:
//
//	VRF-1: suite = 0xFE || "aiwork/ecvrf-secp256k1-sha256-tai/1". Points are compressed to 33 bytes,
//	       scalars and numbers are big-endian, q is the group order, G the generator, Y the public key.
//	VRF-2: H is the first point, for ctr = 0 to 255, with even y and
//	       x = SHA-256(suite || 0x01 || Y || alpha || ctr || 0x00), where that is below the field's p
//	       and the x of a point.
//	VRF-3: Gamma = sk*H; k is the nonce of RFC 6979 with SHA-256 for sk and the message H;
//	       c = the first 16 bytes of SHA-256(suite || 0x02 || Y || H || Gamma || k*G || k*H || 0x00);
//	       s = k + c*sk mod q. The proof is Gamma || c || s, 81 bytes.
//	VRF-4: a proof is valid when Gamma and Y are canonical points other than the identity, s < q, and c is
//	       the hash of VRF-3 with U = s*G - c*Y and V = s*H - c*Gamma, neither the identity, in place of
//	       k*G and k*H.
//	VRF-5: beta = SHA-256(suite || 0x03 || Gamma || 0x00). The cofactor is 1.
//
// The core is written over a curve, a suite and a form, so that published vectors for other curves and for
// older drafts test the very code that we use.
//
// Callers: the consensus machine (a proof in every header) and its driver. The package is pure; Prove
// takes time that depends on alpha, which is public, and uses dcrd's point routines, which are not
// hardened against an observer on the same machine.
package vrf
