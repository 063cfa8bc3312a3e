package image

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// A chunk of a PNG, framed.
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func header(width, height uint32, depth, colour, interlace byte) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	return chunk("IHDR", append(b, depth, colour, 0, 0, interlace))
}

func deflate(raw []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(raw)
	w.Close()
	return b.Bytes()
}

func assemble(chunks ...[]byte) []byte {
	return append([]byte(signature), bytes.Join(chunks, nil)...)
}

// rgbPNG is 2×1: red and a dark grey.
func rgbPNG(extra ...[]byte) []byte {
	chunks := [][]byte{header(2, 1, 8, 2, 0)}
	chunks = append(chunks, extra...)
	chunks = append(chunks, chunk("IDAT", deflate([]byte{0, 255, 0, 0, 9, 9, 9})), chunk("IEND", nil))
	return assemble(chunks...)
}

func TestDecodeColourTypes(t *testing.T) {
	end := chunk("IEND", nil)
	palette := chunk("PLTE", []byte{1, 2, 3, 200, 100, 50})
	cases := []struct {
		name string
		png  []byte
		want []byte
	}{
		{"rgb", rgbPNG(), []byte{255, 0, 0, 9, 9, 9}},
		{"rgb, one colour transparent", rgbPNG(chunk("tRNS", []byte{0, 9, 0, 9, 0, 9})), []byte{255, 0, 0, 0, 0, 0}},
		{"grey", assemble(header(2, 1, 8, 0, 0), chunk("IDAT", deflate([]byte{0, 7, 250})), end), []byte{7, 7, 7, 250, 250, 250}},
		{"grey, one transparent", assemble(header(2, 1, 8, 0, 0), chunk("tRNS", []byte{0, 7}), chunk("IDAT", deflate([]byte{0, 7, 250})), end), []byte{0, 0, 0, 250, 250, 250}},
		{"palette", assemble(header(2, 1, 8, 3, 0), palette, chunk("IDAT", deflate([]byte{0, 1, 0})), end), []byte{200, 100, 50, 1, 2, 3}},
		{"palette with opacity", assemble(header(2, 1, 8, 3, 0), palette, chunk("tRNS", []byte{255, 51}), chunk("IDAT", deflate([]byte{0, 1, 0})), end), []byte{40, 20, 10, 1, 2, 3}},
		{"grey with opacity", assemble(header(2, 1, 8, 4, 0), chunk("IDAT", deflate([]byte{0, 100, 128, 3, 0})), end), []byte{50, 50, 50, 0, 0, 0}},
		{"rgb with opacity", assemble(header(2, 1, 8, 6, 0), chunk("IDAT", deflate([]byte{0, 255, 1, 0, 128, 9, 8, 7, 255})), end), []byte{128, 1, 0, 9, 8, 7}},
	}
	for _, c := range cases {
		m, err := Decode(c.png)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if m.Width != 2 || m.Height != 1 || !bytes.Equal(m.Pix, c.want) {
			t.Errorf("%s: got %d×%d %v, want 2×1 %v", c.name, m.Width, m.Height, m.Pix, c.want)
		}
	}
}

