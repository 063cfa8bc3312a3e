// Package votelog keeps on disk what a validator has signed, so that it signs nothing else after a crash.
//
// Nouns: a Record is one fact (an own vote, a block body, a certificate, a return to voting); a group is
// what is appended between two calls of Sync; a Mark is the position (session, view, kind) of a vote; the
// high-water file holds the highest Mark beside the log; a log is lost when its votes cannot be trusted
// to be all that were sent.
//
// Invariants, cited where they are enforced:
//
//	LOG-1: what was appended before a Sync that returned nil is read back by every later Open, in order
//	       and unchanged, whatever happens to process and power. A group is never read back with a hole.
//	LOG-2: marks of votes rise. At one mark there is one record: other bytes there are a panic.
//	LOG-3: the high-water file is written after the log is synced and before Sync returns, so a log whose
//	       highest mark is below it has been cut or put back from a copy: it is lost.
//	LOG-4: log and high-water file are bound to one genesis and one vote key, and are made once, by Create.
//	       If either is missing or damaged later, the log is lost.
//	LOG-5: a lost log stays lost over restarts until a Resume record says from which session on the
//	       owner may vote again: the first one of an epoch that began after the loss.
//	LOG-6: one process at a time holds a log, by a lock on its folder.
//	LOG-7: after an error of the disk the log takes nothing more. The owner must not sign.
//
// The torn end of a log, left by a crash inside a write, is cut off: it was never synced, so nothing
// that depends on it was sent. A damaged frame with a sound one behind it is not a torn end; the file is
// put aside for inspection and the log is lost. docs/protocol/votelog.md states the format.
//
// The consensus driver is the only caller:
//
//	log, replay, err := votelog.Open(dir, genesis, key)
//	...
//	log.Append(votelog.Record{Kind: votelog.Block, ...}, votelog.Record{Kind: votelog.Vote, ...})
//	if err := log.Sync(); err != nil { stop signing }
//	send(vote)
//
// A Log is used by one goroutine.
package votelog
