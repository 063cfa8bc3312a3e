package rpc

// The transport: what a hostile or clumsy caller can send over HTTP and WebSocket, and what he gets.
// Methods used here are made up; the real ones are tested over a chain elsewhere.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aiwork/aiwork-node/internal/chain"
)

func testTable() *Table {
	t := NewTable()
	t.Add(Method{Name: "echo", Params: []string{"a", "b"}}, func(_ context.Context, a Uint64, b *string) (any, error) {
		return []any{a, b}, nil
	})
	t.Add(Method{Name: "refuse"}, func(context.Context) (any, error) { return nil, errors.New("no: because") })
	t.Add(Method{Name: "revert"}, func(context.Context) (any, error) {
		return nil, &Error{Code: CodeReverted, Message: "execution reverted: why", Data: Bytes{1, 2}}
	})
	t.Add(Method{Name: "panic"}, func(context.Context) (any, error) { panic("a bug") })
	t.Add(Method{Name: "large"}, func(context.Context) (string, error) { return strings.Repeat("x", 1000), nil })
	t.Add(Method{Name: "block"}, func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() })
	AddDiscover(t, "test")
	return t
}

// serve starts a server and gives its URL.
func serve(t *testing.T, change func(*Options)) string {
	opts := Options{Listen: "127.0.0.1:0", Limits: DefaultLimits(), Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&opts)
	}
	s, err := Listen(testTable(), opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr().String()
}

