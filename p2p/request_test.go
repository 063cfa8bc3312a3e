package p2p

// Requests between real nodes: what is answered, what is not, limits of both sides, and answers that
// nobody asked for.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

func pair(t testing.TB, serving *shelf) (asker, server *Net) {
	t.Helper()
	o := testOptions(t)
	o.Source = serving
	server, _ = start(t, o)
	o = testOptions(t)
	o.Peers = server.Addrs()
	asker, _ = start(t, o)
	awaitPeers(t, asker, 1)
	return asker, server
}

func TestRequests(t *testing.T) {
	hash := [32]byte{9}
	s := &shelf{height: 40, blocks: map[uint64][]byte{}, things: map[string][]byte{
		string(hash[:]): []byte("the thing"), "s=1 v=2": []byte("certificate"),
	}}
	for h := range uint64(200) {
		s.blocks[h] = binary.BigEndian.AppendUint64(nil, h)
	}
	s.blocks[300], s.blocks[301] = make([]byte, 3<<20), make([]byte, 3<<20)
	a, b := pair(t, s)
	ask := func(id string, q Request) Response {
		t.Helper()
		r, err := a.Request(t.Context(), id, q)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := ask(b.Self().ID, AskStatus()); got.Height != 40 || got.From != b.Self() {
		t.Errorf("status: got %d of %v, want 40 of %v", got.Height, got.From, b.Self())
	}
	got := ask("", AskBlocks(5, 1000)).Items
	if len(got) != RangeBlocksMax || !bytes.Equal(got[0], s.blocks[5]) || !bytes.Equal(got[127], s.blocks[132]) {
		t.Errorf("blocks: got %d, want 5 to 132", len(got))
	}
	if got := ask("", AskBlocks(300, 10)).Items; len(got) != 1 {
		t.Errorf("blocks of 3 MiB each: got %d, want 1", len(got))
	}
	for name, q := range map[string]Request{"block": AskBlock(hash), "blob": AskBlob(hash)} {
		if got := ask("", q).Items; len(got) != 1 || string(got[0]) != "the thing" {
			t.Errorf("%s: got %q, want 'the thing'", name, got)
		}
	}
	if got := ask("", AskCertificate([]byte("s=1 v=2"))).Items; string(got[0]) != "certificate" {
		t.Errorf("certificate: got %q", got)
	}
}

func TestRequestsThatFail(t *testing.T) {
	s := &shelf{}
	a, b := pair(t, s)
	if _, err := a.Request(t.Context(), "", AskBlock([32]byte{1})); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing block: got %v, want ErrNotFound", err)
	}
	s.err = errors.New("disk on fire")
	if _, err := a.Request(t.Context(), "", AskBlock([32]byte{1})); !errors.Is(err, ErrBusy) {
		t.Errorf("server's own fault: got %v, want ErrBusy", err)
	}
	s.err, s.things = nil, map[string][]byte{string(make([]byte, 32)): make([]byte, replyBytesMax+1)}
	if _, err := a.Request(t.Context(), "", AskBlob([32]byte{})); !errors.Is(err, ErrBusy) {
		t.Errorf("server's too long answer: got %v, want ErrBusy", err)
	}
	s.things = map[string][]byte{string(make([]byte, 32)): make([]byte, BlobBytesMax+1)}
	if _, err := a.Request(t.Context(), "", AskBlob([32]byte{})); !errors.Is(err, FaultAnswer) {
		t.Errorf("blob above its limit: got %v, want FaultAnswer", err)
	}
	if got := a.Peers()[0].Score; got == 0 {
		t.Error("server's score after a wrong answer: got 0, want more")
	}
	if _, err := a.Request(t.Context(), a.Self().ID, AskStatus()); !errors.Is(err, ErrNoPeer) {
		t.Errorf("unknown peer: got %v, want ErrNoPeer", err)
	}
	lonely, _ := start(t, testOptions(t))
	if _, err := lonely.Request(t.Context(), "", AskStatus()); !errors.Is(err, ErrNoPeer) {
		t.Errorf("no peers: got %v, want ErrNoPeer", err)
	}
	s.hold = make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.Request(ctx, b.Self().ID, AskBlob([32]byte{})); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("server that hangs: got %v, want a deadline", err)
	}
	close(s.hold)
	if got := b.Peers()[0].Score; got != 0 {
		t.Errorf("asker's score: got %d, want 0", got)
	}
}

