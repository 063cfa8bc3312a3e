package net

// A Fault says why bytes are no part of a network. Values are never reused.
type Fault uint8

// The faults.
const (
	FaultForm    Fault = iota + 1 // the bytes are cut short, too long, or not canonical
	FaultType                     // a type of elements, or a kind of attribute, that is none
	FaultLimit                    // more of something than is allowed
	FaultOrder                    // attributes out of order (NET-3)
	FaultValue                    // a value is read that does not stand before its reader (NET-1)
	FaultNesting                  // blocks within each other beyond the limit
)

// Error tells the fault.
func (f Fault) Error() string {
	switch f {
	case FaultForm:
		return "network: bytes are cut short, too long or not canonical"
	case FaultType:
		return "network: no such type of elements or kind of attribute"
	case FaultLimit:
		return "network: more of something than is allowed"
	case FaultOrder:
		return "network: attributes are not in the order of their names"
	case FaultValue:
		return "network: a value is read before it is made"
	case FaultNesting:
		return "network: too many blocks within each other"
	}
	return "network: unknown fault"
}
