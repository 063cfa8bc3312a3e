// Package safety sorts pictures by what they show, with the networks of nsfwjs.
//
// A Class is one of five; Judge gives the probability of each, of a picture resized without regard to its
// proportions, corners on corners. Files of the networks lie in the npm package nsfwjs 4.3.0; compute/tfjs
// reads them.
package safety

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/vision"
)

// A Network is one of the networks of nsfwjs and the side of the square that it reads.
type Network struct {
	Name, File string // the file lies below node_modules
	Side       int
}

// Networks lists them, the smallest first.
func Networks() []Network {
	const folder = "nsfwjs/dist/models/"
	return []Network{
		{"mobilenet_v2", folder + "mobilenet_v2/model.min.js", 224},
		{"mobilenet_v2_mid", folder + "mobilenet_v2_mid/model.min.js", 224},
		{"inception_v3", folder + "inception_v3/model.min.js", 299},
	}
}

// Classes names what pictures are sorted into, in the order of a Verdict.
func Classes() [5]string { return [5]string{"Drawing", "Hentai", "Neutral", "Porn", "Sexy"} }

// A Verdict is the probability of each class.
type Verdict [5]float32

// Top gives the likeliest class; of equals the first.
func (v Verdict) Top() (class string, probability float32) {
	best := 0
	for i, p := range v {
		if p > v[best] {
			best = i
		}
	}
	return Classes()[best], v[best]
}

// Judge runs a network that reads squares of the given side on a picture.
func Judge(ctx context.Context, r vision.Runner, side int, m *image.RGB) (Verdict, error) {
	input := vision.Whole(m).Tensor(side, side, vision.Corners, vision.Norm{Unit: 1, By: [3]int{255, 255, 255}})
	out, _, err := vision.Run(ctx, r, input, []int{1, 5})
	if err != nil {
		return Verdict{}, fmt.Errorf("content safety: %w", err)
	}
	return Verdict(out[0]), nil
}