// TestServerLimitsOpenRequests goes round the asker's own limit by opening streams itself.
func TestServerLimitsOpenRequests(t *testing.T) {
	s := &shelf{hold: make(chan struct{})}
	a, b := pair(t, s)
	q := AskBlob([32]byte{})
	open := func() network.Stream {
		stream, err := a.host.NewStream(network.WithNoDial(t.Context(), "test"), b.opt.Identity.id, a.requestProtocol)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFrame(stream, q.encode()); err != nil {
			t.Fatal(err)
		}
		return stream
	}
	var held []network.Stream
	for range requestsOpenMax {
		held = append(held, open())
	}
	server := b.table.get(a.opt.Identity.id)
	until(t, "all requests to be served", func() bool { return server.serving.Load() == requestsOpenMax })
	reply, err := readFrame(open(), replyBytesMax)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeAnswer(reply); err != nil || got.code != answerBusy {
		t.Errorf("one more: got code %d, %v, want busy", got.code, err)
	}
	close(s.hold)
	for _, stream := range held {
		if b, err := readFrame(stream, replyBytesMax); err != nil || len(b) != 1 || answerCode(b[0]) != answerNotFound {
			t.Errorf("held request: got %v %v, want not found", b, err)
		}
	}
}

func TestMalformedRequestsAreFaults(t *testing.T) {
	a, b := pair(t, &shelf{})
	for name, bad := range map[string][]byte{
		"kind 0":    {0},
		"trailing":  {byte(requestStatus), 1},
		"no height": {byte(requestBlocks)},
		"129":       (&Request{kind: requestBlocks, count: RangeBlocksMax + 1}).encode(),
	} {
		before := b.scores.score(time.Now(), a.opt.Identity.id)
		stream, err := a.host.NewStream(network.WithNoDial(t.Context(), "test"), b.opt.Identity.id, a.requestProtocol)
		if err != nil {
			t.Skip("banned already") // two of fifty points are enough
		}
		if err := writeFrame(stream, bad); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(stream); err == nil {
			t.Errorf("%s: got an answer, want a reset", name)
		}
		if got := b.scores.score(time.Now(), a.opt.Identity.id); got <= before && len(b.Peers()) > 0 {
			t.Errorf("%s: score got %d, want more than %d", name, got, before)
		}
		b.scores = newScores()
	}
}

func TestAnswerShapes(t *testing.T) {
	cases := []struct {
		name string
		q    Request
		a    answer
		want error
	}{
		{"one block", AskBlock([32]byte{}), answer{answerHere, [][]byte{{1}}}, nil},
		{"two for one", AskBlock([32]byte{}), answer{answerHere, [][]byte{{1}, {2}}}, FaultAnswer},
		{"more than asked", AskBlocks(1, 2), answer{answerHere, [][]byte{{1}, {2}, {3}}}, FaultAnswer},
		{"fewer than asked", AskBlocks(1, 5), answer{answerHere, [][]byte{{1}, {2}, {3}}}, nil},
		{"status of 7 bytes", AskStatus(), answer{answerHere, [][]byte{make([]byte, 7)}}, errors.ErrUnsupported},
	}
	for _, c := range cases {
		_, err := c.q.response(Peer{}, c.a)
		if c.want == errors.ErrUnsupported {
			if err == nil {
				t.Errorf("%s: got no error", c.name)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// Over QUIC an answer that is long under way when the server is done with it must not be taken back.
func TestLongAnswersArriveOverQUIC(t *testing.T) {
	o := testOptions(t)
	o.Listen = []string{"/ip4/127.0.0.1/udp/0/quic-v1"}
	o.Source = &shelf{things: map[string][]byte{string(make([]byte, 32)): make([]byte, BlobBytesMax)}}
	server, _ := start(t, o)
	o = testOptions(t)
	o.Peers = server.Addrs()
	asker, _ := start(t, o)
	awaitPeers(t, asker, 1)
	for i := range 30 {
		r, err := asker.Request(t.Context(), "", AskBlob([32]byte{}))
		if err != nil || len(r.Items[0]) != BlobBytesMax {
			t.Fatalf("request %d: got %v, want the blob", i, err)
		}
	}
}
