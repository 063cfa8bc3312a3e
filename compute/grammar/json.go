package grammar

// A JSON machine reads the bytes of one JSON object (RFC 8259, UTF-8) and nothing behind it. It is a small value: a copy goes its own way.
type JSON struct {
	stack  uint64 // open containers, the innermost in the lowest bit: 1 for an object
	depth  uint8
	state  state
	key    bool  // the string is a key
	left   uint8 // bytes of a character, digits of an escape, or letters of a word that are still to come
	low    byte  // bounds of the next byte of a character
	high   byte
	word   uint8 // which of words
	spaces uint8 // in a row
}

const (
	depthMax  = 64
	spacesMax = 2 * depthMax // in a row: as many as indent the deepest line
)

type state uint8

const (
	begins     state = iota // the object is to come
	firstKey                // behind {
	nextKey                 // behind , in an object
	colon                   // behind a key
	value                   // behind : or , in a list
	firstValue              // behind [
	after                   // behind a value
	text                    // in a string
	character               // in one of its characters
	escape                  // behind \
	digits                  // behind \u
	word                    // in true, false or null
	minus                   // of a number, and so on
	zero
	whole
	point
	fraction
	exponent
	sign
	power
	complete
)

var words = [...]string{"true", "false", "null"}

// Complete says whether the object is whole.
func (j *JSON) Complete() bool { return j.state == complete }

// Next reads a byte, and says whether a JSON object can go on so. If not, the machine is of no use any more.
func (j *JSON) Next(b byte) bool {
	if b == ' ' || b == '\n' || b == '\t' || b == '\r' {
		if j.number() {
			j.ended()
		}
		if j.state <= after && j.spaces < spacesMax {
			j.spaces++
			return true
		}
		return b == ' ' && j.state == text
	}
	j.spaces = 0
	switch j.state {
	case text, character, escape, digits:
		return j.inText(b)
	case word:
		return j.inWord(b)
	case minus, zero, whole, point, fraction, exponent, sign, power:
		return j.inNumber(b)
	}
	return j.between(b)
}

// number says whether the machine is where a number may end.
func (j *JSON) number() bool {
	return j.state == zero || j.state == whole || j.state == fraction || j.state == power
}

// ended notes that a value is whole.
func (j *JSON) ended() {
	if j.state = after; j.depth == 0 {
		j.state = complete
	}
}

func (j *JSON) inObject() bool { return j.stack&1 == 1 }

// between reads what stands between values, or begins one.
func (j *JSON) between(b byte) bool {
	switch j.state {
	case begins:
		return b == '{' && j.open(true)
	case firstKey:
		if b == '}' {
			return j.close(true)
		}
		return b == '"' && j.begin(text, true)
	case nextKey:
		return b == '"' && j.begin(text, true)
	case colon:
		return b == ':' && j.begin(value, false)
	case firstValue:
		if b == ']' {
			return j.close(false)
		}
		return j.value(b)
	case value:
		return j.value(b)
	case after:
		return j.after(b)
	}
	return false
}

func (j *JSON) begin(s state, key bool) bool {
	j.state, j.key = s, key
	return true
}

func (j *JSON) open(object bool) bool {
	if j.depth == depthMax {
		return false
	}
	j.depth, j.stack, j.state = j.depth+1, j.stack<<1, firstValue
	if object {
		j.stack, j.state = j.stack|1, firstKey
	}
	return true
}

func (j *JSON) close(object bool) bool {
	if j.inObject() != object {
		return false
	}
	j.depth, j.stack = j.depth-1, j.stack>>1
	j.ended()
	return true
}

func (j *JSON) after(b byte) bool {
	switch {
	case b == ',' && j.inObject():
		return j.begin(nextKey, false)
	case b == ',':
		return j.begin(value, false)
	case b == '}':
		return j.close(true)
	}
	return b == ']' && j.close(false)
}

func (j *JSON) value(b byte) bool {
	switch {
	case b == '{':
		return j.open(true)
	case b == '[':
		return j.open(false)
	case b == '"':
		return j.begin(text, false)
	case b == '-':
		return j.begin(minus, false)
	case b == '0':
		return j.begin(zero, false)
	case b >= '1' && b <= '9':
		return j.begin(whole, false)
	}
	for i, w := range words {
		if b == w[0] {
			j.word, j.left = uint8(i), uint8(len(w)-1)
			return j.begin(word, false)
		}
	}
	return false
}

func (j *JSON) inWord(b byte) bool {
	w := words[j.word]
	if b != w[len(w)-int(j.left)] {
		return false
	}
	if j.left--; j.left == 0 {
		j.ended()
	}
	return true
}

func (j *JSON) inNumber(b byte) bool {
	digit := b >= '0' && b <= '9'
	switch {
	case j.state == minus && b == '0':
		j.state = zero
	case (j.state == minus || j.state == whole) && digit:
		j.state = whole
	case (j.state == zero || j.state == whole) && b == '.':
		j.state = point
	case (j.state == point || j.state == fraction) && digit:
		j.state = fraction
	case j.number() && j.state != power && (b == 'e' || b == 'E'):
		j.state = exponent
	case j.state == exponent && (b == '+' || b == '-'):
		j.state = sign
	case j.state >= exponent && digit:
		j.state = power
	case j.number():
		j.ended()
		return j.between(b)
	default:
		return false
	}
	return true
}

func (j *JSON) inText(b byte) bool {
	switch j.state {
	case escape:
		switch b {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			j.state = text
		case 'u':
			j.state, j.left = digits, 4
		default:
			return false
		}
		return true
	case digits:
		if !(b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f') {
			return false
		}
		if j.left--; j.left == 0 {
			j.state = text
		}
		return true
	case character:
		if b < j.low || b > j.high {
			return false
		}
		j.low, j.high = 0x80, 0xbf
		if j.left--; j.left == 0 {
			j.state = text
		}
		return true
	}
	return j.inPlain(b)
}

// inPlain reads a byte of a string that is in no character and no escape.
func (j *JSON) inPlain(b byte) bool {
	switch {
	case b == '"' && j.key:
		j.state = colon
	case b == '"':
		j.ended()
	case b == '\\':
		j.state = escape
	case b < 0x20:
		return false
	case b >= 0x80:
		return j.beginCharacter(b)
	}
	return true
}

// beginCharacter reads the first byte of a character of several.
func (j *JSON) beginCharacter(b byte) bool {
	j.state, j.low, j.high = character, 0x80, 0xbf
	switch {
	case b >= 0xc2 && b <= 0xdf:
		j.left = 1
	case b >= 0xe0 && b <= 0xef:
		j.left = 2
	case b >= 0xf0 && b <= 0xf4:
		j.left = 3
	default:
		return false
	}
	switch b { // none that is longer than need be, no surrogate, none beyond the last
	case 0xe0:
		j.low = 0xa0
	case 0xed:
		j.high = 0x9f
	case 0xf0:
		j.low = 0x90
	case 0xf4:
		j.high = 0x8f
	}
	return true
}
