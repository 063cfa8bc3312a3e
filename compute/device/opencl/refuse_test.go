package opencl

import (
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
)

// What devices are refused for, and what a status is told as.

func TestRefusal(t *testing.T) {
	good := promises{available: true, compiler: true, littleEndian: true, language: "OpenCL C 1.2 Some", floats: fpDenormals | fpInfNaN | fpNearest | fpCorrectDivSqrt}
	info := device.Info{GroupMax: 256, SharedBytes: 32 << 10}
	if why := refusal(info, good); why != "" {
		t.Errorf("a good device is refused: %s", why)
	}
	for _, c := range []struct {
		reason string
		change func(i *device.Info, p *promises)
	}{
		{"not available", func(_ *device.Info, p *promises) { p.available = false }},
		{"no compiler", func(_ *device.Info, p *promises) { p.compiler = false }},
		{"little-endian", func(_ *device.Info, p *promises) { p.littleEndian = false }},
		{`"OpenCL C 1.1 "`, func(_ *device.Info, p *promises) { p.language = "OpenCL C 1.1 " }},
		{`""`, func(_ *device.Info, p *promises) { p.language = "" }},
		{"subnormal", func(_ *device.Info, p *promises) { p.floats &^= fpDenormals }},
		{"infinities", func(_ *device.Info, p *promises) { p.floats &^= fpInfNaN }},
		{"nearest", func(_ *device.Info, p *promises) { p.floats &^= fpNearest }},
		{"correctly rounded", func(_ *device.Info, p *promises) { p.floats &^= fpCorrectDivSqrt }},
		{"at most 32 items", func(i *device.Info, _ *promises) { i.GroupMax = 32 }},
		{"1024 bytes of memory", func(i *device.Info, _ *promises) { i.SharedBytes = 1024 }},
	} {
		i, p := info, good
		c.change(&i, &p)
		if why := refusal(i, p); !strings.Contains(why, c.reason) || strings.Contains(why, ";") {
			t.Errorf("got %q, want %q alone", why, c.reason)
		}
	}
}

func TestStatus(t *testing.T) {
	if err := success.trouble("opencl:0", "wait"); err != nil {
		t.Errorf("success is %v", err)
	}
	for s := status(-2000); s < 0; s++ {
		err := s.trouble("opencl:0", "wait")
		if !device.IsTrouble(err) || !strings.Contains(err.Error(), "opencl:0: wait: ") || !strings.Contains(err.Error(), "status") {
			t.Fatalf("status %d is told as %v", s, err)
		}
		if lost := strings.Contains(err.Error(), "is lost"); lost != s.lost() {
			t.Errorf("status %d: told as lost: %v, want %v", s, lost, s.lost())
		}
	}
	if text := outOfResources.String(); !strings.Contains(text, "CL_OUT_OF_RESOURCES") {
		t.Errorf("got %q", text)
	}
}
