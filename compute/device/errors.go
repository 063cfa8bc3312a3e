package device

import (
	"errors"
	"fmt"
)

// An Error is a trouble of this machine's device: never of a model or an input.
type Error struct {
	Device string // its name, or the backend's
	Doing  string // what was asked of it
	Reason string
	Lost   bool // the device answers nothing any more until it is opened again
}

func (e *Error) Error() string {
	text := fmt.Sprintf("device %s: %s: %s", e.Device, e.Doing, e.Reason)
	if e.Lost {
		text += " (the device is lost)"
	}
	return text
}

// IsTrouble says whether an error is one of this machine's device.
func IsTrouble(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// ErrAbsent is wrapped where a backend's library or its devices are not there.
var ErrAbsent = errors.New("not available")
