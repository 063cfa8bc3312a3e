package sim

import (
	"fmt"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// trace tells who does what, for whoever replays a seed.
func (n *node) trace(e poi.Effect) {
	if n.w.cfg.Trace == nil {
		return
	}
	if text := describe(e); text != "" {
		s := n.m.Standing()
		n.w.cfg.Trace(fmt.Sprintf("%6d node %d session %d view %d delta %d: %s", n.w.now, n.index, s.Session, s.View, s.Delta, text))
	}
}

// kindName names a kind of vote.
func kindName(k chain.VoteKind) string {
	return [...]string{"?", "propose", "notarize", "nullify", "finalize"}[min(k, 4)]
}

// describe puts an effect in words; timers and log records are left out.
func describe(e poi.Effect) string {
	switch e := e.(type) {
	case poi.Broadcast:
		return "broadcast " + describeMessage(e.Message)
	case poi.Send:
		return fmt.Sprintf("send to %d: %s", e.To, describeMessage(e.Message))
	case poi.Ask:
		return fmt.Sprintf("ask %d: %s", e.Validator, describeMessage(e.Message))
	case poi.Build:
		return fmt.Sprintf("build view %d on height %d", e.View, e.Parent.Height)
	case poi.Execute:
		return fmt.Sprintf("execute height %d view %d %x", e.Block.Height, e.Block.View, e.Block.Hash[:3])
	case poi.Finalize:
		last := e.Blocks[len(e.Blocks)-1]
		return fmt.Sprintf("finalize height %d view %d %x", last.Height, last.View, last.Hash[:3])
	case poi.FetchBlock:
		return fmt.Sprintf("fetch %x from %d", e.Hash[:3], e.From)
	case poi.SetTimer, poi.LogVote, poi.LogProposal, poi.LogCertificate:
		return ""
	}
	return fmt.Sprintf("%T %v", e, e)
}

func describeMessage(m poi.Message) string {
	if v := signedPart(m); v != nil {
		return fmt.Sprintf("%s view %d parent view %d %x", kindName(v.Kind), v.View, v.ParentView, v.BlockHash[:3])
	}
	switch {
	case m.Certificate != nil:
		return fmt.Sprintf("certificate to %s view %d %x", kindName(m.Certificate.Kind), m.Certificate.View, m.Certificate.BlockHash[:3])
	case m.Status != nil:
		return fmt.Sprintf("status %+v", *m.Status)
	}
	return fmt.Sprintf("fetch certificate %+v", *m.FetchCert)
}
