package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/device/opencl"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/photos"
)

// The tests start this very test binary as the child. The variable says what kind of child it is to be.
const (
	childEnv  = "AIWORK_ENGINE_TEST_CHILD"
	storeEnv  = "AIWORK_ENGINE_TEST_STORE"
	packedEnv = "AIWORK_ENGINE_TEST_PACKED"
	deviceEnv = "AIWORK_ENGINE_TEST_DEVICE"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "real":
		models, err := builtin.Models()
		if err == nil {
			library := LibraryOf(os.Getenv(storeEnv), models)
			library.Packed = packed.Folder{Dir: os.Getenv(packedEnv), BytesMax: packed.DefaultBytesMax, Build: packed.Build()}
			if id := os.Getenv(deviceEnv); id != "" {
				library.Device = func() (Device, error) { return OpenDevice([]device.Backend{opencl.New()}, id, device.Options{}) }
			}
			err = Serve(context.Background(), os.Stdin, os.Stdout, library)
		}
		exit(err)
	case "actor":
		exit(actor())
	case "mute":
		io.Copy(io.Discard, os.Stdin)
	case "stillborn":
		exit(errors.New("no such device"))
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// actor is a child that speaks the protocol and does with each item what the item says.
func actor() error {
	_, body, err := readFrame(os.Stdin)
	if err != nil {
		return err
	}
	s, err := decodeSetup(body)
	if err != nil {
		return err
	}
	if err := confine(s); err != nil {
		return err
	}
	hello := encodeModels([]ModelInfo{{ID: actorTalks, Input: InputPrompt}})
	if err := writeFrame(os.Stdout, kindHello, hello); err != nil {
		return err
	}
	var troupe troupe
	for {
		kind, body, err := readFrame(os.Stdin)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == kindJoin || kind == kindLeave {
			if err := troupe.act(kind, body); err != nil {
				return err
			}
			continue
		}
		if err := act(string(body[len(chain.Hash{}):])); err != nil {
			return err
		}
	}
}

func act(item string) error {
	switch item {
	case "crash":
		panic("the kernel tripped")
	case "hang":
		never, keep, err := os.Pipe()
		if err != nil {
			return err
		}
		defer keep.Close()
		_, err = never.Read(make([]byte, 1)) // nobody writes; a select{} would be found out as a deadlock
		return err
	case "babble":
		_, err := os.Stdout.WriteString("hello, this is no frame, and it goes on for a while")
		return err
	case "odd":
		return writeFrame(os.Stdout, kindHello, nil)
	case "gorge":
		var all [][]byte
		for range 64 {
			all = append(all, bytes.Repeat([]byte{1}, 16<<20))
		}
		return writeFrame(os.Stdout, kindOutput, all[63][:4])
	case "nice":
		stat, err := os.ReadFile("/proc/self/stat")
		if err != nil {
			return err
		}
		_, after, _ := strings.Cut(string(stat), ") ") // fields from the third on; nice is the 19th
		return writeFrame(os.Stdout, kindOutput, []byte(strings.Fields(after)[16]))
	}
	return writeFrame(os.Stdout, kindOutput, []byte(item))
}

func start(t testing.TB, kind string, change func(*Options)) (*Engine, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childEnv, kind)
	o := Options{Exe: exe, ItemTimeout: time.Minute}
	if change != nil {
		change(&o)
	}
	e, err := Start(context.Background(), o)
	if err == nil {
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return e, err
}

func mustStart(t testing.TB, kind string, change func(*Options)) *Engine {
	t.Helper()
	e, err := start(t, kind, change)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The child's output is that of the pure function, for every photograph.
func TestRunEqualsRunLocal(t *testing.T) {
	e := mustStart(t, "real", nil)
	m, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Models(); len(got) != 1 || got[0].ID != m.Net.ID() || got[0].Name != "content-safety" || len(got[0].Classes) != 5 {
		t.Fatalf("models: got %+v", got)
	}
	for _, p := range photos.All()[:3] {
		input := canonical(t, p)
		got, err := e.Run(context.Background(), m.Net.ID(), input)
		if err != nil {
			t.Fatal(err)
		}
		want, err := RunLocal(m, input)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: child and local run differ: %x, %x", p.Name, got, want)
		}
	}
}

// An input's fault is the same from the child and from the pure function, and the child lives on.
func TestRunInputFaults(t *testing.T) {
	e := mustStart(t, "real", nil)
	m, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	whole := canonical(t, photos.All()[0])
	for name, c := range map[string]struct {
		input []byte
		want  image.Fault
	}{
		"empty":     {nil, image.FaultEmpty},
		"text":      {[]byte("some text"), image.FaultFormat},
		"cut short": {whole[:len(whole)/2], image.FaultTruncated},
		"too large": {make([]byte, image.InputBytesMax+1), image.FaultBytes},
	} {
		_, remote := e.Run(context.Background(), m.Net.ID(), c.input)
		_, local := RunLocal(m, c.input)
		for _, err := range []error{remote, local} {
			var got *InputError
			if !errors.As(err, &got) || got.Fault != c.want {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
	}
	var unknown *UnknownModelError
	if _, err := e.Run(context.Background(), chain.Hash{1}, whole); !errors.As(err, &unknown) || unknown.ID != (chain.Hash{1}) {
		t.Errorf("unknown model: got %v", err)
	}
	if e.child == nil {
		t.Error("the child should have lived through all that")
	}
}

// Whatever a child does, the error says so and the next item is served.
func TestRunSurvivesItsChild(t *testing.T) {
	cases := []struct {
		item  string
		cause Cause
		text  string
	}{
		{"crash", CauseCrash, "the kernel tripped"},
		{"hang", CauseTimeout, "raise the item time-out"},
		{"babble", CauseProtocol, "protocol"},
		{"odd", CauseProtocol, "protocol"},
		{"gorge", CauseCrash, "allow it more memory"},
	}
	for _, c := range cases {
		t.Run(c.item, func(t *testing.T) {
			e := mustStart(t, "actor", func(o *Options) {
				o.MemoryMaxBytes = 256 << 20
				if c.item == "hang" {
					o.ItemTimeout = 300 * time.Millisecond
				}
			})
			if c.item == "gorge" && !hardCeiling {
				t.Skip("this system has no hard ceiling of memory")
			}
			_, err := e.Run(context.Background(), chain.Hash{}, []byte(c.item))
			var local *LocalError
			if !errors.As(err, &local) || local.Cause != c.cause || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want cause %d with %q", err, c.cause, c.text)
			}
			got, err := e.Run(context.Background(), chain.Hash{}, []byte("again"))
			if err != nil || string(got) != "again" {
				t.Errorf("next item: got %q, %v, want %q", got, err, "again")
			}
		})
	}
}

func TestRunCancelled(t *testing.T) {
	e := mustStart(t, "actor", nil)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := e.Run(ctx, chain.Hash{}, []byte("hang")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if got, err := e.Run(context.Background(), chain.Hash{}, []byte("again")); err != nil || string(got) != "again" {
		t.Errorf("next item: got %q, %v", got, err)
	}
}

func TestRunFromManyCallers(t *testing.T) {
	e := mustStart(t, "actor", nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			want := fmt.Sprint("item ", i)
			if got, err := e.Run(context.Background(), chain.Hash{}, []byte(want)); err != nil || string(got) != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
	wg.Wait()
}

func TestChildIsNice(t *testing.T) {
	if !hardCeiling {
		t.Skip("priorities are lowered on Linux only")
	}
	e := mustStart(t, "actor", nil)
	if got, err := e.Run(context.Background(), chain.Hash{}, []byte("nice")); err != nil || string(got) != "10" {
		t.Errorf("got %q, %v, want 10", got, err)
	}
}

func TestStartFails(t *testing.T) {
	cases := []struct {
		name, kind string
		change     func(*Options)
		want       string
	}{
		{"no binary", "real", func(o *Options) { o.Exe = "" }, "no binary"},
		{"missing binary", "real", func(o *Options) { o.Exe = "/no/such/file" }, "did not start"},
		{"child ends at once", "stillborn", nil, "no such device"},
		{"too little memory", "real", func(o *Options) { o.MemoryMaxBytes = 1 << 20 }, "too little"},
		{"negative threads", "real", func(o *Options) { o.ThreadsMax = -1 }, "-1 threads"},
		{"negative time-out", "real", func(o *Options) { o.ItemTimeout = -1 }, "negative"},
		{"negative nice", "real", func(o *Options) { o.Nice = -5 }, "nice -5"},
	}
	for _, c := range cases {
		if _, err := start(t, c.kind, c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childEnv, "mute")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Exe: exe}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}

func TestClose(t *testing.T) {
	e := mustStart(t, "actor", nil)
	process := e.child.cmd
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if process.ProcessState == nil || !process.ProcessState.Success() {
		t.Errorf("child: got %v, want a clean end", process.ProcessState)
	}
	if _, err := e.Run(context.Background(), chain.Hash{}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// The output's bytes are canonical: any NaN becomes the one, and only that one is read.
func TestOutputIsCanonical(t *testing.T) {
	nan := binary.LittleEndian.AppendUint32(nil, 0xffc12345)
	if _, err := DecodeOutput(nan, 1); err == nil {
		t.Error("a NaN of another form was read")
	}
	odd, err := DecodeOutput(binary.LittleEndian.AppendUint32(nil, 0x7fc00000), 1)
	if err != nil {
		t.Fatal(err)
	}
	labelled := &net.Head{Labels: []string{"a", "b"}}
	if got := EncodeOutput(labelled, []*tensor.Tensor{tensor.Of([]int{1, 2}, []float32{-odd[0], 1})}); !bytes.Equal(got, []byte{0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f}) {
		t.Errorf("got %x", got)
	}
	if _, err := DecodeOutput(make([]byte, 7), 2); err == nil {
		t.Error("7 bytes were read as two values")
	}
}

// serveBytes runs the child's side on a fixed input and gives what it wrote.
func serveBytes(in []byte) ([]byte, error) {
	var out bytes.Buffer
	err := serve(context.Background(), bytes.NewReader(in), &out, func(setup) error { return nil }, Library{})
	return out.Bytes(), err
}

func frames(parts ...any) []byte {
	var b bytes.Buffer
	for i := 0; i < len(parts); i += 2 {
		writeFrame(&b, parts[i].(byte), parts[i+1].([]byte))
	}
	return b.Bytes()
}

func TestServeProtocol(t *testing.T) {
	hello := frames(kindHello, encodeModels(nil))
	ready := setup{threads: 1, nice: 10, memoryBytes: 1 << 30}.encode()
	id := chain.Hash{7}
	cases := []struct {
		name string
		in   []byte
		out  []byte
		err  string
	}{
		{"nothing", nil, nil, "first frame"},
		{"run before configure", frames(kindRun, id[:]), nil, "malformed"},
		{"another version", frames(kindConfigure, append([]byte{9}, ready[1:]...)), nil, "malformed"},
		{"no threads", frames(kindConfigure, setup{memoryBytes: 1}.encode()), nil, "malformed"},
		{"configure and end", frames(kindConfigure, ready), hello, ""},
		{"unknown model", frames(kindConfigure, ready, kindRun, id[:]), append(bytes.Clone(hello), frames(kindUnknownModel, id[:])...), ""},
		{"short run", frames(kindConfigure, ready, kindRun, id[:31]), hello, "malformed"},
		{"configure twice", frames(kindConfigure, ready, kindConfigure, ready), hello, "malformed"},
		{"cut frame", append(frames(kindConfigure, ready), 40, 0, 0, 0, kindRun), hello, "unexpected EOF"},
		{"long frame", append(frames(kindConfigure, ready), 0xff, 0xff, 0xff, 0xff), hello, "frame is over"},
		{"empty frame", append(frames(kindConfigure, ready), 0, 0, 0, 0), hello, "malformed"},
	}
	for _, c := range cases {
		out, err := serveBytes(c.in)
		if !bytes.Equal(out, c.out) {
			t.Errorf("%s: got output %x, want %x", c.name, out, c.out)
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.err)
		}
	}
}

// No bytes from either side may crash the other, and what is accepted is canonical.
func FuzzFrames(f *testing.F) {
	ready := setup{threads: 2, nice: 10, memoryBytes: 1 << 30}.encode()
	models := encodeModels([]ModelInfo{{ID: chain.Hash{1}, Name: "one", Classes: []string{"a", "b"}}, {Name: "two"}})
	f.Add(frames(kindConfigure, ready, kindRun, make([]byte, 40)))
	f.Add(frames(kindHello, models, kindInputFault, []byte{3}))
	f.Add(frames(kindConfigure, ready, kindRun, append(make([]byte, 32), "\x89PNG\r\n\x1a\n"...)))
	f.Fuzz(func(t *testing.T, in []byte) {
		serveBytes(in)
		for r := bytes.NewReader(in); ; {
			kind, body, err := readFrame(r)
			if err != nil {
				return
			}
			var again bytes.Buffer
			writeFrame(&again, kind, body)
			if !bytes.Contains(in, again.Bytes()) {
				t.Fatalf("frame %d %x is not canonical", kind, body)
			}
			if s, err := decodeSetup(body); err == nil && !bytes.Equal(s.encode(), body) {
				t.Fatalf("setup %x is not canonical", body)
			}
			if m, err := decodeModels(body); err == nil && !bytes.Equal(encodeModels(m), body) {
				t.Fatalf("models %x are not canonical", body)
			}
			decodeFault(body)
		}
	})
}
