package testnet

import (
	"context"
	"math/bits"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/system"
)

// The checker must find what it looks for: it is shown double votes, receipts that are not there and a
// supply that does not fit, on the disks of a network that has never run.
func stopped(t *testing.T) (*Cluster, *voteBook) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "net")
	l := DefaultLayout()
	l.Workers = 0
	if err := Create(dir, l, system.Modules()); err != nil {
		t.Fatal(err)
	}
	c, err := Open(dir, "none", "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := newVoteBook(c, system.Modules())
	if err != nil {
		t.Fatal(err)
	}
	return c, b
}

func voteOf(signer uint16, kind chain.VoteKind, hash byte) votelog.Record {
	v := chain.Vote{Kind: kind, Session: 2, View: 7, ParentView: 6, BlockHash: chain.Hash{hash}, Signer: signer}
	if kind == chain.VoteNullify {
		v.ParentView, v.BlockHash = 0, chain.Hash{}
	}
	return votelog.Record{Kind: votelog.Vote, Session: 2, View: 7, VoteKind: kind, Payload: v.Encode()}
}

func certOf(kind chain.VoteKind, hash byte, signers byte) votelog.Record {
	c := chain.Certificate{
		Version: chain.CertificateVersion, Kind: kind, Session: 2, View: 7, ParentView: 6, BlockHash: chain.Hash{hash},
		Signers: []byte{signers}, Sigs: make([][64]byte, bits.OnesCount8(signers)),
	}
	if kind == chain.VoteNullify {
		c.ParentView, c.BlockHash = 0, chain.Hash{}
	}
	return votelog.Record{Kind: votelog.Certificate, Session: 2, View: 7, VoteKind: kind, Payload: c.Encode()}
}

func TestDoubleVotes(t *testing.T) {
	type at struct {
		validator int
		record    votelog.Record
	}
	for name, tc := range map[string]struct {
		found []at
		want  string // part of the finding, "" if there is none
	}{
		"the same vote twice":            {[]at{{1, voteOf(1, chain.VoteNotarize, 5)}, {1, voteOf(1, chain.VoteNotarize, 5)}}, ""},
		"notarize and finalize":          {[]at{{1, voteOf(1, chain.VoteNotarize, 5)}, {1, voteOf(1, chain.VoteFinalize, 5)}}, ""},
		"notarize and nullify":           {[]at{{1, voteOf(1, chain.VoteNotarize, 5)}, {1, voteOf(1, chain.VoteNullify, 0)}}, ""},
		"two blocks in a view":           {[]at{{1, voteOf(1, chain.VoteNotarize, 5)}, {1, voteOf(1, chain.VoteNotarize, 6)}}, "double vote of validator1"},
		"nullify and finalize":           {[]at{{1, voteOf(1, chain.VoteFinalize, 5)}, {1, voteOf(1, chain.VoteNullify, 0)}}, "double vote of validator1"},
		"a certificate with other votes": {[]at{{1, voteOf(1, chain.VoteNotarize, 5)}, {2, certOf(chain.VoteNotarize, 6, 0b0111)}}, "double vote of validator1"},
		"a certificate with the votes":   {[]at{{1, voteOf(1, chain.VoteNotarize, 6)}, {2, certOf(chain.VoteNotarize, 6, 0b0111)}}, ""},
		"certificates that cross":        {[]at{{0, certOf(chain.VoteNullify, 0, 0b0111)}, {2, certOf(chain.VoteFinalize, 6, 0b1110)}}, "double vote"},
		"the vote of somebody else":      {[]at{{1, voteOf(2, chain.VoteNotarize, 5)}}, "vote of validator 2"},
		"rubbish":                        {[]at{{1, votelog.Record{Kind: votelog.Vote, Session: 2, View: 7, VoteKind: chain.VoteNotarize, Payload: []byte{1}}}}, "does not decode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, b := stopped(t)
			for i := range tc.found {
				b.record(tc.found[i].validator, &tc.found[i].record)
			}
			var r CheckReport
			b.votes = max(b.votes, 1)
			b.judge(&r)
			got := strings.Join(r.Violations, "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCheckDisks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, b := stopped(t)
	b.votes = 1 // a network that never ran has cast none
	clean, err := CheckDisks(ctx, c, system.Modules(), nil, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(clean.Violations) > 0 || len(clean.Heights) != 4 || len(clean.Supply) != 4 {
		t.Errorf("a network that never ran: %+v", clean)
	}
	gone := []Acknowledged{{Tx: chain.Hash{1}, Block: chain.Hash{2}, Height: 3}}
	r, err := CheckDisks(ctx, c, system.Modules(), gone, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Violations, "; "); strings.Count(got, "is gone") != 4 {
		t.Errorf("a receipt that no node has: found %q, want it missing on 4", got)
	}
	l, err := openStopped(ctx, c, 0, system.Modules())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first := genesisSupply(c, 0, system.Modules())
	first.AddUint64(&first, 1)
	var lost CheckReport
	lost.checkOne(ctx, "validator0", l, first)
	if len(lost.Violations) != 1 || !strings.Contains(lost.Violations[0], "supply") {
		t.Errorf("one unit of money lost: found %q", lost.Violations)
	}
}
