package audio

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// Rate is what networks hear.
const Rate = 16000

const (
	phasesMax = 640     // of the ratio to Rate, in lowest terms
	lobes     = 24      // crossings of zero on each side of the filter's middle
	one       = 1 << 24 // what weights of a sample add up to
	passPart  = 0.92    // of the lower rate's half, which the filter lets through
)

// At16000 gives a sound at Rate. With rate/Rate = M/L in lowest terms, output i is the sum of inputs around
// place i·M/L times whole numbers (AUD-3): w(x) = h(x)·c·sin(πcx)/(πcx) for the distance x in inputs, where
// c = 0.92·min(1, L/M), and h is 0.42 + 0.5·cos(πx/R) + 0.08·cos(2πx/R) up to R = 24/min(1, L/M) inputs.
// The weights of each place are computed in float32 with the functions of AIW-1, multiplied by 2^24/their
// sum and rounded to even; what their sum is off by is added to the one nearest the middle. The result is
// divided by 2^24, rounded up from a half, and cut to full scale.
func (s *Sound) At16000() (*Sound, error) {
	if s.Rate == Rate {
		return s, nil
	}
	g := divisor(s.Rate, Rate)
	up, down := Rate/g, s.Rate/g
	if up > phasesMax || down > phasesMax {
		return nil, fmt.Errorf("%w: %d; convert to 16000, 22050, 44100 or 48000", ErrRate, s.Rate)
	}
	n := (len(s.Samples)*up + down - 1) / down
	if n > SamplesMax {
		return nil, fmt.Errorf("%w: %d samples at %d, at most %d", ErrLarge, n, Rate, SamplesMax)
	}
	out := &Sound{Rate: Rate, Full: s.Full, Samples: make([]int32, n)}
	filters := make([][]int64, up)
	for phase := range filters {
		filters[phase] = weights(phase, up, down)
	}
	for i := range out.Samples {
		place, filter := i*down/up, filters[i*down%up]
		sum, first := int64(one/2), place-len(filter)/2+1
		for j, w := range filter {
			if k := first + j; k >= 0 && k < len(s.Samples) {
				sum += w * int64(s.Samples[k])
			}
		}
		out.Samples[i] = int32(min(max(sum>>24, int64(-s.Full)), int64(s.Full)))
	}
	return out, nil
}

func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// weights gives what the inputs around place phase/up count, the first being radius-1 inputs before it.
func weights(phase, up, down int) []int64 {
	part := min(1, float32(up)/float32(down))
	cut, reach := float32(passPart*part), float32(lobes)/part
	radius := int(reach) + 1
	raw, sum := make([]float32, 2*radius), float32(0)
	for j := range raw {
		// The distance of input j from the place, in inputs: a whole number less phase/up.
		x := float32((j-radius+1)*up-phase) / float32(up)
		raw[j] = float32(float32(cut*sinc(float32(cut*x))) * blackman(x/reach))
		sum += raw[j]
	}
	out, total := make([]int64, len(raw)), int64(0)
	for j, v := range raw {
		out[j] = int64(math.RoundToEven(float64(float32(v*one) / sum)))
		total += out[j]
	}
	nearest := radius - 1
	if 2*phase > up {
		nearest++
	}
	out[nearest] += one - total
	return out
}

const pi = 0x1.921fb6p+1 // as float32

func sinc(x float32) float32 {
	if x == 0 {
		return 1
	}
	return kernel.Sin(float32(pi*x)) / float32(pi*x)
}

func blackman(x float32) float32 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return 0.42 + float32(0.5*kernel.Cos(float32(pi*x))) + float32(0.08*kernel.Cos(float32(2*pi*x)))
}
