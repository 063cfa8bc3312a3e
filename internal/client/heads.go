package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coder/websocket"

	"github.com/aiwork/aiwork-node/internal/chain"
)

const headBytesMax = 64 << 10

// Heads sends the number of each new block to out until ctx ends or the connection breaks, which is its
// error. A reader that is behind gets only the newest number.
func (c *Client) Heads(ctx context.Context, out chan chain.Height) error {
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.url, "http"), nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", c.url, err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(headBytesMax)
	hello := `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}`
	if err := conn.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		return fmt.Errorf("subscribe to %s: %w", c.url, err)
	}
	for {
		_, msg, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("subscription to %s: %w", c.url, err)
		}
		var note struct {
			Error  *Error `json:"error"`
			Params struct {
				Result struct {
					Number Uint64 `json:"number"`
				} `json:"result"`
			} `json:"params"`
		}
		if err := json.Unmarshal(msg, &note); err != nil {
			continue // the answer to the subscription itself has another shape
		}
		if note.Error != nil {
			return note.Error
		}
		if note.Params.Result.Number != 0 {
			offer(out, chain.Height(note.Params.Result.Number))
		}
	}
}

// offer puts h into out, in place of an older number that nobody has taken yet.
func offer(out chan chain.Height, h chain.Height) {
	for {
		select {
		case out <- h:
			return
		default:
		}
		select {
		case <-out:
		default:
		}
	}
}
