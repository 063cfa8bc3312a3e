package testnet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// votePlace is a place at which a validator may sign once. Nullify and finalize share one, since they exclude
// each other.
type votePlace struct {
	validator int
	session   chain.Session
	view      chain.View
	kind      chain.VoteKind
}

// cast is a vote without its signature, and where it was found.
type cast struct {
	subject string
	source  string
}

// voteBook collects what validators have signed: from their own logs, read after every kill and at the end,
// and from the certificates that others hold. A log forgets what is final, so one reading is not enough.
type voteBook struct {
	cluster *Cluster
	genesis chain.Hash
	keys    [][32]byte
	casts   map[votePlace]cast

	votes, certificates int
	conflicts           []string
}

func newVoteBook(c *Cluster, modules *native.Set) (*voteBook, error) {
	b := &voteBook{cluster: c, casts: map[votePlace]cast{}}
	for i := range c.Validators {
		h := validatorHome(c.Dir, i)
		if i == 0 {
			g, _, err := h.LoadGenesis()
			if err != nil {
				return nil, err
			}
			b.genesis = g.Build(modules).Hash()
		}
		keys, err := h.LoadValidatorKeys()
		if err != nil {
			return nil, err
		}
		b.keys = append(b.keys, keys.Vote.Public().XOnly())
	}
	return b, nil
}

// read reads the log of a validator that does not run. It works on a copy, since opening cuts a torn end.
func (b *voteBook) read(i int) error {
	h := validatorHome(b.cluster.Dir, i)
	tmp, err := os.MkdirTemp("", "aiwork-votes-")
	if err != nil {
		return fmt.Errorf("vote log: %w", err)
	}
	defer os.RemoveAll(tmp)
	files, err := filepath.Glob(filepath.Join(h.VoteLog(), "*"))
	if err != nil {
		return fmt.Errorf("vote log: %w", err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			return fmt.Errorf("vote log: %w", err)
		}
		if err := os.WriteFile(filepath.Join(tmp, filepath.Base(f)), content, 0o600); err != nil {
			return fmt.Errorf("vote log: %w", err)
		}
	}
	log, replay, err := votelog.Open(tmp, b.genesis, b.keys[i])
	if err != nil {
		return err
	}
	defer log.Close()
	if replay.Loss != votelog.LossNone {
		b.conflict("%s: its vote log counts as lost (%d)", b.cluster.Validators[i].Name, replay.Loss)
	}
	for k := range replay.Records {
		b.record(i, &replay.Records[k])
	}
	return nil
}

func (b *voteBook) record(i int, r *votelog.Record) {
	name := b.cluster.Validators[i].Name
	switch r.Kind {
	case votelog.Vote:
		b.votes++
		subject, signer, err := subjectOf(r)
		if err != nil {
			b.conflict("%s: a vote in its log does not decode: %v", name, err)
			return
		}
		if signer != i {
			b.conflict("%s: its log holds a vote of validator %d", name, signer)
		}
		b.add(votePlace{i, r.Session, r.View, r.VoteKind}, cast{subject, "the log of " + name})
	case votelog.Certificate:
		c, err := chain.DecodeCertificate(r.Payload)
		if err != nil {
			b.conflict("%s: a certificate in its log does not decode: %v", name, err)
			return
		}
		b.certificates++
		subject := fmt.Sprintf("%d/%d/%d/%d/%s", c.Kind, c.Session, c.View, c.ParentView, c.BlockHash)
		for v := range b.keys {
			if c.Has(v) {
				b.add(votePlace{v, c.Session, c.View, c.Kind}, cast{subject, "a certificate in the log of " + name})
			}
		}
	}
}

// subjectOf gives what a logged vote says, in one form for all kinds.
func subjectOf(r *votelog.Record) (subject string, signer int, err error) {
	if r.VoteKind == chain.VotePropose {
		p, err := chain.DecodeProposal(r.Payload)
		if err != nil {
			return "", 0, err
		}
		return fmt.Sprintf("%d/%d/%d/%d/%s", chain.VotePropose, p.Session, p.View, p.ParentView, p.BlockHash), int(p.Signer), nil
	}
	v, err := chain.DecodeVote(r.Payload)
	if err != nil {
		return "", 0, err
	}
	return fmt.Sprintf("%d/%d/%d/%d/%s", v.Kind, v.Session, v.View, v.ParentView, v.BlockHash), int(v.Signer), nil
}

// add notes a vote and says so if it excludes one that is known.
func (b *voteBook) add(at votePlace, c cast) {
	if at.kind == chain.VoteNullify {
		at.kind = chain.VoteFinalize
	}
	old, known := b.casts[at]
	if !known {
		b.casts[at] = c
		return
	}
	if old.subject != c.subject {
		b.conflict("double vote of %s in session %d, view %d: %s by %s, %s by %s", b.cluster.Validators[at.validator].Name,
			at.session, at.view, old.subject, old.source, c.subject, c.source)
	}
}

func (b *voteBook) conflict(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(b.conflicts) < violationsMax && !slices.Contains(b.conflicts, text) {
		b.conflicts = append(b.conflicts, text)
	}
}

// judge hands the findings over.
func (b *voteBook) judge(r *CheckReport) {
	r.Votes, r.Certificate = b.votes, b.certificates
	if b.votes == 0 {
		r.violated("no vote was found in any log")
	}
	for _, c := range b.conflicts {
		r.violated("%s", c)
	}
}
