package kernel

import (
	"slices"
	"testing"
)

// Repack over used memory equals Pack.
func TestRepack(t *testing.T) {
	v := newValues(50)
	var p *Panels
	for range 100 {
		k, n := 1+v.IntN(20), 1+v.IntN(100)
		b := fill(k*n, v.mild)
		p = p.Repack(b, k, n)
		want := Pack(b, k, n)
		if p.K != k || p.N != n || !slices.Equal(p.data, want.data) {
			t.Fatalf("%d × %d differs", k, n)
		}
	}
}
