package sha256x

// Every way of this machine against crypto/sha256: lengths around blocks, heads of any length, numbers of messages around those of the
// lanes, in place, and by fuzzing; the vectors of NIST; and the generator's output.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func message(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// want sums by crypto/sha256 alone.
func want(head []byte, list [][]byte) (out []byte) {
	for _, m := range list {
		sum := sha256.Sum256(append(bytes.Clone(head), m...))
		out = append(out, sum[:]...)
	}
	return out
}

func TestSums(t *testing.T) {
	t.Logf("ways of this machine: %v", ways())
	t.Logf("the quickest is %v", theWay)
	r := rand.New(rand.NewPCG(1, 2))
	sizes, heads := 400, 1
	if testing.Short() {
		sizes, heads = 200, 9 // for emulated processors
	}
	for _, w := range ways() {
		for size := range sizes {
			check(t, w, message(r, r.IntN(HeadMax+1)), message(r, size*(1+r.IntN(2*lanesMax+1))), size)
		}
		for head := 0; head <= HeadMax; head += heads {
			for _, size := range []int{0, 1, 31, 64, 256, 1088} {
				check(t, w, message(r, head), message(r, size*17), size)
			}
		}
	}
}

// The sums overwrite the messages: a level of a tree becomes the next one.
func TestInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, w := range ways() {
		for n := range 3 * lanesMax {
			if testing.Short() && n%7 > 1 {
				continue
			}
			for _, size := range []int{Size, 50, 2 * Size, 300} {
				head, data := message(r, 33), message(r, n*size)
				want := make([]byte, n*Size)
				wayGo.sums(want, head, data, size)
				w.sums(data[:n*Size], head, data, size)
				if got := data[:n*Size]; !bytes.Equal(got, want) {
					t.Fatalf("%v: %d messages of %d bytes in place: another sum", w, n, size)
				}
			}
		}
	}
}

// The examples of FIPS 180-4 and of NIST's CAVP (SHA256ShortMsg, SHA256LongMsg), and a million times "a".
func TestVectors(t *testing.T) {
	million := strings.Repeat("a", 1_000_000)
	for _, v := range []struct{ message, sum string }{
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{
			"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
			"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
		},
		{million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	} {
		if testing.Short() && v.message == million {
			continue
		}
		for _, w := range ways() {
			for _, cut := range []int{0, 1, 33, HeadMax} {
				cut = min(cut, len(v.message))
				list := make([][]byte, lanesMax+3)
				for i := range list {
					list[i] = []byte(v.message[cut:])
				}
				out := make([]byte, Size*len(list))
				w.each(out, []byte(v.message[:cut]), list)
				for i := range list {
					if got := hex.EncodeToString(out[i*Size : (i+1)*Size]); got != v.sum {
						t.Errorf("%v: %d bytes behind a head of %d, message %d: got %s, want %s", w, len(v.message), cut, i, got, v.sum)
					}
				}
			}
		}
	}
}

func FuzzEach(f *testing.F) {
	f.Add([]byte("head"), []byte("some bytes that are cut into pieces"), uint16(3), uint16(7))
	f.Add(make([]byte, 33), make([]byte, 5000), uint16(256), uint16(0))
	f.Fuzz(func(t *testing.T, head, data []byte, size, change uint16) {
		head = head[:min(len(head), HeadMax)]
		var list [][]byte
		for len(data) > 0 && len(list) < 100 {
			n := min(len(data), int(size)+1)
			list, data = append(list, data[:n]), data[n:]
			if change%5 == 4 {
				size = change
			}
			change /= 5
		}
		want := want(head, list)
		for _, w := range ways() {
			got := make([]byte, len(want))
			w.each(got, head, list)
			if !bytes.Equal(got, want) {
				t.Fatalf("%v: another sum", w)
			}
		}
	})
}

// What the generator writes is what is checked in.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "gen.go", "gen_lanes.go", folder).CombinedOutput(); err != nil {
		t.Fatalf("gen.go: %v\n%s", err, out)
	}
	for _, name := range []string{"blocks_amd64.s", "blocks_amd64.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen.go writes; run go generate (%v)", name, err)
		}
	}
}

func check(t *testing.T, w way, head, data []byte, size int) {
	t.Helper()
	n := 3
	if size > 0 {
		n = len(data) / size
	}
	var list [][]byte
	for i := range n {
		list = append(list, data[i*size:(i+1)*size])
	}
	want := want(head, list)
	got := make([]byte, n*Size)
	w.sums(got, head, data, size)
	if !bytes.Equal(got, want) {
		t.Fatalf("%v: %d messages of %d bytes behind a head of %d: another sum", w, n, size, len(head))
	}
	got = make([]byte, n*Size)
	w.each(got, head, list)
	if !bytes.Equal(got, want) {
		t.Fatalf("%v: each of %d messages of %d bytes behind a head of %d: another sum", w, n, size, len(head))
	}
}

func BenchmarkSums(b *testing.B) {
	data := message(rand.New(rand.NewPCG(1, 2)), 1<<20)
	head := make([]byte, 33)
	for _, size := range []int{64, 256, 1088, 16384} {
		for _, w := range ways() {
			b.Run(fmt.Sprintf("size=%d/way=%v", size, w), func(b *testing.B) {
				n := len(data) / size
				out := make([]byte, n*Size)
				b.SetBytes(int64(n * size))
				for b.Loop() {
					w.sums(out, head, data[:n*size], size)
				}
			})
		}
	}
}
