package votelog

import "errors"

// What keeps a log from being used. Each names what the operator can do.
var (
	ErrLocked = errors.New("vote log is in use by another process: a validator key must run once only; stop the other process")
	ErrBound  = errors.New("vote log belongs to another network or another vote key: use the data folder made for this genesis and key")
	ErrExists = errors.New("vote log exists already: a validator is initialised once; remove nothing, just start it")
	ErrClosed = errors.New("vote log is closed")
	ErrFormat = errors.New("vote log was written by a newer version of this program: upgrade it")
)

// A Loss says why the votes in a log cannot be trusted to be complete. It is zero when they can.
type Loss uint8

// The ways to lose a log.
const (
	LossNone      Loss = iota
	LossLog            // the log file is missing
	LossHighWater      // the high-water file is missing or damaged
	LossCorrupt        // a damaged frame stands before a sound one, or the head is damaged
	LossBehind         // the log ends before the high-water mark: cut, or put back from a copy
	LossUnresumed      // lost in an earlier run, and no epoch has begun since
)

var lossTexts = [...]string{
	LossNone:      "complete",
	LossLog:       "the vote log is missing",
	LossHighWater: "the high-water file of the vote log is missing or damaged",
	LossCorrupt:   "the vote log is damaged",
	LossBehind:    "the vote log ends before its high-water mark",
	LossUnresumed: "the vote log was lost earlier and no new epoch has begun",
}

// String tells the reason in words.
func (l Loss) String() string { return lossTexts[l] }
