package driver

// A Fault is what a peer has done wrong. Values are never reused.
type Fault uint8

// Faults.
const (
	FaultDecode    Fault = iota + 1 // a payload that is not of its kind's form
	FaultBody                       // a body that is not the one its proposal names
	FaultSignature                  // a signature that does not hold
	FaultProtocol                   // a message that no correct node sends
	FaultAnswer                     // an answer that is not what was asked for
	FaultBlock                      // blocks or certificates offered as final that are not
)

var faultTexts = [...]string{
	FaultDecode:    "payload cannot be decoded",
	FaultBody:      "body is not the one that the proposal names",
	FaultSignature: "signature does not hold",
	FaultProtocol:  "message that no correct node sends",
	FaultAnswer:    "answer is not what was asked for",
	FaultBlock:     "blocks offered as final are not",
}

func (f Fault) Error() string { return faultTexts[f] }
