package image

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that a requester may hold
	_ "image/jpeg"
	"image/png"
	"io"
	"math"
)

// originalBytesMax bounds a file that is to be converted.
const originalBytesMax = 64 << 20

// Errors of ToCanonicalPNG, to be compared with errors.Is. Their texts tell the requester what to do.
var (
	ErrNotPicture = errors.New("not a JPEG, PNG or GIF picture")
	ErrTruncated  = errors.New("the picture is cut short; was it copied or downloaded whole?")
	ErrBroken     = errors.New("the picture is damaged")
	ErrTooLarge   = errors.New("the picture is too large")
)

// ToCanonicalPNG turns a JPEG, PNG or GIF file (its first frame) into a canonical input with the same
// pixels, and gives the SHA-256 of the file. It does not turn pictures by their EXIF orientation, nor
// make them smaller: a requester whose picture is over the limits is told how far to scale it down.
// Results may differ between versions of Go; what is submitted is the PNG.
func ToCanonicalPNG(original []byte) (pngBytes []byte, originalSHA256 [32]byte, err error) {
	originalSHA256 = sha256.Sum256(original)
	if len(original) > originalBytesMax {
		return nil, originalSHA256, fmt.Errorf("%w: file of %d MiB, at most %d", ErrTooLarge, len(original)>>20, originalBytesMax>>20)
	}
	if _, err := Decode(original); err == nil && plain(original) {
		return original, originalSHA256, nil
	}
	img, err := decodeAny(original)
	if err != nil {
		return nil, originalSHA256, err
	}
	pngBytes, err = encode(img)
	return pngBytes, originalSHA256, err
}

// plain reports whether a canonical PNG holds nothing but what is read, so that passing it on as it is
// does not publish a photographer's name or place.
func plain(original []byte) bool {
	kept, err := essential(original)
	return err == nil && len(kept) == len(original)
}

func decodeAny(original []byte) (image.Image, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(original))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, fmt.Errorf("%w: it begins with %q", ErrNotPicture, original[:min(16, len(original))])
	case err != nil:
		return nil, broken(format, original, err)
	}
	w, h := config.Width, config.Height
	if w < 1 || h < 1 || w > SideMax || h > SideMax || w*h > PixelsMax {
		return nil, fmt.Errorf("%w: %d×%d pixels, at most %d a side and %d in all; scale it down first",
			ErrTooLarge, w, h, SideMax, PixelsMax)
	}
	img, format, err := image.Decode(bytes.NewReader(original))
	if err != nil {
		return nil, broken(format, original, err)
	}
	return img, nil
}

// broken tells a file that ends too early from one that is damaged. Decoders do not: they complain about
// whatever they needed next, so the mark that ends a whole file is looked for.
func broken(format string, original []byte, err error) error {
	ends := map[string]string{"jpeg": "\xff\xd9", "png": "IEND\xaeB`\x82", "gif": "\x00;"}
	early := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	if early || !bytes.Contains(original, []byte(ends[format])) {
		return fmt.Errorf("%w (%s)", ErrTruncated, format)
	}
	return fmt.Errorf("%w (%s): %v", ErrBroken, format, err)
}

// encode writes the pixels, laid over black, as an RGB PNG without any other chunk.
func encode(img image.Image) ([]byte, error) {
	b := img.Bounds()
	flat := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			flat.SetRGBA(x, y, color.RGBA{over(c.R, c.A), over(c.G, c.A), over(c.B, c.A), 255})
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, flat); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	if out.Len() > InputBytesMax {
		percent := int(90 * math.Sqrt(float64(InputBytesMax)/float64(out.Len())))
		return nil, fmt.Errorf("%w: %d×%d pixels are %.1f MiB as PNG, at most %d MiB; scale it down to %d %% of its width and height",
			ErrTooLarge, b.Dx(), b.Dy(), float64(out.Len())/(1<<20), InputBytesMax>>20, percent)
	}
	return out.Bytes(), nil
}
