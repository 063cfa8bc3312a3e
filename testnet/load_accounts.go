package testnet

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
)

const (
	transferGas    = 21_000
	transferWei    = 1
	feeHeadroom    = 64 // by which the fee cap is above the base fee, since transfers are signed ahead
	saturationRate = 6000.0
	fundMax        = 2 * time.Minute
	tipWei         = 1_000_000
)

// loadSender is an account that sends. Guarded by Load.mu while a phase runs.
type loadSender struct {
	key     secp.PrivateKey
	address chain.Address
	nonce   uint64    // of txs[0]
	txs     []*loadTx // of the phase, in nonce order
	next    int       // the next one to send; goes back when one seems lost
	top     int       // all before it were accepted once
	done    int       // all before it are in blocks
}

// loadTx is a pre-signed transfer.
type loadTx struct {
	from *loadSender
	at   int // place in from.txs
	hash chain.Hash
	raw  client.Bytes
	due  time.Time // from which latency counts: the first attempt
	last time.Time // latest attempt
	seen time.Time // zero: in no block yet
}

// Fund makes the senders' accounts and pays them by a fan-out in two steps, so that no account has more
// than a few dozen transfers waiting: other nodes keep no more.
func (l *Load) Fund(ctx context.Context, txsEach int) error {
	ctx, cancel := context.WithTimeout(ctx, fundMax)
	defer cancel()
	if err := l.terms(ctx); err != nil {
		return err
	}
	l.senders = nil
	for i := range l.opt.Senders {
		key := senderKey(l.opt.Seed, i)
		l.senders = append(l.senders, &loadSender{key: key, address: address(key)})
	}
	var each uint256.Int
	each.Mul(uint256.NewInt(l.feeCap), uint256.NewInt(transferGas))
	each.AddUint64(&each, transferWei)
	each.Mul(&each, uint256.NewInt(uint64(txsEach)))
	group := int(math.Ceil(math.Sqrt(float64(len(l.senders)))))
	heads := (len(l.senders) + group - 1) / group
	// A head pays for its group's shares and for the transfers that carry them.
	share := new(uint256.Int).Mul(&each, uint256.NewInt(2*uint64(group)+2))
	root := client.NewSender(l.clients[0], l.opt.Funder)
	if err := l.pay(ctx, root, l.senders[:heads], share); err != nil {
		return fmt.Errorf("fund %d senders: %w", len(l.senders), err)
	}
	return l.fanOut(ctx, heads, &each)
}

// terms asks for what must be known before anything is signed.
func (l *Load) terms(ctx context.Context) error {
	var id client.Uint64
	if err := l.clients[0].Call(ctx, &id, "eth_chainId"); err != nil {
		return err
	}
	fee, err := l.clients[0].FeeCap(ctx)
	if err != nil {
		return err
	}
	l.chainID, l.feeCap = uint64(id), l.opt.FeeCapWei
	if l.feeCap == 0 {
		if !fee.Cap.IsUint64() || fee.Cap.Uint64() > math.MaxUint64/feeHeadroom {
			return fmt.Errorf("base fee %s: too high for a load", fee.Cap.Dec())
		}
		l.feeCap = fee.Cap.Uint64() / 2 * feeHeadroom
	}
	return nil
}

// fanOut lets the first senders pay the rest.
func (l *Load) fanOut(ctx context.Context, heads int, each *uint256.Int) error {
	errs := make([]error, heads)
	var parts sync.WaitGroup
	for h := range heads {
		var mine []*loadSender
		for i := heads + h; i < len(l.senders); i += heads {
			mine = append(mine, l.senders[i])
		}
		if len(mine) == 0 {
			continue
		}
		parts.Go(func() {
			s := client.NewSender(l.clients[h%len(l.clients)], l.senders[h].key)
			errs[h] = l.pay(ctx, s, mine, each)
			l.senders[h].nonce = uint64(len(mine))
		})
	}
	parts.Wait()
	return errors.Join(errs...)
}

// pay sends the same sum to many and waits for the last.
func (l *Load) pay(ctx context.Context, from *client.Sender, to []*loadSender, sum *uint256.Int) error {
	hashes := make([]chain.Hash, 0, len(to))
	for _, s := range to {
		h, err := from.Submit(ctx, client.Call{To: s.address, Value: *sum, Gas: transferGas})
		if err != nil {
			return err
		}
		hashes = append(hashes, h)
	}
	for _, h := range hashes {
		if _, err := l.clients[0].WaitReceipt(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// senderKey derives the key of sender i.
func senderKey(seed uint64, i int) secp.PrivateKey {
	text := binary.BigEndian.AppendUint64([]byte("aiwork/load/sender"), seed)
	digest := sha256.Sum256(binary.BigEndian.AppendUint64(text, uint64(i)))
	key, err := secp.ParsePrivateKey(digest)
	if err != nil {
		return senderKey(seed+1, i) // about once in 2^128
	}
	return key
}

// transfersOf gives how many transfers a phase may need of each sender.
func (l *Load) transfersOf(p Phase) int {
	rate := p.Rate
	if rate == 0 {
		rate = saturationRate
	}
	if p.Overload {
		rate = min(rate, saturationRate) // the rest are refusals, and refused ones are sent again
	}
	all := rate*p.Duration.Seconds() + float64(l.opt.Backlog)
	return int(all)/l.opt.Senders + 2
}

// sign prepares a phase's transfers on all cores. What the last phase left unsent is signed anew.
func (l *Load) sign(p Phase) error {
	n := l.transfersOf(p)
	if n*len(l.senders) > loadTxsMax {
		return fmt.Errorf("%d transfers: at most %d in one phase", n*len(l.senders), loadTxsMax)
	}
	var next atomic.Int64
	var parts sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		parts.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(l.senders); i = int(next.Add(1)) - 1 {
				l.signFor(i, n)
			}
		})
	}
	parts.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.txs, l.open = make(map[chain.Hash]*loadTx, n*len(l.senders)), 0
	for _, s := range l.senders {
		if len(s.txs) != n {
			return errors.New("a transfer could not be signed")
		}
		for _, t := range s.txs {
			l.txs[t.hash] = t
		}
	}
	return nil
}

func (l *Load) signFor(i, n int) {
	s := l.senders[i]
	s.nonce += uint64(s.done)
	s.txs, s.next, s.top, s.done = make([]*loadTx, 0, n), 0, 0, 0
	to := l.senders[(i+1)%len(l.senders)].address
	for k := range n {
		tx := &chain.Tx{
			Type: 2, ChainID: l.chainID, Nonce: s.nonce + uint64(k), Gas: transferGas, To: &to,
			GasTipCap: *uint256.NewInt(tipWei), GasFeeCap: *uint256.NewInt(l.feeCap), Value: *uint256.NewInt(transferWei),
		}
		signed, err := chain.SignTx(tx, s.key, l.chainID)
		if err != nil {
			return
		}
		s.txs = append(s.txs, &loadTx{from: s, at: k, hash: signed.Hash(), raw: signed.Encode()})
	}
}
