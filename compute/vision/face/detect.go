package face

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/vision"
)

// Files of the networks, below node_modules.
const (
	DetectorFile   = "@vladmandic/face-api/model/ssd_mobilenetv1_model-weights_manifest.json"
	TinyFile       = "@vladmandic/face-api/model/tiny_face_detector_model-weights_manifest.json"
	DescriptorFile = "@vladmandic/face-api/model/face_recognition_model-weights_manifest.json"
)

// A Box is a part of a picture, in pixels.
type Box struct{ Left, Top, Right, Bottom float32 }

// A Face is where a face is, and how sure the network is, from 0 to 1.
type Face struct {
	Box   Box
	Score float32
}

const (
	scoreMin = 0.5
	facesMax = 100
)

// What the detector reads and gives.
const (
	detectorSide    = 512
	detectorAnchors = 5118
	detectorOverlap = 0.5
)

// Detect finds faces with the network of tfjs.FaceDetector, the surest first.
func Detect(ctx context.Context, r vision.Runner, m *image.RGB) ([]Face, error) {
	norm := vision.Norm{Unit: 2, Mean: [3]int{255, 255, 255}, By: [3]int{255, 255, 255}}
	input := vision.Square(m, false).Tensor(detectorSide, detectorSide, vision.Edges, norm)
	out, _, err := vision.Run(ctx, r, input, []int{1, detectorAnchors, 4}, []int{1, detectorAnchors, 3}, []int{1, detectorAnchors, 4})
	if err != nil {
		return nil, fmt.Errorf("face detector: %w", err)
	}
	var found []Face
	for i := range detectorAnchors {
		if score := kernel.Sigmoid(out[1][3*i+1]); score > scoreMin {
			found = append(found, Face{anchored(out[0][4*i:], out[2][4*i:]), score})
		}
	}
	x, y := stretch(m, detectorSide)
	faces := suppress(found, detectorOverlap, facesMax)
	for i := range faces {
		b := &faces[i].Box
		b.Left, b.Right = float32(max(b.Left, 0)*x), float32(min(b.Right, 1)*x)
		b.Top, b.Bottom = float32(max(b.Top, 0)*y), float32(min(b.Bottom, 1)*y)
	}
	return faces, nil
}

// anchored places a box by what the network says of an anchor; both begin with the upper edge.
func anchored(p, a []float32) Box {
	height, width := a[2]-a[0], a[3]-a[1]
	y := float32((p[0]/10)*height) + (a[0] + half(height))
	x := float32((p[1]/10)*width) + (a[1] + half(width))
	h := half(float32(kernel.Exp(p[2]/5) * height))
	w := half(float32(kernel.Exp(p[3]/5) * width))
	return Box{Left: x - w, Top: y - h, Right: x + w, Bottom: y + h}
}

// stretch gives by what parts of a square of side n are multiplied to be pixels of the picture that lies on
// it: the picture's sides over its sides on the square, which are rounded to whole pixels, times n.
func stretch(m *image.RGB, n int) (x, y float32) {
	long := max(m.Width, m.Height)
	on := func(side int) int { return max((2*side*n+long)/(2*long), 1) }
	return float32(m.Width*n) / float32(on(m.Width)), float32(m.Height*n) / float32(on(m.Height))
}

// suppress takes the best of the boxes again and again, leaving out those that overlap one taken by more
// than the given part (FACE-2).
func suppress(found []Face, overlap float32, most int) (taken []Face) {
	gone := make([]bool, len(found))
	for len(taken) < most {
		best := -1
		for i := range found {
			if !gone[i] && (best < 0 || found[i].Score > found[best].Score) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		taken = append(taken, found[best])
		gone[best] = true
		for i := range found {
			gone[i] = gone[i] || common(found[i].Box, found[best].Box) > overlap
		}
	}
	return taken
}

// common is the area that two boxes share, as a part of the area that they cover; 0 if one has none.
func common(a, b Box) float32 {
	areaA, areaB := a.area(), b.area()
	if !(areaA > 0 && areaB > 0) {
		return 0
	}
	both := Box{max(a.Left, b.Left), max(a.Top, b.Top), min(a.Right, b.Right), min(a.Bottom, b.Bottom)}.area()
	return both / (areaA + areaB - both)
}

func (b Box) area() float32 { return float32(max(b.Right-b.Left, 0) * max(b.Bottom-b.Top, 0)) }

// half is v/2, rounded by itself: compilers make a product of it, which they may fuse with a sum.
func half(v float32) float32 { return float32(v / 2) }
