package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/audio"
	"github.com/aiwork/aiwork-node/compute/audio/speech"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/compute/vision/face"
	"github.com/aiwork/aiwork-node/compute/vision/ocr"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// facesMax bounds the faces that are described, the surest first.
const facesMax = 32

// Networks gives a network that is ready to run. The caller of Open closes it.
type Networks func(model chain.Hash) (vision.Runner, error)

// An InputError says what is wrong with an input (PIPE-4).
type InputError struct {
	Fault image.Fault
	Err   error
}

// Error tells what is wrong.
func (e *InputError) Error() string { return fmt.Sprintf("%v: %v", e.Fault, e.Err) }

// Unwrap gives the error beneath.
func (e *InputError) Unwrap() error { return e.Err }

// A Pipeline is ready to run. It may be used by several at once if its networks may.
type Pipeline struct {
	spec     *Spec
	networks map[string]vision.Runner
	keys     ocr.Keys
}

// Open makes a pipeline of networks that are ready.
func Open(s *Spec, networks Networks) (*Pipeline, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	p := &Pipeline{spec: s, networks: map[string]vision.Runner{}}
	for _, r := range s.Roles {
		n, err := networks(r.Model)
		if err != nil {
			return nil, fmt.Errorf("pipeline %v: %s: %w", s.Kind, r.Name, err)
		}
		p.networks[r.Name] = n
	}
	if s.Kind != OCR {
		return p, nil
	}
	var err error
	if p.keys, err = ocr.ReadKeys(s.Files[0].Data); err != nil {
		return nil, fmt.Errorf("pipeline %v: %w", s.Kind, err)
	}
	return p, nil
}

// Run gives the answer for an item's input. Its error is an *InputError, that of a network, or that of ctx.
func (p *Pipeline) Run(ctx context.Context, input []byte) ([]byte, error) {
	return p.run(ctx, input, nil)
}

// Trace is Run with the steps that it takes, which costs the hashing of all that goes in and out of networks.
func (p *Pipeline) Trace(ctx context.Context, input []byte) ([]byte, *Trace, error) {
	t := &Trace{}
	answer, err := p.run(ctx, input, t)
	return answer, t, err
}

func (p *Pipeline) run(ctx context.Context, input []byte, t *Trace) ([]byte, error) {
	switch p.spec.Kind {
	case OCR:
		return p.read(ctx, input, t)
	case Faces:
		return p.faces(ctx, input, t)
	}
	return p.speech(ctx, input, t)
}

func (p *Pipeline) network(role string, t *Trace) vision.Runner {
	if t == nil {
		return p.networks[role]
	}
	return traced{role, p.networks[role], t}
}

func picture(input []byte) (*image.RGB, error) {
	m, err := image.Decode(input)
	if err != nil {
		fault, ok := errors.AsType[image.Fault](err)
		if !ok {
			fault = image.FaultPixels
		}
		return nil, &InputError{fault, err}
	}
	return m, nil
}

func (p *Pipeline) read(ctx context.Context, input []byte, t *Trace) ([]byte, error) {
	m, err := picture(input)
	if err != nil {
		return nil, err
	}
	r := ocr.Reader{
		Detection: p.network("detection", t), Direction: p.network("direction", t), Recognition: p.network("recognition", t), Keys: p.keys,
	}
	lines, err := r.Read(ctx, m)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.open('{')
	w.key("lines")
	w.open('[')
	for _, l := range lines {
		w.open('{')
		w.key("text")
		w.text(l.Text)
		w.key("score")
		w.int(score(l.Score))
		w.key("place")
		w.open('[')
		for _, c := range []vision.Point{l.Place.Origin, l.Place.Right, l.Place.Down} {
			w.int(int64(c.X))
			w.int(int64(c.Y))
		}
		w.close(']')
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return w.b, nil
}

func (p *Pipeline) faces(ctx context.Context, input []byte, t *Trace) ([]byte, error) {
	m, err := picture(input)
	if err != nil {
		return nil, err
	}
	found, err := face.Detect(ctx, p.network("detector", t), m)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.open('{')
	w.key("faces")
	w.open('[')
	for _, f := range found[:min(len(found), facesMax)] {
		if err := p.describe(ctx, w, m, f, t); err != nil {
			return nil, err
		}
	}
	w.close(']')
	w.close('}')
	return w.b, nil
}

// describe writes a face with its descriptor, whose numbers are told in millionths, rounded down.
func (p *Pipeline) describe(ctx context.Context, w *writer, m *image.RGB, f face.Face, t *Trace) error {
	box, err := face.Align(ctx, p.network("landmarks", t), m, f.Box)
	if errors.Is(err, face.ErrOutside) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := face.Describe(ctx, p.network("descriptor", t), m, box)
	if errors.Is(err, face.ErrOutside) {
		return nil
	}
	if err != nil {
		return err
	}
	w.open('{')
	w.key("score")
	w.int(score(f.Score))
	w.key("box")
	w.open('[')
	for _, v := range []float32{f.Box.Left, f.Box.Top, f.Box.Right, f.Box.Bottom} {
		w.int(pixels(v))
	}
	w.close(']')
	w.key("descriptor")
	w.open('[')
	for _, v := range d {
		w.int(floorMillionths(v))
	}
	w.close(']')
	w.close('}')
	return nil
}

// floorMillionths rounds v * 10^6 down. The product is exact as a float64 and its floor a whole number.
func floorMillionths(v float32) int64 {
	if v != v {
		return 0
	}
	x := float64(float64(max(min(v, 1<<20), -1<<20)) * millionths)
	n := int64(x)
	if float64(n) > x {
		n--
	}
	return n
}

func (p *Pipeline) speech(ctx context.Context, input []byte, t *Trace) ([]byte, error) {
	s, err := audio.Decode(input)
	if err == nil {
		s, err = s.At16000()
	}
	if err != nil {
		return nil, &InputError{image.FaultTensors, err}
	}
	found, err := speech.Find(ctx, p.network("activity", t), s, speech.DefaultOptions())
	if err != nil {
		return nil, err
	}
	w := &writer{}
	w.open('{')
	w.key("samples")
	w.int(int64(len(s.Samples)))
	w.key("speech")
	w.open('[')
	for _, g := range found {
		w.open('[')
		w.int(int64(g.Start))
		w.int(int64(g.End))
		w.close(']')
	}
	w.close(']')
	w.close('}')
	return w.b, nil
}
