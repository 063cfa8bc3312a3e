package driver

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Source gives peers what they ask for: blocks from the ledger, and bodies that are not final yet. Its
// methods are safe for concurrent use; what is not there gives an error that wraps ErrUnknown.
type Source struct{ d *Driver }

// Source gives the driver's side of requests.
func (d *Driver) Source() Source { return Source{d} }

// Height gives the height of the committed head.
func (s Source) Height() chain.Height { return s.d.opt.Chain.Head().Header.Number }

// Blocks gives up to count sealed blocks from a height on, without gaps, and stops before bytesMax is
// passed, but gives at least one.
func (s Source) Blocks(ctx context.Context, from chain.Height, count, bytesMax int) (items [][]byte, err error) {
	size, head := 0, s.Height()
	for h := from; h > 0 && h <= head && len(items) < count && ctx.Err() == nil; h++ {
		b, seal, err := s.d.opt.Archive.BlockAt(h)
		if errors.Is(err, ErrUnknown) {
			break
		}
		if err != nil {
			return nil, err
		}
		sealed := SealedBlock{b, seal}
		enc := sealed.Encode()
		if size += len(enc); size > bytesMax && len(items) > 0 {
			break
		}
		items = append(items, enc)
	}
	if len(items) == 0 {
		return nil, ErrUnknown
	}
	return items, nil
}

// Block gives the encoded block with this hash: final, or held and not yet final.
func (s Source) Block(_ context.Context, hash chain.Hash) ([]byte, error) {
	if b := s.d.bodies.get(hash); b != nil {
		return b.enc, nil
	}
	b, err := s.d.opt.Archive.BlockByHash(hash)
	if err != nil {
		return nil, err
	}
	return b.Encode(), nil
}

// Certificate gives the finalization of the last block of a session, which key names in the form of a
// fetch_cert message with view 0. Other certificates are asked for by message.
func (s Source) Certificate(_ context.Context, key []byte) ([]byte, error) {
	f, err := decodeFetchCert(key)
	if err != nil || f.View != 0 || f.Session.LastHeight() > s.Height() {
		return nil, ErrUnknown
	}
	c, err := s.d.finalization(f.Session.LastHeight())
	if err != nil {
		return nil, err
	}
	return c.Encode(), nil
}
