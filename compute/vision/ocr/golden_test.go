package ocr

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/vision/visiontest"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// A picture that ships and three photographs of the shared test data. What is read in them is asserted to
// the letter, and held against what the package @gutenye/ocr-node reads (tools/ocrref), whose code before
// and behind the networks is another.

var (
	all  = flag.Bool("all", false, "read all photographs, which takes a minute")
	show = flag.Bool("show", false, "show what is read")
)

// A goldenPicture is what is read in a picture: by us, and by the package.
type goldenPicture struct {
	Read, Reference []string
}

func reader(t testing.TB) *Reader {
	t.Helper()
	modules := visiontest.Modules(t, "onnxref", DetectionFile)
	raw, err := os.ReadFile(filepath.Join(modules, KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadKeys(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &Reader{
		Detection:   visiontest.ONNX(t, filepath.Join(modules, DetectionFile)),
		Direction:   visiontest.ONNX(t, filepath.Join(modules, DirectionFile)),
		Recognition: visiontest.ONNX(t, filepath.Join(modules, RecognitionFile)),
		Keys:        keys,
	}
}

func TestGolden(t *testing.T) {
	r := reader(t)
	var golden struct {
		Pictures map[string]goldenPicture `json:"pictures"`
	}
	visiontest.Golden(t, "testdata/golden.json", &golden)
	for _, name := range []string{"receipt.png", "ocr-en-01.jpg", "ocr-cn-01.jpg", "ocr-cn-02.jpg"} {
		if (strings.Contains(name, "-cn-") || testing.Short()) && !*all && name != "receipt.png" {
			continue
		}
		file, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			file, err = os.ReadFile(filepath.Join(filepath.Dir(testutil.Root(t)), "shared", "data", "models", name))
		}
		if err != nil {
			t.Logf("shared test data not here: %s", name)
			continue
		}
		lines, err := r.Read(t.Context(), visiontest.Picture(t, file))
		if err != nil {
			t.Fatal(err)
		}
		want := golden.Pictures[name]
		var got []string
		for _, line := range lines {
			got = append(got, line.Text)
			if *show {
				t.Logf("%.3f %q %v", line.Score, line.Text, line.Place)
			}
		}
		if !slices.Equal(got, want.Read) {
			t.Errorf("%s: read\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want.Read, "\n"))
		}
		off, whole := distance(got, want.Reference)
		t.Logf("%s: %d of %d characters are not as the package reads them", name, off, whole)
		if 25*off > whole || whole < 20 {
			t.Errorf("%s: %d of %d characters are not as the package reads them", name, off, whole)
		}
	}
}

// distance counts the characters of lines, spaces left out, that must change for each line to be a part of
// what the reference reads.
func distance(lines, reference []string) (off, whole int) {
	plain := func(s string) []rune { return []rune(strings.ReplaceAll(s, " ", "")) }
	text := plain(strings.Join(reference, ""))
	for _, line := range lines {
		row := make([]int, len(text)+1) // a part may begin anywhere
		for _, c := range plain(line) {
			before := row[0]
			row[0]++
			for j, d := range text {
				change := before
				if c != d {
					change++
				}
				before, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
			}
			whole++
		}
		off += slices.Min(row) // and end anywhere
	}
	return off, whole
}

// A picture upside down, or lying on its side, reads as the picture does.
func TestTurned(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 5 s")
	}
	r := reader(t)
	file, err := os.ReadFile("testdata/receipt.png")
	if err != nil {
		t.Fatal(err)
	}
	upright := visiontest.Picture(t, file)
	var want []string
	for _, m := range []*image.RGB{upright, turnLeft(turnLeft(upright)), turnLeft(turnLeft(turnLeft(upright)))} {
		lines, err := r.Read(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range lines {
			got = append(got, strings.ReplaceAll(line.Text, " ", ""))
		}
		slices.Sort(got)
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) || len(got) < 5 {
			t.Errorf("%d × %d: got %q, want %q", m.Width, m.Height, got, want)
		}
	}
}

func turnLeft(m *image.RGB) *image.RGB {
	out := &image.RGB{Width: m.Height, Height: m.Width}
	for y := range out.Height {
		for x := range out.Width {
			at := 3 * (x*m.Width + m.Width - 1 - y)
			out.Pix = append(out.Pix, m.Pix[at:at+3]...)
		}
	}
	return out
}

func TestKeys(t *testing.T) {
	keys, err := ReadKeys([]byte("a\nb\r\n字\n"))
	if err != nil || !slices.Equal(keys, Keys{"a", "b", "字", " "}) {
		t.Fatalf("got %q, %v", keys, err)
	}
	steps := []int{1, 1, 0, 1, 3, 4, 0, 0, 2}
	p := make([]float32, 5*len(steps))
	for i, class := range steps {
		p[5*i+class] = 0.5
	}
	if text, score := keys.decode(p, len(steps)); text != "aa字 b" || score != 0.5 {
		t.Errorf("got %q of %v", text, score)
	}
	if text, score := keys.decode(make([]float32, 10), 2); text != "" || score != 0 {
		t.Errorf("of blanks: got %q of %v", text, score)
	}
	if _, err := ReadKeys([]byte("a\n\nb")); err == nil {
		t.Error("an empty line was taken for a character")
	}
	if n := utf8.RuneCountInString(keys[2]); n != 1 {
		t.Errorf("%d characters", n)
	}
}
