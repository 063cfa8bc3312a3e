package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	callTimeout   = 30 * time.Second
	replyBytesMax = 64 << 20
)

// Error is an error object that the node sent.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

func (e *Error) Error() string { return e.Message }

// Client talks to one node. It is safe for concurrent use.
type Client struct {
	url  string
	http *http.Client
	id   atomic.Uint64
}

// New gives a client of a URL such as http://127.0.0.1:8545. It does not connect yet.
func New(rawURL string) (*Client, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("node URL %q: want http://HOST:PORT", rawURL)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}
	return &Client{url: u.String(), http: &http.Client{Transport: transport, Timeout: callTimeout}}, nil
}

// URL gives the node's address as it was given.
func (c *Client) URL() string { return c.url }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

type call struct {
	Version string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type reply struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Call runs a method and decodes its result into result, which may be nil.
func (c *Client) Call(ctx context.Context, result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(call{"2.0", c.id.Add(1), method, params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	var r reply
	if err := c.post(ctx, body, &r); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return r.decode(method, result)
}

func (r *reply) decode(method string, result any) error {
	if r.Error != nil {
		return fmt.Errorf("%s: %w", method, r.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return fmt.Errorf("%s: answer: %w", method, err)
	}
	return nil
}

// Request is one item of a batch. Err is set by Batch where the node refused the item.
type Request struct {
	Method string
	Params []any
	Result any
	Err    error
}

// Batch runs many calls in one request. Its own error is that of the whole; each item has its own.
func (c *Client) Batch(ctx context.Context, items []Request) error {
	calls := make([]call, len(items))
	first := c.id.Add(uint64(len(items))) - uint64(len(items)) + 1
	for i, it := range items {
		calls[i] = call{"2.0", first + uint64(i), it.Method, it.Params}
	}
	body, err := json.Marshal(calls)
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	var replies []reply
	if err := c.post(ctx, body, &replies); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	for i := range items {
		items[i].Err = errors.New("the node left this item of the batch out")
	}
	for _, r := range replies {
		if i := r.ID - first; i < uint64(len(items)) {
			items[i].Err = r.decode(items[i].Method, items[i].Result)
		}
	}
	return nil
}

func (c *Client) post(ctx context.Context, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, replyBytesMax+1))
	switch {
	case err != nil:
		return c.explain(err)
	case len(data) > replyBytesMax:
		return fmt.Errorf("answer over %d bytes", replyBytesMax)
	}
	if err := json.Unmarshal(data, out); err != nil {
		return c.notJSON(resp, data, err)
	}
	return nil
}

// notJSON finds the words for an answer that is no JSON-RPC reply of the expected shape.
func (c *Client) notJSON(resp *http.Response, data []byte, err error) error {
	var whole reply
	if json.Unmarshal(data, &whole) == nil && whole.Error != nil {
		return whole.Error
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(data[:min(len(data), 300)]))
	}
	return fmt.Errorf("%s does not speak JSON-RPC: %w", c.url, err)
}

func (c *Client) explain(err error) error {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("no node answers at %s (%w): start one with `aiwork-node devnet start`, or give another --rpc", c.url, err)
	}
	return err
}
