package kernel

import (
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Windows over one plane: depthwise convolutions, and the largest element of each window.

//go:generate go run gen_windows.go

// Windows is how the windows of a plane lie in a copy of it: the first one at its beginning, those of a row side by side.
type Windows struct {
	rows, width int // of results
	pitch       int // elements from a row of windows to the next
	offsets     []int32
	reach       int // elements that are read, vectors being read whole
}

// NewWindows takes the distance of each tap from the beginning of a window, and of rows of windows, in elements.
func NewWindows(rows, width, pitch int, taps []int) *Windows {
	must.Hold(rows > 0 && width > 0 && len(taps) > 0 && len(taps) <= SegmentLen && slices.Min(taps) >= 0, "windows without taps, or of more than a segment")
	w := &Windows{rows: rows, width: width, pitch: pitch}
	for _, t := range taps {
		w.offsets = append(w.offsets, int32(4*t))
	}
	w.reach = slices.Max(taps) + (rows-1)*pitch + max(width, windowLanes)
	return w
}

// Len is the number of windows.
func (w *Windows) Len() int { return w.rows * w.width }

// windowLanes is the length of a vector: shorter rows are computed in one.
const windowLanes = 8

// A WindowEnd is what happens to the chain of a window: a bias and + (+0), a scale and shift in one rounding (1 and 0 for none),
// then a clamp, whose bounds must not be NaN or -0, nor below 0 if there is a scale.
type WindowEnd struct {
	Bias, Scale, Shift float32
	Clamp              bool
	Lo, Hi             float32
}

// A band is rows of results that a kernel computes, so many vectors wide.
type band struct {
	out, x                *float32
	offsets               *int32
	weights               *float32 // nil: the largest element is wanted
	taps, pitch, outPitch int      // pitches in bytes
	blocks                int      // of rows that are done at once
	last                  int      // bytes from the beginning of a row to its last vector
	bias, scale, shift    float32
	sign                  float32 // +0 if there is a clamp, else -0, which changes nothing when it is added
	lo, hi                float32
	clamps                bool
	count                 float32 // by which sums of taps are divided; 0: no means are wanted
}

func (e *WindowEnd) set(b *band) {
	b.bias, b.scale, b.shift, b.clamps = e.Bias, e.Scale, e.Shift, e.Clamp
	b.sign, b.lo, b.hi = math.Float32frombits(1<<31), -infinity(), infinity()
	if e.Clamp {
		b.sign, b.lo, b.hi = 0, e.Lo, e.Hi
	}
}

// Chains is a depthwise convolution of a plane: y gets the chain of each window by the weights of its taps, and its end. X needs
// Slack.
func (p Path) Chains(y, x []float32, w *Windows, weights []float32, end WindowEnd) {
	_, _, _ = y[:w.Len()], x[:w.reach], weights[:len(w.offsets)]
	var b band
	end.set(&b)
	p.chains(y, x, w, weights, &b)
}

// Largest gives the largest element of each window by AIW-4, the taps being in their order, and a clamp. X needs Slack.
func (p Path) Largest(y, x []float32, w *Windows, end WindowEnd) {
	_, _ = y[:w.Len()], x[:w.reach]
	var b band
	end.set(&b)
	p.largest(y, x, w, &b)
}

// Means gives the mean of each window: its taps added by AIW-3, divided by their number. X needs Slack.
func (p Path) Means(y, x []float32, w *Windows) {
	_, _ = y[:w.Len()], x[:w.reach]
	p.means(y, x, w, &band{count: float32(len(w.offsets))})
}

// meansGo is AIW-3 for each window; there are at most Lanes taps.
func meansGo(y, x []float32, w *Windows, b *band) {
	for i := range y[:w.Len()] {
		at := i/w.width*w.pitch + i%w.width
		var lanes [Lanes]float32
		for t, o := range w.offsets {
			lanes[t] += x[at+int(o)/4]
		}
		for half := Lanes / 2; half > 0; half /= 2 {
			for j := range half {
				lanes[j] += lanes[j+half]
			}
		}
		y[i] = lanes[0] / b.count
	}
}

func chainsGo(y, x []float32, w *Windows, weights []float32, b *band) {
	for i := range y[:w.Len()] {
		at := i/w.width*w.pitch + i%w.width
		acc := float32(0)
		for t, o := range w.offsets {
			acc = FMA(x[at+int(o)/4], weights[t], acc)
		}
		y[i] = clamp(FMA((acc+b.bias)+0, b.scale, b.shift)+b.sign, b.lo, b.hi)
	}
}

func largestGo(y, x []float32, w *Windows, b *band) {
	for i := range y[:w.Len()] {
		at := i/w.width*w.pitch + i%w.width
		best := x[at+int(w.offsets[0])/4]
		for _, o := range w.offsets[1:] {
			best = larger(x[at+int(o)/4], best)
		}
		y[i] = clamp(best+b.sign, b.lo, b.hi)
	}
}

// Widen copies rows of width elements, one behind the other, to rows that are pitch apart. Up to seven elements behind each row
// become the border, before the next row is copied; to needs Slack.
func (p Path) Widen(to, from []float32, rows, width, pitch int, border float32) {
	_, _ = from[:rows*width], to[:(rows-1)*pitch+(width+windowLanes-1)/windowLanes*windowLanes]
	p.widen(to, from, rows, width, pitch, border)
}

// Halve is Widen for rows of which the elements 0, 2, 4 and so on go to even and the others to odd.
func (p Path) Halve(even, odd, from []float32, rows, width, pitch int, border float32) {
	each := (rows-1)*pitch + (width+2*windowLanes-1)/(2*windowLanes)*windowLanes
	_, _, _ = from[:rows*width], even[:each], odd[:each]
	p.halve(even, odd, from, rows, width, pitch, border)
}

func widenGo(to, from []float32, rows, width, pitch int) {
	for i := range rows {
		copy(to[i*pitch:][:width], from[i*width:])
	}
}

func halveGo(even, odd, from []float32, rows, width, pitch int) {
	for i := range rows {
		for j, v := range from[i*width:][:width] {
			if j%2 == 0 {
				even[i*pitch+j/2] = v
			} else {
				odd[i*pitch+j/2] = v
			}
		}
	}
}

// Rows copies rows of every step-th element, step being 1 or 2: row i from offsets[i] bytes on, to pitch·i.
// Eight elements are copied at a time, so up to seven behind each row are written over, but for what belongs
// to the next row; to and from need Slack.
func (p Path) Rows(to, from []float32, offsets []int32, width, step, pitch int) {
	const most = 4 * gatherLanes
	for first := (width - 1) / most * most; first >= 0; first -= most { // the one that writes over the next row first
		p.gather(to[first:], from[first*step:], offsets, min(most, width-first), step, pitch)
	}
}
