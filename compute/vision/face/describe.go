package face

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/vision"
)

// A Descriptor stands for a face. Near ones are of one person.
type Descriptor [128]float32

// SameMax is the distance up to which two descriptors are taken for one person's.
const SameMax = 0.6

const descriptorSide = 150

// Distance is the Euclidean distance of two descriptors.
func (d *Descriptor) Distance(other *Descriptor) float32 {
	sum := float32(0)
	for i := range d {
		off := d[i] - other[i]
		sum += float32(off * off)
	}
	return kernel.Sqrt(sum)
}

// Same reports whether two descriptors are taken for one person's.
func (d *Descriptor) Same(other *Descriptor) bool { return d.Distance(other) <= SameMax }

// LandmarksFile is the file of the network of tfjs.FaceLandmarks, below node_modules.
const LandmarksFile = "@vladmandic/face-api/model/face_landmark_68_model-weights_manifest.json"

const (
	landmarksSide  = 112
	landmarksCount = 68
)

// Align gives the square of a picture that Describe wants for the face in a box, by 68 points of the face
// that the network of tfjs.FaceLandmarks finds. With the middles of both eyes and of the mouth, its side is
// the mean distance of the eyes from the mouth over 0.45, rounded down, and the middle of the three lies at
// 0.5 of its width and 0.43 of its height; its corner, rounded down, is not outside the picture.
func Align(ctx context.Context, r vision.Runner, m *image.RGB, box Box) (Box, error) {
	part, err := cut(m, box)
	if err != nil {
		return Box{}, err
	}
	input := vision.Square(part, true).Tensor(landmarksSide, landmarksSide, vision.Edges, faceNorm())
	out, _, err := vision.Run(ctx, r, input, []int{1, 2 * landmarksCount})
	if err != nil {
		return Box{}, fmt.Errorf("face landmarks: %w", err)
	}
	side := max(part.Width, part.Height)
	points := slices.Clone(out[0])
	for i := range landmarksCount { // from parts of the square to pixels of the picture
		points[2*i] = float32(points[2*i]*float32(side)) - half(float32(side-part.Width)) + box.Left
		points[2*i+1] = float32(points[2*i+1]*float32(side)) - half(float32(side-part.Height)) + box.Top
	}
	left, right, mouth := middle(points[2*36:2*42]), middle(points[2*42:2*48]), middle(points[2*48:])
	size := float32(math.Floor(float64(half(distance(left, mouth)+distance(right, mouth)) / 0.45)))
	x := float32(math.Floor(float64(max((left[0]+right[0]+mouth[0])/3-float32(0.5*size), 0))))
	y := float32(math.Floor(float64(max((left[1]+right[1]+mouth[1])/3-float32(0.43*size), 0))))
	return Box{x, y, x + min(size, float32(part.Width)+x), y + min(size, float32(part.Height)+y)}, nil
}

// middle is the mean of points, added in order.
func middle(points []float32) (mean [2]float32) {
	for i, v := range points {
		mean[i%2] += v
	}
	n := float32(len(points) / 2)
	return [2]float32{mean[0] / n, mean[1] / n}
}

func distance(a, b [2]float32) float32 {
	x, y := a[0]-b[0], a[1]-b[1]
	return kernel.Sqrt(float32(x*x) + float32(y*y))
}

// faceNorm is how both networks want the samples of a face: without the mean of the pictures that they were
// trained with, as parts of 255.
func faceNorm() vision.Norm {
	return vision.Norm{Unit: 1000, Mean: [3]int{122782, 117001, 104298}, By: [3]int{255000, 255000, 255000}}
}

// ErrOutside says that a box has nothing in common with its picture.
var ErrOutside = errors.New("the face lies outside the picture")

// Describe makes the descriptor of what a box, an aligned one, holds, with the network of tfjs.FaceDescriptor.
func Describe(ctx context.Context, r vision.Runner, m *image.RGB, box Box) (*Descriptor, error) {
	part, err := cut(m, box)
	if err != nil {
		return nil, err
	}
	input := vision.Square(part, true).Tensor(descriptorSide, descriptorSide, vision.Edges, faceNorm())
	out, _, err := vision.Run(ctx, r, input, []int{1, 128})
	if err != nil {
		return nil, fmt.Errorf("face descriptor: %w", err)
	}
	return (*Descriptor)(out[0]), nil
}

// cut gives the pixels in a box: from its corner, over its size, each rounded down.
func cut(m *image.RGB, box Box) (*image.RGB, error) {
	left, top := max(box.Left, 0), max(box.Top, 0)
	right, bottom := min(box.Right, float32(m.Width)), min(box.Bottom, float32(m.Height))
	if !(right-left >= 1 && bottom-top >= 1) {
		return nil, ErrOutside
	}
	x, y := int(left), int(top)
	out := &image.RGB{Width: int(right - left), Height: int(bottom - top)}
	for row := y; row < y+out.Height; row++ {
		from := 3 * (row*m.Width + x)
		out.Pix = append(out.Pix, m.Pix[from:from+3*out.Width]...)
	}
	return out, nil
}
