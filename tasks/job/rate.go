package job

import "github.com/holiman/uint256"

// Shares of items that should be audited.
const (
	rateNewPpm    = ppm // of the first batch of a worker
	rateFloorPpm  = 31_250
	rateBatches   = 8 // passed batches after which half of a newcomer's share is left
	rateSafetyNum = 3 // what a lie could gain counts one and a half times
	rateSafetyDen = 2
)

// Rate gives the share of a batch's items, in millionths, that should be audited, so that no worker gains by lying about any
// number of them: from the price of an item, what the worker loses when it is found, and how many of its batches have
// passed since it was found last. docs/protocol/jobs.md derives it.
//
//	rate = max(c·price / (loss + c·price), 1 / (1 + passed/8), 1/32), c = 3/2
func Rate(price, loss *uint256.Int, passed uint64) uint32 {
	gain := new(uint256.Int).Mul(price, uint256.NewInt(rateSafetyNum))
	all := new(uint256.Int).Mul(loss, uint256.NewInt(rateSafetyDen))
	all.Add(all, gain)
	value := uint64(ppm)
	if !all.IsZero() {
		part := new(uint256.Int).Mul(gain, uint256.NewInt(ppm))
		part.Add(part, new(uint256.Int).SubUint64(all, 1)) // rounded up
		value = part.Div(part, all).Uint64()
	}
	young := uint64(rateNewPpm) * rateBatches / (rateBatches + min(passed, ppm))
	return uint32(max(value, young, rateFloorPpm))
}

// Detection is the chance, in millionths rounded down, that a sample of m of n items holds at least one of k.
func Detection(n, m, k int) uint64 {
	if k <= 0 || m <= 0 {
		return 0
	}
	if k+m > n {
		return ppm
	}
	// 1 - C(n-k,m)/C(n,m), the factors of the quotient being (n-k-i)/(n-i) for i < m.
	missed := uint256.NewInt(1 << 62)
	for i := range m {
		missed.Mul(missed, uint256.NewInt(uint64(n-k-i)))
		up := uint64(n - i)
		missed.Add(missed, uint256.NewInt(up-1))
		missed.Div(missed, uint256.NewInt(up))
	}
	part := missed.Mul(missed, uint256.NewInt(ppm))
	part.Rsh(part.Add(part, uint256.NewInt(1<<62-1)), 62)
	return ppm - part.Uint64()
}