func post(t *testing.T, url, body string) (int, string) {
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAnswers(t *testing.T) {
	url := serve(t, nil)
	for _, tc := range []struct{ name, body, want string }{
		{"call", `{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x2","s"]}`, `{"jsonrpc":"2.0","id":1,"result":["0x2","s"]}`},
		{"left out", `{"jsonrpc":"2.0","id":"x","method":"echo","params":["0x2"]}`, `{"jsonrpc":"2.0","id":"x","result":["0x2",null]}`},
		{"null tail", `{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x2",null,null]}`, `"result":["0x2",null]`},
		{"notification", `{"jsonrpc":"2.0","method":"echo","params":["0x2"]}`, ``},
		{
			"batch", `[{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x2"]},{"jsonrpc":"2.0","id":2,"method":"nope"}]`,
			`[{"jsonrpc":"2.0","id":1,"result":["0x2",null]},{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"the method nope does not exist`,
		},
		{"empty batch", `[]`, `"code":-32600`},
		{"batch of nothing", `[1]`, `[{"jsonrpc":"2.0","id":null,"error":{"code":-32600`},
		{"not JSON", `{"jsonrpc":`, `"code":-32700`},
		{"two values", `{} {}`, `"code":-32700`},
		{"no version", `{"id":1,"method":"echo"}`, `want \"jsonrpc\":\"2.0\"`},
		{"object id", `{"jsonrpc":"2.0","id":{},"method":"echo"}`, `id must be`},
		{"missing", `{"jsonrpc":"2.0","id":1,"method":"echo","params":[]}`, `"code":-32602,"message":"missing value for required argument 0 (a)"`},
		{"too many", `{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x1","b","c"]}`, `too many arguments`},
		{"wrong type", `{"jsonrpc":"2.0","id":1,"method":"echo","params":["zz"]}`, `invalid argument 0 (a)`},
		{"params object", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1}}`, `array of positional`},
		{"refused", `{"jsonrpc":"2.0","id":1,"method":"refuse"}`, `"code":-32000,"message":"no: because"`},
		{"reverted", `{"jsonrpc":"2.0","id":1,"method":"revert"}`, `"code":3,"message":"execution reverted: why","data":"0x0102"`},
		{"our bug", `{"jsonrpc":"2.0","id":1,"method":"panic"}`, `"code":-32603`},
		{"cheat code", `{"jsonrpc":"2.0","id":1,"method":"evm_mine"}`, `no cheat codes`},
		{"deep", strings.Repeat("[", 1000), `nested deeper than 64`},
		{"deep in params", `{"jsonrpc":"2.0","id":1,"method":"echo","params":[` + strings.Repeat(`{"a":`, 100) + strings.Repeat("}", 100) + `]}`, `nested deeper`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, got := post(t, url, tc.body)
			if status != http.StatusOK || !strings.Contains(got, tc.want) || (tc.want == "" && got != "") {
				t.Errorf("got %d %s, want %s", status, got, tc.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	url := serve(t, func(o *Options) {
		o.Limits.BodyBytesMax, o.Limits.BatchItemsMax, o.Limits.ReplyBytesMax = 4096, 20, 3000
		o.Limits.Classes[ClassRead].Timeout = 20 * time.Millisecond
	})
	status, got := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"echo","params":["`+strings.Repeat("0", 5000)+`"]}`)
	if status != http.StatusRequestEntityTooLarge || !strings.Contains(got, "body over 4096 bytes") {
		t.Errorf("large body: got %d %s", status, got)
	}
	one := `{"jsonrpc":"2.0","id":1,"method":"large"}`
	if _, got := post(t, url, "["+strings.Repeat(one+",", 20)+one+"]"); !strings.Contains(got, "at most 20") {
		t.Errorf("large batch: got %.200s", got)
	}
	var items []response
	_, got = post(t, url, "["+strings.Repeat(one+",", 9)+one+"]")
	if err := json.Unmarshal([]byte(got), &items); err != nil || len(items) != 10 {
		t.Fatalf("large reply: got %d items, %v", len(items), err)
	}
	if items[0].Error != nil || items[9].Error == nil || items[9].Error.Code != CodeLimit {
		t.Errorf("large reply: got first %v, last %v", items[0].Error, items[9].Error)
	}
	if _, got := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"block"}`); !strings.Contains(got, "deadline") {
		t.Errorf("slow method: got %s", got)
	}
}

func TestRateLimit(t *testing.T) {
	l := newLimiter(Limits{CostPerSecond: 10, CostBurst: 20, ClientsMax: 2}, func() time.Time { return time.Unix(0, 0) })
	far, other, third := mustAddr("192.0.2.1"), mustAddr("192.0.2.2"), mustAddr("192.0.2.3")
	if !l.take(far, 20) || l.take(far, 1) {
		t.Error("want the burst and no more")
	}
	if !l.take(other, 1) {
		t.Error("another address has its own budget")
	}
	if !l.take(third, 20) || l.take(third, 1) || len(l.buckets) > 2 {
		t.Errorf("an address too many shares the crowd's bucket; %d buckets", len(l.buckets))
	}
	if !l.take(mustAddr("127.0.0.1"), 1e9) {
		t.Error("loopback is not limited")
	}
}

func TestForeignCallers(t *testing.T) {
	url := serve(t, func(o *Options) { o.Hosts, o.Origins = []string{"node.example"}, []string{"https://wallet.example"} })
	for _, tc := range []struct {
		host, origin string
		want         int
	}{
		{"", "", 200},
		{"localhost:8545", "", 200},
		{"node.example:8545", "", 200},
		{"evil.example", "", 403},
		{"127.0.0.1.evil.example", "", 403},
		{"", "https://evil.example", 403},
		{"", "null", 403},
		{"", "https://wallet.example", 200},
	} {
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x1"]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tc.host
		if tc.origin != "" {
			req.Header.Set("Origin", tc.origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("host %q, origin %q: got %d, want %d", tc.host, tc.origin, resp.StatusCode, tc.want)
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); (got != "") != (tc.want == 200 && tc.origin != "") {
			t.Errorf("origin %q: Access-Control-Allow-Origin is %q", tc.origin, got)
		}
	}
}

func ticks(ctx context.Context, send func(any) error) error {
	for i := range 3 {
		if err := send(i); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func TestSocket(t *testing.T) {
	url := serve(t, func(o *Options) {
		o.Limits.SubscriptionsMax = 2
		o.Feeds = map[string]Feed{"ticks": func(arg json.RawMessage) (Stream, *Error) {
			if string(arg) == `"bad"` {
				return nil, Errorf(CodeParams, "no such ticks")
			}
			return ticks, nil
		}}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	_ = resp
	call := func(body string) {
		if err := conn.Write(ctx, websocket.MessageText, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want string) string {
		for {
			_, msg, err := conn.Read(ctx)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if bytes.Contains(msg, []byte(want)) {
				return string(msg)
			}
		}
	}
	call(`{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x5"]}`)
	read(`"result":["0x5",null]`)
	call(`{"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["ticks"]}`)
	read(`"id":2,"result":"0x`)
	read(`"result":2,`)
	call(`{"jsonrpc":"2.0","id":3,"method":"eth_subscribe","params":["nope"]}`)
	read(`no \"nope\" subscription`)
	call(`{"jsonrpc":"2.0","id":7,"method":"eth_subscribe","params":["ticks","bad"]}`)
	read(`no such ticks`)
	call(`{"jsonrpc":"2.0","id":4,"method":"eth_subscribe","params":["ticks"]}`)
	read(`"id":4`)
	call(`{"jsonrpc":"2.0","id":5,"method":"eth_subscribe","params":["ticks"]}`)
	read(`subscriptions on this socket already`)
	call(`{"jsonrpc":"2.0","id":6,"method":"eth_unsubscribe","params":["0x00"]}`)
	read(`subscription not found`)
}

// A subscriber that does not read is cut off with a close frame that says why.
func TestSlowReader(t *testing.T) {
	ended := make(chan error, 1)
	url := serve(t, func(o *Options) {
		o.Limits.SocketQueueMax = 4
		o.Feeds = map[string]Feed{"flood": func(json.RawMessage) (Stream, *Error) {
			return func(_ context.Context, send func(any) error) error {
				for {
					if err := send(strings.Repeat("x", 1<<16)); err != nil {
						ended <- err
						return err
					}
				}
			}, nil
		}}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["flood"]}`)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !strings.Contains(err.Error(), "reader too slow") {
		t.Errorf("the feed ended with %v", err)
	}
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
	closed, ok := errors.AsType[websocket.CloseError](err)
	if !ok || closed.Code != websocket.StatusPolicyViolation || closed.Reason != "reader too slow: more than 4 messages or 8388608 bytes behind" {
		t.Errorf("got %v, want a close frame with the reason", err)
	}
}

// Bodies and answers of all callers together have a bound; what it refuses is held no longer.
func TestMemoryOfBodiesAndAnswers(t *testing.T) {
	url := serve(t, func(o *Options) { o.Limits.MemoryBytesMax = 800 })
	small := `{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x1"]}`
	for range 3 {
		if status, got := post(t, url, small+strings.Repeat(" ", 800)); status != http.StatusServiceUnavailable || !strings.Contains(got, "-32005") {
			t.Errorf("a body: got %d %s", status, got)
		}
		if status, got := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"large","params":[]}`); status != http.StatusServiceUnavailable || !strings.Contains(got, "memory") {
			t.Errorf("an answer: got %d %s", status, got)
		}
		if status, got := post(t, url, small); status != http.StatusOK {
			t.Errorf("after what was refused: got %d %s", status, got)
		}
	}
	// What a caller who sends slowly has sent is all that is held for him.
	b := budget{bytesMax: 10}
	_, taken, err := b.readAll(&slowBody{t, &b})
	if !errors.Is(err, errBudget) || taken != 7 || b.used.Load() != 10 {
		t.Errorf("got %v, %d bytes taken, %d held", err, taken, b.used.Load())
	}
}

// slowBody has sent seven bytes, then the budget of ten is used up by another, then it sends more.
type slowBody struct {
	t *testing.T
	b *budget
}

func (s *slowBody) Read(p []byte) (int, error) {
	if s.b.used.Load() == 0 {
		return copy(p, "1234567"), nil
	}
	if !s.b.take(3) || s.b.take(1) {
		s.t.Errorf("%d bytes are held", s.b.used.Load())
	}
	return copy(p, "8"), nil
}

// A socket whose answers wait in memory is cut off by their bytes, too.
func TestSlowReaderOfLargeAnswers(t *testing.T) {
	url := serve(t, func(o *Options) { o.Limits.SocketBytesMax = 2000 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	ask := "[" + strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"large","params":[]},`, 999) + `{"jsonrpc":"2.0","id":1,"method":"large","params":[]}]`
	for err == nil {
		err = conn.Write(ctx, websocket.MessageText, []byte(ask))
	}
	conn.SetReadLimit(2 << 20)
	for err = nil; err == nil; {
		_, _, err = conn.Read(ctx)
	}
	if ctx.Err() != nil {
		t.Errorf("not cut off: %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = Listen(testTable(), Options{Listen: ln.Addr().String(), Limits: DefaultLimits(), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "choose another with --rpc") {
		t.Errorf("got %v", err)
	}
}

func TestDiscover(t *testing.T) {
	raw, err := json.Marshal(testTable().Describe("v"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"echo","summary":"","paramStructure":"by-position","params":[{"name":"a","required":true,"schema":{"pattern"`
	if !strings.Contains(string(raw), want) {
		t.Errorf("got %.600s", raw)
	}
}

func FuzzAnswer(f *testing.F) {
	s := &Server{table: testTable(), opts: Options{Limits: DefaultLimits(), Log: slog.New(slog.DiscardHandler)}}
	s.lanes = newLanes(&s.opts.Limits)
	s.limiter = newLimiter(s.opts.Limits, time.Now)
	s.opts.Limits.Classes[ClassRead].Timeout = time.Millisecond
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"echo","params":["0x2","s"]}`))
	f.Add([]byte(`[{"jsonrpc":"2.0","id":null,"method":"echo","params":["0x2"]},{"jsonrpc":"2.0","method":"large"}]`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"a","method":"rpc.discover","params":null}`))
	f.Add([]byte(`[[[[{"id":{"a":[]}}]]]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		reply := s.answer(context.Background(), mustAddr("127.0.0.1"), body, nil)
		if reply != nil && !json.Valid(reply) {
			t.Errorf("%q: answer is not JSON: %q", body, reply)
		}
	})
}

func FuzzParameters(f *testing.F) {
	f.Add([]byte(`"latest"`))
	f.Add([]byte(`{"blockNumber":"0x1"}`))
	f.Add([]byte(`{"fromBlock":"0x1","address":["0x0000000000000000000000000000000000000001"],"topics":[null,["0x0000000000000000000000000000000000000000000000000000000000000001"]]}`))
	f.Add([]byte(`{"to":"0x0000000000000000000000000000000000000001","value":"0x01","input":"0x00"}`))
	f.Add([]byte(`"0x1234"`))
	f.Add([]byte(`{"0x0000000000000000000000000000000000000001":{"balance":"0x1","nonce":"0x1","code":"0x00","stateDiff":{"0x1":"0x2"},"movePrecompileToAddress":"0x0000000000000000000000000000000000000002"}}`))
	f.Add([]byte(`{"number":"0x1","time":"0x1","gasLimit":"0x1","baseFeePerGas":"0x1","prevRandao":"0x0000000000000000000000000000000000000000000000000000000000000001"}`))
	f.Add([]byte(`{"blockStateCalls":[{"blockOverrides":{"number":"0x1"},"stateOverrides":{},"calls":[{"type":"0x4","authorizationList":[{"chainId":"0x1","address":"0x0000000000000000000000000000000000000001","nonce":"0x0","yParity":"0x0","r":"0x1","s":"0x1"}]}]}],"validation":true}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var (
			tag    BlockTag
			filter logFilter
			args   callArgs
			slot   Slot
			data   Bytes
			n      Uint64
			big    Uint256
			over   stateOverrides
			block  blockOverrides
			sim    simulateArgs
		)
		for _, v := range []json.Unmarshaler{&tag, &filter, &slot, &data, &n, &big, &over} {
			_ = v.UnmarshalJSON(raw)
		}
		if json.Unmarshal(raw, &args) == nil {
			_, _ = args.message(1)
		}
		if json.Unmarshal(raw, &block) == nil {
			_ = block.check()
		}
		_ = json.Unmarshal(raw, &sim)
	})
}

// slowLogs is a ledger whose log queries take too long.
type slowLogs struct{ Chain }

func (slowLogs) Head() (Head, <-chan struct{}) { return Head{Height: 9}, nil }

func (slowLogs) Logs(ctx context.Context, _ LogQuery) ([]LogEntry, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSlowLogs(t *testing.T) {
	table := NewTable()
	AddEth(table, slowLogs{}, nil, nil, &chain.Params{}, "")
	m, _ := table.Lookup("eth_getLogs")
	if m.Class != ClassLogs {
		t.Errorf("eth_getLogs is of class %s", m.Class)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, fault := m.Call(ctx, json.RawMessage(`[{"fromBlock":"0x2","toBlock":"0x9"}]`))
	if fault == nil || fault.Code != CodeLimit || !strings.Contains(fault.Message, "fewer blocks than from 2 to 9") {
		t.Errorf("got %v", fault)
	}
}

// catchingUp is a chain and a network whose standing a test sets, one step after the other.
type catchingUp struct {
	Chain
	Network
	steps [][2]chain.Height // current and highest; equal: in step
	at    int
}

func (c *catchingUp) Head() (Head, <-chan struct{}) {
	changed := make(chan struct{})
	close(changed)
	return Head{}, changed
}

func (c *catchingUp) Behind() (current, highest chain.Height, syncing bool) {
	s := c.steps[min(c.at, len(c.steps)-1)]
	c.at++
	return s[0], s[1], s[0] < s[1]
}

func TestSyncFeed(t *testing.T) {
	c := &catchingUp{steps: [][2]chain.Height{{5, 5}, {6, 9}, {8, 9}, {9, 9}, {9, 9}, {9, 12}}}
	var told []string
	enough := errors.New("enough")
	err := syncFeed(t.Context(), c, c, func(v any) error {
		if told = append(told, string(encode(v))); len(told) == 4 {
			return enough
		}
		return nil
	})
	want := `false {"syncing":true,"status":{"startingBlock":"0x0","currentBlock":"0x6","highestBlock":"0x9"}} false ` +
		`{"syncing":true,"status":{"startingBlock":"0x0","currentBlock":"0x9","highestBlock":"0xc"}}`
	if got := strings.Join(told, " "); !errors.Is(err, enough) || got != want {
		t.Errorf("got %v, %s, want %s", err, got, want)
	}
}
