package tfjs

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a text (TFJS-5).
const (
	ValuesMax  = 1 << 20
	NestingMax = 64
)

// A kind says what a value is.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindText
	kindList
	kindObject
)

// A value is a JSON value or a JavaScript literal of the same meaning.
type value struct {
	kind   kind
	truth  bool
	number float64
	text   string
	list   []*value
	fields map[string]*value
}

// get gives a field, a null where there is none, so that calls can be chained.
func (v *value) get(names ...string) *value {
	for _, name := range names {
		next := v.fields[name]
		if next == nil {
			return &value{}
		}
		v = next
	}
	return v
}

// whole gives a number that is a whole one of at most 2^31, also where it stands in a text, as graph-models
// write 64-bit numbers.
func (v *value) whole() (int, bool) {
	n := v.number
	switch v.kind {
	case kindText:
		i, err := strconv.ParseInt(v.text, 10, 32)
		return int(i), err == nil
	case kindNumber:
		return int(n), math.Abs(n) <= 1<<31 && n == math.Trunc(n)
	}
	return 0, false
}

// wholes gives a list of whole numbers.
func (v *value) wholes() ([]int, bool) {
	if v.kind != kindList {
		return nil, false
	}
	out := make([]int, len(v.list))
	for i, e := range v.list {
		n, ok := e.whole()
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// parse reads a text that is JSON, or a JavaScript module that exports one literal.
func parse(b []byte) (*value, error) {
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		p := &parser{rest: trimmed}
		v, err := p.value(0)
		if err == nil && len(bytes.TrimSpace(p.rest)) > 0 {
			err = errors.New("text behind the end")
		}
		return v, err
	}
	const export = ".exports="
	for rest := b; ; {
		at := bytes.Index(rest, []byte(export))
		if at < 0 {
			return nil, errors.New("neither JSON nor a JavaScript module that exports data")
		}
		rest = rest[at+len(export):]
		if len(rest) > 0 && (rest[0] == '{' || rest[0] == '"') {
			return (&parser{rest: rest}).value(0)
		}
	}
}

// A parser reads literals: JSON, and what minifiers make of it: names without quotes, !0 and !1, .5.
type parser struct {
	rest   []byte
	values int
}

func (p *parser) value(depth int) (*value, error) {
	if p.values++; p.values > ValuesMax {
		return nil, fmt.Errorf("more than %d values", ValuesMax)
	}
	if depth > NestingMax {
		return nil, fmt.Errorf("more than %d levels", NestingMax)
	}
	p.space()
	if len(p.rest) == 0 {
		return nil, errors.New("cut short")
	}
	switch c := p.rest[0]; c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"', '\'':
		s, err := p.text()
		return &value{kind: kindText, text: s}, err
	}
	for _, word := range words {
		if bytes.HasPrefix(p.rest, []byte(word.text)) {
			p.rest = p.rest[len(word.text):]
			return &value{kind: word.kind, truth: word.truth}, nil
		}
	}
	return p.number()
}

// words are the literals that are no numbers, texts or lists.
var words = [...]struct {
	text  string
	kind  kind
	truth bool
}{
	{"null", kindNull, false},
	{"true", kindBool, true},
	{"false", kindBool, false},
	{"!0", kindBool, true},
	{"!1", kindBool, false},
}

func (p *parser) space() { p.rest = bytes.TrimLeft(p.rest, " \t\r\n") }

// take skips c, which must come next.
func (p *parser) take(c byte) bool {
	p.space()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) object(depth int) (*value, error) {
	v := &value{kind: kindObject, fields: map[string]*value{}}
	p.take('{')
	for first := true; !p.take('}'); first = false {
		if !first && !p.take(',') {
			return nil, errors.New("an object without its end")
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			return nil, fmt.Errorf("field %q without a value", name)
		}
		if _, twice := v.fields[name]; twice {
			return nil, fmt.Errorf("field %q twice", name)
		}
		if v.fields[name], err = p.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (p *parser) array(depth int) (*value, error) {
	v := &value{kind: kindList}
	p.take('[')
	for first := true; !p.take(']'); first = false {
		if !first && !p.take(',') {
			return nil, errors.New("a list without its end")
		}
		e, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, e)
	}
	return v, nil
}

// name reads the name of a field, in quotes or not.
func (p *parser) name() (string, error) {
	p.space()
	if len(p.rest) > 0 && (p.rest[0] == '"' || p.rest[0] == '\'') {
		return p.text()
	}
	n := 0
	for n < len(p.rest) && isNamed(p.rest[n]) {
		n++
	}
	if n == 0 {
		return "", errors.New("a field without a name")
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s, nil
}

func isNamed(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// text reads a quoted text; one without escapes, as shards are, is cut out whole.
func (p *parser) text() (string, error) {
	quote := p.rest[0]
	b := p.rest[1:]
	n := bytes.IndexAny(b, string([]byte{quote, '\\'}))
	if n >= 0 && b[n] == quote {
		p.rest = b[n+1:]
		return string(b[:n]), nil
	}
	var out strings.Builder
	for {
		switch {
		case len(b) == 0:
			return "", errors.New("a text without its end")
		case b[0] == quote:
			p.rest = b[1:]
			return out.String(), nil
		case b[0] != '\\':
			out.WriteByte(b[0])
			b = b[1:]
			continue
		}
		r, n, err := escape(b[1:])
		if err != nil {
			return "", err
		}
		out.WriteRune(r)
		b = b[1+n:]
	}
}

// escape reads what follows a backslash and how long it is.
func escape(b []byte) (r rune, n int, err error) {
	if len(b) == 0 {
		return 0, 0, errors.New("a text without its end")
	}
	digits := 0
	switch b[0] {
	case 'n':
		return '\n', 1, nil
	case 't':
		return '\t', 1, nil
	case 'r':
		return '\r', 1, nil
	case 'b':
		return '\b', 1, nil
	case 'f':
		return '\f', 1, nil
	case '"', '\'', '\\', '/':
		return rune(b[0]), 1, nil
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	default:
		return 0, 0, fmt.Errorf("escape \\%c in a text", b[0])
	}
	if len(b) < 1+digits {
		return 0, 0, errors.New("a text without its end")
	}
	code, err := strconv.ParseUint(string(b[1:1+digits]), 16, 16)
	if err != nil {
		return utf8.RuneError, 0, fmt.Errorf("escape \\%s in a text", b[:1+digits])
	}
	return rune(code), 1 + digits, nil
}

func (p *parser) number() (*value, error) {
	n := 0
	for n < len(p.rest) && bytes.IndexByte([]byte("+-.0123456789eE"), p.rest[n]) >= 0 {
		n++
	}
	f, err := strconv.ParseFloat(string(p.rest[:n]), 64)
	if err != nil {
		return nil, fmt.Errorf("%.20q is no value", p.rest)
	}
	p.rest = p.rest[n:]
	return &value{kind: kindNumber, number: f}, nil
}
