package audio

import (
	"crypto/md5"
	"fmt"
	"hash"
)

// FLAC as of RFC 9639: frames of blocks of samples, each predicted from those before it.

const (
	flacBlockMax = 65535
	flacOrderMax = 32
)

// A flacInfo is what the first block of metadata says of the stream.
type flacInfo struct {
	rate, channels, bits int
	samples              int // 0: not known
	sum                  [md5.Size]byte
}

// A flacDecoder reads one file.
type flacDecoder struct {
	flacInfo
	r     bits
	block [ChannelsMax][]int64
	sound *Sound
	hash  hash.Hash
	bytes []byte
}

func decodeFLAC(file []byte) (*Sound, error) {
	d := &flacDecoder{r: bits{b: file, at: 32}, hash: md5.New()}
	if err := d.metadata(); err != nil {
		return nil, err
	}
	d.sound = &Sound{Rate: d.rate, Full: d.channels << (d.bits - 1)}
	for (d.r.at >> 3) < len(file) {
		if d.samples > 0 && len(d.sound.Samples) >= d.samples {
			break // what follows the last frame is not sound
		}
		if err := d.frame(); err != nil {
			return nil, fmt.Errorf("sample %d: %w", len(d.sound.Samples), err)
		}
	}
	if d.samples > 0 && len(d.sound.Samples) != d.samples {
		return nil, broken("%d samples, %d are announced", len(d.sound.Samples), d.samples)
	}
	if got := d.hash.Sum(nil); d.sum != [md5.Size]byte{} && [md5.Size]byte(got) != d.sum {
		return nil, broken("samples do not have the announced checksum")
	}
	return d.sound, nil
}

// metadata reads the blocks before the first frame; all but the first are skipped.
func (d *flacDecoder) metadata() error {
	for first := true; ; first = false {
		last, kind, size := d.r.take(1), d.r.take(7), int(d.r.take(24))
		at := d.r.at
		if d.r.over || at/8+size > len(d.r.b) {
			return broken("metadata is cut short")
		}
		if first {
			if kind != 0 || size < 34 {
				return broken("no information on the stream")
			}
			if err := d.info(); err != nil {
				return err
			}
		}
		d.r.at = at + 8*size
		if last == 1 {
			return nil
		}
	}
}

func (d *flacDecoder) info() error {
	d.r.take(32) // sizes of blocks
	d.r.take(24) // sizes of frames
	d.r.take(24)
	d.rate, d.channels, d.bits = int(d.r.take(20)), int(d.r.take(3))+1, int(d.r.take(5))+1
	d.samples = int(d.r.take(4))<<32 | int(d.r.take(32))
	for i := range d.sum {
		d.sum[i] = byte(d.r.take(8))
	}
	if d.samples > SamplesMax {
		return fmt.Errorf("%w: %d samples, at most %d", ErrLarge, d.samples, SamplesMax)
	}
	return checkForm(d.rate, d.channels, d.bits)
}

// frame reads one frame and appends its samples.
func (d *flacDecoder) frame() error {
	start := d.r.at >> 3
	n, assignment, err := d.header(start)
	if err != nil {
		return err
	}
	for c := range d.channels {
		if cap(d.block[c]) < n {
			d.block[c] = make([]int64, n)
		}
		d.block[c] = d.block[c][:n]
		depth := d.bits
		if assignment == 8 && c == 1 || assignment == 9 && c == 0 || assignment == 10 && c == 1 {
			depth++ // a difference of two channels
		}
		if err := d.subframe(d.block[c], depth); err != nil {
			return err
		}
	}
	d.r.align()
	end := d.r.at >> 3
	want := uint16(d.r.take(16))
	if d.r.over || crc16(d.r.b[start:end]) != want {
		return broken("a frame does not have its checksum")
	}
	d.join(assignment, n)
	return d.emit(n)
}

// header reads a frame's header: the number of samples and how channels are paired.
func (d *flacDecoder) header(start int) (n, assignment int, err error) {
	if d.r.take(15) != 0x7ffc {
		return 0, 0, broken("no frame where one should begin")
	}
	d.r.take(1) // whether blocks differ in size, which the number below would tell
	size, rate := d.r.take(4), d.r.take(4)
	assignment = int(d.r.take(4))
	depth := d.r.take(3)
	reserved := d.r.take(1)
	for first := d.r.take(8); first&0xc0 == 0xc0; first <<= 1 { // the number of the frame, as long as its first byte says
		d.r.take(8)
	}
	switch {
	case size == 1:
		n = 192
	case size >= 2 && size <= 5:
		n = 576 << (size - 2)
	case size == 6:
		n = int(d.r.take(8)) + 1
	case size == 7:
		n = int(d.r.take(16)) + 1
	case size >= 8:
		n = 256 << (size - 8)
	}
	switch rate { // as in the stream's information, or told again
	case 12:
		d.r.take(8)
	case 13, 14:
		d.r.take(16)
	}
	depths := [...]int{0, 8, 12, -1, 16, 20, 24, -1}
	channels := assignment + 1
	if assignment >= 8 {
		channels = 2
	}
	end := d.r.at >> 3
	sum := byte(d.r.take(8))
	switch {
	case d.r.over || crc8(d.r.b[start:end]) != sum:
		return 0, 0, broken("a header does not have its checksum")
	case n < 1 || n > flacBlockMax || assignment > 10 || reserved != 0 || rate == 15:
		return 0, 0, broken("a header with unknown values")
	case channels != d.channels || depths[depth] != 0 && depths[depth] != d.bits:
		return 0, 0, broken("a frame of %d channels with %d bits in a stream of %d with %d", channels, depths[depth], d.channels, d.bits)
	}
	return n, assignment, nil
}

// join makes two channels of one and their difference, or their middle.
func (d *flacDecoder) join(assignment, n int) {
	a, b := d.block[0], d.block[1]
	for i := range n {
		switch assignment {
		case 8:
			b[i] = a[i] - b[i]
		case 9:
			a[i] += b[i]
		case 10:
			middle, side := a[i]<<1|b[i]&1, b[i]
			a[i], b[i] = (middle+side)>>1, (middle-side)>>1
		}
	}
}

// emit appends the block to the sound, checking that samples are as deep as announced.
func (d *flacDecoder) emit(n int) error {
	if len(d.sound.Samples)+n > SamplesMax {
		return fmt.Errorf("%w: more than %d samples", ErrLarge, SamplesMax)
	}
	d.bytes = d.bytes[:0]
	for i := range n {
		sum := int64(0)
		for c := range d.channels {
			v := d.block[c][i]
			if v < -1<<(d.bits-1) || v >= 1<<(d.bits-1) {
				return broken("a sample of more than %d bits", d.bits)
			}
			for shift := 0; shift < d.bits; shift += 8 {
				d.bytes = append(d.bytes, byte(v>>shift))
			}
			sum += v
		}
		d.sound.Samples = append(d.sound.Samples, int32(sum))
	}
	d.hash.Write(d.bytes)
	return nil
}

// crc8 and crc16 are the checksums of headers and frames.
func crc8(b []byte) (c byte) {
	for _, v := range b {
		c ^= v
		for range 8 {
			c = c<<1 ^ c>>7*0x07
		}
	}
	return c
}

func crc16(b []byte) (c uint16) {
	for _, v := range b {
		c ^= uint16(v) << 8
		for range 8 {
			c = c<<1 ^ c>>15*0x8005
		}
	}
	return c
}
