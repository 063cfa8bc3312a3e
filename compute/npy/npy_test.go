package npy

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Files that NumPy 1.24 wrote are read; what is written is what NumPy writes; every type goes there and back; other files have errors.

func TestNumPyFiles(t *testing.T) {
	// numpy.save of array([[1.5, -2]], dtype) and the like
	two := "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028312c2032292c207d20" +
		"2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200a0000c03f000000c0"
	b, err := hex.DecodeString(two)
	if err != nil {
		t.Fatal(err)
	}
	x, err := Decode(b)
	if err != nil || !slices.Equal(x.Shape(), []int{1, 2}) || !slices.Equal(tensor.Values[float32](x), []float32{1.5, -2}) {
		t.Fatalf("got %v, %v", x, err)
	}
	if got := Encode(x); !bytes.Equal(got, b) {
		t.Errorf("written as\n%q, want\n%q", got, b)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, kind := range descriptions() {
		for _, shape := range [][]int{nil, {3}, {2, 0}, {2, 3}} {
			x := tensor.New(kind, shape)
			y, err := Decode(Encode(x))
			if err != nil || y.Type() != kind || !slices.Equal(y.Shape(), shape) {
				t.Errorf("%v %v: got %v, %v", kind, shape, y, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good := Encode(tensor.Of([]int{2}, []float32{1, 2}))
	for name, b := range map[string][]byte{
		"empty": nil, "other": []byte("not a numpy file"), "cut": good[:len(good)-1], "long": append(slices.Clone(good), 0),
		"fortran": bytes.Replace(good, []byte("False"), []byte("True "), 1),
		"type":    bytes.Replace(good, []byte("<f4"), []byte(">f4"), 1),
		"huge":    bytes.Replace(good, []byte("(2,), }      "), []byte("(999999999,),"), 1),
		"version": bytes.Replace(good, []byte("NUMPY\x01"), []byte("NUMPY\x09"), 1),
	} {
		if _, err := Decode(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(tensor.Of([]int{2}, []float32{1, 2})))
	f.Add(Encode(tensor.Of([]int{1, 2}, []int64{1, 2})))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Decode(b)
		if err != nil {
			return
		}
		y, err := Decode(Encode(x))
		if err != nil || !bytes.Equal(x.Raw(), y.Raw()) {
			t.Errorf("written and read again: %v", err)
		}
	})
}
