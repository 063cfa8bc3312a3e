package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// An advocate is a process of its own: it says what an advocate in this process says, and dies alone.

// stored puts a model where the children of a test find it.
func stored(t *testing.T, m *lower.Model) chain.Hash {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(storeEnv, dir)
	id, err := (model.Store{Dir: dir}).Put(&model.File{Name: "test", Licence: "Apache-2.0", Model: m})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func briefOptions(t *testing.T) Options {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childEnv, "real")
	return Options{Exe: exe, ItemTimeout: time.Minute}
}

func TestAdvocate(t *testing.T) {
	m, in := receipttest.Network(1)
	id, o := stored(t, m), briefOptions(t)
	own := receipt.NewAdvocate(receipttest.Trace(t, m, in))
	a, err := Brief(t.Context(), o, id, EncodeInputs(in), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if got, want := a.Claim().Encode(), own.Claim().Encode(); !bytes.Equal(got, want) {
		t.Errorf("claim: got %x, want %x", got, want)
	}
	d := &dispute.Dispute{ID: 5, Phase: dispute.Answering, Model: id, Level: 3, AtRoot: true}
	for _, phase := range []dispute.Phase{dispute.Answering, dispute.Entries, dispute.Showing} {
		d.Phase = phase
		for s := range dispute.Side(2) {
			got, err := a.Plead(t.Context(), d, s, [2][]byte{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := own.Plead(d, s, [2][]byte{})
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v of side %d: got %x, want %x (%v)", phase, s, got, want, err)
			}
		}
	}
	other := *d
	other.Model[0] ^= 1
	if _, err := a.Plead(t.Context(), &other, dispute.Defender, [2][]byte{}); !errors.Is(err, ErrNoPlea) {
		t.Errorf("another model's dispute: got %v, want %v", err, ErrNoPlea)
	}
	if _, err := a.Plead(t.Context(), d, dispute.Defender, [2][]byte{}); err != nil {
		t.Errorf("after that: %v", err)
	}
}

func TestBriefRefused(t *testing.T) {
	m, _ := receipttest.Network(1)
	id, o := stored(t, m), briefOptions(t)
	if _, err := Brief(t.Context(), o, chain.Hash{1}, nil, nil); !isUnknown(err) {
		t.Errorf("no such model: got %v", err)
	}
	if _, err := Brief(t.Context(), o, id, []byte("no tensors"), nil); !isInput(err) {
		t.Errorf("no tensors: got %v", err)
	}
	if _, err := Brief(t.Context(), o, id, EncodeInputs([]*tensor.Tensor{tensor.Of([]int{1}, []float32{1})}), nil); err == nil {
		t.Error("a tensor of another shape: no error")
	}
}

// An advocate that is killed, or that takes more memory than it may, is an error of this machine and of nothing else.
func TestAdvocateDies(t *testing.T) {
	m, in := receipttest.Network(1)
	id, o := stored(t, m), briefOptions(t)
	a, err := Brief(t.Context(), o, id, EncodeInputs(in), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	d := &dispute.Dispute{ID: 5, Phase: dispute.Answering, Model: id}
	if _, err := a.Plead(t.Context(), d, dispute.Defender, [2][]byte{}); !isLocal(err, CauseCrash) {
		t.Errorf("a child that was killed: got %v", err)
	}
	if _, err := a.Plead(t.Context(), d, dispute.Defender, [2][]byte{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after that: got %v, want %v", err, ErrClosed)
	}
	a.Close()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Brief(ctx, o, id, EncodeInputs(in), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for it: got %v", err)
	}
}

func TestAdvocateUnderACeiling(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole model by its definition")
	}
	m, in := receipttest.MobileNet()
	id, o := stored(t, m), briefOptions(t)
	o.MemoryMaxBytes = memoryLeastBytes // the values of a run take 80 MB, its weights 14, and both stand in it twice for a while
	if _, err := Brief(t.Context(), o, id, EncodeInputs(in), nil); !isLocal(err, CauseCrash) {
		t.Errorf("a run that has no room: got %v", err)
	}
	o.MemoryMaxBytes = 1 << 30
	a, err := Brief(t.Context(), o, id, EncodeInputs(in), nil)
	if err != nil {
		t.Fatalf("with more room: %v", err)
	}
	a.Close()
}

func isLocal(err error, c Cause) bool {
	local, ok := errors.AsType[*LocalError](err)
	return ok && local.Cause == c
}
