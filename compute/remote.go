package compute

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/holiman/uint256"
	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/capability"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Remote is a Market behind a node's JSON-RPC. It is safe for concurrent use.
type Remote struct {
	client *client.Client
	sender *client.Sender
}

// NewRemote gives the market of a node for a key's account.
func NewRemote(c *client.Client, key secp.PrivateKey) *Remote {
	return &Remote{client: c, sender: client.NewSender(c, key)}
}

// Genesis asks for block 0's hash.
func (m *Remote) Genesis(ctx context.Context) (chain.Hash, error) {
	var block struct {
		Hash chain.Hash `json:"hash"`
	}
	err := m.client.Call(ctx, &block, "eth_getBlockByNumber", "earliest", false)
	return block.Hash, err
}

// Heads subscribes to the node's heads.
func (m *Remote) Heads(ctx context.Context) (<-chan chain.Height, error) {
	heads := make(chan chain.Height, 1)
	go func() {
		defer close(heads)
		_ = m.client.Heads(ctx, heads) // its end is the closed channel
	}()
	return heads, nil
}

// Agenda asks the node.
func (m *Remote) Agenda(ctx context.Context, who chain.Address) (Agenda, error) {
	var a Agenda
	err := m.client.Call(ctx, &a, "aiwork_getAgenda", who)
	return a, err
}

// Over asks the node for the job.
func (m *Remote) Over(ctx context.Context, k Key) (bool, error) {
	var j *struct {
		State   string `json:"state"`
		Batches []struct {
			State   string        `json:"state"`
			Attempt client.Uint64 `json:"attempt"`
			Worker  chain.Address `json:"worker"`
		} `json:"batches"`
	}
	err := m.client.Call(ctx, &j, "aiwork_getJob", client.Uint64(k.Job))
	switch {
	case err != nil || j == nil:
		return false, err
	case j.State == job.Closed.String() || j.State == job.Cancelled.String():
		return true, nil
	case int(k.Batch) >= len(j.Batches):
		return false, nil
	}
	b := &j.Batches[k.Batch]
	if k.Role == RoleWorker && uint64(b.Attempt) == uint64(k.Attempt) && taken(b.State) && b.Worker != m.sender.Address() {
		return true, nil
	}
	return b.State == job.Settled.String() || b.State == job.Void.String() || uint64(b.Attempt) > uint64(k.Attempt), nil
}

// taken reports whether a batch in a state has been committed to.
func taken(state string) bool {
	return state != job.Waiting.String() && state != job.Drawing.String() && state != job.Assigned.String()
}

// Blob asks the node and checks the answer against the id.
func (m *Remote) Blob(ctx context.Context, id chain.Hash) ([]byte, error) {
	var text *string
	if err := m.client.Call(ctx, &text, "aiwork_getBlob", id); err != nil {
		return nil, err
	}
	if text == nil {
		return nil, ErrNoBlob
	}
	b, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", id, err)
	}
	if blake3.Sum256(b) != id {
		return nil, fmt.Errorf("%w: the node sent other bytes", ErrNoBlob)
	}
	return b, nil
}

// PutBlob hands bytes to the node.
func (m *Remote) PutBlob(ctx context.Context, data []byte) error {
	var id chain.Hash
	return m.client.Call(ctx, &id, "aiwork_putBlob", base64.StdEncoding.EncodeToString(data))
}

// Send hands a transaction to the node and waits for its receipt.
func (m *Remote) Send(ctx context.Context, c Call) error {
	call := client.Call{To: c.To, Value: c.Value, Data: c.Data}
	gas, err := m.sender.Estimate(ctx, call)
	if err == nil {
		call.Gas = GasLimit(gas)
		_, err = m.sender.Send(ctx, call)
	}
	if reverted, ok := errors.AsType[*client.Reverted](err); ok {
		return &Refused{reverted.Error()}
	}
	// The estimate before a transaction runs the call: what it refuses costs nothing.
	if fault, ok := errors.AsType[*client.Error](err); ok && fault.Code == 3 {
		return &Refused{strings.TrimPrefix(fault.Message, "execution reverted: ")}
	} else if ok && strings.Contains(fault.Message, "insufficient funds") {
		return fmt.Errorf("%w: %w", ErrFunds, err)
	}
	return err
}

// Enrolment is how a worker enters the market.
type Enrolment struct {
	Bond   uint256.Int
	Payout chain.Address
	Models []chain.Hash
	About  string
	Ask    uint256.Int        // the least price of an item, of any model
	Record *capability.Record // what was measured; nil: no speed is offered
}

