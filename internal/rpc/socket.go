package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Feed reads the parameters of a subscription and gives its stream, or an error for the caller.
type Feed func(params json.RawMessage) (Stream, *Error)

// Stream sends news to a subscriber until ctx ends. send blocks no longer than it takes to queue; it
// gives an error when the subscriber is gone or too slow, and Stream then returns.
type Stream func(ctx context.Context, send func(v any) error) error

// socket is one WebSocket: requests are answered in order, subscriptions send beside them. One writer
// takes messages from a bounded queue; a reader too slow to empty it is cut off and told so (policy: drop the
// reader, not the news).
type socket struct {
	server  *Server
	out     chan []byte
	queued  atomic.Int64 // bytes in out, taken from the server's budget
	cancel  context.CancelFunc
	ctx     context.Context
	slow    chan struct{} // closed when the queue was full
	cutOff  sync.Once
	written chan struct{} // closed when nothing will be written any more

	starting []func() // feeds whose subscription is not answered yet; only the reader touches it

	mu   sync.Mutex
	subs map[string]context.CancelFunc
	wg   sync.WaitGroup
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if s.sockets.Add(1) > int64(s.opts.Limits.SocketsMax) {
		s.sockets.Add(-1)
		http.Error(w, fmt.Sprintf("%d WebSockets are open already", s.opts.Limits.SocketsMax), http.StatusServiceUnavailable)
		return
	}
	s.live.Add(1)
	defer s.live.Done()
	defer s.sockets.Add(-1)
	// The origin was checked by checkCaller with the same rule as for HTTP.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	conn.SetReadLimit(s.opts.Limits.BodyBytesMax)
	ctx, cancel := context.WithCancel(r.Context())
	sock := &socket{
		server: s, out: make(chan []byte, s.opts.Limits.SocketQueueMax), ctx: ctx, cancel: cancel,
		slow: make(chan struct{}), written: make(chan struct{}), subs: map[string]context.CancelFunc{},
	}
	sock.wg.Go(func() { sock.write(conn) })
	sock.read(conn, r)
	select {
	case <-sock.slow:
		<-sock.written // the reason goes out before the connection is torn down
	default:
	}
	cancel()
	sock.wg.Wait()
	s.memory.give(int(sock.queued.Load())) // what nobody will read
	_ = conn.Close(websocket.StatusNormalClosure, "")
}

func (k *socket) read(conn *websocket.Conn, r *http.Request) {
	from := remoteAddr(r)
	for {
		_, message, err := conn.Reader(k.ctx)
		if err != nil {
			return
		}
		body, taken, err := k.server.memory.readAll(message)
		if err != nil {
			k.server.memory.give(taken)
			if errors.Is(err, errBudget) {
				_ = conn.Close(websocket.StatusTryAgainLater, errBudget.Error())
			}
			return
		}
		reply := k.server.answer(k.ctx, from, body, k)
		k.server.memory.give(taken)
		if reply != nil && k.send(reply) != nil {
			return
		}
		// A client knows its news by the id in the answer, so that has to come first.
		for _, start := range k.starting {
			start()
		}
		k.starting = k.starting[:0]
	}
}

// write ends with the socket's context, with the first error, or with the reason why a slow reader is cut off.
func (k *socket) write(conn *websocket.Conn) {
	defer k.cancel()
	defer close(k.written)
	for {
		select {
		case <-k.slow:
			_ = conn.Close(websocket.StatusPolicyViolation, k.tooSlow().Error())
			return
		default:
		}
		select {
		case msg := <-k.out:
			ctx, cancel := context.WithTimeout(k.ctx, k.server.opts.Limits.ReadTimeout)
			err := conn.Write(ctx, websocket.MessageText, msg)
			cancel()
			k.release(len(msg))
			if err != nil {
				return
			}
		case <-k.slow:
		case <-k.ctx.Done():
			_ = conn.CloseNow()
			return
		}
	}
}