// IMG-2: nothing but the pixels counts.
func TestDecodeIgnoresHowToShow(t *testing.T) {
	extras := [][]byte{chunk("gAMA", []byte{0, 0, 1, 1}), chunk("tEXt", []byte("a\x00b")), chunk("sRGB", []byte{0}), chunk("iCCP", []byte("broken"))}
	want, err := Decode(rgbPNG())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(rgbPNG(extras...))
	if err != nil || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestDecodeFaults(t *testing.T) {
	good, end := rgbPNG(), chunk("IEND", nil)
	data := chunk("IDAT", deflate([]byte{0, 255, 0, 0, 9, 9, 9}))
	broken := bytes.Clone(good)
	broken[len(broken)-20] ^= 1
	cases := []struct {
		name string
		in   []byte
		want Fault
	}{
		{"nothing", nil, FaultEmpty},
		{"too many bytes", make([]byte, InputBytesMax+1), FaultBytes},
		{"text", []byte("not a picture at all"), FaultFormat},
		{"JPEG", []byte("\xff\xd8\xff\xe0\x00\x10JFIF"), FaultFormat},
		{"signature alone", []byte(signature), FaultTruncated},
		{"cut short", good[:len(good)-30], FaultTruncated},
		{"no end", good[:len(good)-12], FaultTruncated},
		{"a byte too many", append(bytes.Clone(good), 0), FaultChunks},
		{"checksum", broken, FaultChunks},
		{"no header", assemble(data, end), FaultChunks},
		{"two headers", assemble(header(2, 1, 8, 2, 0), header(2, 1, 8, 2, 0), data, end), FaultChunks},
		{"short header", assemble(chunk("IHDR", []byte{0, 0, 0, 2}), data, end), FaultChunks},
		{"unknown critical chunk", rgbPNG(chunk("ABCD", nil)), FaultChunks},
		{"16 bits", assemble(header(2, 1, 16, 2, 0), data, end), FaultDepth},
		{"1 bit", assemble(header(2, 1, 1, 0, 0), data, end), FaultDepth},
		{"interlaced", assemble(header(2, 1, 8, 2, 1), data, end), FaultInterlaced},
		{"no pixels", assemble(header(0, 1, 8, 2, 0), data, end), FaultDimensions},
		{"too wide", assemble(header(SideMax+1, 1, 8, 2, 0), data, end), FaultDimensions},
		{"too many pixels", assemble(header(8000, 8000, 8, 2, 0), data, end), FaultDimensions},
		{"sides that wrap", assemble(header(1<<31, 1<<31, 8, 2, 0), data, end), FaultDimensions},
		{"no such colour type", assemble(header(2, 1, 8, 5, 0), data, end), FaultPixels},
		{"no data", assemble(header(2, 1, 8, 2, 0), end), FaultPixels},
		{"too little data", assemble(header(2, 2, 8, 2, 0), data, end), FaultPixels},
		{"too much data", assemble(header(1, 1, 8, 2, 0), data, end), FaultPixels},
		{"no palette", assemble(header(2, 1, 8, 3, 0), chunk("IDAT", deflate([]byte{0, 0, 0})), end), FaultPixels},
	}
	for _, c := range cases {
		_, err := Decode(c.in)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// An index beyond the palette is refused or black, but never a crash; which of the two is fixed.
func TestDecodePaletteIndexBeyond(t *testing.T) {
	in := assemble(header(2, 1, 8, 3, 0), chunk("PLTE", []byte{1, 2, 3}), chunk("IDAT", deflate([]byte{0, 0, 200})), chunk("IEND", nil))
	if m, err := Decode(in); err != nil || !bytes.Equal(m.Pix, []byte{1, 2, 3, 0, 0, 0}) {
		t.Errorf("got %v, %v, want 1 2 3 and black", m, err)
	}
}

// Tensor against exact rational arithmetic: its result is the float32 nearest to the true quotient.
func TestTensorIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][4]int{{1, 1, 2, 2}, {1, 9, 5, 4}, {300, 200, 224, 224}, {224, 224, 224, 224}, {7, 5, 256, 255}, {3, 1, 2, 256}} {
		m := &RGB{Width: s[0], Height: s[1], Pix: make([]byte, 3*s[0]*s[1])}
		for i := range m.Pix {
			m.Pix[i] = byte(r.Uint32())
		}
		got := m.Tensor(s[2], s[3])
		if len(got) != 3*s[2]*s[3] {
			t.Fatalf("%v: got %d samples, want %d", s, len(got), 3*s[2]*s[3])
		}
		for range 300 {
			x, y, c := r.IntN(s[2]), r.IntN(s[3]), r.IntN(3)
			if g, w := got[(c*s[3]+y)*s[2]+x], trueSample(m, s[2], s[3], x, y, c); g != w {
				t.Fatalf("%v: sample %d,%d,%d: got %g, want %g", s, x, y, c, g, w)
			}
		}
	}
}

// trueSample interpolates with fractions.
func trueSample(m *RGB, width, height, x, y, c int) float32 {
	sample := func(x, y int) *big.Rat {
		return big.NewRat(int64(m.Pix[3*(min(y, m.Height-1)*m.Width+min(x, m.Width-1))+c]), 255)
	}
	mix := func(a, b, part *big.Rat) *big.Rat {
		d := new(big.Rat).Sub(b, a)
		return d.Add(a, d.Mul(d, part))
	}
	split := func(i, length, n int) (int, *big.Rat) {
		at := big.NewRat(int64(i*(length-1)), int64(n-1))
		whole := new(big.Int).Quo(at.Num(), at.Denom())
		return int(whole.Int64()), at.Sub(at, new(big.Rat).SetInt(whole))
	}
	px, fx := split(x, m.Width, width)
	py, fy := split(y, m.Height, height)
	v := mix(mix(sample(px, py), sample(px+1, py), fx), mix(sample(px, py+1), sample(px+1, py+1), fx), fy)
	f, _ := v.Float32()
	return f
}

func TestTensorKeepsCorners(t *testing.T) {
	m := &RGB{Width: 5, Height: 3, Pix: make([]byte, 45)}
	m.Pix[0], m.Pix[44] = 255, 51
	out := m.Tensor(224, 224)
	if out[0] != 1 || out[len(out)-1] != float32(0.2) {
		t.Errorf("corners: got %v and %v, want 1 and 0.2", out[0], out[len(out)-1])
	}
}

// gradient is a small photograph-like picture.
func gradient(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, color.NRGBA{byte(x * 5), byte(y * 7), byte(x + y), 255})
		}
	}
	return m
}