// workerRecord is what Enrol needs of aiwork_getWorker.
type workerRecord struct {
	State  string         `json:"state"`
	Bond   client.Uint256 `json:"bond"`
	Models []chain.Hash   `json:"models"`
	Offers []struct {
		Speed client.Uint64  `json:"speed"`
		Ask   client.Uint256 `json:"ask"`
	} `json:"offers"` // as many as Models
	Capability *chain.Hash `json:"capability"`
}

// ErrLeaving is Enrol's answer for a worker that has unregistered.
var ErrLeaving = errors.New("this worker is leaving: take its bond back first (`aiwork-node worker withdraw`), then start it again")

// Enrol makes sure that the account is an active worker with at least the bond and with these models. It
// gives the steps that it took, for the log.
func (m *Remote) Enrol(ctx context.Context, e Enrolment) (steps []string, err error) {
	var w *workerRecord
	if err := m.client.Call(ctx, &w, "aiwork_getWorker", m.sender.Address()); err != nil {
		return nil, err
	}
	do := func(what string, value uint256.Int, data []byte) {
		if err == nil {
			err = m.Send(ctx, Call{To: chain.AddrRegistry, Value: value, Data: data})
			steps = append(steps, what)
		}
	}
	if w == nil {
		do("registered", e.Bond, registry.PackRegister(e.Payout, e.Models, e.About))
		if data := e.offer(&workerRecord{}); data != nil {
			do("offered", uint256.Int{}, data)
		}
		return steps, err
	}
	if w.State == registry.Leaving.String() {
		return nil, ErrLeaving
	}
	if !sameSet(w.Models, e.Models) {
		do("models changed", uint256.Int{}, registry.PackSetModels(e.Models))
	}
	if w.Bond.Lt(&e.Bond) {
		var more uint256.Int
		do("bond added", *more.Sub(&e.Bond, &w.Bond.Int), registry.PackAddBond())
	}
	if data := e.offer(w); data != nil {
		do("offered", uint256.Int{}, data)
	}
	if w.State != registry.Active.String() {
		do("resumed", uint256.Int{}, registry.PackResume())
	}
	return steps, err
}

// Offer states speeds, asks and record anew where the chain shows others of a worker, and reports whether it did.
func (m *Remote) Offer(ctx context.Context, e Enrolment) (sent bool, err error) {
	var w *workerRecord
	if err := m.client.Call(ctx, &w, "aiwork_getWorker", m.sender.Address()); err != nil || w == nil {
		return false, err
	}
	e.Models = w.Models
	data := e.offer(w)
	if data == nil {
		return false, nil
	}
	return true, m.Send(ctx, Call{To: chain.AddrRegistry, Data: data})
}

// offer gives the call that states speeds, asks and record where the chain shows others, nil where it does not.
func (e *Enrolment) offer(w *workerRecord) []byte {
	type offer struct {
		speed  uint64
		bucket int
	}
	shown := map[chain.Hash]offer{}
	for i := range min(len(w.Models), len(w.Offers)) {
		bucket, _ := registry.BucketOf(&w.Offers[i].Ask.Int)
		shown[w.Models[i]] = offer{uint64(w.Offers[i].Speed), bucket}
	}
	var models []chain.Hash
	var speeds []uint64
	var asks []uint256.Int
	bucket, _ := registry.BucketOf(&e.Ask)
	for _, id := range e.Models {
		mine := offer{e.speed(id), bucket}
		if shown[id] != mine {
			models, speeds, asks = append(models, id), append(speeds, mine.speed), append(asks, e.Ask)
		}
	}
	var record []byte
	if e.Record != nil {
		record = e.Record.Encode()
		if w.Capability != nil && *w.Capability == capability.Hash(record) {
			record = nil
		}
	}
	if len(models) == 0 && record == nil {
		return nil
	}
	return registry.PackOffer(models, speeds, asks, record)
}

// speed is what was measured of a model, 0 where it was not.
func (e *Enrolment) speed(id chain.Hash) uint64 {
	if e.Record == nil || e.Record.Of(id) == nil {
		return 0
	}
	return uint64(e.Record.Of(id).ItemsPerHour)
}

// Drain asks for no more work.
func (m *Remote) Drain(ctx context.Context) error {
	return m.Send(ctx, Call{To: chain.AddrRegistry, Data: registry.PackDrain()})
}

func sameSet(a, b []chain.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}