func (k *socket) tooSlow() error {
	return fmt.Errorf("reader too slow: more than %d messages or %d bytes behind", cap(k.out), k.server.opts.Limits.SocketBytesMax)
}

// send queues a message, or has the socket cut off when its reader is too slow.
func (k *socket) send(msg []byte) error {
	select {
	case <-k.slow:
		return k.tooSlow()
	case <-k.ctx.Done():
		return k.ctx.Err()
	default:
	}
	if k.reserve(len(msg)) {
		select {
		case k.out <- msg:
			return nil
		default:
			k.release(len(msg))
		}
	}
	k.cutOff.Do(func() {
		close(k.slow)
		time.AfterFunc(cutOffGrace, k.cancel)
	})
	return k.tooSlow()
}

// cutOffGrace is how long a message that is being written to a reader too slow may still take.
const cutOffGrace = time.Second

// reserve takes the bytes of a message to be queued. One that is alone may have any size.
func (k *socket) reserve(n int) bool {
	before := k.queued.Add(int64(n)) - int64(n)
	if before > 0 && before+int64(n) > int64(k.server.opts.Limits.SocketBytesMax) || !k.server.memory.take(n) {
		k.queued.Add(-int64(n))
		return false
	}
	return true
}

func (k *socket) release(n int) {
	k.queued.Add(-int64(n))
	k.server.memory.give(n)
}

// subscription handles eth_subscribe and eth_unsubscribe, which only a socket knows.
func (k *socket) subscription(req request) (json.RawMessage, *Error, bool) {
	switch req.Method {
	case "eth_subscribe":
		id, fault := k.subscribe(req.Params)
		return encode(id), fault, true
	case "eth_unsubscribe":
		found, fault := k.unsubscribe(req.Params)
		return encode(found), fault, true
	default:
		return nil, nil, false
	}
}

func (k *socket) subscribe(raw json.RawMessage) (string, *Error) {
	params, fault := splitParams(raw)
	if fault != nil {
		return "", fault
	}
	var name string
	if len(params) == 0 || json.Unmarshal(params[0], &name) != nil {
		return "", Errorf(CodeParams, "missing value for required argument 0 (the subscription's name)")
	}
	feed, ok := k.server.opts.Feeds[name]
	if !ok {
		return "", Errorf(CodeParams, "no %q subscription", name)
	}
	var arg json.RawMessage
	if len(params) > 1 {
		arg = params[1]
	}
	stream, fault := feed(arg)
	if fault != nil {
		return "", fault
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.subs) >= k.server.opts.Limits.SubscriptionsMax {
		return "", Errorf(CodeLimit, "%d subscriptions on this socket already", len(k.subs))
	}
	id := newSubscriptionID()
	ctx, cancel := context.WithCancel(k.ctx)
	k.subs[id] = cancel
	k.starting = append(k.starting, func() {
		k.wg.Go(func() {
			defer k.drop(id)
			k.server.stream(name, func() error {
				return stream(ctx, func(v any) error { return k.send(notification(id, v)) })
			})
		})
	})
	return id, nil
}

func (k *socket) unsubscribe(raw json.RawMessage) (bool, *Error) {
	params, fault := splitParams(raw)
	if fault != nil {
		return false, fault
	}
	var id string
	if len(params) != 1 || json.Unmarshal(params[0], &id) != nil {
		return false, Errorf(CodeParams, "missing value for required argument 0 (the subscription's id)")
	}
	if !k.drop(id) {
		return false, Errorf(CodeRefused, "subscription not found")
	}
	return true, nil
}

func (k *socket) drop(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	cancel, ok := k.subs[id]
	if ok {
		cancel()
		delete(k.subs, id)
	}
	return ok
}

func notification(id string, v any) []byte {
	return encode(map[string]any{
		"jsonrpc": "2.0", "method": "eth_subscription",
		"params": map[string]any{"subscription": id, "result": v},
	})
}

// newSubscriptionID gives a quantity, which has no leading zero.
func newSubscriptionID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	b[0] |= 0x10
	return "0x" + hex.EncodeToString(b[:])
}
