package poi

// A Fault says why a message is refused. Peers are scored by it, so values are never reused.
type Fault uint8

// Faults.
const (
	FaultMalformed Fault = iota + 1 // fields that contradict each other
	FaultSigner                     // the signer is no member of the set
	FaultSignature                  // the signature does not cover these bytes
	FaultWeight                     // the signers are no quorum
	FaultLeader                     // the proposer does not lead that view
)

var faultTexts = [...]string{
	FaultMalformed: "fields contradict each other",
	FaultSigner:    "signer is no member of the validator set",
	FaultSignature: "signature does not cover these bytes",
	FaultWeight:    "signers are no quorum",
	FaultLeader:    "proposer does not lead the view",
}

func (f Fault) Error() string {
	if int(f) < len(faultTexts) && faultTexts[f] != "" {
		return faultTexts[f]
	}
	return "unknown fault"
}
