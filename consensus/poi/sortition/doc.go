// Package sortition draws leaders, seeds and panels from agreed randomness: pure functions that every
// validator computes alike.
//
// Rules. lp(x) is x with its length before it as u16; integers are big-endian; genesis is the hash of
// the genesis block; R_s is the seed of session s.
//
//	SORT-1  leader of view v in session s: x = (u128(d[:16]) * W') >> 128 with
//	        d = SHA-256(lp("aiwork/leader/1") || genesis || s || v || R_s) and W' the sum of the leader
//	        weights; the leader is the validator on whose part of [0, W') x lies. 128 bits, because with
//	        64 the bias would show when W' is near 2^63.
//	SORT-2  R_0 = SHA-256(lp("aiwork/seed/0") || genesis).
//	SORT-3  R_{s+1} = SHA-256(lp("aiwork/seed/1") || R_s || s+1 || the VRF outputs of all blocks of s, by
//	        height). A block's VRF output has no freedom, so only leaving a block out changes a seed, and
//	        the next leader fills the height: k adversarial leaders at the end choose among k+1 seeds.
//	SORT-4  the VRF input of the leader of view v: lp("aiwork-vrf/1") || genesis || s || v || R_s.
//	SORT-5  a panel: draw from the dice of SHA-256(lp("aiwork/panel/1") || seed || request id) a number
//	        below the weight left, take the candidate on whose part it lies, and go on without it.
//
// A panel for a request of session s uses R_{s+2}, so that nobody knew it when he committed; which
// snapshot of candidates it draws from is the caller's rule.
//
// consensus/poi draws leaders, the system contracts draw workers and auditors.
package sortition
