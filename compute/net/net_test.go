package net

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/merkle"
)

// A network of every kind of attribute goes to bytes and back; its id and a tensor's root are locked; parts are shown
// by proofs; what is out of form has its fault; decoders take any bytes and write back exactly what they took.

func sample() *Net {
	body := &Block{Inputs: 2, Capture: 1, Ops: []Op{{Name: "Add", In: []Value{0, 1}, Outs: []bool{true}}}, Outputs: []Value{2}}
	ops := []Op{
		{Name: "Conv", In: []Value{0, 1, None}, Outs: []bool{true}, Attrs: []Attr{
			{Name: "group", Kind: KindInt, Int: -1}, {Name: "pads", Kind: KindInts, Ints: []int64{1, 2}},
		}},
		{Name: "If", In: []Value{2, 0}, Outs: []bool{false, true}, Attrs: []Attr{
			{Name: "a", Kind: KindFloat, Float: 0x3f800000},
			{Name: "b", Kind: KindText, Text: "x"},
			{Name: "c", Kind: KindTensor, Tensor: &Inline{Type: Int64, Shape: []uint32{1}, Bytes: make([]byte, 8)}},
			{Name: "d", Kind: KindBlock, Block: body},
			{Name: "e", Kind: KindFloats, Floats: []uint32{1, 2}},
			{Name: "f", Kind: KindTexts, Texts: []string{"p", "q"}},
		}},
	}
	n := &Net{WeightList: []Weight{{Type: Float32, Shape: []uint32{3, 1}, Root: TensorRoot(Float32, make([]byte, 12))}}, OpList: ops}
	n.Head = Head{
		Opset: 13, Form: FormPicture, Width: 5, Height: 6, Labels: []string{"cat"},
		Inputs:  []Port{{Type: Float32, Known: true, Shape: []Dim{{true, 0}, {false, 3}}}},
		Weights: 1, Ops: 2, Outputs: []Value{3},
	}
	return n
}

func TestRoundTrip(t *testing.T) {
	n := sample()
	if err := n.Check(); err != nil {
		t.Fatal(err)
	}
	head, err := DecodeHead(n.Head.Encode())
	if err != nil || !reflect.DeepEqual(head, n.Head) {
		t.Errorf("head: got %+v, %v", head, err)
	}
	weight, err := DecodeWeight(n.WeightList[0].Encode())
	if err != nil || !reflect.DeepEqual(weight, n.WeightList[0]) {
		t.Errorf("weight: got %+v, %v", weight, err)
	}
	for i := range n.OpList {
		op, err := DecodeOp(n.OpList[i].Encode())
		if err != nil || !reflect.DeepEqual(op, n.OpList[i]) {
			t.Errorf("op %d: got %+v, %v", i, op, err)
		}
	}
	if got := n.FirstOf(1); got != 3 {
		t.Errorf("operator 1 makes value %d first, want 3", got)
	}
}

// Changing these changes the protocol.
func TestLocked(t *testing.T) {
	id := sample().ID()
	if got, want := hex.EncodeToString(id[:]), "40c5425c4f47cf6fc19cb1408bb4becea67536a6972ca0426aebb484487f7526"; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	data := make([]byte, 4*(TileLen+3))
	for i := range data {
		data[i] = byte(i)
	}
	root := TensorRoot(Float32, data)
	if got, want := hex.EncodeToString(root[:]), "2175c2ccc80cb293db95996a0e6bf0fdb4ef9e9c02a694cda80b970ebe310dac"; got != want {
		t.Errorf("root %s, want %s", got, want)
	}
	if TensorRoot(Float32, data) == TensorRoot(Uint8, data) {
		t.Error("tiles of another size have the same root")
	}
}

func TestProofs(t *testing.T) {
	n := sample()
	id, count := n.ID(), uint64(len(n.Leaves()))
	for i, p := range []merkle.Proof{n.ProveHead(), n.ProveWeight(0), n.ProveOp(0), n.ProveOp(1)} {
		if err := VerifyPart(id, n.Leaves()[i], uint64(i), count, p); err != nil {
			t.Errorf("part %d: %v", i, err)
		}
		if VerifyPart(id, n.Leaves()[(i+1)%4], uint64(i), count, p) == nil {
			t.Errorf("part %d: another leaf is shown as well", i)
		}
	}
}

