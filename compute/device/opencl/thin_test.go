//go:build linux && (amd64 || arm64) && !nogpu

package opencl

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/kernel"
)

func TestThin(t *testing.T) {
	b := New()
	list, err := b.List()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", list)
	d, _, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	m, n, k := 70, 53, 600
	f := func(n int) ([]float32, device.Memory) {
		v := make([]float32, n)
		raw := make([]byte, 0, 4*n)
		for i := range v {
			v[i] = float32(r.NormFloat64())
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v[i]))
		}
		mem, err := d.Alloc(4 * n)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(mem, raw); err != nil {
			t.Fatal(err)
		}
		return v, mem
	}
	a, ma := f(m * k)
	bb, mb := f(k * n)
	_, my := f(m * n)
	at, _ := d.Alloc(8)
	d.Write(at, make([]byte, 8))
	p := []uint32{uint32(m), uint32(n), uint32(k), uint32(k), 1, uint32(n), 1, 0, 0, 0, math.Float32bits(1), 0}
	for _, name := range []string{"gemm", "gemm_thin"} {
		g := device.Launch{Kernel: name, Groups: [3]int{1, 2, 1}, Size: [3]int{16, 16, 1}, Args: []device.Arg{{Memory: ma}, {Memory: mb}, {Memory: ma}, {Memory: at}, {Memory: my}, {Words: p}}}
		if name == "gemm_thin" {
			g.Groups, g.Size = [3]int{1, m, 1}, [3]int{64, 1, 1}
		}
		if err := d.Launch(&g); err != nil {
			t.Fatal(err)
		}
		raw := make([]byte, 4*m*n)
		if err := d.Read(raw, my); err != nil {
			t.Fatal(err)
		}
		want := make([]float32, m*n)
		kernel.DefineGemm(want, a, bb, nil, m, n, k)
		bad := 0
		for i := range want {
			if binary.LittleEndian.Uint32(raw[4*i:]) != math.Float32bits(want[i]) {
				bad++
			}
		}
		t.Logf("%s: %d of %d differ", name, bad, len(want))
		if bad > 0 {
			t.Fail()
		}
	}
}
