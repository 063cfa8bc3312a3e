package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Terms are what a Spec comes to: its split into batches, and the money that must be escrowed.
type Terms struct {
	BatchItems uint16
	Batches    uint16
	Panel      uint8
	AuditPpm   uint32      // 0: by formula, at most all
	Posted     uint256.Int // the model's posted price; a job that pays less for an item is refused
	Pay        uint256.Int // to workers, when every item is accepted
	Fee        uint256.Int // burned, at most
	Audits     uint256.Int // to auditors, at most, refunds of their gas included
	Tips       uint256.Int // for pokes, at most
	Total      uint256.Int // the escrow: what is not spent goes back

	auditItem, auditGas, tip uint256.Int
}

// lot is how many items batch b of a job has.
func lot(items uint32, batchItems uint16, b uint32) uint16 {
	return uint16(min(uint32(batchItems), items-b*uint32(batchItems)))
}

// terms works out a Spec, or fails the call with what is wrong with it.
func terms(c *native.Call, s *Spec) (t Terms, ok bool) {
	p := &c.Block().Params.Jobs
	if !c.Require(s.ItemCount > 0 && s.ItemCount <= ItemsMax, "jobs: a job has 1 to 1024 items") ||
		!c.Require(!s.Price.IsZero() && s.Price.BitLen() <= PriceBitsMax, "jobs: the price is zero or above the supply") ||
		!c.Require(s.AuditPpm <= ppm, "jobs: the audit share is above 1,000,000 ppm") ||
		!c.Require(s.Panel <= PanelMax, "jobs: the panel is larger than 16") ||
		!c.Require(s.BatchItems <= BatchItemsMax, "jobs: a batch has at most 32 items") {
		return t, false
	}
	t.AuditPpm, t.Panel = s.AuditPpm, s.Panel
	if t.Panel == 0 {
		t.Panel = uint8(min(max(p.PanelSize, 1), PanelMax))
	}
	if !t.split(c, s) {
		return t, false
	}
	t.Posted = posted(c, s.Model)
	t.price(&s.Price, s.ItemCount, p, &c.Block().BaseFee)
	return t, c.Require(t.Total.BitLen() <= PriceBitsMax, "jobs: the escrow is above the supply")
}

// split spreads the items over batches.
func (t *Terms) split(c *native.Call, s *Spec) bool {
	least := (s.ItemCount + BatchesMax - 1) / BatchesMax
	t.BatchItems = s.BatchItems
	if t.BatchItems == 0 {
		servers := uint32(min(max(registry.Servers(c, s.Model), 1), BatchesMax))
		size := (s.ItemCount + servers - 1) / servers
		t.BatchItems = uint16(max(min(size, BatchItemsMax), least))
	}
	t.Batches = uint16((s.ItemCount + uint32(t.BatchItems) - 1) / uint32(t.BatchItems))
	return c.Require(t.Batches <= BatchesMax, "jobs: more than 64 batches: choose larger ones")
}

// price sums the money up. All factors but price and base fee are small; Total is checked by the caller,
// and no sum can pass 2^256: price < 2^96, base fee counts up to 2^96, the rest below 2^64.
func (t *Terms) price(price *uint256.Int, items uint32, p *chain.JobParams, baseFee *uint256.Int) {
	t.Pay.Mul(price, uint256.NewInt(uint64(items)))
	t.Fee = share(&t.Pay, p.RequesterFeePpm)
	t.auditItem = share(price, p.AuditItemPpm)
	gasPrice := *baseFee
	if gasPrice.BitLen() > PriceBitsMax {
		gasPrice.Lsh(uint256.NewInt(1), PriceBitsMax)
	}
	t.auditGas.Mul(&gasPrice, uint256.NewInt(2)) // the base fee may double before the audit
	t.auditGas.Mul(&t.auditGas, uint256.NewInt(p.AuditGas))
	for b := range uint32(t.Batches) {
		line := t.line(lot(items, t.BatchItems, b))
		t.Audits.Add(&t.Audits, &line)
	}
	t.tip.Mul(uint256.NewInt(p.PokeTip), uint256.NewInt(Gwei))
	t.Tips.Mul(&t.tip, uint256.NewInt(TipsPerBatch*uint64(t.Batches)))
	for _, v := range []*uint256.Int{&t.Pay, &t.Fee, &t.Audits, &t.Tips} {
		t.Total.Add(&t.Total, v)
	}
}

// line gives the audit line of a batch of n items.
func (t *Terms) line(n uint16) uint256.Int {
	return auditLine(&t.auditItem, &t.auditGas, t.Panel, SampleSize(int(n), shareMax(t.AuditPpm)))
}

// shareMax is the share that the escrow must be able to pay for: where the formula decides, it may be all (JOB-21).
func shareMax(auditPpm uint32) uint64 {
	if auditPpm == 0 {
		return ppm
	}
	return uint64(auditPpm)
}

func auditLine(item, gas *uint256.Int, panel uint8, sampled int) (v uint256.Int) {
	v = auditorPay(item, gas, sampled)
	v.Mul(&v, uint256.NewInt(uint64(panel)))
	return v
}

// auditorPay is what one auditor is due for a batch: for each sampled item, and for its gas.
func auditorPay(item, gas *uint256.Int, sampled int) (v uint256.Int) {
	v.Mul(item, uint256.NewInt(uint64(sampled)))
	v.Add(&v, gas)
	return v
}

// share gives a part of v in millionths, rounded down. The part is at most 2^32 millionths.
func share(v *uint256.Int, part uint64) (out uint256.Int) {
	out.Mul(v, uint256.NewInt(min(part, 1<<32)))
	out.Div(&out, uint256.NewInt(ppm))
	return out
}

const quoteReturns = "(uint256,uint256,uint256,uint256,uint256,uint16,uint16,uint8,uint32)"

func runQuote(c *native.Call) {
	s := Spec{Model: c.Args.Hash(), ItemCount: uint32(c.Args.Uint64()), Price: c.Args.Uint256()}
	s.AuditPpm, s.Panel, s.BatchItems = uint32(c.Args.Uint64()), uint8(c.Args.Uint64()), uint16(c.Args.Uint64())
	if !c.Ready() {
		return
	}
	t, ok := terms(c, &s)
	if !ok {
		return
	}
	for _, v := range []*uint256.Int{&t.Total, &t.Pay, &t.Fee, &t.Audits, &t.Tips} {
		c.Out.Uint256(v)
	}
	c.Out.Uint64(uint64(t.BatchItems))
	c.Out.Uint64(uint64(t.Batches))
	c.Out.Uint64(uint64(t.Panel))
	c.Out.Uint64(uint64(t.AuditPpm))
}
