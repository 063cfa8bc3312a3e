package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/device/opencl"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Whatever a device does, results are those of the processor, and the operator hears of it. Devices here are acted; compute/device has tests on
// a real one, TestOpenCL runs it in a child.

// An actedDevice knows the answer, and does what its acts say, one for each run: nothing is well.
type actedDevice struct {
	answer     []float32
	acts       []string
	runs, open int
	closed     bool
}

func (d *actedDevice) Name() string { return "acted:0" }
func (d *actedDevice) Close() error { d.closed = true; return nil }

func (d *actedDevice) Load(*lower.Model) (DeviceProgram, error) {
	if len(d.acts) > 0 && d.acts[0] == "no load" {
		return nil, &device.Error{Device: "acted:0", Doing: "load", Reason: "it is broken"}
	}
	d.open++
	return &actedProgram{d}, nil
}

type actedProgram struct{ device *actedDevice }

func (p *actedProgram) Close() { p.device.open-- }

func (p *actedProgram) Run(context.Context, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	act := ""
	if p.device.runs < len(p.device.acts) {
		act = p.device.acts[p.device.runs]
	}
	p.device.runs++
	switch act {
	case "fail", "lose":
		return nil, &device.Error{Device: "acted:0", Doing: "launch", Reason: "it is broken", Lost: act == "lose"}
	case "small":
		return nil, &device.CeilingError{What: "one buffer"}
	case "refuse":
		return nil, errors.New("an operator does not take this")
	}
	out := slices.Clone(p.device.answer)
	if act == "lie" {
		out[0]++
	}
	return []*tensor.Tensor{tensor.Of([]int{1, len(out)}, out)}, nil
}

func TestDevice(t *testing.T) {
	_, id, f := ownModel(t)
	input := canonical(t, photos.All()[0])
	want, err := RunLocal(f, input)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := DecodeOutput(want, len(f.Net.Labels))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		acts  []string
		runs  int // that the device is asked for, of five
		notes []NoteKind
	}{
		{"well", nil, 5, []NoteKind{NoteDeviceReady}},
		{"fails once", []string{"", "fail"}, 5, []NoteKind{NoteDeviceReady, NoteDeviceTrouble}},
		{"fails always", []string{"fail", "fail", "fail"}, 3, []NoteKind{NoteDeviceReady, NoteDeviceTrouble, NoteDeviceTrouble, NoteDeviceGone}},
		{"is lost", []string{"", "lose"}, 2, []NoteKind{NoteDeviceReady, NoteDeviceGone}},
		{"is too small", []string{"", "small"}, 5, []NoteKind{NoteDeviceReady, NoteDeviceTrouble}},
		{"refuses what the processor does not", []string{"refuse", ""}, 5, []NoteKind{NoteDeviceReady}},
		{"gives other bits", []string{"lie"}, 1, []NoteKind{NoteDeviceReady, NoteDeviceGone}},
		{"cannot load", []string{"no load"}, 0, []NoteKind{NoteDeviceReady, NoteDeviceTrouble}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &actedDevice{acts: c.acts, answer: answer}
			notes := deviceNotes(t, d, nil, f, id, input, want)
			if !slices.Equal(notes, c.notes) || d.runs != c.runs {
				t.Errorf("noted %v in %d runs, want %v in %d", notes, d.runs, c.notes, c.runs)
			}
			if d.open != 0 {
				t.Errorf("%d programs stay on the device", d.open)
			}
		})
	}
	notes := deviceNotes(t, nil, errors.New("no such device"), f, id, input, want)
	if !slices.Equal(notes, []NoteKind{NoteDeviceGone}) {
		t.Errorf("without the device: noted %v", notes)
	}
}

// deviceNotes runs an item five times and gives what was noted.
func deviceNotes(t *testing.T, d Device, err error, f *model.File, id chain.Hash, input, want []byte) (kinds []NoteKind) {
	t.Helper()
	note := func(kind NoteKind, text string) {
		kinds = append(kinds, kind)
		if kind != NoteDeviceReady && !strings.Contains(text, "processor") {
			t.Errorf("a note does not say what happens now: %q", text)
		}
	}
	l := Library{Models: model.Library{Files: []*model.File{f}}}
	l.device = &accelerator{open: func() (Device, error) { return d, err }, note: note}
	c, err := l.Compile(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 5 {
		if got, err := c.Run(t.Context(), input); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %x and %v, want %x", got, err, want)
		}
	}
	return kinds
}

// A device that begins to lie is found by the next run that the processor repeats.
func TestDeviceIsChecked(t *testing.T) {
	a := &accelerator{}
	var due []int
	for i := range 3 * checkEvery {
		if a.due() {
			due = append(due, i)
		}
	}
	if want := []int{0, checkEvery, 2 * checkEvery}; !slices.Equal(due, want) {
		t.Errorf("repeated are runs %v, want %v", due, want)
	}
}

// Frames of notes are passed on; a child that says too much, or something unknown, is broken.
func TestNotes(t *testing.T) {
	var b bytes.Buffer
	s := &shop{}
	for range 2 * notesMax {
		s.note(NoteDeviceTrouble, strings.Repeat("x", 2*noteBytesMax))
	}
	if err := s.tell(&b); err != nil {
		t.Fatal(err)
	}
	if err := writeFrame(&b, kindOutput, []byte("out")); err != nil {
		t.Fatal(err)
	}
	n := 0
	kind, body, err := readAnswer(&b, func(got Note) {
		if n++; got.Kind != NoteDeviceTrouble || len(got.Text) != noteBytesMax {
			t.Errorf("got a note of kind %v with %d bytes", got.Kind, len(got.Text))
		}
	})
	if kind != kindOutput || string(body) != "out" || err != nil || n != notesMax {
		t.Errorf("got %d %q and %v after %d notes", kind, body, err, n)
	}
	for _, frames := range [][][]byte{
		{{}}, {{99, 'x'}}, {append([]byte{1}, make([]byte, noteBytesMax+1)...)}, slices.Repeat([][]byte{{1}}, notesMax+1),
	} {
		b.Reset()
		for _, f := range frames {
			if err := writeFrame(&b, kindNote, f); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := readAnswer(&b, nil); !errors.Is(err, errFrame) {
			t.Errorf("%d frames, the first of %d bytes: %v, want a broken child", len(frames), len(frames[0]), err)
		}
	}
}

// A child runs a network on a real device, if there is one, and says so.
func TestOpenCL(t *testing.T) {
	if list, err := opencl.New().List(); err != nil || len(list) == 0 || list[0].Refused != "" {
		testutil.Skip(t, fmt.Sprintf("no OpenCL device that can be used: %v", err))
	}
	f := contentSafety(t)
	input := canonical(t, photos.All()[0])
	want, err := RunLocal(f, input)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childEnv, "real")
	t.Setenv(deviceEnv, "opencl:0")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var notes []NoteKind
	e, err := Start(t.Context(), Options{Exe: exe, MemoryMaxBytes: 3 << 30, ItemTimeout: 5 * time.Minute, Note: func(n Note) { notes = append(notes, n.Kind) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 2 { // the first is repeated by the processor, the second is the device's
		if got, err := e.Run(t.Context(), f.Net.ID(), input); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %x and %v, want %x", got, err, want)
		}
	}
	if !slices.Equal(notes, []NoteKind{NoteDeviceReady}) {
		t.Errorf("noted %v, want that the device is used and nothing else", notes)
	}
}
