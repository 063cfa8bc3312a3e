package testnet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/testnet"
)

// The README's promise: install, `init --genesis --peer`, `start`, and the node follows the chain.
func TestSecondMachineJoins(t *testing.T) {
	c := startNetwork(t, 4, 0)
	first := c.Client(0)
	defer first.Close()
	send(t, first, 0, 3)

	home := filepath.Join(t.TempDir(), "second")
	command(t, nil, "--home", home, "init", "--genesis", c.URL(0), "--peer", peerAddress(t, first)).succeeded(t)
	at := freePlace(t)
	node := startNode(t, home, at)
	second := dial(t, at.rpc)
	follows(t, node, first, second)
	eventually(t, "readyz of the second machine", func(ctx context.Context) (bool, string) {
		status, body := get(ctx, "http://"+at.metrics+"/readyz")
		return status == http.StatusOK, body
	})

	// A transaction handed to the new node reaches the validators, and its receipt comes back.
	s := client.NewSender(second, testnet.Account(1))
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	r, err := s.Send(ctx, client.Call{To: chain.Address{19: 0x42}, Value: *one()})
	if err != nil {
		t.Fatal(err)
	}
	there, err := first.WaitReceipt(ctx, r.TxHash)
	if err != nil || there.BlockHash != r.BlockHash {
		t.Errorf("receipt: got block %s at the second machine, %v at the first: %v", r.BlockHash, there, err)
	}
	follows(t, node, first, second)
}

// A validator that was killed comes back, catches up and votes.
func TestKilledValidatorCatchesUp(t *testing.T) {
	c := startNetwork(t, 4, 0)
	first, third := c.Client(0), c.Client(3)
	defer first.Close()
	defer third.Close()
	send(t, first, 0, 2)
	c.Validators[3].Kill()
	send(t, first, 0, 5) // three of four go on
	if err := c.Validators[3].Start(); err != nil {
		t.Fatal(err)
	}
	follows(t, c.Validators[3], first, third)
	eventually(t, "the killed validator votes", func(ctx context.Context) (bool, string) {
		var s struct {
			Consensus struct {
				Voting bool   `json:"voting"`
				Silent string `json:"silent"`
			} `json:"consensus"`
		}
		err := third.Call(ctx, &s, "aiwork_status")
		return err == nil && s.Consensus.Voting, fmt.Sprint(s.Consensus.Silent, err)
	})
}

// follows waits until one node has the other's present head.
func follows(t *testing.T, node *testnet.Process, leader, follower *client.Client) {
	t.Helper()
	goal, err := height(t.Context(), leader)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, fmt.Sprintf("height %d", goal), func(ctx context.Context) (bool, string) {
		select {
		case <-node.Done():
			t.Fatal(node.Failure())
		default:
		}
		h, err := height(ctx, follower)
		return err == nil && h >= goal, fmt.Sprintf("at %d, %v", h, err)
	})
	type blockHash struct{ Hash chain.Hash }
	var a, b blockHash
	for _, q := range []struct {
		c  *client.Client
		to *blockHash
	}{{leader, &a}, {follower, &b}} {
		if err := q.c.Call(t.Context(), q.to, "eth_getBlockByNumber", client.Uint64(goal), false); err != nil {
			t.Fatal(err)
		}
	}
	if a.Hash != b.Hash || a.Hash.IsZero() {
		t.Errorf("block %d: got %s at the follower, want %s", goal, b.Hash, a.Hash)
	}
}

// send makes an account send n transfers, one after the other is final.
func send(t *testing.T, c *client.Client, account, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	s := client.NewSender(c, testnet.Account(account))
	for range n {
		if _, err := s.Send(ctx, client.Call{To: chain.Address{19: 0x41}, Value: *one()}); err != nil {
			t.Fatal(err)
		}
	}
}

func get(ctx context.Context, url string) (status int, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return resp.StatusCode, err.Error()
	}
	return resp.StatusCode, string(text)
}
