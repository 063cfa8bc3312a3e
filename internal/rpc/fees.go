package rpc

import (
	"cmp"
	"context"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	feeHistoryBlocksMax      = 1024
	feeHistoryPercentilesMax = 100
	tipWei                   = 1_000_000 // what we suggest: any tip is enough while blocks are not full
)

func (e *eth) addFees(t *Table) {
	t.Add(Method{Name: "eth_gasPrice", Summary: "Price per gas that gets a transaction into one of the next blocks."}, e.gasPrice)
	t.Add(Method{Name: "eth_maxPriorityFeePerGas", Summary: "Tip per gas that is enough."},
		func(context.Context) (Uint256, error) { return Uint256{*uint256.NewInt(tipWei)}, nil })
	t.Add(Method{Name: "eth_baseFee", Summary: "Base fee of a block that would come at once; it falls while none comes."}, e.baseFee)
	t.Add(Method{Name: "eth_blobBaseFee", Summary: "One wei: blob transactions are refused."},
		func(context.Context) (Uint64, error) { return 1, nil })
	t.Add(Method{Name: "eth_feeHistory", Summary: "Base fees, fullness and tips of recent blocks.", Params: []string{"blocks", "newest", "percentiles"}, Cost: 10}, e.feeHistory)
}

func (e *eth) baseFee(context.Context) (Uint256, error) {
	head, _ := e.chain.Head()
	s, err := e.chain.Next(head.Height)
	if err != nil {
		return Uint256{}, err
	}
	defer s.Close()
	return Uint256{s.Input.Block.BaseFee}, nil
}

func (e *eth) gasPrice(context.Context) (Uint256, error) {
	head, _ := e.chain.Head()
	price := bumped(maxUint256(head.Header.BaseFee, *uint256.NewInt(e.params.BaseFeeFloor)), 13)
	price.AddUint64(&price, tipWei)
	return Uint256{price}, nil
}

type feeHistory struct {
	OldestBlock       Uint64      `json:"oldestBlock"`
	BaseFeePerGas     []Uint256   `json:"baseFeePerGas"`
	GasUsedRatio      []float64   `json:"gasUsedRatio"`
	Reward            [][]Uint256 `json:"reward,omitempty"`
	BaseFeePerBlobGas []Uint64    `json:"baseFeePerBlobGas"`
	BlobGasUsedRatio  []float64   `json:"blobGasUsedRatio"`
}

func (e *eth) feeHistory(_ context.Context, blocks Uint64, newest BlockTag, percentiles *[]float64) (*feeHistory, error) {
	if percentiles == nil {
		percentiles = &[]float64{}
	}
	if err := checkPercentiles(*percentiles); err != nil {
		return nil, err
	}
	last, found, err := e.height(newest)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, Errorf(CodeRefused, "header not found")
	}
	n := min(uint64(blocks), feeHistoryBlocksMax, uint64(last)+1)
	if n == 0 {
		return &feeHistory{BaseFeePerGas: []Uint256{}, GasUsedRatio: []float64{}, BaseFeePerBlobGas: []Uint64{}, BlobGasUsedRatio: []float64{}}, nil
	}
	first := last + 1 - chain.Height(n)
	out := &feeHistory{OldestBlock: Uint64(first)}
	for h := first; h <= last; h++ {
		if err := e.addFeeBlock(out, h, *percentiles); err != nil {
			return nil, err
		}
	}
	next, err := e.nextBaseFee(last)
	out.BaseFeePerGas = append(out.BaseFeePerGas, next)
	out.BaseFeePerBlobGas = append(out.BaseFeePerBlobGas, 1)
	return out, err
}

func checkPercentiles(ps []float64) error {
	if len(ps) > feeHistoryPercentilesMax {
		return Errorf(CodeParams, "%d percentiles: at most %d", len(ps), feeHistoryPercentilesMax)
	}
	for i, p := range ps {
		if !(p >= 0 && p <= 100) || (i > 0 && p < ps[i-1]) {
			return Errorf(CodeParams, "percentiles must rise from 0 to 100")
		}
	}
	return nil
}

func (e *eth) addFeeBlock(out *feeHistory, h chain.Height, percentiles []float64) error {
	b, err := e.chain.BlockByHeight(h)
	if err != nil {
		return err
	}
	if b == nil {
		return Errorf(CodeRefused, "block %d is pruned", h)
	}
	out.BaseFeePerGas = append(out.BaseFeePerGas, Uint256{b.Header.BaseFee})
	out.GasUsedRatio = append(out.GasUsedRatio, float64(b.Header.GasUsed)/float64(max(b.Header.GasLimit, 1)))
	out.BaseFeePerBlobGas = append(out.BaseFeePerBlobGas, 1)
	out.BlobGasUsedRatio = append(out.BlobGasUsedRatio, 0)
	if len(percentiles) > 0 {
		tips, err := e.tips(b, percentiles)
		if err != nil {
			return err
		}
		out.Reward = append(out.Reward, tips)
	}
	return nil
}

// tips gives the tip per gas at each percentile of the gas used in a block.
func (e *eth) tips(b *chain.Block, percentiles []float64) ([]Uint256, error) {
	out := make([]Uint256, len(percentiles))
	if len(b.Txs) == 0 {
		return out, nil
	}
	receipts, err := e.chain.Receipts(b.Header.Number)
	if err != nil {
		return nil, err
	}
	type paid struct {
		tip uint256.Int
		gas uint64
	}
	var all []paid
	for i, tx := range b.Txs {
		all = append(all, paid{tx.EffectiveTip(&b.Header.BaseFee), receipts[i].GasUsed})
	}
	slices.SortFunc(all, func(x, y paid) int { return cmp.Or(x.tip.Cmp(&y.tip), cmp.Compare(x.gas, y.gas)) })
	i, sum := 0, all[0].gas
	for k, p := range percentiles {
		for threshold := uint64(float64(b.Header.GasUsed) * p / 100); sum < threshold && i < len(all)-1; {
			i++
			sum += all[i].gas
		}
		out[k] = Uint256{all[i].tip}
	}
	return out, nil
}

// nextBaseFee gives the base fee of the block after h: known if there is one, else the head's, which the
// time until the next block can only lower or leave.
func (e *eth) nextBaseFee(h chain.Height) (Uint256, error) {
	b, err := e.block(BlockTag{height: new(h + 1)})
	if err != nil {
		return Uint256{}, err
	}
	if b != nil {
		return Uint256{b.Header.BaseFee}, nil
	}
	head, _ := e.chain.Head()
	return Uint256{head.Header.BaseFee}, nil
}

//go:fix inline
