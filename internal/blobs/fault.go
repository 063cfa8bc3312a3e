package blobs

import (
	"errors"
	"fmt"
)

// A Fault says why bytes that were handed in are refused. Values are never reused.
type Fault uint8

const (
	FaultEmpty     Fault = iota + 1 // no bytes
	FaultTooLarge                   // above BytesMax
	FaultWrongID                    // the bytes do not hash to the id
	FaultNotWanted                  // no open, funded job names the id
)

var faultTexts = [...]string{
	FaultEmpty:     "blob: empty",
	FaultTooLarge:  "blob: larger than 4 MiB: split the input into several items",
	FaultWrongID:   "blob: the bytes do not hash to this id: the id is the BLAKE3-256 hash of the bytes",
	FaultNotWanted: "blob: no open and funded job names this id: create and fund the job first",
}

func (f Fault) Error() string { return faultTexts[f] }

// ErrMissing is what errors.Is finds when a blob is not there.
var ErrMissing = errors.New("blob missing")

// A MissingError names the blob and why it is not there.
type MissingError struct {
	ID  ID
	Why string
}

func (e *MissingError) Error() string { return fmt.Sprintf("blob %s missing: %s", e.ID, e.Why) }

// Unwrap gives ErrMissing.
func (e *MissingError) Unwrap() error { return ErrMissing }

// A QuotaError says that the store is full.
type QuotaError struct {
	Used, Quota, Need int64 // bytes
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("blob store full: %d of %d bytes used, %d more needed: wait until jobs close and their blobs are pruned, or send the blob to another node",
		e.Used, e.Quota, e.Need)
}
