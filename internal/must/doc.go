// Package must states what cannot be false.
//
// Hold stays on in production: a node that has met an impossible state stops, because a stopped node
// is better than a wrong ledger. It is for our own mistakes only. Bytes from outside are never checked
// with it; they are refused with a typed fault.
//
// Costly is true in builds with the tag "paranoid" and guards checks that would slow production down:
//
//	if must.Costly {
//		must.Hold(root == rebuilt(), "state root differs from a rebuild")
//	}
//
// Every package may call it; it imports nothing.
package must
