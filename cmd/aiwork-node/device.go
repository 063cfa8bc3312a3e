package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/device/opencl"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/term"
)

func deviceCommand() *cli.Command {
	return &cli.Command{
		Name:  "device",
		Usage: "show what can run models beside the processor",
		Subcommands: []*cli.Command{{
			Name:  "list",
			Usage: "list devices, and whether each computes what the contract says, to the bit; ends with code 1 if one does not",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "no-test", Usage: "leave the self-test out"},
			},
			Action: deviceList,
		}},
	}
}

// backends are those that this program was built with.
func backends() []device.Backend { return []device.Backend{opencl.New()} }

// A deviceRow is what `device list` prints.
type deviceRow struct {
	device.Info
	Outcome device.Outcome `json:"selfTest"`
	Reason  string         `json:"reason,omitempty"`
}

func deviceList(c *cli.Context) error {
	if err := want(c, 0, "no argument"); err != nil {
		return err
	}
	list, bad := []deviceRow{}, false
	for _, b := range backends() {
		found, err := b.List()
		if errors.Is(err, device.ErrAbsent) {
			printer(c).Note("%v", err)
			continue
		}
		if err != nil {
			return err
		}
		for _, i := range found {
			l := deviceRow{Info: i, Outcome: device.NotRun, Reason: i.Refused}
			if i.Refused == "" && !c.Bool("no-test") {
				l.Outcome, l.Reason = device.Test([]device.Backend{b}, i.ID)
			}
			list, bad = append(list, l), bad || l.Outcome == device.Mismatch
		}
	}
	if err := printer(c).Result(list, func(w io.Writer) { printDevices(w, list) }); err != nil {
		return err
	}
	if bad {
		return fmt.Errorf("a device computes something else than the processor and is not used")
	}
	return nil
}

func printDevices(w io.Writer, list []deviceRow) {
	if len(list) == 0 {
		fmt.Fprintln(w, "no devices: models run on the processor")
		return
	}
	var rows [][]string
	for _, l := range list {
		outcome := string(l.Outcome)
		if l.Reason != "" {
			outcome += ": " + l.Reason
		}
		rows = append(rows, []string{l.ID, l.Name, l.Kind, fmt.Sprintf("%.1f", float64(l.MemoryBytes)/(1<<30)), fmt.Sprint(l.Units), l.Driver, outcome})
	}
	term.Table(w, []string{"device", "name", "kind", "GiB", "units", "driver", "self-test"}, rows)
}

// onDevice runs a model on a device, and says when it must be run on the processor instead.
type onDevice struct {
	unit    *device.Unit
	program *device.Program
	note    func(format string, args ...any)
	told    bool
}

// openDevice opens the device that --device names. Where that cannot be used it says why and gives nil: the result is the same without.
func openDevice(c *cli.Context, f *model.File) (*onDevice, error) {
	id := c.String("device")
	if id == "" || id == "cpu" {
		return nil, nil
	}
	note := printer(c).Note
	u, err := device.Open(backends(), id, device.Options{MemoryBytes: c.Int("device-memory") << 20})
	if errors.Is(err, device.ErrAbsent) || device.IsTrouble(err) {
		note("%v; the processor is used", err)
		return nil, nil
	}
	if err != nil {
		return nil, usagef("--device: %v", err)
	}
	p, err := u.Load(f.Model)
	if err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return &onDevice{unit: u, program: p, note: note}, nil
}

// run says whether it has a result: not where the device is in trouble or too small.
func (d *onDevice) run(ctx context.Context, inputs []*tensor.Tensor) (outputs []*tensor.Tensor, done bool, err error) {
	outputs, stats, err := d.program.Run(ctx, inputs, program.DefaultLimits())
	if _, small := errors.AsType[*device.CeilingError](err); small || device.IsTrouble(err) {
		d.note("%v; the processor is used", err)
		return nil, false, nil
	}
	if err == nil && !d.told {
		d.told = true
		d.note("%s: %d operators ran there, %d on the processor; %d bytes copied there, %d back; %d bytes of its memory", d.unit.Info.ID,
			stats.DeviceOps, stats.HostOps, stats.UploadBytes, stats.DownloadBytes, stats.PeakBytes)
	}
	return outputs, true, err
}

func (d *onDevice) close() {
	d.program.Close()
	if err := d.unit.Close(); err != nil {
		d.note("%v", err)
	}
}
