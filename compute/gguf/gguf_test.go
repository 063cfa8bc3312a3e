package gguf

// What is written is read again; files made by hand with one thing wrong are refused with the reason; and hostile bytes,
// made from valid files by chance, give a File or an error within the bounds of GGUF-3.

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func written3(t testing.TB, w *Writer) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := w.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatal(n, b.Len(), err)
	}
	return b.Bytes()
}

func sample(t testing.TB) []byte {
	t.Helper()
	var w Writer
	w.Text("general.architecture", "llama")
	w.Uint32("n", 7)
	w.Float32("x", 1.5)
	w.Bool("yes", true)
	w.Strings("words", []string{"one", "", "three"})
	w.Floats("floats", []float32{1, -2})
	w.Int32s("ints", []int32{-1, 5})
	for _, c := range []struct {
		name string
		kind TensorType
		dims []int
		size int
	}{{"a", F32, []int{3}, 12}, {"b", Q8_0, []int{32, 2}, 68}, {"c", Q4_K, []int{256}, 144}} {
		data := bytes.Repeat([]byte(c.name), c.size)
		if err := w.Tensor(c.name, c.kind, c.dims, data); err != nil {
			t.Fatal(err)
		}
	}
	return written3(t, &w)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(path, sample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	arch, _ := f.String("general.architecture")
	n, _ := f.Uint("n")
	x, _ := f.Float32("x")
	yes, _ := f.Bool("yes")
	if f.Version != 3 || arch != "llama" || n != 7 || x != 1.5 || !yes {
		t.Errorf("version %d, %q, %d, %g, %v", f.Version, arch, n, x, yes)
	}
	words, _ := f.Entries[f.entries["words"]].Value.Strings()
	floats, _ := f.Entries[f.entries["floats"]].Value.Floats()
	ints, _ := f.Entries[f.entries["ints"]].Value.Ints()
	if !slices.Equal(words, []string{"one", "", "three"}) || !slices.Equal(floats, []float32{1, -2}) || !slices.Equal(ints, []int64{-1, 5}) {
		t.Errorf("%q %v %v", words, floats, ints)
	}
	for name, size := range map[string]int{"a": 12, "b": 68, "c": 144} {
		tensor, ok := f.Tensor(name)
		if !ok || len(tensor.Data) != size || tensor.Data[0] != name[0] || tensor.Data[size-1] != name[0] {
			t.Errorf("tensor %s: %v", name, tensor)
		}
	}
	if _, ok := f.Tensor("d"); ok {
		t.Error("a tensor that is not there")
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
}

// A maker writes files that a Writer would not.
type maker struct{ b []byte }

func (m *maker) u32(v uint32) *maker { m.b = binary.LittleEndian.AppendUint32(m.b, v); return m }

func (m *maker) u64(v uint64) *maker { m.b = binary.LittleEndian.AppendUint64(m.b, v); return m }

func (m *maker) text(s string) *maker { m.u64(uint64(len(s))); m.b = append(m.b, s...); return m }

func (m *maker) raw(b ...byte) *maker { m.b = append(m.b, b...); return m }

func (m *maker) zeros(n int) *maker { return m.raw(make([]byte, n)...) }

func head(version uint32, tensors, entries uint64) *maker {
	return (&maker{b: []byte(magic)}).u32(version).u64(tensors).u64(entries)
}

func TestEveryKindOfValue(t *testing.T) {
	m := head(2, 0, 13)
	m.text("u8").u32(0).raw(200).text("i8").u32(1).raw(0xff).text("u16").u32(2).raw(1, 2).text("i16").u32(3).raw(0xfe, 0xff)
	m.text("u32").u32(4).u32(1 << 31).text("i32").u32(5).u32(1 << 31).text("f32").u32(6).u32(0x3fc00000).text("bool").u32(7).raw(1)
	m.text("u64").u32(10).u64(1 << 63).text("i64").u32(11).u64(1 << 63).text("f64").u32(12).u64(0x3ff8000000000000)
	m.text("nested").u32(9).u32(9).u64(2).u32(8).u64(1).text("a").u32(0).u64(2).raw(7, 8).text("empty").u32(9).u32(4).u64(0)
	f, err := Parse(m.b)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int64{"u8": 200, "i8": -1, "u16": 513, "i16": -2, "u32": 1 << 31, "i32": -1 << 31, "i64": -1 << 63} {
		v, _ := f.Value(key)
		if got, ok := v.Int(); !ok || got != want {
			t.Errorf("%s: %d %v, want %d", key, got, ok, want)
		}
		if _, ok := v.Uint(); ok != (want >= 0) {
			t.Errorf("%s as unsigned: %v", key, ok)
		}
	}
	if n, ok := f.Uint("u64"); !ok || n != 1<<63 {
		t.Errorf("u64: %d %v", n, ok)
	}
	for _, key := range []string{"f32", "f64"} {
		if x, ok := f.Float32(key); !ok || x != 1.5 {
			t.Errorf("%s: %g %v", key, x, ok)
		}
	}
	if v, _ := f.Value("nested"); v.Len != 2 || v.Elem != KindArray {
		t.Errorf("nested: %+v", v)
	}
}

func TestRefused(t *testing.T) {
	tensor := func(name string, kind uint32, offset uint64, dims ...uint64) *maker {
		m := head(3, 1, 0).text(name).u32(uint32(len(dims)))
		for _, d := range dims {
			m.u64(d)
		}
		return m.u32(kind).u64(offset)
	}
	nested := head(3, 0, 1).text("k").u32(9)
	for range NestingMax {
		nested.u32(9).u64(1)
	}
	nested.u32(0).u64(1).raw(1)
	for _, c := range []struct {
		want string
		m    *maker
	}{
		{"does not begin", &maker{b: []byte("GGML")}},
		{"ends", &maker{b: []byte("GGUF")}},
		{"version 1", head(1, 0, 0)},
		{"version 4", head(4, 0, 0)},
		{"big-endian", head(3<<24, 0, 0)},
		{"tensors, the limit", head(3, TensorsMax+1, 0)},
		{"tensors in", head(3, 2, 0)},
		{"entries of metadata, the limit", head(3, 0, 1<<63)},
		{"entries of metadata in", head(3, 0, 1000)},
		{"bytes of a key", head(3, 0, 1).u64(1 << 40).zeros(40)},
		{"kind 13", head(3, 0, 1).text("k").u32(13).zeros(40)},
		{"a bool of 2", head(3, 0, 1).text("k").u32(7).raw(2)},
		{"twice", head(3, 0, 2).text("k").u32(0).raw(1).text("k").u32(0).raw(1)},
		{"bytes of a string", head(3, 0, 1).text("k").u32(8).u64(1 << 62)},
		{"elements of an array", head(3, 0, 1).text("k").u32(9).u32(0).u64(1 << 62)},
		{"elements of an array in", head(3, 0, 1).text("k").u32(9).u32(12).u64(3).zeros(23)},
		{"an array of kind 99", head(3, 0, 1).text("k").u32(9).u32(99).u64(1)},
		{"nested deeper", nested},
		{"alignment", head(3, 0, 1).text("general.alignment").u32(4).u32(24)},
		{"alignment", head(3, 0, 1).text("general.alignment").u32(4).u32(0)},
		{"0 dimensions", tensor("a", 0, 0)},
		{"5 dimensions", tensor("a", 0, 0, 1, 1, 1, 1, 1)},
		{"a dimension of 0", tensor("a", 0, 0, 0)},
		{"a dimension of", tensor("a", 0, 0, 1<<33, 1<<33)},
		{"type 77", tensor("a", 77, 0, 1).zeros(64)},
		{"blocks of 32", tensor("a", 8, 0, 31).zeros(64)},
		{"not aligned", tensor("a", 0, 4, 1).zeros(64)},
		{"needs bytes", tensor("a", 0, 0, 1000).zeros(64)},
		{"needs bytes", tensor("a", 0, 1<<60, 1).zeros(64)},
		{"offset", tensor("a", 0, 1<<63, 1).zeros(64)},
		{"twice", head(3, 2, 0).text("a").u32(1).u64(1).u32(0).u64(0).text("a").u32(1).u64(1).u32(0).u64(0).zeros(64)},
	} {
		f, err := Parse(c.m.b)
		if err == nil || f != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error that says %q", err, c.want)
		}
	}
}

func TestOpenSaysWhat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, content := range []string{"", "no model"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
	}
}