func TestToCanonicalPNG(t *testing.T) {
	var asJPEG, asGIF, asPNG bytes.Buffer
	if err := errors.Join(jpeg.Encode(&asJPEG, gradient(40, 30), nil), gif.Encode(&asGIF, gradient(40, 30), nil), png.Encode(&asPNG, gradient(40, 30))); err != nil {
		t.Fatal(err)
	}
	for name, original := range map[string][]byte{"jpeg": asJPEG.Bytes(), "gif": asGIF.Bytes(), "png": asPNG.Bytes()} {
		out, sum, err := ToCanonicalPNG(original)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if sum != sha256.Sum256(original) {
			t.Errorf("%s: SHA-256 is not that of the original", name)
		}
		got, err := Decode(out)
		if err != nil || !plain(out) {
			t.Errorf("%s: not canonical: %v", name, err)
			continue
		}
		want, _, _ := image.Decode(bytes.NewReader(original))
		for i := 0; i < len(got.Pix); i += 3 {
			r, g, b, _ := want.At(i/3%40, i/3/40).RGBA()
			if got.Pix[i] != byte(r>>8) || got.Pix[i+1] != byte(g>>8) || got.Pix[i+2] != byte(b>>8) {
				t.Fatalf("%s: pixel %d: got %v, want %v", name, i/3, got.Pix[i:i+3], want.At(i/3%40, i/3/40))
			}
		}
	}
}

// What a camera writes beside the pixels stays at home.
func TestToCanonicalPNGDropsNotes(t *testing.T) {
	out, _, err := ToCanonicalPNG(rgbPNG(chunk("tEXt", []byte("Author\x00someone"))))
	if err != nil || bytes.Contains(out, []byte("someone")) {
		t.Errorf("got %q, %v, want no trace of the note", out, err)
	}
	same := rgbPNG()
	if out, _, err := ToCanonicalPNG(same); err != nil || !bytes.Equal(out, same) {
		t.Errorf("a plain canonical PNG should pass unchanged: %v", err)
	}
}

func TestToCanonicalPNGErrors(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, gradient(200, 200), nil); err != nil {
		t.Fatal(err)
	}
	noise := image.NewNRGBA(image.Rect(0, 0, 1400, 1100))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range noise.Pix {
		noise.Pix[i] = byte(r.Uint32()) | byte(i&3/3*255)
	}
	var loud bytes.Buffer
	if err := jpeg.Encode(&loud, noise, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	whole := photo.Bytes()
	damaged := bytes.Clone(whole)
	copy(damaged[2:], "\xff\xc4\x00\x03\x99")
	cases := []struct {
		name string
		in   []byte
		want error
		text string
	}{
		{"text file named .jpg", []byte("Dear diary, today"), ErrNotPicture, `begins with "Dear diary`},
		{"empty file", nil, ErrNotPicture, ""},
		{"truncated photograph", whole[:len(whole)*2/3], ErrTruncated, "copied or downloaded whole"},
		{"header only", whole[:20], ErrTruncated, ""},
		{"damaged", damaged, ErrBroken, "jpeg"},
		{"truncated PNG", rgbPNG()[:50], ErrTruncated, ""},
		{"giant", assemble(header(60000, 60000, 8, 2, 0)), ErrTooLarge, "60000×60000"},
		{"too much for a blob", loud.Bytes(), ErrTooLarge, "scale it down to"},
	}
	for _, c := range cases {
		_, _, err := ToCanonicalPNG(c.in)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: got %v, want %v with %q", c.name, err, c.want, c.text)
		}
	}
}

// No input may crash the decoder; its error is always a Fault; what it accepts has all its pixels.
func FuzzDecode(f *testing.F) {
	f.Add(rgbPNG())
	f.Add(rgbPNG(chunk("tRNS", []byte{0, 9, 0, 9, 0, 9}), chunk("gAMA", []byte{0, 0, 1, 1})))
	f.Add(assemble(header(2, 1, 8, 3, 0), chunk("PLTE", []byte{1, 2, 3}), chunk("IDAT", deflate([]byte{0, 0, 200})), chunk("IEND", nil)))
	f.Add(assemble(header(2, 1, 8, 6, 0), chunk("IDAT", deflate([]byte{4, 255, 1, 0, 128, 9, 8, 7, 255})), chunk("IEND", nil)))
	f.Add(assemble(header(3000, 3000, 8, 2, 0), chunk("IDAT", deflate(nil)), chunk("IEND", nil)))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, b := range [][]byte{in, repaired(in)} {
			m, err := Decode(b)
			var fault Fault
			if err != nil && (!errors.As(err, &fault) || !fault.Known()) {
				t.Fatalf("error %v is no fault", err)
			}
			if err == nil && len(m.Pix) != 3*m.Width*m.Height {
				t.Fatalf("%d bytes for %d×%d pixels", len(m.Pix), m.Width, m.Height)
			}
		}
	})
}

// repaired sets the checksums right, which the fuzzer would hardly guess.
func repaired(in []byte) []byte {
	out := bytes.Clone(in)
	for at := len(signature); at+chunkBytes <= len(out); {
		n := int(binary.BigEndian.Uint32(out[at:]))
		if n < 0 || n > len(out)-at-chunkBytes {
			break
		}
		binary.BigEndian.PutUint32(out[at+8+n:], crc32.ChecksumIEEE(out[at+4:at+8+n]))
		at += chunkBytes + n
	}
	return out
}
