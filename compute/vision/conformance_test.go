package vision

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Samples are part of what is verified: a changed digest here is another protocol. The picture is a rule
// too: byte i is the highest byte of i·2654435761 modulo 2^32.
func TestConformance(t *testing.T) {
	m := &image.RGB{Width: 331, Height: 187}
	for i := range 3 * m.Width * m.Height {
		m.Pix = append(m.Pix, byte(uint32(i)*2654435761>>24))
	}
	norms := []Norm{
		{Unit: 1, By: [3]int{255, 255, 255}},
		{Unit: 2, Mean: [3]int{255, 255, 255}, By: [3]int{255, 255, 255}, BGR: true},
		{Unit: 1000, Mean: [3]int{123675, 116280, 103530}, By: [3]int{58395, 57120, 57375}, BGR: true},
	}
	var got strings.Builder
	line := func(name string, x *tensor.Tensor) {
		h := sha256.New()
		for _, v := range tensor.Values[float32](x) {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
		fmt.Fprintf(&got, "%s %x\n", name, h.Sum(nil))
	}
	for i, norm := range norms {
		line(fmt.Sprintf("corners 224 224 norm %d", i), Whole(m).Tensor(224, 224, Corners, norm))
		line(fmt.Sprintf("edges square 512 512 norm %d", i), Square(m, false).Tensor(512, 512, Edges, norm))
		line(fmt.Sprintf("edges middle 150 150 norm %d", i), Square(m, true).Tensor(150, 150, Edges, norm))
		line(fmt.Sprintf("centres 352 192 norm %d", i), Whole(m).Tensor(352, 192, Centres, norm))
		line(fmt.Sprintf("crop 200 48 norm %d", i), Crop(m, Quad{Point{-5, 40}, Point{300, 120}, Point{-20, 101}}, 200, 48, norm))
	}
	const file = "testdata/conformance.txt"
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got.String() {
		t.Errorf("%s: %v; got\n%s", file, err, got.String())
	}
}
