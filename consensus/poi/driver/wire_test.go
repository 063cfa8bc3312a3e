package driver

// The forms of frames and sealed blocks: what is decoded, encoded again, gives the same bytes, and what is
// too long, too short or out of range is refused.

import (
	"bytes"
	"errors"
	"testing"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

func sampleBlock() *chain.Block {
	b := &chain.Block{Ext: chain.Extension{Version: chain.ExtensionVersion, Session: 1, View: 3, TimeMs: 5000}}
	b.Header = chain.Header{Number: 33, Extra: b.Ext.Hash(), TxRoot: chain.TxRoot(nil), Time: 5}
	return b
}

func sampleFrames() map[string]poi.Message {
	cert := &chain.Certificate{
		Version: chain.CertificateVersion, Kind: chain.VoteFinalize, Session: 1, View: 3, ParentView: 2,
		BlockHash: chain.Hash{1}, Signers: []byte{0b1011}, Sigs: make([][64]byte, 3),
	}
	return map[string]poi.Message{
		"proposal":    {Proposal: &chain.Proposal{Session: 1, View: 3, ParentView: 2, BlockHash: chain.Hash{1}, Signer: 2}},
		"notarize":    {Vote: &chain.Vote{Kind: chain.VoteNotarize, Session: 1, View: 3, ParentView: 2, BlockHash: chain.Hash{1}}},
		"nullify":     {Vote: &chain.Vote{Kind: chain.VoteNullify, Session: 1, View: 3, Signer: 7}},
		"certificate": {Certificate: cert},
		"status":      {Status: &poi.Status{Session: 1, View: 2, Height: 3}},
		"fetch_cert":  {FetchCert: &poi.FetchCert{Session: 1, View: 2, Kinds: poi.Bit(chain.VoteNullify)}},
	}
}

func TestFrames(t *testing.T) {
	limits := make(map[byte]int)
	for _, k := range Kinds() {
		limits[k.ID] = k.BytesMax
	}
	for name, m := range sampleFrames() {
		for _, body := range [][]byte{nil, sampleBlock().Encode()} {
			kind, payload := encodeFrame(m, body)
			if len(payload) > limits[kind] {
				t.Errorf("%s: %d bytes are above its kind's limit of %d", name, len(payload), limits[kind])
			}
			f, err := decodeFrame(kind, payload)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			again, payload2 := encodeFrame(f.msg, f.body)
			if again != kind || !bytes.Equal(payload, payload2) {
				t.Errorf("%s: got %x, want %x", name, payload2, payload)
			}
			for _, cut := range []int{0, 1, len(payload) / 2, len(payload) - 1} {
				if _, err := decodeFrame(kind, payload[:cut]); err == nil {
					t.Errorf("%s cut to %d bytes: got no error", name, cut)
				}
			}
			if _, err := decodeFrame(kind, append(bytes.Clone(payload), 0)); err == nil {
				t.Errorf("%s with a byte behind it: got no error", name)
			}
		}
	}
	a := announcement{7, chain.Hash{9}}
	f, err := decodeFrame(KindAnnounce, a.encode())
	if err != nil || *f.announce != a {
		t.Errorf("announcement: got %+v, %v", f.announce, err)
	}
}

func TestFramesRefused(t *testing.T) {
	propose := chain.Vote{Kind: chain.VotePropose, Session: 1, View: 1, BlockHash: chain.Hash{1}}
	kinds := func(m poi.KindMask) []byte { return encodeFetchCert(poi.FetchCert{Session: 1, View: 1, Kinds: m}) }
	long := codec.NewWriter(0)
	long.Fixed((&chain.Proposal{View: 1}).Encode())
	long.U32(chain.BlockSizeMax + 1)
	long.Fixed(make([]byte, chain.BlockSizeMax+1))
	for name, c := range map[string]struct {
		kind    byte
		payload []byte
	}{
		"proposal as a vote":  {KindVote, propose.Encode()},
		"no kinds wanted":     {KindFetchCert, kinds(0)},
		"unknown kind wanted": {KindFetchCert, kinds(1 << 5)},
		"proposals wanted":    {KindFetchCert, kinds(poi.Bit(chain.VotePropose))},
		"unknown frame":       {0, nil},
		"body too long":       {KindProposal, long.Out()},
	} {
		if f, err := decodeFrame(c.kind, c.payload); err == nil {
			t.Errorf("%s: got %+v, want an error", name, f)
		}
	}
}

func TestSealedBlock(t *testing.T) {
	cert := sampleFrames()["certificate"].Certificate
	s := SealedBlock{sampleBlock(), &chain.Seal{Finalization: cert}}
	got, err := DecodeSealedBlock(s.Encode())
	if err != nil || got.Block.Hash() != s.Block.Hash() || got.Seal.Finalization.BlockHash != cert.BlockHash {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := DecodeSealedBlock(append(s.Encode(), 1)); !errors.Is(err, codec.FaultTrailing) {
		t.Errorf("trailing byte: got %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	for _, m := range sampleFrames() {
		kind, payload := encodeFrame(m, nil)
		f.Add(kind, payload)
		kind, payload = encodeFrame(m, sampleBlock().Encode())
		f.Add(kind, payload)
		payload = bytes.Clone(payload)
		payload[len(payload)/2] ^= 0x40
		f.Add(kind, payload)
	}
	a := announcement{7, chain.Hash{9}}
	f.Add(byte(KindAnnounce), a.encode())
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		got, err := decodeFrame(kind, payload)
		if err != nil {
			return
		}
		var again []byte
		if got.announce != nil {
			again = got.announce.encode()
		} else {
			_, again = encodeFrame(got.msg, got.body)
		}
		if !bytes.Equal(again, payload) {
			t.Fatalf("kind %d: got %x, want %x", kind, again, payload)
		}
	})
}

func FuzzSealedBlock(f *testing.F) {
	s := SealedBlock{sampleBlock(), &chain.Seal{Finalization: sampleFrames()["certificate"].Certificate}}
	f.Add(s.Encode())
	bare := SealedBlock{sampleBlock(), &chain.Seal{}}
	f.Add(bare.Encode())
	cut := s.Encode()
	f.Add(cut[:len(cut)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeSealedBlock(b)
		if err == nil && !bytes.Equal(got.Encode(), b) {
			t.Fatalf("got %x, want %x", got.Encode(), b)
		}
	})
}
