package main

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/home"
)

// processor is what --device calls the processor.
const processor = "cpu"

func deviceMemoryFlag() cli.Flag {
	return &cli.IntFlag{Name: "device-memory", Usage: "`MIB` of a device's memory that may be taken; default: eight tenths of it"}
}

// enginesOf is how many engines there are to be: at least one for each device.
func enginesOf(c *cli.Context) int { return max(c.Int("engines"), len(c.StringSlice("device"))) }

// engineOptions are those of engine i, which has the i-th device, or none when there are no more.
func engineOptions(c *cli.Context, h home.Home, exe string, i int) engine.Options {
	args := []string{"engine", "--models", h.Models(), "--packed-mib", strconv.Itoa(c.Int("packed-mib"))}
	if devices := c.StringSlice("device"); i < len(devices) {
		args = append(args, "--device", devices[i], "--device-memory", strconv.Itoa(c.Int("device-memory")))
	}
	return engine.Options{
		Exe: exe, Args: args, ThreadsMax: shareOf(threads(c), max(1, enginesOf(c)), i),
		MemoryMaxBytes: int64(c.Int("engine-memory-mib")) << 20, ItemTimeout: c.Duration("item-timeout"),
	}
}

// deviceOf gives what opens the device of an engine; nil for the processor.
func deviceOf(c *cli.Context) func() (engine.Device, error) {
	id := c.String("device")
	if id == "" || id == processor {
		return nil
	}
	return func() (engine.Device, error) {
		return engine.OpenDevice(backends(), id, device.Options{MemoryBytes: c.Int("device-memory") << 20})
	}
}

// logNote logs what an engine notes.
func logNote(log *slog.Logger, i int, n engine.Note) {
	level := slog.LevelWarn
	if n.Kind == engine.NoteDeviceReady {
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, "engine notes", "engine", i, "kind", n.Kind, "note", n.Text)
}

// devices tests those that --device names, as an engine does before it uses one.
func (d *doctor) devices(context.Context) {
	for _, id := range d.c.StringSlice("device") {
		name := "device " + id
		if id == processor {
			continue
		}
		switch outcome, why := device.Test(backends(), id); outcome {
		case device.Validated:
			d.add(name, outcomeValidated, "each of its kernels gives the processor's bits", "")
		case device.Mismatch:
			d.add(name, outcomeMismatch, why, "engines do not use it and run on the processor: try another driver, and report it with the output of `aiwork-node device list --json`")
		default:
			d.failed(name, "engines run on the processor instead: see `aiwork-node device list`, or leave --device out", "%s", why)
		}
	}
}
