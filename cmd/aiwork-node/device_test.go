package main

import (
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
)

// What `device list` tells of devices, and of none.

func TestDevicesAreTold(t *testing.T) {
	for _, c := range []struct {
		list []deviceRow
		want []string
	}{
		{nil, []string{"no devices: models run on the processor"}},
		{
			[]deviceRow{
				{Info: device.Info{ID: "opencl:0", Name: "Good", Kind: "GPU", MemoryBytes: 3 << 29, Units: 7, Driver: "d1"}, Outcome: device.Validated},
				{Info: device.Info{ID: "opencl:1", Name: "Odd", Kind: "GPU"}, Outcome: device.NotRun, Reason: "it has no subnormal numbers"},
				{Info: device.Info{ID: "opencl:2", Name: "Bad", Kind: "GPU"}, Outcome: device.Mismatch, Reason: "MatMul: 1 of 9 elements differ"},
			},
			[]string{"opencl:0  Good  GPU   1.5  7", "validated", "not run: it has no subnormal numbers", "mismatch: MatMul: 1 of 9 elements differ"},
		},
	} {
		var text strings.Builder
		printDevices(&text, c.list)
		for _, want := range c.want {
			if !strings.Contains(text.String(), want) {
				t.Errorf("got\n%s\nwant %q in it", text.String(), want)
			}
		}
	}
}
