package sim

import "testing"

func TestOne(t *testing.T) {
	for seed := range uint64(300) {
		r, err := Run(Config{Seed: seed})
		if err != nil {
			t.Errorf("%v", err)
		} else if seed < 20 {
			t.Logf("%+v", r)
		}
	}
}
