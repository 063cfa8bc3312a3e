package rlp

// A Fault says why bytes are refused. Peers are scored by it, so values are never reused.
type Fault uint8

const (
	FaultShort     Fault = iota + 1 // the bytes end inside an item
	FaultTrailing                   // items or bytes follow the last one
	FaultCanonical                  // a length or integer has a shorter form
	FaultString                     // a list stands where a string must
	FaultList                       // a string stands where a list must
	FaultSize                       // a string or integer is too long, or not of its fixed length
)

var faultTexts = [...]string{
	FaultShort:     "rlp: bytes end inside an item",
	FaultTrailing:  "rlp: bytes follow the last item",
	FaultCanonical: "rlp: not the shortest form",
	FaultString:    "rlp: want a string, got a list",
	FaultList:      "rlp: want a list, got a string",
	FaultSize:      "rlp: item of the wrong size",
}

func (f Fault) Error() string { return faultTexts[f] }