// use reads all that a file holds.
func use(f *File) int {
	n := 0
	for _, e := range f.Entries {
		e.Value.Int()
		e.Value.Uint()
		e.Value.Float32()
		e.Value.Bool()
		s, _ := e.Value.Text()
		list, _ := e.Value.Strings()
		floats, _ := e.Value.Floats()
		ints, _ := e.Value.Ints()
		n += len(s) + len(list) + len(floats) + len(ints)
	}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		n += t.Elements() + len(t.Data)
	}
	return n
}

// mutate changes a valid file in a few places, mostly near its sizes.
func mutate(rnd *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	for range 1 + rnd.IntN(4) {
		at := rnd.IntN(len(b))
		switch rnd.IntN(5) {
		case 0:
			b[at] = byte(rnd.Uint32())
		case 1:
			b[at] ^= 1 << rnd.IntN(8)
		case 2:
			if at+8 <= len(b) {
				binary.LittleEndian.PutUint64(b[at:], rnd.Uint64()>>rnd.IntN(64))
			}
		case 3:
			if b = b[:at]; len(b) == 0 {
				return b
			}
		case 4:
			b = append(b[:at:at], b[min(len(b), at+1+rnd.IntN(16)):]...)
			if len(b) == 0 {
				return b
			}
		}
	}
	return b
}

// Hostile inputs: ten thousand in short runs, a million with AIWORK_SOAK=1. What parsing allocates is a small multiple of
// the input.
func TestHostileInputs(t *testing.T) {
	rounds := 20_000
	if os.Getenv("AIWORK_SOAK") == "1" {
		rounds = 1_000_000
	}
	valid := sample(t)
	rnd := rand.New(rand.NewPCG(1, 1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read, bytes := 0, 0
	for range rounds {
		b := mutate(rnd, valid)
		bytes += len(b)
		if f, err := Parse(b); err == nil {
			read++
			use(f)
		}
	}
	runtime.ReadMemStats(&after)
	perByte := float64(after.TotalAlloc-before.TotalAlloc) / float64(bytes)
	t.Logf("%d of %d were files; %.1f bytes allocated for one of input", read, rounds, perByte)
	if perByte > 40 || read == 0 || read == rounds {
		t.Errorf("%d of %d were files; %.1f bytes allocated for one of input", read, rounds, perByte)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Add(fmt.Appendf(nil, "%s\x03\x00\x00\x00", magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if file, err := Parse(b); err == nil {
			use(file)
		}
	})
}