func TestRefused(t *testing.T) {
	bad := func(name string, want error, change func(n *Net)) {
		n := sample()
		change(n)
		err := n.Check()
		if err == nil {
			_, err = DecodeOp(n.OpList[0].Encode())
		}
		if err == nil {
			_, err = DecodeHead(n.Head.Encode())
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	bad("operand from the future", FaultValue, func(n *Net) { n.OpList[0].In[0] = 2 })
	bad("output that nobody makes", FaultValue, func(n *Net) { n.Outputs[0] = 4 })
	bad("operand outside the block", FaultValue, func(n *Net) { n.OpList[1].Attrs[3].Block.Ops[0].In[0] = 2 })
	bad("attribute twice", FaultOrder, func(n *Net) { n.OpList[0].Attrs[1].Name = "group" })
	bad("no outputs", FaultForm, func(n *Net) { n.OpList[0].Outs = []bool{false}; n.Outputs = nil; n.OpList = n.OpList[:1]; n.Ops = 1 })
	bad("count", FaultForm, func(n *Net) { n.Ops = 3 })
	bad("kind", FaultType, func(n *Net) { n.OpList[0].Attrs[0].Kind = 13 })
	bad("form", FaultType, func(n *Net) { n.Form = 9 })
	bad("shape without rank", FaultForm, func(n *Net) { n.Inputs[0].Known = false })
	deep := sample()
	b := &Block{}
	for range NestingMax {
		b = &Block{Ops: []Op{{Name: "If", Outs: []bool{true}, Attrs: []Attr{{Name: "x", Kind: KindBlock, Block: b}}}}}
	}
	deep.OpList[1].Attrs[3].Block = b
	if err := deep.Check(); !errors.Is(err, FaultNesting) {
		t.Errorf("nesting: got %v", err)
	}
	if _, err := DecodeOp(deep.OpList[1].Encode()); !errors.Is(err, FaultNesting) {
		t.Errorf("nesting in bytes: got %v", err)
	}
}

func TestList(t *testing.T) {
	list := []Inline{
		{Type: Float32, Shape: []uint32{1, 2}, Bytes: []byte{0, 0, 128, 63, 0, 0, 192, 127}},
		{Type: Bool, Shape: []uint32{2}, Bytes: []byte{0, 1}},
		{Type: Int64, Shape: []uint32{0}, Bytes: []byte{}},
	}
	b := EncodeList(list)
	got, err := DecodeList(b, 8)
	if err != nil || !bytes.Equal(EncodeList(got), b) || len(got) != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	for name, change := range map[string]func(l []Inline){
		"another NaN":  func(l []Inline) { l[0].Bytes[4] = 1 },
		"another true": func(l []Inline) { l[1].Bytes[1] = 2 },
		"size":         func(l []Inline) { l[1].Shape[0] = 3 },
		"too long":     func(l []Inline) { l[1] = Inline{Type: Uint8, Shape: []uint32{9}, Bytes: make([]byte, 9)} },
	} {
		bad, err := DecodeList(b, 8)
		if err != nil {
			t.Fatal(err)
		}
		for i := range bad {
			bad[i].Bytes = bytes.Clone(bad[i].Bytes)
		}
		change(bad)
		if _, err := DecodeList(EncodeList(bad), 8); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, leaf := range sample().Leaves() {
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := DecodeHead(b); err == nil && !bytes.Equal(h.Encode(), b) {
			t.Error("head: other bytes than were read")
		}
		if l, err := DecodeList(b, 1<<10); err == nil && !bytes.Equal(EncodeList(l), b) {
			t.Error("list: other bytes than were read")
		}
		if d, err := DecodeDigest(b); err == nil && !bytes.Equal(d.Encode(), b) {
			t.Error("digest: other bytes than were read")
		}
		if o, err := DecodeOp(b); err == nil && !bytes.Equal(o.Encode(), b) {
			t.Error("operator: other bytes than were read")
		}
	})
}
