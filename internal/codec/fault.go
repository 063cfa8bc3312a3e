package codec

// A Fault says why bytes are refused. Peers are scored by it, so values are never reused.
type Fault uint8

const (
	FaultShort    Fault = iota + 1 // the bytes end inside a field
	FaultTrailing                  // bytes follow the last field
	FaultLimit                     // a length or count is above its limit
	FaultValue                     // a field holds a value outside its range
)

var faultTexts = [...]string{
	FaultShort:    "codec: bytes end inside a field",
	FaultTrailing: "codec: bytes follow the last field",
	FaultLimit:    "codec: length above its limit",
	FaultValue:    "codec: value out of range",
}

func (f Fault) Error() string { return faultTexts[f] }
