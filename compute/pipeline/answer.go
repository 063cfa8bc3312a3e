package pipeline

import (
	"strconv"
	"unicode/utf8"
)

// A writer makes JSON in the one form that an answer has (PIPE-2).
type writer struct {
	b     []byte
	comma bool // the next member or element needs one before it
}

func (w *writer) open(c byte) {
	w.sep()
	w.b, w.comma = append(w.b, c), false
}

func (w *writer) close(c byte) { w.b, w.comma = append(w.b, c), true }

func (w *writer) sep() {
	if w.comma {
		w.b = append(w.b, ',')
	}
}

func (w *writer) key(name string) {
	w.sep()
	w.quote(name)
	w.b, w.comma = append(w.b, ':'), false
}

func (w *writer) int(n int64) {
	w.sep()
	w.b, w.comma = strconv.AppendInt(w.b, n, 10), true
}

func (w *writer) text(s string) {
	w.sep()
	w.quote(s)
	w.comma = true
}

// quote escapes what must be. Bytes that are no UTF-8 become U+FFFD.
func (w *writer) quote(s string) {
	const hex = "0123456789abcdef"
	w.b = append(w.b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b = append(w.b, '\\', byte(r))
		case r < ' ':
			w.b = append(w.b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			w.b = utf8.AppendRune(w.b, r)
		}
	}
	w.b = append(w.b, '"')
}

const millionths = 1_000_000

// score gives a probability in millionths, rounded down; what is none is 0.
func score(p float32) int64 {
	if !(p > 0) {
		return 0
	}
	return int64(float64(min(p, 1)) * millionths)
}

// pixels gives a place in whole pixels, rounded down and kept within what fits.
func pixels(v float32) int64 {
	const most = 1 << 24
	if !(v > -most) {
		return -most
	}
	n := int64(min(v, most))
	if float32(n) > v {
		n--
	}
	return n
}
