// The reader takes back what the writer wrote, and refuses every cut, longer or out-of-range form.
package codec

import (
	"bytes"
	"errors"
	"testing"
)

// record holds one field of each kind.
type record struct {
	a     uint8
	b     uint16
	c     uint32
	d     uint64
	e     bool
	fixed [3]byte
	text  []byte
	list  []uint16
}

const textMax, listMax = 8, 4

func (x record) encode() []byte {
	w := NewWriter(0)
	w.U8(x.a)
	w.U16(x.b)
	w.U32(x.c)
	w.U64(x.d)
	w.Bool(x.e)
	w.Fixed(x.fixed[:])
	w.Bytes(x.text)
	w.Count(len(x.list))
	for _, v := range x.list {
		w.U16(v)
	}
	return w.Out()
}

func decode(b []byte) (x record, err error) {
	r := NewReader(b)
	x.a, x.b, x.c, x.d, x.e = r.U8(), r.U16(), r.U32(), r.U64(), r.Bool()
	r.Fixed(x.fixed[:])
	x.text = r.Bytes(textMax)
	for range r.Count(listMax) {
		x.list = append(x.list, r.U16())
	}
	return x, r.End()
}

func sample() record {
	return record{1, 0x0203, 0x04050607, 0x08090a0b0c0d0e0f, true, [3]byte{16, 17, 18}, []byte("text"), []uint16{19, 20}}
}

// The bytes are those the package comment promises.
func TestForm(t *testing.T) {
	want := []byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x01\x10\x11\x12" +
		"\x00\x00\x00\x04text\x00\x00\x00\x02\x00\x13\x00\x14")
	if got := sample().encode(); !bytes.Equal(got, want) {
		t.Fatalf("got %x, want %x", got, want)
	}
	got, err := decode(want)
	if err != nil || !bytes.Equal(got.encode(), want) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestRefused(t *testing.T) {
	enc := sample().encode()
	for n := range enc {
		if _, err := decode(enc[:n]); !errors.Is(err, FaultShort) {
			t.Errorf("cut to %d bytes: got %v, want %v", n, err, FaultShort)
		}
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"trailing":          {append(bytes.Clone(enc), 0), FaultTrailing},
		"bool of 2":         {with(enc, 15, 2), FaultValue},
		"text too long":     {with(enc, 22, textMax+1), FaultLimit},
		"text huge":         {with(enc, 19, 0xff), FaultLimit},
		"list too long":     {with(enc, 30, listMax+1), FaultLimit},
		"more than is left": {with(enc[:len(enc)-3], 30, 2), FaultShort},
	} {
		if _, err := decode(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func with(b []byte, i int, v byte) []byte {
	b = bytes.Clone(b)
	b[i] = v
	return b
}

// After an error all reads give zeros, and the first error stays.
func TestStickyError(t *testing.T) {
	r := NewReader([]byte{1, 2, 3})
	mine := errors.New("mine")
	r.Fail(mine)
	r.Fail(FaultValue)
	if r.U8() != 0 || r.U64() != 0 || r.Bytes(9) != nil || r.Count(9) != 0 || r.End() != mine {
		t.Fatalf("got %v, want %v and zeros", r.Err(), mine)
	}
}

// An append to what Bytes gave does not write into the input.
func TestBytesHaveNoSpareCapacity(t *testing.T) {
	in := []byte{0, 0, 0, 1, 7, 8}
	got := NewReader(in).Bytes(1)
	_ = append(got, 9)
	if in[5] != 8 {
		t.Fatal("the input was overwritten")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample().encode())
	f.Add(record{text: []byte("12345678"), list: []uint16{1, 2, 3, 4}}.encode())
	f.Add(with(sample().encode(), 15, 7))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decode(b)
		if err == nil && !bytes.Equal(got.encode(), b) {
			t.Fatalf("%x decodes, but encodes as %x", b, got.encode())
		}
	})
}

func BenchmarkWriteRead(b *testing.B) {
	buf := make([]byte, 0, 128)
	for b.Loop() {
		w := Writer{buf: buf[:0]}
		w.U8(1)
		w.U64(2)
		w.U64(3)
		w.U64(4)
		w.Fixed(buf[:32])
		r := NewReader(w.Out())
		if r.U8() != 1 || r.U64()+r.U64()+r.U64() != 9 {
			b.Fatal("wrong")
		}
	}
}
