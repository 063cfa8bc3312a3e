package must

// Hold panics with "invariant broken: " and msg unless cond is true.
func Hold(cond bool, msg string) {
	if !cond {
		broken(msg)
	}
}

// broken is apart so that Hold is inlined and costs one branch.
//
//go:noinline
func broken(msg string) {
	panic("invariant broken: " + msg)
}
