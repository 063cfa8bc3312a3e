package image

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
)

// Limits of a canonical input.
const (
	InputBytesMax = 4 << 20 // that of a blob
	SideMax       = 8192
	PixelsMax     = 1 << 24
)

// A Fault says why bytes are not a canonical input. Values stand in job records and are never reused.
type Fault uint8

// The faults.
const (
	FaultEmpty      Fault = iota + 1 // no bytes at all
	FaultBytes                       // over InputBytesMax
	FaultFormat                      // not a PNG
	FaultDimensions                  // no pixels, or over SideMax or PixelsMax
	FaultDepth                       // not 8 bits a sample
	FaultInterlaced                  // interlaced
	FaultTruncated                   // cut short
	FaultChunks                      // chunks broken, in a wrong order, or bytes behind the last
	FaultPixels                      // the compressed pixels are broken
	FaultTensors                     // not a list of tensors in canonical form, for a model that takes tensors
	FaultShape                       // tensors of other shapes, types or values than the model can work with
	FaultPrompt                      // not a prompt in canonical form, for a language model
	faultEnd
)

// Error tells f in words.
func (f Fault) Error() string {
	texts := [...]string{
		"unknown input fault",
		"input is empty",
		"input is over 4 MiB",
		"input is not a PNG picture",
		"picture has no pixels, a side over 8192 or more than 16 Mi pixels",
		"PNG does not have 8 bits a sample",
		"PNG is interlaced",
		"PNG is cut short",
		"PNG has broken, misplaced or trailing chunks",
		"PNG has broken pixel data",
		"input is not a list of tensors in canonical form",
		"input has tensors or tokens that the model cannot work with",
		"input is not a prompt in canonical form",
	}
	if f >= faultEnd {
		f = 0
	}
	return texts[f]
}

// RGB is a picture: Width*Height pixels of three bytes, row by row.
type RGB struct {
	Width, Height int
	Pix           []byte
}

const (
	signature   = "\x89PNG\r\n\x1a\n"
	chunkBytes  = 12 // length, type, checksum
	headerBytes = 13 // of IHDR
)

// Decode reads a canonical input. Its error is always a Fault.
func Decode(input []byte) (*RGB, error) {
	plain, err := essential(input)
	if err != nil {
		return nil, err
	}
	img, decodeErr := png.Decode(bytes.NewReader(plain))
	if decodeErr != nil {
		return nil, FaultPixels
	}
	return flatten(img)
}

// essential checks the chunks of input and gives a PNG of only those that are read.
func essential(input []byte) ([]byte, error) {
	switch {
	case len(input) == 0:
		return nil, FaultEmpty
	case len(input) > InputBytesMax:
		return nil, FaultBytes
	case len(input) < len(signature) || string(input[:len(signature)]) != signature:
		return nil, FaultFormat
	}
	out := append(make([]byte, 0, len(input)), signature...)
	rest, last := input[len(signature):], ""
	for last != "IEND" {
		chunk, kind, err := nextChunk(rest)
		if err != nil {
			return nil, err
		}
		if (last == "") != (kind == "IHDR") {
			return nil, FaultChunks
		}
		if kind == "IHDR" {
			if err := checkHeader(chunk); err != nil {
				return nil, err
			}
		}
		keep, known := chunkUse(kind)
		if !known {
			return nil, FaultChunks
		}
		if keep {
			out = append(out, chunk...)
		}
		rest, last = rest[len(chunk):], kind
	}
	if len(rest) > 0 {
		return nil, FaultChunks
	}
	return out, nil
}

// nextChunk cuts the first chunk, with its frame, off rest.
func nextChunk(rest []byte) (chunk []byte, kind string, err error) {
	if len(rest) < chunkBytes {
		return nil, "", FaultTruncated
	}
	length := binary.BigEndian.Uint32(rest)
	if length > InputBytesMax || int(length) > len(rest)-chunkBytes {
		return nil, "", FaultTruncated
	}
	chunk = rest[:chunkBytes+int(length)]
	body, sum := chunk[4:len(chunk)-4], chunk[len(chunk)-4:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) {
		return nil, "", FaultChunks
	}
	return chunk, string(chunk[4:8]), nil
}

// chunkUse says whether a chunk is read. An unknown one is ignored if its first letter is small, which
// in PNG means that a decoder may do so.
func chunkUse(kind string) (keep, known bool) {
	switch kind {
	case "IHDR", "PLTE", "tRNS", "IDAT", "IEND":
		return true, true
	}
	return false, kind[0] >= 'a' && kind[0] <= 'z'
}

func checkHeader(chunk []byte) error {
	if len(chunk) != chunkBytes+headerBytes {
		return FaultChunks
	}
	h := chunk[8:]
	width, height := binary.BigEndian.Uint32(h), binary.BigEndian.Uint32(h[4:])
	if width == 0 || height == 0 || width > SideMax || height > SideMax || width*height > PixelsMax {
		return FaultDimensions
	}
	switch {
	case h[8] != 8:
		return FaultDepth
	case h[12] == 1:
		return FaultInterlaced
	case h[10] != 0 || h[11] != 0 || h[12] != 0:
		return FaultChunks
	}
	return nil
}

// flatten lays the pixels over black. The decoder of the standard library gives 8-bit pictures as one of
// four types; a fifth would mean that the header was not checked.
func flatten(img image.Image) (*RGB, error) {
	size := img.Bounds().Size()
	out := &RGB{Width: size.X, Height: size.Y, Pix: make([]byte, 0, 3*size.X*size.Y)}
	switch m := img.(type) {
	case *image.Gray:
		for _, v := range m.Pix {
			out.Pix = append(out.Pix, v, v, v)
		}
	case *image.RGBA: // opaque, or it would be NRGBA
		for p := m.Pix; len(p) >= 4; p = p[4:] {
			out.Pix = append(out.Pix, p[0], p[1], p[2])
		}
	case *image.NRGBA:
		for p := m.Pix; len(p) >= 4; p = p[4:] {
			out.Pix = append(out.Pix, over(p[0], p[3]), over(p[1], p[3]), over(p[2], p[3]))
		}
	case *image.Paletted:
		table := paletteOverBlack(m)
		for _, v := range m.Pix {
			c := table[v]
			out.Pix = append(out.Pix, c[0], c[1], c[2])
		}
	default:
		return nil, FaultPixels
	}
	return out, nil
}

// over is a sample of opacity a over black.
func over(v, a byte) byte { return byte((uint(v)*uint(a) + 127) / 255) }

// Known reports whether f is one of the faults above.
func (f Fault) Known() bool { return f > 0 && f < faultEnd }
